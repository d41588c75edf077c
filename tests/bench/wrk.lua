-- What wrk sends and reports. Arguments after `--`: milliseconds between requests of a connection (0: none), then a
-- file of Lua that returns a list of requests `{method=, path=, headers=, body=}`, which are sent in turn; the last
-- line of the output is JSON.

function init(arguments)
  local pause = tonumber(arguments[1])
  if pause > 0 then
    delay = function() return pause end
  end
  local sent = dofile(arguments[2])
  for _, each in ipairs(sent) do
    each.headers["Host"] = wrk.headers["Host"]
  end
  if #sent == 1 then
    -- One request is formatted once, so that Lua does not run while wrk measures.
    wrk.method, wrk.path, wrk.headers, wrk.body = sent[1].method, sent[1].path, sent[1].headers, sent[1].body
    return
  end
  local requests, turn = {}, 0
  for _, each in ipairs(sent) do
    requests[#requests + 1] = wrk.format(each.method, each.path, each.headers, each.body)
  end
  request = function()
    turn = turn % #requests + 1
    return requests[turn]
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "microseconds": %d, "not_ok": %d, "failed": %d, "p50": %d, "p99": %d, "max": %d}',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max
  ))
end

-- What wrk sends and reports. Arguments after `--`: milliseconds between requests of a connection (0: none), then
-- requests as `METHOD PATH BODY`, sent in turn; the last line of the output is JSON.

local function parse(text)
  local method, path, body = text:match("^(%S+) (%S+) ?(.*)$")
  if body == "" then
    return method, path, nil
  end
  return method, path, body
end

local function headers(body)
  local chosen = { ["Host"] = wrk.headers["Host"] }
  if body then
    chosen["Content-Type"] = "application/json"
  end
  return chosen
end

function init(arguments)
  local pause = tonumber(arguments[1])
  if pause > 0 then
    delay = function() return pause end
  end
  if #arguments == 2 then
    -- One request is formatted once, so that Lua does not run while wrk measures.
    wrk.method, wrk.path, wrk.body = parse(arguments[2])
    wrk.headers = headers(wrk.body)
    return
  end
  local requests, turn = {}, 0
  for index = 2, #arguments do
    local method, path, body = parse(arguments[index])
    requests[#requests + 1] = wrk.format(method, path, headers(body), body)
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

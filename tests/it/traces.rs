//! Traces of calls, as a collector of OpenTelemetry receives them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::harness::{Answer, CLIENT, Home, Output, eventually, plugin_code, shared};

/// A collector: writes the spans of each request over OTLP as lines of JSON, after it has printed its port.
const COLLECTOR: &str = "
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
out = open(sys.argv[1], 'a')

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        assert self.path == '/v1/traces', self.path
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers['content-length'])))
        for resource in request.resource_spans:
            own = {it.key: MessageToDict(it.value) for it in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                values = {it.key: list(MessageToDict(it.value).values())[0] for it in span.attributes}
                events = [event.name for event in span.events]
                links = [[link.trace_id.hex(), link.span_id.hex()] for link in span.links]
                out.write(json.dumps({
                    'trace': span.trace_id.hex(), 'id': span.span_id.hex(),
                    'parent': span.parent_span_id.hex(), 'name': span.name, 'kind': span.kind,
                    'begun': span.start_time_unix_nano, 'ended': span.end_time_unix_nano,
                    'attributes': values, 'events': events, 'failed': span.status.code == 2,
                    'links': links, 'state': span.trace_state,
                    'message': span.status.message, 'service': own['service.name']['stringValue'],
                    'key': self.headers.get('x-key'),
                }) + '\\n')
        out.flush()
        self.send_response(200)
        self.send_header('content-length', '0')
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
";

const ROUTES: &str = "
import asyncio
from opentelemetry import trace
from skills_daemon import caller, run, span

@router.get('/search')
async def search(query: str = 'x'):
    with span('fetch', query=query, pages=[1, 2]) as fetch:
        await asyncio.sleep(0)
        tracer = trace.get_tracer('library')
        batch = [trace.Link(trace.SpanContext(1, number, False)) for number in (2, 3)]
        with tracer.start_as_current_span('GET', kind=trace.SpanKind.CLIENT, links=batch) as request:
            request.set_attribute('retries', 3)
            state = request.get_span_context().trace_state.to_header()
            with span('parse'):
                own = caller().traceparent
    after = caller().traceparent
    return {'fetch': fetch.traceparent, 'parse': own, 'after': after, 'state': state}

@router.get('/program')
def program():
    with span('program') as outer:
        done = run(['sh', '-c', 'printf %s \"$TRACEPARENT $TRACESTATE\"'], capture_output=True)
    return [done.stdout, f'{outer.traceparent} {caller().tracestate or \"\"}']

@router.get('/broken')
def broken():
    with span('divide'):
        1 / 0
";

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Collector {
    program: Child,
    port: u16,
    file: PathBuf,
}

impl Collector {
    fn start(home: &Home) -> Collector {
        let file = home.write("spans", "");
        let python = shared::traces_venv().join("bin/python");
        let path = file.display().to_string();
        let mut command = home.command(python, &["-c", COLLECTOR, &path]);
        let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Collector { program, port: line.trim().parse().unwrap(), file }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The spans that were received, once `count` of them have this value.
    fn having(&self, key: &str, value: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{count} spans with the {key} {value}"), || {
            let text = fs::read_to_string(&self.file).unwrap();
            let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let found: Vec<Value> = all.filter(|span| span[key] == value).collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// The spans that were received, once there are `count` of the trace.
    fn spans(&self, trace: &str, count: usize) -> Vec<Value> {
        self.having("trace", trace, count)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// A daemon with the plugin `traced`, whose packages include the API of OpenTelemetry, and its collector.
fn traced() -> (Home, Collector) {
    let home = Home::new();
    let collector = Collector::start(&home);
    let manifest = r#"{"dependencies": ["opentelemetry-api"]}"#;
    home.plugin("traced", &plugin_code("traced", ROUTES), manifest);
    let home = home.with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let home = home.with("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc");
    home.control(&["start"]).ok();
    (home, collector)
}

fn named<'s>(spans: &'s [Value], name: &str) -> &'s Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

/// The id of the span in a `traceparent`.
fn span_of(traceparent: &Value) -> &str {
    traceparent.as_str().unwrap().split('-').nth(2).unwrap()
}

#[test]
fn one_trace_leads_from_the_shell_to_the_spans_of_the_plugin() {
    let (home, collector) = traced();
    let mut command = home.command(CLIENT, &["--json", "traced", "search"]);
    command.env("TRACEPARENT", SAMPLED).env("TRACESTATE", "vendor=1,other=2");
    let answer = Output::of(command).ok().json();
    let spans = collector.spans(TRACE, 5);
    let call = named(&spans, "traced search");
    assert_eq!(call["parent"], "b7ad6b7169203331");
    assert_eq!(
        (&call["kind"], &call["service"], &call["key"]),
        (&json!(2), &json!("skills-daemon"), &json!("abc"))
    );
    assert_eq!(call["attributes"]["skills.caller"], "shell");
    assert_eq!(call["attributes"]["skills.command"], "search");
    assert_eq!(call["attributes"]["http.response.status_code"], "200");
    let mut outer = call;
    for name in ["handler", "fetch", "GET", "parse"] {
        let span = named(&spans, name);
        assert_eq!(span["parent"], outer["id"], "{name}");
        assert!(outer["begun"].as_u64() <= span["begun"].as_u64(), "{name}: {spans:?}");
        assert!(span["ended"].as_u64() <= outer["ended"].as_u64(), "{name}: {spans:?}");
        outer = span;
    }
    assert!(spans.iter().all(|span| span["state"] == "vendor=1,other=2"), "{spans:?}");
    assert_eq!(answer["state"], "vendor=1,other=2");
    let links = &named(&spans, "GET")["links"];
    let id = |number: u128, length| format!("{number:0length$x}");
    assert_eq!(*links, json!([[id(1, 32), id(2, 16)], [id(1, 32), id(3, 16)]]));
    assert_eq!(named(&spans, "GET")["kind"], 3);
    assert_eq!(named(&spans, "GET")["attributes"]["retries"], "3");
    assert_eq!(named(&spans, "fetch")["attributes"]["query"], "x");
    assert_eq!(span_of(&answer["fetch"]), named(&spans, "fetch")["id"]);
    assert_eq!(span_of(&answer["parse"]), named(&spans, "parse")["id"]);
    assert_eq!(span_of(&answer["after"]), named(&spans, "handler")["id"]);
}

#[test]
fn a_request_over_http_goes_on_in_its_trace_and_into_programs() {
    let (home, collector) = traced();
    let headers = [("traceparent", SAMPLED), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let answer = home.http("GET", "/traced/program", &headers).json();
    assert_eq!(answer[0], answer[1]);
    assert!(answer[0].as_str().unwrap().ends_with("-01 a=1,b=2"), "{answer}");
    let spans = collector.spans(TRACE, 3);
    assert_eq!(span_of(&answer[0]), named(&spans, "program")["id"]);
    let call = named(&spans, "traced program");
    assert_eq!(call["attributes"]["http.request.method"], "GET");
    assert_eq!(call["attributes"]["url.path"], "/traced/program");
}

#[test]
fn a_failure_is_one_in_the_trace_and_the_last_spans_are_sent_at_the_end() {
    let (home, collector) = traced();
    assert_eq!(home.http("GET", "/traced/broken", &[("traceparent", SAMPLED)]).status, 500);
    home.control(&["stop"]).ok();
    let spans = collector.spans(TRACE, 3);
    let divide = named(&spans, "divide");
    assert_eq!((&divide["failed"], &divide["events"]), (&json!(true), &json!(["exception"])));
    assert_eq!(divide["message"], "ZeroDivisionError: division by zero");
    let call = named(&spans, "traced broken");
    assert_eq!(call["failed"], true);
    assert_eq!(call["attributes"]["http.response.status_code"], "500");
}

#[test]
fn what_the_caller_does_not_record_is_not_recorded_but_its_context_is_passed_on() {
    let (home, collector) = traced();
    let quiet = SAMPLED.replace("-01", "-00");
    let answer = home.http("GET", "/traced/search", &[("traceparent", &quiet)]).json();
    assert_eq!(answer, json!({"fetch": null, "parse": quiet, "after": quiet, "state": ""}));
    home.http("GET", "/traced/program", &[("traceparent", SAMPLED)]).json();
    home.control(&["stop"]).ok();
    // The call after it is there, and nothing of the first.
    let names: Vec<Value> =
        collector.spans(TRACE, 3).into_iter().map(|span| span["name"].clone()).collect();
    assert!(names.iter().all(|name| name != "traced search" && name != "fetch"), "{names:?}");
}

#[test]
fn calls_without_a_trace_begin_one_and_a_collector_that_is_down_costs_only_spans() {
    let (home, collector) = traced();
    let answer = home.get("/traced/search").json();
    let trace = answer["fetch"].as_str().unwrap().split('-').nth(1).unwrap().to_owned();
    let spans = collector.spans(&trace, 5);
    assert_eq!(named(&spans, "traced search")["parent"], "");
    drop(collector);
    home.get("/traced/search").json();
    let failed = "skills_spans_total{result=\"failed\"} ";
    eventually("the spans are counted as failed", || {
        let page = home.get("/metrics").text();
        let line = page.lines().find_map(|line| line.strip_prefix(failed))?;
        (line.parse::<f64>().unwrap() > 0.0).then_some(())
    });
    assert!(home.log().iter().any(|line| {
        line["message"].as_str().is_some_and(|text| text.contains("does not take spans"))
    }));
    home.client(&["traced", "search"]).ok();
}

#[test]
fn a_call_of_a_tool_is_one_of_an_agent() {
    let (home, collector) = traced();
    // Tools are known once their plugin is loaded.
    assert_eq!(home.get("/traced/broken").status, 500);
    let json = [("content-type", "application/json")];
    let answer = Answer::of(home.port(), "POST", "/tools/traced_program", &json, b"{}");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let calls = collector.having("name", "traced program", 1);
    assert_eq!(calls[0]["attributes"]["skills.caller"], "agent");
    assert_eq!(calls[0]["parent"], "");
    let headers = [json[0], ("traceparent", SAMPLED), ("tracestate", "a=1")];
    Answer::of(home.port(), "POST", "/tools/traced_program", &headers, b"{}");
    let spans = collector.spans(TRACE, 3);
    let call = named(&spans, "traced program");
    assert_eq!((&call["parent"], &call["state"]), (&json!("b7ad6b7169203331"), &json!("a=1")));
}

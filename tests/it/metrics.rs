//! `GET /metrics`, read by the parsers of Prometheus's own library, and `status --watch`.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::mcp::Agent;
use crate::harness::{Answer, CONTROL, Home, LIMIT, Output, Sent, eventually, plugin_code, shared};

const ROUTES: &str = "
import asyncio, os, time
from fastapi import HTTPException

@router.get('/ok')
def ok(number: int = 1):
    return number

@router.get('/refused')
async def refused():
    raise HTTPException(418)

@router.get('/broken')
def broken():
    1 / 0

gate = asyncio.Event()

@router.get('/gated')
async def gated():
    await gate.wait()

@router.get('/block')
async def block():
    while not os.path.exists(os.environ['HOME'] + '/go'):
        time.sleep(0.01)

@router.get('/open')
async def open_gate():
    gate.set()
";

/// Prints the samples of a page as JSON: name, labels, value.
const PARSER: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text
parse = {'openmetrics': openmetrics, 'text': text}[sys.argv[1]]
families = list(parse(open(sys.argv[2]).read()))
assert all(family.documentation for family in families)
print(json.dumps([[s.name, s.labels, s.value] for family in families for s in family.samples]))
";

/// The value of each sample, by name and labels.
type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

fn scraped(home: &Home, port: u16, format: &str) -> Samples {
    let accept = match format {
        "openmetrics" => {
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.2"
        }
        _ => "*/*",
    };
    let answer = Answer::of(port, "GET", "/metrics", &[("accept", accept)], b"");
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap();
    assert_eq!(kind.starts_with("application/openmetrics-text; version=1.0.0"), format != "text");
    assert_eq!(kind.starts_with("text/plain; version=0.0.4"), format == "text");
    let page = home.write("page", &answer.text()).display().to_string();
    let python = shared::metrics_venv().join("bin/python");
    let parsed = Output::of(home.command(python, &["-c", PARSER, format, &page])).ok().json();
    let samples: Vec<(String, BTreeMap<String, String>, f64)> =
        serde_json::from_value(parsed).unwrap();
    let count = samples.len();
    let samples: Samples =
        samples.into_iter().map(|(name, labels, value)| ((name, labels), value)).collect();
    assert_eq!(samples.len(), count, "a sample is there twice");
    samples
}

/// The sum of the samples called `name` that have these labels.
fn sum(samples: &Samples, name: &str, labels: &[(&str, &str)]) -> f64 {
    let has = |own: &BTreeMap<String, String>| {
        labels.iter().all(|(label, value)| own.get(*label).map(String::as_str) == Some(*value))
    };
    let fits = samples.iter().filter(|((own, labels), _)| own == name && has(labels));
    fits.map(|(_, value)| value).sum()
}

const REQUESTS: &str = "skills_requests_total";
const COUNT: &str = "skills_request_duration_seconds_count";

/// How many requests of the plugin each command had, by outcome.
fn counted(samples: &Samples) -> Vec<(&str, &str, f64)> {
    let of_plugin = samples
        .iter()
        .filter(|((name, labels), _)| name == REQUESTS && labels["plugin"] == "counted");
    of_plugin
        .map(|((_, labels), value)| (labels["command"].as_str(), labels["status"].as_str(), *value))
        .collect()
}

#[test]
fn each_call_is_counted_once_wherever_it_comes_from() {
    let home = Home::new();
    home.plugin("counted", &plugin_code("counted", ROUTES), "");
    home.client(&["counted", "ok"]).ok();
    let port = home.port();
    let get = |path: &str, times: usize, status: u16| {
        for _ in 0..times {
            assert_eq!(Answer::of(port, "GET", path, &[], b"").status, status, "{path}");
        }
    };
    get("/counted/ok?number=3", 7, 200);
    get("/counted/ok?number=x", 2, 422);
    get("/counted/refused", 2, 418);
    get("/counted/broken", 2, 500);
    get("/counted/nothing", 4, 404);
    home.client(&["counted", "ok", "--number", "5"]).ok();
    home.client(&["counted", "refused"]).fails_with(1);
    home.client(&["counted", "broken"]).fails_with(1);
    let called = Answer::of(
        port,
        "POST",
        "/tools/counted_ok",
        &[("content-type", "application/json")],
        br#"{"number": 4}"#,
    );
    assert_eq!(called.status, 200, "{}", called.text());
    let agent = Agent::without_session(&home, "/mcp", json!({}));
    assert_eq!(agent.call("counted_ok", json!({"number": 6}))["isError"], json!(false));

    let expected = [
        ("", "4xx", 4.0),
        ("broken", "5xx", 3.0),
        ("ok", "2xx", 11.0),
        ("ok", "4xx", 2.0),
        ("refused", "4xx", 3.0),
    ];
    for format in ["text", "openmetrics"] {
        let samples = scraped(&home, port, format);
        assert_eq!(counted(&samples), expected, "{format}");
        for command in ["", "broken", "ok", "refused"] {
            let labels = [("plugin", "counted"), ("command", command)];
            let requests = sum(&samples, REQUESTS, &labels);
            assert_eq!(sum(&samples, COUNT, &labels), requests, "{command}");
            let all = [labels[0], labels[1], ("le", "+Inf")];
            let buckets = sum(&samples, "skills_request_duration_seconds_bucket", &all);
            assert_eq!(buckets, requests, "{command}");
        }
        assert_eq!(sum(&samples, "skills_plugin_loads_total", &[("plugin", "counted")]), 1.0);
        assert_eq!(sum(&samples, "skills_plugins", &[("state", "failed")]), 0.0);
        assert!(sum(&samples, "process_resident_memory_bytes", &[]) > 1e6);
    }
    let traffic = home.plugin_status("counted")["traffic"].clone();
    assert_eq!((&traffic["requests"], &traffic["errors"]), (&json!(23), &json!(3)), "{traffic}");

    // A new version goes on counting, and a command that it does not have is gone.
    let routes = ROUTES.replace("'/refused'", "'/renamed'");
    home.plugin("counted", &plugin_code("counted", &routes), "");
    home.control(&["reload", "counted"]).ok();
    get("/counted/ok", 1, 200);
    let samples = scraped(&home, port, "text");
    let expected =
        [("", "4xx", 4.0), ("broken", "5xx", 3.0), ("ok", "2xx", 12.0), ("ok", "4xx", 2.0)];
    assert_eq!(counted(&samples), expected);
    assert!(sum(&samples, "skills_plugin_loads_total", &[("plugin", "counted")]) >= 2.0);
}

#[test]
fn requests_of_the_daemons_own_routes_have_no_plugin() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let port = home.port();
    let own = |status| {
        let labels = [("plugin", ""), ("command", ""), ("status", status)];
        sum(&scraped(&home, port, "text"), REQUESTS, &labels)
    };
    let (answered, failed) = (own("2xx"), own("4xx"));
    for path in ["/health", "/plugins", "/demo/help", "/demo/openapi.json"] {
        assert_eq!(Answer::of(port, "GET", path, &[], b"").status, 200);
    }
    assert_eq!(Answer::of(port, "GET", "/unknown/x", &[], b"").status, 404);
    assert_eq!(Answer::of(port, "GET", "/demo/hello", &[], b"").status, 200);
    // A scrape is counted once its page is written: two of them are in the first number.
    assert_eq!((own("2xx"), own("4xx")), (answered + 6.0, failed + 1.0));
}

#[test]
fn a_call_under_way_is_in_flight_and_one_whose_caller_goes_away_is_cancelled() {
    let home = Home::new();
    home.plugin("counted", &plugin_code("counted", ROUTES), "");
    home.control(&["start"]).ok();
    let port = home.port();
    assert_eq!(Answer::of(port, "GET", "/counted/ok", &[], b"").status, 200);
    let sent = Sent::new(port, "GET", "/counted/gated", &[], b"");
    let plugin = [("plugin", "counted")];
    let in_flight =
        || sum(&scraped(&home, port, "text"), "skills_plugin_in_flight_requests", &plugin);
    eventually("a call is in flight", || (in_flight() == 1.0).then_some(()));
    drop(sent);
    let cancelled = [("plugin", "counted"), ("command", "gated"), ("status", "cancelled")];
    eventually("the call is counted as cancelled", || {
        (sum(&scraped(&home, port, "text"), REQUESTS, &cancelled) == 1.0).then_some(())
    });
    // A router goes on without its caller, as under FastAPI.
    assert_eq!(
        (in_flight(), Answer::of(port, "GET", "/counted/open", &[], b"").status),
        (1.0, 200)
    );
    eventually("no call is in flight", || (in_flight() == 0.0).then_some(()));
}

#[test]
fn a_loop_that_is_blocked_is_late_and_the_gil_is_probed_meanwhile() {
    let home = Home::new();
    home.plugin("counted", &plugin_code("counted", ROUTES), "");
    home.control(&["start"]).ok();
    let port = home.port();
    let plugin = [("plugin", "counted")];
    let sent = Sent::new(port, "GET", "/counted/block", &[], b"");
    let scrape = || scraped(&home, port, "text");
    eventually("the loop is late, which is reported, and the GIL was asked for", || {
        let samples = scrape();
        let lag = sum(&samples, "skills_plugin_loop_lag_seconds", &plugin);
        let blocked = sum(&samples, "skills_plugin_loop_blocked", &plugin);
        let probes = sum(&samples, "skills_gil_wait_seconds_count", &[]);
        (lag > 0.1 && blocked == 1.0 && probes > 0.0).then_some(())
    });
    home.write("go", "");
    assert_eq!(sent.answer(LIMIT).unwrap().status, 200);
    eventually("the loop has nothing to be late for", || {
        let samples = scrape();
        let lag = sum(&samples, "skills_plugin_loop_lag_seconds", &plugin);
        let blocked = sum(&samples, "skills_plugin_loop_blocked", &plugin);
        (lag == 0.0 && blocked == 0.0).then_some(())
    });
}

#[test]
fn rates_are_watched_on_a_terminal_until_they_are_interrupted() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let no_terminal = home.control(&["status", "--watch"]);
    no_terminal.fails_with(2).complains("--watch needs a terminal");
    let watched = home.in_dialog_with(CONTROL, &["status", "--watch"], &[("Waiting", "\u{3}")]);
    watched.ok().says("Requests/s").says("demo").says("The daemon is running");
}

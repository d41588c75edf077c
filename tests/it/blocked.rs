//! Plugins that hold up their own loop or pool, or have more requests than they may: reported, and refused.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Home, LIMIT, Sent, eventually, plugin_code};

/// Handlers that wait until the file `go` is in the HOME, on the loop and in the pool, and how many met in one.
const ROUTES: &str = "
import os, threading, time

count = most = 0
lock = threading.Lock()

def wait():
    while not os.path.exists(os.environ['HOME'] + '/go'):
        time.sleep(0.01)

@router.get('/block')
async def block():
    wait()
    return {'success': True, 'data': 'done'}

@router.get('/counted')
def counted():
    global count, most
    with lock:
        count += 1
        most = max(most, count)
    wait()
    time.sleep(0.01)
    with lock:
        count -= 1
    return {'most': most}
";

#[test]
fn a_blocked_loop_is_reported_with_file_and_line_until_it_moves() {
    let home = Home::new();
    home.plugin("slow", &plugin_code("slow", ROUTES), "");
    home.control(&["plugins"]).ok();
    let call = home.spawn_client(&["slow", "block"]);
    let notices = || home.plugin_status("slow")["notices"].as_array().cloned();
    let notice = eventually("the notice", notices)[0].as_str().unwrap().to_owned();
    assert!(notice.starts_with("its event loop has been blocked for "), "{notice}");
    let place = "s by wait() in ";
    assert!(notice.contains(place) && notice.contains("__init__.py line "), "{notice}");
    home.control(&["doctor"]).says("warning  plugin slow").says("has been blocked for");
    home.client(&["demo", "hello"]).ok().quietly();
    home.write("go", "");
    call.end().ok().says("done");
    eventually("its end", || notices().is_none().then_some(()));
    let lines = |text: &str| {
        let log = home.log();
        let of = |line: &&serde_json::Value| {
            line["plugin"] == json!("slow") && line["message"].as_str().unwrap().contains(text)
        };
        log.iter().filter(of).cloned().collect::<Vec<_>>()
    };
    let reports =
        eventually("the log", || Some(lines("has been blocked")).filter(|it| !it.is_empty()));
    assert_eq!(reports.len(), 1, "one incident, one report");
    let stack = reports[0]["exception"].as_str().unwrap();
    assert!(stack.contains("in block\n") && stack.contains("in wait\n"), "{stack}");
    eventually("the end in the log", || (lines("moves again, after").len() == 1).then_some(()));
}

/// Sends `count` requests to a handler of a plugin with these limits, one after the other.
fn sent(home: &Home, limits: &str, count: usize) -> Vec<Sent> {
    let manifest = format!(r#"{{"name": "slow", "daemon": {{"limits": {limits}}}}}"#);
    home.plugin("slow", &plugin_code("slow", ROUTES), &manifest);
    home.control(&["plugins"]).ok();
    let port = home.port();
    let send = |number: usize| {
        let sent = Sent::new(port, "GET", "/slow/counted", &[], b"");
        eventually("a request", || (home.status()["in_flight"] == json!(number)).then_some(()));
        sent
    };
    (1..=count).map(send).collect()
}

#[test]
fn no_more_requests_are_given_to_a_plugin_at_once_than_its_limit() {
    let home = Home::new();
    let calls = sent(&home, r#"{"concurrent": 2}"#, 8);
    home.write("go", "");
    for call in calls {
        let most = call.answer(LIMIT).unwrap().json()["most"].as_u64().unwrap();
        assert!(most <= 2, "{most} at once");
    }
    assert_eq!(home.get("/slow/counted").json()["most"], json!(2));
}

#[test]
fn more_waiting_requests_than_the_limit_are_refused_and_one_that_goes_away_makes_room() {
    let home = Home::new();
    let mut calls = sent(&home, r#"{"concurrent": 1, "waiting": 2}"#, 3);
    let refused = home.get("/slow/counted");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.json()["error"], json!("2 requests already wait for this plugin"));
    home.client(&["slow", "counted"]).fails_with(1).says("2 requests already wait");
    drop(calls.pop());
    eventually("its end", || (home.status()["in_flight"] == json!(2)).then_some(()));
    let waiting = Sent::new(home.port(), "GET", "/slow/counted", &[], b"");
    eventually("its place", || (home.status()["in_flight"] == json!(3)).then_some(()));
    home.write("go", "");
    for call in calls.into_iter().chain([waiting]) {
        assert_eq!(call.answer(LIMIT).unwrap().status, 200);
    }
}

#[test]
fn a_plugin_without_a_limit_at_once_has_one_of_those_that_wait() {
    let home = Home::new();
    let manifest = r#"{"name": "slow", "daemon": {"limits": {"waiting": 1}}}"#;
    home.plugin("slow", &plugin_code("slow", ROUTES), manifest);
    home.control(&["plugins"]).ok();
    let port = home.port();
    let blocking = Sent::new(port, "GET", "/slow/block", &[], b"");
    eventually("a blocked loop", || home.plugin_status("slow")["notices"].as_array().map(drop));
    let waiting = Sent::new(port, "GET", "/slow/block", &[], b"");
    eventually("one that waits", || (home.status()["in_flight"] == json!(2)).then_some(()));
    // The first may still be on its way into the queue.
    eventually("a refusal", || {
        let answer = Sent::new(port, "GET", "/slow/block", &[], b"").answer(Duration::from_secs(1));
        (answer.ok()?.status == 503).then_some(())
    });
    home.write("go", "");
    for call in [blocking, waiting] {
        assert_eq!(call.answer(LIMIT).unwrap().status, 200);
    }
}

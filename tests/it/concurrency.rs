//! Concurrent requests: none waits for another without need.

use serde_json::json;

use crate::harness::{Home, Running, eventually, plugin_code};

/// Handlers that answer only when four requests have met in them.
const MEETING: &str = "
import asyncio, threading
barrier = threading.Barrier(4)
arrived = []
all_there = asyncio.Event()

@router.get('/blocking')
def blocking():
    barrier.wait(60)
    return {'met': True}

@router.get('/waiting')
async def waiting():
    arrived.append(1)
    if len(arrived) == 4:
        all_there.set()
    await asyncio.wait_for(all_there.wait(), 60)
    return {'met': True}

@router.get('/never')
async def never():
    await asyncio.Event().wait()
";

#[test]
fn requests_to_one_plugin_run_at_the_same_time() {
    let home = Home::new();
    home.plugin("meet", &plugin_code("meet", MEETING), "");
    home.control(&["start"]).ok();
    for command in ["blocking", "waiting"] {
        let calls: Vec<Running> =
            (0..4).map(|_| home.spawn_client(&["--json", "meet", command])).collect();
        for call in calls {
            assert_eq!(call.end().ok().quietly().json(), json!({"met": true}));
        }
    }
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let home = Home::new();
    home.plugin("meet", &plugin_code("meet", MEETING), "");
    home.control(&["start"]).ok();
    let waiting = home.spawn_client(&["meet", "never"]);
    eventually("the request", || (home.status()["in_flight"] == json!(1)).then_some(()));
    // Killed, like a command that is interrupted.
    drop(waiting);
    eventually("its end", || (home.status()["in_flight"] == json!(0)).then_some(()));
    home.client(&["demo", "hello"]).ok();
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let calls: Vec<Running> = (0..40)
        .map(|number| {
            home.spawn_client(&["demo", "kinds", "w", "--json", "--number", &number.to_string()])
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.end().ok().quietly().json()["number"], json!(number));
    }
}

//! A router's lifespan runs in the daemon where it runs under FastAPI: before the first request, after the last.

use serde_json::json;

use crate::harness::{Home, eventually, plugin_code};

const LIFESPAN: &str = "
import asyncio, contextlib, os
from fastapi import APIRouter, Request

def note(what):
    with open(os.environ['HOME'] + '/notes', 'a') as notes:
        notes.write(what + '\\n')

@contextlib.asynccontextmanager
async def inner_lifespan(app):
    note('inner begins')
    yield {'inner': 1}
    note('inner ends')

@contextlib.asynccontextmanager
async def lifespan(app):
    note('begins')
    yield {'outer': 2}
    note('ends')

router = APIRouter(lifespan=lifespan)
inner = APIRouter(lifespan=inner_lifespan)

@inner.get('/state')
def state(request: Request):
    state = request.state
    state.own = getattr(state, 'own', 0) + 1
    return {'inner': state.inner, 'outer': state.outer, 'own': state.own}

@router.get('/slow')
async def slow():
    note('request begins')
    while not os.path.exists(os.environ['HOME'] + '/go'):
        await asyncio.sleep(0.01)
    note('request ends')

router.include_router(inner)
";

const HOOKS: &str = "
    async def startup(self):
        note('startup')
    async def shutdown(self):
        note('shutdown')
";

fn with(name: &str, lifespan: &str) -> String {
    plugin_code(
        name,
        &format!(
            "import asyncio, contextlib, time\n@contextlib.asynccontextmanager\nasync def lifespan(app):\n\
             {lifespan}\nrouter = fastapi.APIRouter(lifespan=lifespan)\n\
             @router.get('/ok')\ndef ok():\n    return {{'success': True, 'data': 'fine'}}\n"
        ),
    )
}

#[test]
fn a_lifespan_begins_before_the_hooks_and_ends_after_the_last_request() {
    let home = Home::new();
    home.plugin("alive", &format!("{}{HOOKS}", plugin_code("alive", LIFESPAN)), "");
    for _ in 0..2 {
        let state = home.client(&["--json", "alive", "state"]).ok().quietly().json();
        assert_eq!(state, json!({"inner": 1, "outer": 2, "own": 1}));
    }
    let slow = home.spawn_client(&["alive", "slow"]);
    eventually("the request", || home.read("notes")?.contains("request begins").then_some(()));
    // Returns when the new version serves; the old one has its last request still.
    home.control(&["reload"]).ok();
    home.write("go", "");
    slow.end().ok();
    let begin = "begins\ninner begins\nstartup\n";
    let end = "shutdown\ninner ends\nends\n";
    let first = format!("{begin}request begins\n{begin}request ends\n{end}");
    eventually("the end of the old version", || (home.read("notes")? == first).then_some(()));
    home.control(&["stop"]).ok();
    assert_eq!(home.read("notes").unwrap_or_default(), format!("{first}{end}"));
}

#[test]
fn a_lifespan_that_fails_is_reported_and_stops_nothing() {
    let home = Home::new();
    home.plugin(
        "unlucky",
        &with("unlucky", "    raise ValueError('no luck today')\n    yield"),
        "",
    );
    home.client(&["unlucky", "ok"]).ok().says("fine");
    let status = home.plugin_status("unlucky");
    assert_eq!(status["state"], json!("ready"));
    let detail = status["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("lifespan failed: /"), "{detail}");
    assert!(detail.contains("/__init__.py line "), "{detail}");
    assert!(detail.ends_with(": ValueError: no luck today"), "{detail}");
    home.control(&["stop"]).ok().says("The daemon has stopped.");
}

#[test]
fn a_lifespan_that_waits_for_ever_is_cut_off_at_both_ends() {
    let home = Home::new()
        .with("SKILLS_DAEMON_HOOK_TIMEOUT", "1")
        .with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    home.plugin("late", &with("late", "    await asyncio.sleep(1e9)\n    yield"), "");
    home.plugin("lasting", &with("lasting", "    yield\n    await asyncio.sleep(1e9)"), "");
    home.client(&["late", "ok"]).ok().says("fine");
    let status = home.plugin_status("late");
    assert_eq!(status["state"], json!("ready"));
    assert_eq!(status["detail"], json!("lifespan did not start in 1 s"));
    home.client(&["lasting", "ok"]).ok().says("fine");
    assert_eq!(home.plugin_status("lasting")["detail"], json!(null));
    home.control(&["stop"]).ok().says("The daemon has stopped.");
    let complaint = "lifespan did not end in 1 s";
    let logged = home.log().iter().any(|line| line.to_string().contains(complaint));
    assert!(logged, "the log has: {complaint}");
}

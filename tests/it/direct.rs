//! Direct calls: handlers have the surroundings that FastAPI gives them, on their own loop and thread.

use serde_json::json;

use crate::harness::{Home, Running, plugin_code};

const SURROUNDINGS: &str = "
import asyncio, contextvars, threading
import anyio, anyio.from_thread
from fastapi import Query
seen = contextvars.ContextVar('seen', default='nothing')

@router.get('/inside')
async def inside(value: str):
    task = asyncio.current_task()
    before = seen.get()
    seen.set(value)
    if hasattr(asyncio, 'timeout'):  # Python 3.10 has none.
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
    with anyio.fail_after(60):
        await asyncio.sleep(0)
    async with anyio.create_task_group() as group:
        group.start_soon(asyncio.sleep, 0)
    there = await asyncio.to_thread(threading.get_ident)
    return {
        'before': before,
        'after': seen.get(),
        'same_task': task is not None and task is asyncio.current_task(),
        'other_thread': there != threading.get_ident(),
    }

@router.get('/beside')
def beside():
    before = seen.get()
    seen.set('beside')
    async def on_the_loop():
        return threading.current_thread().name
    return {'before': before, 'loop': anyio.from_thread.run(on_the_loop)}

@router.get('/checked')
async def checked(n: int = 1, tags: list[int] = Query([])) -> dict[str, int]:
    return {'n': n, 'sum': sum(tags)}

@router.post('/body')
async def body(item: dict):
    return item

@router.get('/lines')
def lines():
    yield 'a'
";

#[test]
fn handlers_have_a_task_a_context_and_a_thread_of_their_own() {
    let home = Home::new();
    home.plugin("direct", &plugin_code("direct", SURROUNDINGS), "");
    for value in ["one", "two"] {
        let inside = home.client(&["--json", "direct", "inside", "--value", value]);
        let right =
            json!({"before": "nothing", "after": value, "same_task": true, "other_thread": true});
        assert_eq!(inside.ok().quietly().json(), right);
        let beside = home.client(&["--json", "direct", "beside"]).ok().quietly().json();
        assert_eq!(beside["before"], json!("nothing"));
        assert!(beside["loop"].as_str().is_some(), "{beside}");
    }
}

#[test]
fn routes_show_how_they_are_called_and_invalid_values_go_to_fastapi() {
    let home = Home::new();
    home.plugin("direct", &plugin_code("direct", SURROUNDINGS), "");
    home.control(&["plugins", "--routes"])
        .ok()
        .says("GET     /direct/checked  direct")
        .says("POST    /direct/body  direct")
        .says("GET     /direct/lines  through FastAPI: it is a generator");
    let good = home.http("GET", "/direct/checked?n=7&tags=1&tags=2", &[]);
    assert_eq!((good.status, good.json()), (200, json!({"n": 7, "sum": 3})));
    let bad = home.http("GET", "/direct/checked?n=7&tags=x", &[]);
    assert_eq!(bad.status, 422);
    assert_eq!(bad.json()["detail"][0]["loc"], json!(["query", "tags", 0]));
}

/// Handlers that block their loop until four of them have met, and one that returns how many ran at once.
const BLOCKING: &str = "
import threading
barrier = threading.Barrier(4)
running = 0
most = 0

@router.get('/meet')
async def meet():
    barrier.wait(60)
    return {'met': True}

@router.get('/alone')
async def alone():
    global running, most
    running += 1
    most = max(most, running)
    threading.Event().wait(0.05)
    running -= 1
    return {'most': most}
";

#[test]
fn handlers_that_block_run_one_after_the_other_unless_the_plugin_has_several_loops() {
    let home = Home::new();
    home.plugin("one", &plugin_code("one", BLOCKING), "");
    home.plugin("four", &plugin_code("four", BLOCKING), r#"{"daemon": {"loops": 4}}"#);
    home.control(&["start"]).ok();
    let start = |arguments: [&'static str; 3]| -> Vec<Running> {
        (0..4).map(|_| home.spawn_client(&arguments)).collect()
    };
    for call in start(["--json", "four", "meet"]) {
        assert_eq!(call.end().ok().quietly().json(), json!({"met": true}));
    }
    for call in start(["--json", "one", "alone"]) {
        assert_eq!(call.end().ok().quietly().json(), json!({"most": 1}));
    }
    home.control(&["reload"]).ok().says("3 plugins loaded.");
    for call in start(["--json", "four", "meet"]) {
        call.end().ok();
    }
}

const BOUNDS: &str = "
from fastapi import Header, Path, Query

@router.get('/open/{x}')
async def open_interval(x: float = Path(gt=0, lt=10.5), y: float = Query(0.5, ge=0.1, le=0.9)):
    return [x, y]

@router.get('/whole')
def whole(n: int = Query(ge=1.0, lt=3), x_rate: float = Header(1.5, gt=-0.5)):
    return [n, x_rate]

@router.get('/endless')
async def endless(x: float = Query(lt=float('inf'))):
    return x
";

#[test]
fn bounds_may_be_fractions() {
    let home = Home::new();
    home.plugin("bounds", &plugin_code("bounds", BOUNDS), "");
    home.control(&["start"]).ok();
    let json = |path: &str| home.get(path).json();
    assert_eq!(json("/bounds/open/10.4?y=0.1"), json!([10.4, 0.1]));
    assert_eq!(json("/bounds/whole?n=1"), json!([1, 1.5]));
    assert_eq!(json("/bounds/endless?x=1e300"), json!(1e300));
    for path in
        ["/bounds/open/10.5", "/bounds/open/1?y=0.09", "/bounds/whole?n=0", "/bounds/whole?n=3"]
    {
        assert_eq!(home.get(path).status, 422, "{path}");
    }
    let plugins = json("/plugins");
    let endpoints = plugins["plugins"][0]["endpoints"].as_array().unwrap();
    assert!(endpoints.iter().all(|each| each["why_fastapi"].is_null()), "{plugins:#}");
}

#[test]
fn a_body_may_be_a_view_of_memory() {
    let home = Home::new();
    let routes = "
from fastapi.responses import Response, StreamingResponse

@router.get('/whole')
def whole():
    return Response(memoryview(b'whole'))

@router.get('/pieces')
def pieces():
    return StreamingResponse(iter([memoryview(b'pie'), b'ces']))
";
    home.plugin("views", &plugin_code("views", routes), "");
    home.client(&["views", "whole"]).ok();
    for body in ["whole", "pieces"] {
        let answer = home.get(&format!("/views/{body}"));
        assert_eq!((answer.status, answer.text()), (200, body.to_owned()));
    }
}

const PROVIDER: &str = "
from opentelemetry import trace
spans = []

class Tracer(trace.NoOpTracer):
    def start_span(self, name, *arguments, **options):
        spans.append(name)
        return super().start_span(name, *arguments, **options)

class Provider(trace.TracerProvider):
    def get_tracer(self, *arguments, **options):
        return Tracer()

@router.get('/spans')
async def spans_so_far():
    return spans

@router.get('/beside')
def beside():
    return spans

@router.get('/set')
async def set_provider():
    trace.set_tracer_provider(Provider())
";

#[test]
fn once_a_plugin_sets_a_provider_of_traces_fastapi_serves_all_requests() {
    let home = Home::new();
    home.plugin("traced", &plugin_code("traced", PROVIDER), "");
    home.control(&["start"]).ok();
    let spans = |path| {
        let answer = home.http("GET", path, &[]).json();
        answer.as_array().map(Vec::len)
    };
    for path in ["/traced/spans", "/traced/beside"] {
        assert_eq!(spans(path), Some(0), "{path}: called directly");
    }
    assert_eq!(home.http("GET", "/traced/set", &[]).status, 200);
    for path in ["/traced/spans", "/traced/beside"] {
        assert!(spans(path) < spans(path), "{path}: FastAPI begins a span for each request");
    }
}

/// Counts how often it is asked whether FastAPI traces a request.
const ASKED: &str = "
from skills_host.plan.internals import Telemetry

asked = 0
ask = Telemetry.__call__

def counted(self):
    global asked
    asked += 1
    return ask(self)

Telemetry.__call__ = counted

@router.get('/path')
async def path():
    return asked
";

#[test]
fn after_a_traced_call_others_do_not_ask_whether_fastapi_traces_them() {
    let home = Home::new();
    home.plugin("asked", &plugin_code("asked", ASKED), "");
    // The collector is down, and only a call that comes with a trace is traced.
    let traces = "[traces]\nendpoint = \"http://127.0.0.1:9\"\nper_second = 0\n";
    home.write(".config/skills-daemon/config.toml", traces);
    home.control(&["start"]).ok();
    let parent = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_eq!(home.http("GET", "/asked/path", &[parent]).json(), json!(0));
    for _ in 0..2 {
        assert_eq!(home.http("GET", "/asked/path", &[]).json(), json!(0));
    }
}

/// Garbage that writes when it is collected and leaves as much behind, so that each collection writes, whatever begins it.
const LITTER: &str = "
import gc
from fastapi import Depends, Request
collected = 0

class Litter:
    def __init__(self):
        self.own = self

    def __del__(self):
        global collected
        collected += 1
        print('collected')
        if gc.get_threshold()[0] == 1:
            Litter()

async def litter():
    # Objects are made of those that were freed before, without a look at the threshold, until they are used up.
    hoard = [({}, [], (number, number)) for number in range(10000)]
    gc.set_threshold(1)
    Litter()
    return hoard

@router.get('/path')
async def path(request: Request, hoard=Depends(litter)):
    path = request.url.path
    gc.set_threshold(700)
    return {'path': path, 'collected': collected}
";

#[test]
fn a_finalizer_may_write_while_the_scope_of_its_call_is_made() {
    let home = Home::new();
    home.plugin("litter", &plugin_code("litter", LITTER), "");
    home.control(&["start"]).ok();
    // Each header is an object of the scope.
    let names: Vec<String> = (0..80).map(|number| format!("x-{number}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let get = || home.http("GET", "/litter/path", &headers).json();
    // From the second request to a route on, the scope is made after the dependencies.
    let (first, second) = (get(), get());
    assert_eq!(second["path"], json!("/litter/path"));
    assert!(first["collected"].as_u64() < second["collected"].as_u64(), "{first} {second}");
}

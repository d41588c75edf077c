//! Calls of a plugin without Python: what is decided, and what passes beside the body.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, Method, Version};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::arguments::{Line, resolve};
use crate::exchange::events::{Event, Stream};
use crate::exchange::head::Target as Url;
use crate::journal::Slot;
use crate::limits::admission::Admission;
use crate::manifest::Manifest;
use crate::metrics::{Metrics, OfPlugin};
use crate::policy::Policy;
use crate::reports::LogRecord;
use crate::routes::Table;
use crate::runtime::fake::{Answers, FakePython, Script};
use crate::runtime::{LoadRequest, Runtime};
use crate::store::Metadata;

type Bytestring = Full<Bytes>;

/// A plugin with planned routes, two of which read a body, and one that is FastAPI's.
fn script() -> Script {
    let slot = |name: &str, place: &str, kind: Value| json!({"name": name, "in": place, "required": true, "kind": kind});
    let plan = |number: usize, slots: Value| json!({"number": number, "begins_on_loop": true, "parameters": slots});
    let query = |name: &str, kind: &str| json!({"name": name, "in": "query", "required": true, "schema": {"type": kind}});
    let text = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    let body = json!({"content": {"application/json": {"schema": text}}});
    Script {
        routes: json!([
            {"path": "/issue/{key}", "methods": ["GET"], "plan": plan(0, json!([
                slot("key", "path", json!({"str": {}})), slot("n", "query", json!({"int": {"ge": 1}}))]))},
            {"path": "/add", "methods": ["POST"], "plan": plan(1, json!([
                slot("text", "body", json!({"str": {}}))]))},
            {"path": "/form", "methods": ["POST"], "why": "it reads a request body"},
        ]),
        paths: json!({
            "/issue/{key}": {"get": {"parameters": [
                {"name": "key", "in": "path", "required": true, "schema": {"type": "string"}},
                query("n", "integer")]}},
            "/add": {"post": {"requestBody": body}},
            "/form": {"post": {"requestBody": body}},
        }),
        ..Script::of("p")
    }
}

async fn served(python: &FakePython, script: Script) -> Arc<Served> {
    python.script("p", script);
    let request = LoadRequest {
        init_file: PathBuf::from("/p/__init__.py"),
        working_name: "p".into(),
        entry_point: None,
        commands: Default::default(),
        version: None,
        description: None,
        name: "p".into(),
        data: PathBuf::from("/data"),
        slot: 0,
        policy: Policy::default(),
        executed: tokio::sync::mpsc::unbounded_channel().0,
    };
    let loaded = python.load(request).await.unwrap();
    let description = Arc::new(loaded.report.into_description(Vec::new()));
    let table = Table::new(&description);
    let metadata = Metadata { description, openapi: None, is_fresh: true };
    Arc::new(Served {
        metadata,
        table,
        instance: loaded.instance,
        metrics: OfPlugin::default(),
        tracer: None,
        slot: Slot::default(),
        admission: None,
        policy: Policy::default(),
        complaints: Vec::new(),
        in_use: tokio::sync::oneshot::channel().0,
    })
}

fn with_policy(plugin: Arc<Served>, policy: Policy) -> Arc<Served> {
    Arc::new(Served { policy, ..Arc::into_inner(plugin).unwrap() })
}

fn request(method: Method, path: &str, query: &str) -> RequestHead {
    RequestHead {
        method,
        target: Url::new(path, query),
        version: Version::HTTP_11,
        headers: HeaderMap::new(),
        client: None,
        server: ("localhost", 1),
        request_id: "id".into(),
    }
}

fn http(plugin: &Arc<Served>, head: RequestHead, body: &'static [u8]) -> Invocation<Bytestring> {
    let target = Target::Http(head, Full::new(Bytes::from_static(body)));
    Invocation { plugin: plugin.clone(), target, context: None }
}

/// The call of a command line.
fn shell(plugin: &Arc<Served>, line: &[&str], context: Context) -> Invocation<Bytestring> {
    let arguments: Vec<String> = line.iter().map(ToString::to_string).collect();
    let line = Line { arguments: &arguments, ..Line::default() };
    let resolved = resolve(&plugin.metadata.description, &line).unwrap();
    let request = Addressed::new(resolved.request, "p", 1, "id".into());
    let target = Target::Command(resolved.command, Box::new(request), None);
    Invocation { plugin: plugin.clone(), target, context: Some(Box::new(context)) }
}

async fn json(invocation: Invocation<Bytestring>) -> Value {
    let answer = begin(invocation).await.unwrap().answer().await.unwrap();
    let AnswerBody::Whole(body) = answer.body else { panic!("it streams") };
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_request_that_satisfies_its_plan_has_its_handler_called_and_no_other() {
    let plugin = served(&FakePython::default(), script()).await;
    let get = |path: &'static str, query| http(&plugin, request(Method::GET, path, query), b"");
    let direct = json(get("/p/issue/A-1", "n=2")).await;
    assert_eq!(direct["plan"], 0);
    assert_eq!(direct["arguments"], r#"[Str("A-1"), Int(2)]"#);
    for (path, query) in [("/p/issue/A-1", "n=0"), ("/p/issue/A-1", ""), ("/p/issue/A-1/", "n=2")] {
        let whole = json(get(path, query)).await;
        assert_eq!(whole["request"], format!("GET {path}?{query}"));
    }
}

#[tokio::test]
async fn a_body_is_waited_for_only_where_a_plan_reads_it() {
    let plugin = served(&FakePython::default(), script()).await;
    let post = |path, body| http(&plugin, request(Method::POST, path, ""), body);
    let direct = json(post("/p/add", br#"{"text": "x"}"#)).await;
    assert_eq!((&direct["arguments"], &direct["size"]), (&json!(r#"[Str("x")]"#), &json!(13)));
    let refused = json(post("/p/add", br#"{"text": 1}"#)).await;
    assert_eq!((&refused["request"], &refused["size"]), (&json!("POST /p/add?"), &json!(11)));
    let fed = json(post("/p/form", b"anything")).await;
    assert_eq!((&fed["request"], &fed["size"]), (&json!("POST /p/form?"), &json!(8)));
    let large: &'static [u8] = vec![b' '; 2 << 20].leak();
    let streamed = json(post("/p/add", large)).await;
    assert_eq!(
        (&streamed["request"], &streamed["size"]),
        (&json!("POST /p/add?"), &json!(2 << 20))
    );
}

#[tokio::test]
async fn a_command_is_called_with_its_values_and_written_as_http_only_for_fastapi() {
    let plugin = served(&FakePython::default(), script()).await;
    let call = |line: &[&str]| json(shell(&plugin, line, Context::default()));
    let direct = call(&["issue", "A 1", "--n", "3"]).await;
    assert_eq!(direct["arguments"], r#"[Str("A 1"), Int(3)]"#);
    let direct = call(&["add", "--text", "hello"]).await;
    assert_eq!(direct["arguments"], r#"[Str("hello")]"#);
    let refused = call(&["issue", "A 1", "--n", "x"]).await;
    assert_eq!(refused["request"], "GET /p/issue/A%201?n=x");
    let fastapi = call(&["form", "--text", "t"]).await;
    assert_eq!((&fastapi["request"], &fastapi["size"]), (&json!("POST /p/form?"), &json!(12)));
}

#[tokio::test]
async fn the_caller_and_the_events_pass_beside_the_body() {
    let record =
        |text: &str| Event::Log(LogRecord { level: 20, logger: "p".into(), message: text.into() });
    let emitted = [record("one"), record("two")];
    let output = Event::Output { stream: Stream::Stdout, bytes: Bytes::from_static(b"three") };
    let answers = Answers::Emits([&emitted[..], &[output]].concat());
    let script = Script { answers, ..script() };
    let plugin = served(&FakePython::default(), script).await;
    let caller = Arc::new(Caller { directory: Some("/home/ada".into()), ..Caller::default() });
    let context = Context { caller: Some(caller), events: Readers::All, ..Context::default() };
    let pending = begin(shell(&plugin, &["ok"], context)).await.unwrap();
    let mut events = pending.events();
    let mut read = Vec::new();
    while let Some(event) = events.next().await {
        read.push(event);
    }
    assert_eq!(read, emitted, "output of routers is for the log");
    let AnswerBody::Whole(body) = pending.answer().await.unwrap().body else {
        panic!("it streams")
    };
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["directory"], "/home/ada");
    let pending = begin(shell(&plugin, &["ok"], Context::default())).await.unwrap();
    assert_eq!(pending.events().next().await, None, "without a reader they are dropped");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline_and_its_handler_is_cancelled() {
    let python = FakePython::default();
    let script = Script { answers: Answers::Waits, ..script() };
    let plugin = served(&python, script).await;
    let deadline = Deadline::of_caller(Instant::now(), Duration::from_secs(5));
    let context = Context { deadline: Some(deadline), ..Context::default() };
    let late = begin(shell(&plugin, &["ok"], context)).await.unwrap().answer().await.err().unwrap();
    assert_eq!((late.kind, late.kind.http_status()), (Kind::Timeout, 504));
    assert_eq!(late.error, "p gave no answer within 5 s");
    assert!(late.hint.unwrap().contains("--timeout"));
    python.noted("cancelled p 1").await;
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_command_is_that_of_its_policy_over_http_and_from_the_shell() {
    let python = FakePython::default();
    let waits = Script { answers: Answers::Waits, ..script() };
    let manifest = r#"{"daemon": {"timeout": 9, "timeouts": {"issue": 7}}}"#;
    let manifest = Manifest::parse(manifest, Path::new("m")).unwrap();
    let plugin = with_policy(served(&python, waits).await, Policy::of(&manifest, None));
    let answer = async |invocation| begin(invocation).await.unwrap().answer().await.err().unwrap();
    for (path, query, error) in [
        ("/p/issue/A-1", "n=2", "p gave no answer within 7 s"),
        ("/p/issue/A-1", "n=0", "p gave no answer within 7 s"),
        ("/p/ok", "", "p gave no answer within 9 s"),
        ("/p/none", "", "p gave no answer within 9 s"),
    ] {
        let late = answer(http(&plugin, request(Method::GET, path, query), b"")).await;
        assert_eq!((late.kind, &*late.error), (Kind::Timeout, error));
        assert!(late.hint.unwrap().contains("[plugins.p]"));
    }
    for (seconds, error) in [(3, "within 3 s"), (30, "within 7 s")] {
        let deadline = Deadline::of_caller(Instant::now(), Duration::from_secs(seconds));
        let context = Context { deadline: Some(deadline), ..Context::default() };
        let late = answer(shell(&plugin, &["issue", "A", "--n", "1"], context)).await;
        assert!(late.error.ends_with(error), "{late}: the earlier one counts");
    }
}

#[tokio::test]
async fn a_cancelled_call_is_waited_for() {
    let python = FakePython::default();
    let plugin = served(&python, Script { answers: Answers::Waits, ..script() }).await;
    let (cancel, cancelled) = watch::channel(false);
    let context = Context { cancelled: Some(cancelled), ..Context::default() };
    let pending = begin(shell(&plugin, &["ok"], context)).await.unwrap();
    let (answer, ()) = tokio::join!(pending.answer(), async { cancel.send(true).unwrap() });
    assert_eq!(answer.unwrap().head.status, 200);
    assert!(python.notes().contains(&"cancelled p 1".to_owned()));
}

#[tokio::test]
async fn a_plugin_that_lets_a_call_go_is_named() {
    let script = Script { answers: Answers::Dies, ..script() };
    let plugin = served(&FakePython::default(), script).await;
    let pending = begin(shell(&plugin, &["ok"], Context::default())).await.unwrap();
    let failure = pending.answer().await.err().unwrap();
    assert_eq!(
        (failure.kind, &*failure.error),
        (Kind::Plugin, "p: the plugin gave no whole answer")
    );
}

/// The plugin with counters of its own.
async fn with_counters(script: Script, admission: Option<Arc<Admission>>) -> Arc<Served> {
    let plugin = served(&FakePython::default(), script).await;
    let commands = plugin.metadata.description.all_commands();
    let metrics = Metrics::default().plugin("p", commands.map(|(_, command)| command.name()));
    Arc::new(Served { metrics, admission, ..Arc::into_inner(plugin).unwrap() })
}

/// How often calls of a command, or of none, ended how.
fn counted(plugin: &Served, name: Option<&str>) -> Vec<(&'static str, u64)> {
    let mut commands = plugin.metadata.description.all_commands();
    let index = name.map(|name| commands.find(|(_, command)| command.name() == name).unwrap().0);
    plugin.metrics.of(index).read().by_outcome().collect()
}

#[tokio::test(start_paused = true)]
async fn each_call_is_counted_once_by_how_it_ends() {
    let waits = Script { answers: Answers::Waits, ..script() };
    let plugin = with_counters(waits, Some(Admission::new(1, 0))).await;
    let issue = |plugin| http(plugin, request(Method::GET, "/p/issue/A", "n=2"), b"");
    let first = begin(issue(&plugin)).await.unwrap();
    assert_eq!(begin(issue(&plugin)).await.err().unwrap().kind, Kind::Unavailable);
    // It is refused before its command is looked for.
    let of_issue = counted(&plugin, Some("issue"));
    assert_eq!((of_issue, counted(&plugin, None)), (vec![], vec![("5xx", 1)]));
    drop(first);
    assert_eq!(counted(&plugin, Some("issue")), [("cancelled", 1)]);

    let plugin = with_counters(script(), None).await;
    json(issue(&plugin)).await;
    json(shell(&plugin, &["issue", "A", "--n", "3"], Context::default())).await;
    json(http(&plugin, request(Method::GET, "/p/nothing", ""), b"")).await;
    assert_eq!(counted(&plugin, Some("issue")), [("2xx", 2)]);
    assert_eq!((counted(&plugin, Some("add")), counted(&plugin, None)), (vec![], vec![("2xx", 1)]));
}

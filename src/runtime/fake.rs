//! [`FakePython`]: a [`Runtime`] without Python, which follows a script, faults included.
//!
//! A plugin is scripted by its working name; each load takes the script of the moment and is a version of its own.
//! What happens is noted in order, so that a test waits for a note instead of for time to pass.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::{
    Activity, BoxFuture, Call, ExecutedFile, Followed, Frame, Instance, LoadRequest, Loaded,
    LoopActivity, PoolCall, Runtime,
};
use crate::description::Report;
use crate::exchange::events::Event;
use crate::exchange::head::ResponseHead;
use crate::exchange::{self, IoSide, PluginSide, Received, Wake};
use crate::failure::{Failure, Kind};
use crate::settings::LogLevel;
use crate::wire::BackgroundTask;

/// Something that happens when the test lets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // Fails only if the sender is gone, which `self` keeps.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// The outcome of a load, a hook or a check.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// What it should.
    Works,
    /// It reports a failure.
    Fails(&'static str),
    /// It does not return until the gate opens, and then works.
    Hangs(Gate),
}

/// How a plugin answers requests.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// With its version, and the size of the request's body.
    Works,
    /// The same, but not until the gate opens.
    Hangs(Gate),
    /// In two pieces, the second of them when the gate opens.
    Streams(Gate),
    /// With these events before the answer.
    Emits(Vec<Event>),
    /// When it is cancelled.
    Waits,
    /// Its thread dies before it answers.
    Dies,
    /// Its thread dies in the middle of the answer.
    DiesHalfway,
}

/// The behaviour of one plugin.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) load: Act,
    pub(crate) hooks: Act,
    pub(crate) answers: Answers,
    /// Its routes, as the runtime reports them.
    pub(crate) routes: Value,
    /// Its operations in the OpenAPI document, by path below its prefix and method.
    pub(crate) paths: Value,
    pub(crate) health: Act,
    pub(crate) shutdown: Act,
    /// Its background tasks.
    pub(crate) background: Vec<BackgroundTask>,
    /// The files that its import executes.
    pub(crate) executes: Vec<PathBuf>,
}

impl Script {
    /// A plugin `name` without faults.
    pub(crate) fn of(name: &'static str) -> Script {
        Script {
            name,
            load: Act::Works,
            hooks: Act::Works,
            answers: Answers::Works,
            routes: json!([]),
            paths: json!({}),
            health: Act::Works,
            shutdown: Act::Works,
            background: Vec::new(),
            executes: Vec::new(),
        }
    }
}

/// An interpreter that follows scripts.
#[derive(Default)]
pub(crate) struct FakePython {
    scripts: Mutex<HashMap<String, Script>>,
    versions: Mutex<HashMap<&'static str, u64>>,
    notes: Arc<Notes>,
    /// The files that plugins have written.
    written: Mutex<BTreeMap<PathBuf, Instant>>,
    /// The stack of every thread; without, the GIL is held.
    stack: Mutex<Option<Vec<Frame>>>,
}

/// What happened, in order.
#[derive(Default)]
struct Notes {
    all: watch::Sender<Vec<String>>,
}

impl Notes {
    fn add(&self, note: String) {
        self.all.send_modify(|all| all.push(note));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakePython {
    /// Sets what the plugin with the working name `name` does from its next load on.
    pub(crate) fn script(&self, name: &str, script: Script) {
        lock(&self.scripts).insert(name.to_owned(), script);
    }

    /// Sets the stack of every thread.
    pub(crate) fn stack_is(&self, frames: Vec<Frame>) {
        *lock(&self.stack) = Some(frames);
    }

    /// Has a plugin write `file`.
    pub(crate) fn writes(&self, file: &Path, text: &str) {
        std::fs::write(file, text).unwrap();
        lock(&self.written).insert(file.to_owned(), Instant::now());
    }

    /// What happened so far: `load jira`, `start jira 1`, `call jira 1`, `shutdown jira 1`, `end jira 1`.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.all.borrow().clone()
    }

    /// Waits until `note` was noted.
    pub(crate) async fn noted(&self, note: &str) {
        self.noted_times(note, 1).await;
    }

    /// Waits until `note` was noted so many times.
    pub(crate) async fn noted_times(&self, note: &str, times: usize) {
        let mut notes = self.notes.all.subscribe();
        let count = |all: &Vec<String>| all.iter().filter(|had| *had == note).count();
        let _ = notes.wait_for(|all| count(all) >= times).await;
    }
}

impl Runtime for FakePython {
    fn set_log_level(&self, level: LogLevel) {
        self.notes.add(format!("log {level}"));
    }

    fn load(&self, request: LoadRequest) -> BoxFuture<Result<Loaded, Failure>> {
        let script = lock(&self.scripts).get(&request.working_name).cloned();
        let notes = self.notes.clone();
        notes.add(format!("load {}", request.working_name));
        let failed = |error: &str| Failure::new(Kind::Plugin, error).hint("correct it");
        let Some(script) = script else {
            return Box::pin(async move { Err(failed("no script")) });
        };
        let version = {
            let mut versions = lock(&self.versions);
            let version = versions.entry(script.name).or_default();
            *version += 1;
            *version
        };
        for file in script.executes.iter().filter_map(|path| ExecutedFile::now(path).ok()) {
            // Fails only if nothing reads them.
            let _ = request.executed.send(file);
        }
        Box::pin(async move {
            match &script.load {
                Act::Works => {}
                Act::Fails(error) => return Err(failed(error)),
                Act::Hangs(gate) => gate.passed().await,
            }
            let report = Report {
                name: script.name.to_owned(),
                version: version.to_string(),
                routes: serde_json::from_value(script.routes.clone()).unwrap(),
                openapi: Some(openapi(script.name, &script.paths)),
                ..Report::default()
            };
            let id = format!("{} {version}", script.name);
            Ok(Loaded {
                report,
                instance: Arc::new(FakePlugin(Arc::new(Thread {
                    script,
                    id,
                    notes,
                    in_flight: watch::Sender::new(0),
                    ending: watch::Sender::new(false),
                    is_dead: AtomicBool::new(false),
                    last: AtomicU64::new(0),
                }))),
            })
        })
    }

    /// A file with `broken(` does not compile.
    fn check(&self, files: Vec<PathBuf>) -> BoxFuture<Result<(), Failure>> {
        let is_broken = |file: &&PathBuf| {
            std::fs::read_to_string(file).is_ok_and(|text| text.contains("broken("))
        };
        let broken = files.iter().find(is_broken).map(|file| {
            Failure::new(Kind::Plugin, format!("{} line 1: SyntaxError", file.display()))
        });
        self.notes.add(format!("check {}", files.len()));
        Box::pin(async move { broken.map_or(Ok(()), Err) })
    }

    fn written(&self, directory: &Path) -> BTreeMap<PathBuf, Instant> {
        let mut written = lock(&self.written).clone();
        written.retain(|file, _| file.starts_with(directory));
        written
    }

    fn stack(&self, _thread: u64) -> BoxFuture<Option<Vec<Frame>>> {
        match lock(&self.stack).clone() {
            Some(stack) => Box::pin(async move { Some(stack) }),
            None => Box::pin(std::future::pending()),
        }
    }

    fn gil_wait(&self) -> BoxFuture<Option<Duration>> {
        Box::pin(std::future::ready(Some(Duration::ZERO)))
    }

    fn threads(&self) -> BoxFuture<BTreeMap<String, usize>> {
        Box::pin(async { BTreeMap::new() })
    }

    fn follow(&self, to: Followed) -> BoxFuture<Result<(), Failure>> {
        self.notes.add(format!("follow {}", to.site_packages.display()));
        Box::pin(async { Ok(()) })
    }

    fn imported(&self) -> BoxFuture<Result<BTreeSet<PathBuf>, Failure>> {
        Box::pin(async { Ok(BTreeSet::new()) })
    }
}

/// A document with the command `GET /NAME/ok`, and the operations of `paths`, by path and method.
fn openapi(name: &str, paths: &Value) -> Value {
    let operation = json!({"operationId": "ok", "responses": {"200": {"description": "ok"}}});
    let mut all = json!({format!("/{name}/ok"): {"get": operation}});
    for (path, operations) in paths.as_object().into_iter().flatten() {
        all[format!("/{name}{path}")] = operations.clone();
    }
    json!({"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": all})
}

/// One version of a plugin.
struct FakePlugin(Arc<Thread>);

struct Thread {
    script: Script,
    /// Name and version.
    id: String,
    notes: Arc<Notes>,
    in_flight: watch::Sender<usize>,
    ending: watch::Sender<bool>,
    is_dead: AtomicBool,
    last: AtomicU64,
}

impl Thread {
    fn note(&self, what: &str) {
        self.notes.add(format!("{what} {}", self.id));
    }

    async fn answer(&self, side: &PluginSide, woken: &Notify, asked: Value) {
        let mut answer = asked;
        answer["by"] = json!(self.id);
        answer["size"] = json!(body_size(side, woken).await);
        let body = Bytes::from(answer.to_string());
        match &self.script.answers {
            Answers::Works => whole(side, body),
            Answers::Hangs(gate) => {
                gate.passed().await;
                whole(side, body);
            }
            Answers::Streams(gate) => {
                side.respond(ResponseHead::json(StatusCode::OK));
                side.write(Bytes::from_static(b"one "), true);
                gate.passed().await;
                side.write(Bytes::from_static(b"two"), false);
            }
            Answers::Emits(events) => {
                let emitter = side.emitter();
                for event in events {
                    let _ = emitter.emit(event.clone());
                }
                whole(side, body);
            }
            Answers::Waits => {
                while !side.is_cancelled() {
                    woken.notified().await;
                }
                self.note("cancelled");
                whole(side, body);
            }
            Answers::Dies => self.is_dead.store(true, Ordering::SeqCst),
            Answers::DiesHalfway => {
                self.is_dead.store(true, Ordering::SeqCst);
                side.respond(ResponseHead::json(StatusCode::OK));
                side.write(Bytes::from_static(b"half"), true);
            }
        }
    }
}

fn whole(side: &PluginSide, body: Bytes) {
    if let Some(waker) = side.answer(StatusCode::OK, body) {
        waker.wake();
    }
}

async fn body_size(side: &PluginSide, woken: &Notify) -> usize {
    let mut size = 0;
    loop {
        match side.receive() {
            Received::Chunk(chunk, more) => {
                size += chunk.len();
                if !more {
                    return size;
                }
            }
            Received::Pending => woken.notified().await,
            Received::Disconnected => return size,
        }
    }
}

/// What a call asks: the handler's arguments, or the request as HTTP has it.
fn asked(call: &Call) -> Value {
    let mut asked = match &call.direct {
        Some(direct) => json!({"plan": direct.plan, "arguments": format!("{:?}", direct.values)}),
        None => {
            let head = call.request.head();
            let (path, query) = (head.target.raw_path(), head.target.query());
            json!({"request": format!("{} {path}?{query}", head.method)})
        }
    };
    if let Some(caller) = &call.caller {
        asked["directory"] = json!(caller.directory);
    }
    asked
}

struct Waking(Notify);

impl Wake for Waking {
    fn wake(&self, _: u64) {
        self.0.notify_one();
    }
}

impl Instance for FakePlugin {
    fn start(&self, limit: Duration) -> BoxFuture<Vec<String>> {
        let thread = self.0.clone();
        Box::pin(async move {
            thread.note("start");
            match &thread.script.hooks {
                Act::Works => Vec::new(),
                Act::Fails(error) => vec![format!("startup() failed: {error}")],
                Act::Hangs(gate) => {
                    // As a hook that blocks its thread: no limit cuts it off.
                    let _ = limit;
                    gate.passed().await;
                    Vec::new()
                }
            }
        })
    }

    fn call(&self, call: Call) -> Result<IoSide, Failure> {
        let thread = self.0.clone();
        if thread.is_dead.load(Ordering::SeqCst) {
            return Err(Failure::new(Kind::Plugin, "the plugin's thread has ended"));
        }
        let asked = asked(&call);
        let woken = Arc::new(Waking(Notify::new()));
        let id = thread.last.fetch_add(1, Ordering::SeqCst);
        let Call { request, incoming, extent, permit, .. } = call;
        let (io, side) = exchange::exchange(request, incoming, extent, id, woken.clone());
        thread.in_flight.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            thread.note("call");
            thread.answer(&side, &woken.0, asked).await;
            drop((side, permit));
            thread.in_flight.send_modify(|count| *count -= 1);
        });
        Ok(io)
    }

    fn activity(&self) -> Activity {
        // A call that hangs blocks its loop and a thread of the pool.
        let hangs = matches!(&self.0.script.answers, Answers::Hangs(gate) if !*gate.0.borrow());
        let load = if hangs { *self.0.in_flight.borrow() } else { 0 };
        let taken = self.0.last.load(Ordering::SeqCst);
        let busy =
            LoopActivity { thread: 1, load, is_signalled: load > 0, taken, lag: Duration::ZERO };
        let call = |ticket| PoolCall { ticket, thread: 2 };
        Activity {
            loops: vec![busy],
            pool: (0..load as u64).map(call).collect(),
            waiting: 0,
            calls: taken,
        }
    }

    fn health(&self, _limit: Duration) -> BoxFuture<Map<String, Value>> {
        let thread = self.0.clone();
        Box::pin(async move {
            let status = match &thread.script.health {
                Act::Works => "ok",
                Act::Fails(error) => error,
                Act::Hangs(gate) => {
                    gate.passed().await;
                    "ok"
                }
            };
            thread.note("health");
            Map::from_iter([
                ("status".to_owned(), json!(status)),
                ("by".to_owned(), json!(thread.id)),
            ])
        })
    }

    fn ending(&self) -> watch::Receiver<bool> {
        self.0.ending.subscribe()
    }

    fn finish(&self, limit: Duration) -> BoxFuture<()> {
        let thread = self.0.clone();
        thread.ending.send_replace(true);
        Box::pin(async move {
            thread.note("finish");
            let mut in_flight = thread.in_flight.subscribe();
            let _ = timeout(limit, in_flight.wait_for(|count| *count == 0)).await;
        })
    }

    fn background(&self) -> Vec<BackgroundTask> {
        self.0.script.background.clone()
    }

    fn unload(&self, limit: Duration) -> BoxFuture<()> {
        let thread = self.0.clone();
        thread.ending.send_replace(true);
        Box::pin(async move {
            thread.note("unload");
            let mut in_flight = thread.in_flight.subscribe();
            let _ = timeout(limit, in_flight.wait_for(|count| *count == 0)).await;
            thread.note("shutdown");
            if let Act::Hangs(gate) = &thread.script.shutdown {
                gate.passed().await;
            }
            thread.is_dead.store(true, Ordering::SeqCst);
            thread.note("end");
        })
    }
}

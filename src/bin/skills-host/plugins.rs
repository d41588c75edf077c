//! [`Runtime`] over the embedded interpreter: a thread per plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use serde_json::{Map, Value, json};
use skills_daemon::exchange::{self, IoSide};
use skills_daemon::failure::{Failure, Kind};
use skills_daemon::journal;
use skills_daemon::manifest::NamedFunction;
use skills_daemon::policy::{self, Policy};
use skills_daemon::runtime::{
    self, Activity, BoxFuture, Followed, Frame, Instance, LoadRequest, Loaded, Runtime,
};
use skills_daemon::settings::LogLevel;
use skills_daemon::wire::BackgroundTask;
use tokio::sync::{oneshot, watch};

use crate::board::Board;
use crate::bug;
use crate::call::{Call, Held};
use crate::executed::Executed;
use crate::inbox::{self, Event, Inbox, Refused, Reply, Sender};
use crate::inspect;
use crate::memory;
use crate::packages;
use crate::pool::Pool;
use crate::writes;

/// What a verb answers: JSON text, or what failed in words.
type Answer = Result<String, String>;

/// The interpreter of this process, which `embed` has initialized.
pub(crate) struct Embedded;

impl Runtime for Embedded {
    /// A thread of its own attaches to Python for it, because the caller's never may.
    fn set_log_level(&self, level: LogLevel) {
        let set = move || {
            let outcome = Python::attach(|py| -> PyResult<()> {
                let log = py.import("skills_host.log")?;
                log.call_method1("set_level", (level.to_string(),))?;
                Ok(())
            });
            if let Err(error) = outcome {
                tracing::warn!(%error, "the level of Python's log could not be set");
            }
        };
        if let Err(error) = thread::Builder::new().name("python-log-level".into()).spawn(set) {
            tracing::warn!(%error, "the level of Python's log could not be set");
        }
    }

    fn load(&self, request: LoadRequest) -> BoxFuture<Result<Loaded, Failure>> {
        Box::pin(async move {
            let failed = |error: std::io::Error| {
                Failure::environment(format!("cannot start a plugin's thread: {error}"))
            };
            let limit = request.policy.waiting();
            let waiting = most_waiting(&request.policy);
            let made: Vec<(Sender, Inbox)> = (0..request.policy.loops)
                .map(|_| inbox::inbox(waiting))
                .collect::<Result<_, _>>()
                .map_err(failed)?;
            let (loops, inboxes): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            let pool = Pool::new(&request.working_name, request.slot, waiting);
            let own_pool = pool.clone();
            let board = Board::default();
            let own_board = board.clone();
            let (answer, answered) = oneshot::channel();
            let (ended, end) = oneshot::channel();
            thread::Builder::new()
                .name(format!("plugin-{}", request.working_name))
                .spawn(move || {
                    run_worker(inboxes, own_pool, own_board, request, answer);
                    // Fails only if nothing waits for the end.
                    let _ = ended.send(());
                })
                .map_err(failed)?;
            let text = answered
                .await
                .map_err(|_| Failure::new(Kind::Bug, "the plugin's thread ended without an answer"))?
                .map_err(|message| {
                    Failure::new(Kind::Plugin, message)
                        .hint("Correct it: a saved change takes effect by itself; `skills-daemon logs` has the traceback.")
                })?;
            let report = serde_json::from_str(&text).map_err(|error| {
                Failure::new(Kind::Bug, format!("cannot read the plugin's description: {error}"))
            })?;
            let worker = Worker {
                loops,
                pool,
                board,
                limit,
                next_call: AtomicU64::new(1),
                ending: watch::Sender::new(false),
                end: std::sync::Mutex::new(Some(end)),
            };
            memory::give_back_soon();
            Ok(Loaded { report, instance: Arc::new(worker) })
        })
    }

    /// On a thread of its own too.
    fn check(&self, files: Vec<PathBuf>) -> BoxFuture<Result<(), Failure>> {
        let (answer, answered) = oneshot::channel();
        let check = move || {
            let error = Python::attach(|py| {
                let error = py.import("skills_host.syntax")?.call_method1("error", (files,))?;
                error.extract::<Option<String>>()
            });
            // Fails only if nothing waits for the answer any more.
            let _ = answer.send(error);
        };
        let spawned = thread::Builder::new().name("python-check".into()).spawn(check);
        Box::pin(async move {
            let checked = match spawned {
                Ok(_) => answered.await.ok(),
                Err(error) => {
                    tracing::warn!(%error, "the files of a plugin could not be compiled");
                    None
                }
            };
            match checked {
                Some(Ok(Some(error))) => Err(Failure::new(Kind::Plugin, error)
                    .hint("Correct it: a saved change takes effect by itself.")),
                Some(Err(error)) => Err(bug("compiling a plugin's files", &error)),
                Some(Ok(None)) | None => Ok(()),
            }
        })
    }

    fn written(&self, directory: &Path) -> BTreeMap<PathBuf, Instant> {
        writes::below(directory)
    }

    fn stack(&self, thread: u64) -> BoxFuture<Option<Vec<Frame>>> {
        inspect::stack(thread)
    }

    fn gil_wait(&self) -> BoxFuture<Option<Duration>> {
        inspect::gil_wait()
    }

    fn threads(&self) -> BoxFuture<BTreeMap<String, usize>> {
        inspect::threads()
    }

    fn follow(&self, to: Followed) -> BoxFuture<Result<(), Failure>> {
        packages::follow(to)
    }

    fn imported(&self) -> BoxFuture<Result<BTreeSet<PathBuf>, Failure>> {
        packages::imported()
    }
}

/// How many requests wait in each queue of a plugin at most. Those that wait for admission are counted there; of the
/// others each passes a queue, though its plugin be idle.
fn most_waiting(policy: &Policy) -> usize {
    let waiting = match policy.limits.concurrent {
        Some(concurrent) => concurrent.max(policy::WAITING),
        None => policy.waiting().max(1),
    };
    usize::try_from(waiting).unwrap_or(usize::MAX)
}

/// The body of a plugin's thread: attaches it to Python for as long as the plugin lives.
fn run_worker(
    inboxes: Vec<Inbox>,
    pool: Pool,
    board: Board,
    request: LoadRequest,
    answer: oneshot::Sender<Answer>,
) {
    let LoadRequest {
        init_file,
        working_name,
        entry_point,
        commands,
        version,
        description,
        name,
        data,
        policy,
        slot,
        executed,
    } = request;
    let executed = Executed::new(executed);
    let own_executed = executed.clone();
    journal::thread::carry(slot, false);
    let about = json!({"version": version, "description": description});
    let surroundings = json!({
        "name": name,
        "data": data,
        "settings": policy.settings,
        "secrets": policy.secrets.0,
        "env": policy.env,
    });
    let of_kind = |reference: fn(&NamedFunction) -> &Option<String>| -> BTreeMap<_, _> {
        let named = commands.iter().filter_map(|(name, it)| {
            let call = reference(it).as_ref()?;
            let NamedFunction { summary, method, agents, .. } = it;
            let agents = agents.unwrap_or(true);
            Some((
                name,
                json!({"call": call, "summary": summary, "method": method, "agents": agents}),
            ))
        });
        named.collect()
    };
    let outline = json!({
        "commands": of_kind(|it| &it.call),
        "programs": of_kind(|it| &it.program),
        "about": about,
        "surroundings": surroundings,
    });
    let outline = outline.to_string();
    let init_file: PathBuf = std::path::absolute(&init_file).unwrap_or(init_file);
    let outcome = Python::attach(|py| -> PyResult<()> {
        let inboxes =
            inboxes.into_iter().map(|inbox| Bound::new(py, inbox)).collect::<PyResult<Vec<_>>>()?;
        let reply = Bound::new(py, Reply::new(answer))?;
        let pool = Bound::new(py, pool)?;
        let board = Bound::new(py, board)?;
        let executed = Bound::new(py, own_executed)?;
        let arguments = (
            inboxes,
            pool,
            init_file.to_string_lossy(),
            &working_name,
            entry_point,
            outline,
            board,
            executed,
            reply,
        );
        py.import("skills_host.worker")?.call_method1("run", arguments)?;
        Ok(())
    });
    executed.close();
    if let Err(error) = outcome {
        let failure = bug("a plugin's thread ended", &error);
        tracing::error!(plugin = working_name, error = failure.error, "a plugin's thread ended");
    }
}

/// A plugin on its thread.
struct Worker {
    /// The loops; hooks run on the first.
    loops: Vec<Sender>,
    pool: Pool,
    /// The background tasks.
    board: Board,
    /// How many requests may wait.
    limit: u32,
    next_call: AtomicU64,
    /// True once WebSockets are to end.
    ending: watch::Sender<bool>,
    /// Resolves when the thread has ended.
    end: std::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

impl Worker {
    /// The loop with the fewest requests: one that a handler blocks gets no more than it has.
    fn least_busy(&self) -> &Sender {
        match self.loops.as_slice() {
            [only] => only,
            several => several.iter().min_by_key(|sender| sender.load()).unwrap_or(&several[0]),
        }
    }

    /// Sends a verb to the worker; the future resolves with its answer.
    fn ask(&self, verb: &'static str, limit: Duration) -> impl Future<Output = Answer> + use<> {
        let (answer, answered) = oneshot::channel();
        let sent = self.loops[0].send(Event::Verb(verb, limit.as_secs_f64(), answer));
        async move {
            let ended = || "the plugin's thread has ended".to_owned();
            sent.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())?
        }
    }
}

impl Instance for Worker {
    fn start(&self, limit: Duration) -> BoxFuture<Vec<String>> {
        let asked = self.ask("start", limit);
        Box::pin(async move {
            let parsed = asked.await.map(|text| serde_json::from_str::<Vec<String>>(&text));
            match parsed {
                Ok(Ok(complaints)) => complaints,
                Ok(Err(error)) => vec![error.to_string()],
                Err(message) => vec![message],
            }
        })
    }

    fn call(&self, call: runtime::Call) -> Result<IoSide, Failure> {
        let runtime::Call { request, incoming, direct, caller, extent, permit, trace } = call;
        let id = self.next_call.fetch_add(1, Ordering::Relaxed);
        // What a thread of the pool cannot finish goes on on the first loop.
        let on_pool = direct.as_ref().is_some_and(|direct| !direct.begins_on_loop);
        let own_loop = if on_pool { &self.loops[0] } else { self.least_busy() };
        let (io, side) = exchange::exchange(request, incoming, extent, id, own_loop.waking());
        let sent = match direct {
            Some(direct) if !direct.begins_on_loop => {
                let held = Held { _load: None, _permit: permit, trace };
                self.pool.send(Call::new(id, side, Some(direct), caller, held))
            }
            direct => {
                let held = Held { _load: Some(own_loop.count()), _permit: permit, trace };
                let call = Call::new(id, side, direct, caller, held);
                own_loop.send(Event::Call(Box::new(call)))
            }
        };
        match sent {
            Ok(()) => Ok(io),
            Err(Refused::Full) => Err(runtime::full(self.limit)),
            Err(Refused::Closed) => {
                Err(Failure::new(Kind::Plugin, "the plugin's thread has ended")
                    .hint("Run `skills-daemon reload`."))
            }
            Err(Refused::NoThread) => {
                Err(Failure::environment("cannot start a thread for the handler")
                    .hint("Look for a limit on threads or memory (`ulimit -u`), then try again."))
            }
        }
    }

    fn activity(&self) -> Activity {
        Activity {
            loops: self.loops.iter().map(Sender::activity).collect(),
            pool: self.pool.running(),
            waiting: self.pool.waiting(),
            calls: self.next_call.load(Ordering::Relaxed) - 1,
        }
    }

    fn health(&self, limit: Duration) -> BoxFuture<Map<String, Value>> {
        let asked = self.ask("health", limit);
        Box::pin(async move {
            let answer = asked
                .await
                .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            answer.unwrap_or_else(|message| {
                Map::from_iter([
                    ("status".into(), json!("error")),
                    ("error".into(), json!(message)),
                ])
            })
        })
    }

    fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }

    fn finish(&self, limit: Duration) -> BoxFuture<()> {
        self.ending.send_replace(true);
        let asked = self.ask("finish", limit);
        Box::pin(async move {
            if let Err(message) = asked.await {
                tracing::debug!(message, "finish");
            }
        })
    }

    fn background(&self) -> Vec<BackgroundTask> {
        self.board.tasks()
    }

    fn unload(&self, limit: Duration) -> BoxFuture<()> {
        self.ending.send_replace(true);
        let asked = self.ask("unload", limit);
        let pool = self.pool.clone();
        let end = self.end.lock().ok().and_then(|mut end| end.take());
        Box::pin(async move {
            match asked.await {
                Ok(complaint) if complaint != "null" => {
                    tracing::warn!(complaint, "shutdown() failed")
                }
                Ok(_) => {}
                Err(message) => tracing::debug!(message, "unload"),
            }
            pool.close();
            if let Some(end) = end {
                // The sender is dropped at the end of the thread in any case.
                let _ = end.await;
            }
        })
    }
}

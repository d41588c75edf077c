//! HTTP: the daemon's own routes, the guards, and the way to the plugins.
//!
//! A connection passes [`gate`] (which users are served, and how many at once) and has a [`meter`] (what takes too
//! long); what no URI has is encoded in its [`targets`]. A request comes in by [`mod@entry`], which has it pass
//! [`observe`] (request id, log, idle clock) and [`guard`] (which hosts and sites are served), and goes on to a
//! route of [`core`] or [`run`], or to [`dispatch`], which hands it to a plugin. Nothing here attaches to Python.
//!
//! To add a route: a handler in `core`, a line in [`entry()`], and its name in
//! [`crate::manifest::check_name`], so that no plugin takes it.

mod core;
mod deps;
mod dispatch;
mod docs;
pub mod entry;
mod following;
mod framed;
mod gate;
mod guard;
pub mod health;
mod mcp;
mod meter;
mod metered;
mod metrics;
mod more;
mod observe;
mod origins;
mod owner;
mod page;
mod parting;
pub mod peer;
mod program;
mod relay;
mod run;
mod running;
pub mod serve;
mod socket;
mod sse;
mod targets;
mod tools;
mod written;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::activity::Activity;
use crate::exchange::request::ENCODED;
use crate::failure::{Failure, Kind};
use crate::lifecycle::cut::CutRequest;
use crate::mcp::{self as mcp_server};
use crate::notices::Notices;
use crate::paths::Paths;
use crate::registry::Registry;
use crate::settings::live::Live;
use crate::wire::deps::Progress;
use crate::wire::{self, Ready, Reloaded};
pub use deps::Question;
use entry::Entry;
use health::HealthBook;
use serve::Phase;

/// The largest body of a request to the daemon itself, in bytes.
const OWN_BODY_MAX: usize = 64 << 20;

/// A request that concerns the daemon as a whole.
pub enum Control {
    /// End.
    Shutdown,
    /// Load plugins again.
    Reload {
        /// Names or paths; without any, all plugins, and discover again.
        plugins: Vec<String>,
        /// The receiver of the outcome.
        answer: oneshot::Sender<Result<Reloaded, Failure>>,
    },
    /// Answer a question about packages, or change them.
    Packages {
        /// What is asked.
        question: Question,
        /// The receiver of the answer.
        answer: oneshot::Sender<Result<Value, Failure>>,
    },
}

/// Everything the handlers need.
pub struct Service {
    /// All plugins.
    pub registry: Arc<Registry>,
    /// The last results of the plugins' health checks.
    pub health: Arc<HealthBook>,
    /// Current reports about the daemon and its plugins.
    pub notices: Arc<Notices>,
    /// Where the daemon listens.
    pub ready: Ready,
    /// Where every file lies.
    pub paths: Paths,
    /// How far a change of packages is.
    pub change: watch::Receiver<Option<Progress>>,
    /// The way to the task that runs the daemon.
    pub control: mpsc::Sender<Control>,
    /// True once the daemon stops.
    pub stopping: AtomicBool,
    /// True while a successor is loading its plugins.
    pub replacing: AtomicBool,
    /// True once each connection ends after its next answer.
    pub closing: AtomicBool,
    /// True while requests are cut off.
    pub cutting: AtomicBool,
    /// The requests that were cut off.
    pub cut: Mutex<Vec<CutRequest>>,
    /// What the user's own programs send over TCP; unset until it listens there.
    pub token: OnceLock<String>,
    /// The settings in force.
    pub settings: Arc<Live>,
    /// What serves agents.
    pub mcp: mcp_server::Server,
    /// What keeps the daemon awake.
    pub activity: Arc<Activity>,
    /// What the servers do; a change that changes nothing has each connection poll its request.
    pub phases: watch::Sender<Phase>,
    pages: page::Places,
    started: Instant,
    started_at: SystemTime,
    document: docs::Document,
}

impl Service {
    /// A service that starts its clock now.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is of another kind, and this is the only way to make one"
    )]
    pub fn new(
        registry: Arc<Registry>,
        health: Arc<HealthBook>,
        notices: Arc<Notices>,
        ready: Ready,
        paths: Paths,
        settings: Arc<Live>,
        change: watch::Receiver<Option<Progress>>,
        control: mpsc::Sender<Control>,
    ) -> Service {
        let activity = Activity::new();
        let (calls, port) = (registry.clone(), ready.port);
        let mcp = mcp_server::Server::new(calls, activity.clone(), settings.clone(), port, &paths);
        Service {
            registry,
            health,
            notices,
            ready,
            paths,
            change,
            control,
            stopping: AtomicBool::new(false),
            replacing: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            cutting: AtomicBool::new(false),
            cut: Mutex::default(),
            token: OnceLock::new(),
            settings,
            mcp,
            activity,
            phases: watch::Sender::default(),
            pages: page::Places::default(),
            started: Instant::now(),
            started_at: SystemTime::now(),
            document: docs::Document::default(),
        }
    }

    /// Refuses what would begin, and ends what only waits: the daemon ends, for this reason.
    pub fn leave(&self, reason: &'static str) {
        self.stopping.store(true, Ordering::Relaxed);
        self.closing.store(true, Ordering::Relaxed);
        self.mcp.leave();
        self.pages.leave(reason);
    }

    /// The time since work was under way.
    ///
    /// Work is a request, a successor that loads its plugins, a background task that keeps the daemon awake, or a
    /// resident plugin. Only the end of a request is noted; of all else, the last call that finds it under way.
    pub fn idle_for(&self) -> Duration {
        let is_busy = self.activity.in_flight() > 0
            || self.replacing.load(Ordering::Relaxed)
            || self.registry.snapshot().holds_awake();
        if is_busy {
            self.activity.touch();
        }
        self.activity.idle_for()
    }
}

/// The way into all routes over `service`.
pub fn entry(service: Arc<Service>) -> Entry {
    let router = Router::new()
        .route("/", get(page::root))
        .route("/-/page/{name}", get(page::part))
        .route(wire::LIVE, get(page::stream))
        .route("/health", get(core::health))
        .route("/plugins", get(core::plugins))
        .route("/metrics", get(metrics::metrics))
        .route(wire::TOOLS, get(tools::list))
        .route("/tools/{name}", post(tools::call))
        .route("/shutdown", post(core::shutdown))
        .route(wire::RELOAD, post(core::reload))
        .route(wire::RUN, post(run::run))
        .route(wire::MCP, post(mcp::lines))
        .route("/mcp", any(mcp::serve))
        .route("/mcp/{plugin}", any(mcp::serve))
        .route(wire::STATUS, get(core::status))
        .route(wire::deps::DEPS, get(deps::report))
        .route(wire::deps::ORDER, post(deps::change))
        .route(wire::deps::WHY, get(deps::why))
        .route(wire::deps::OUTDATED, get(deps::outdated))
        .route(wire::deps::PRUNE, post(deps::prune))
        .route(wire::deps::TRIAL, post(deps::trial))
        .route("/{plugin}/help", get(core::help).fallback(dispatch::dispatch))
        .route("/{plugin}/commands", get(core::commands).fallback(dispatch::dispatch))
        .route("/{plugin}/openapi.json", get(docs::of_plugin).fallback(dispatch::dispatch))
        .route("/openapi.json", get(docs::whole))
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        .method_not_allowed_fallback(core::method_not_allowed)
        .fallback(dispatch::dispatch)
        .layer(DefaultBodyLimit::max(OWN_BODY_MAX))
        .with_state(service.clone());
    // As FastAPI does it for a slash too many.
    let router = ["/health", "/plugins", "/metrics", "/tools", "/mcp", "/deps", "/openapi.json"]
        .into_iter()
        .fold(router, |router, path| {
            router.route(&format!("{path}/"), get(move || async move { Redirect::temporary(path) }))
        });
    Entry::new(service, router)
}

/// Adds a line for the client's stderr.
fn warn(response: &mut Response, line: &str) {
    let encoded = utf8_percent_encode(line, ENCODED).to_string();
    if let Ok(value) = HeaderValue::try_from(encoded) {
        response.headers_mut().append(wire::WARNING_HEADER, value);
    }
}

/// `value` as a JSON answer.
fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (status, headers, body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A failure of the daemon as an answer.
fn failed(failure: &Failure) -> Response {
    let status = StatusCode::from_u16(failure.kind.http_status())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, failure);
    response
        .headers_mut()
        .insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_FAILURE));
    if failure.kind == Kind::Unavailable {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

//! The daemon's own routes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tokio::sync::oneshot;

use super::{Control, Service, failed, json, warn};
use crate::description::Description;
use crate::environment;
use crate::failure::{Failure, Kind};
use crate::help;
use crate::notices::Topic;
use crate::store::Metadata;
use crate::wire::{self, Endpoint, Health, PluginEntry, Plugins, Status};

/// `GET /health`: never waits for a plugin.
pub(super) async fn health(State(service): State<Arc<Service>>) -> Response {
    let snapshot = service.registry.snapshot();
    let stopping = service.stopping.load(Ordering::Relaxed);
    let health = Health {
        status: if stopping { "stopping" } else { "running" }.to_owned(),
        version: crate::VERSION.to_owned(),
        // On Linux the path of a directory that was removed no longer exists, or ends in " (deleted)".
        cwd_valid: environment::working_directory().is_ok_and(|directory| directory.exists()),
        venv_valid: service.paths.venv_python().exists(),
        uptime_seconds: service.started.elapsed().as_secs(),
        plugins: snapshot.names(),
        plugin_health: service.health.read(&snapshot),
    };
    json(StatusCode::OK, &health)
}

/// `GET /plugins`: waits until none is loading.
pub(super) async fn plugins(State(service): State<Arc<Service>>) -> Response {
    let snapshot = match service.registry.settled().await {
        Ok(snapshot) => snapshot,
        Err(failure) => return failed(&failure),
    };
    let plugins = snapshot.metadata().map(|it| plugin_entry(&it.description)).collect();
    json(StatusCode::OK, &Plugins { plugins, failed: snapshot.failed() })
}

fn plugin_entry(description: &Description) -> PluginEntry {
    PluginEntry {
        name: description.name.clone(),
        description: description.description.clone(),
        version: description.version.clone(),
        endpoints: description
            .commands
            .iter()
            .map(|command| Endpoint {
                method: command.method.clone(),
                path: format!("/{}{}", description.name, command.path),
                why_fastapi: command.why_fastapi().map(str::to_owned),
            })
            .collect(),
        warnings: description.warnings.clone(),
    }
}

/// `GET /-/status`: never waits for a plugin.
pub(super) async fn status(State(service): State<Arc<Service>>) -> Response {
    let snapshot = service.registry.snapshot();
    let status = Status {
        ready: service.ready.clone(),
        uptime_seconds: service.started.elapsed().as_secs(),
        in_flight: service.activity.in_flight().saturating_sub(1),
        notices: service.notices.of(None),
        polled: service.notices.about(None, Topic::Watching),
        change: service.change.borrow().clone(),
        plugins: snapshot
            .entries
            .iter()
            .map(|entry| entry.status(service.notices.of(Some(entry.id))))
            .collect(),
    };
    json(StatusCode::OK, &status)
}

/// `POST /shutdown`: answers, and then the daemon ends.
pub(super) async fn shutdown(State(service): State<Arc<Service>>) -> Response {
    // Fails only if the daemon is ending already.
    let _ = service.control.send(Control::Shutdown).await;
    json(StatusCode::OK, &json!({"success": true, "message": "Shutdown initiated"}))
}

/// `POST /reload-plugins?plugin=`: answers when all plugins, or those that are named, are loaded again.
pub(super) async fn reload(
    State(service): State<Arc<Service>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let named = query.into_iter().filter(|(key, _)| key == wire::RELOADED_PLUGIN);
    let plugins = named.map(|(_, plugin)| plugin).collect();
    let (answer, receiver) = oneshot::channel();
    let sent = service.control.send(Control::Reload { plugins, answer }).await;
    match (sent, receiver.await) {
        (Ok(()), Ok(Ok(reloaded))) => json(StatusCode::OK, &reloaded),
        (Ok(()), Ok(Err(failure))) => failed(&failure),
        _ => failed(&Failure::new(Kind::Unavailable, "the daemon is stopping")),
    }
}

/// `GET /{plugin}/help?command=`.
pub(super) async fn help(
    State(service): State<Arc<Service>>,
    Path(plugin): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    match service.registry.metadata(&plugin).await {
        Ok((metadata, outdated)) => {
            let command = query.get("command").map(String::as_str);
            help_answer(&metadata, outdated.as_ref(), command)
        }
        Err(failure) if failure.kind == Kind::NotFound => {
            let names = failure.available.unwrap_or_default();
            json(StatusCode::OK, &help::unknown_plugin(&plugin, &names))
        }
        Err(failure) => failed(&failure),
    }
}

/// Help, with a warning where the metadata is that of an earlier load.
pub(super) fn help_answer(
    metadata: &Metadata,
    outdated: Option<&Failure>,
    command: Option<&str>,
) -> Response {
    let mut response = json(StatusCode::OK, &help::answer(&metadata.description, command));
    if let Some(failure) = outdated {
        warn(&mut response, &help::outdated(failure));
    }
    response
}

/// `GET /{plugin}/commands`.
pub(super) async fn commands(
    State(service): State<Arc<Service>>,
    Path(plugin): Path<String>,
) -> Response {
    match service.registry.metadata(&plugin).await {
        Ok((metadata, _)) => {
            let help = help::plugin(&metadata.description);
            json(StatusCode::OK, &help.get("commands").unwrap_or(&json!([])))
        }
        Err(failure) => failed(&failure),
    }
}

/// The answer that FastAPI gives, too.
pub(super) async fn method_not_allowed() -> Response {
    json(StatusCode::METHOD_NOT_ALLOWED, &json!({"detail": "Method Not Allowed"}))
}

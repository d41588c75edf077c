//! `/deps`: the installed packages. Whatever changes them is only for the user's own socket.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::oneshot;

use super::peer::Peer;
use super::{Control, Service, failed, json};
use crate::failure::{Failure, Kind};
use crate::wire::deps::{self, Order};

/// What is asked about packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What is wanted, locked and installed.
    Report,
    /// A change.
    Change(Order),
    /// Why a package is there.
    Why(String),
    /// Which packages have newer versions.
    Outdated,
    /// To remove what no process uses.
    Prune,
    /// What adding the plugin at a path would lead to.
    Trial(PathBuf),
}

/// A query of one parameter.
type Parameters = Query<Vec<(String, String)>>;

/// `GET /deps`.
pub(super) async fn report(State(service): State<Arc<Service>>) -> Response {
    ask(&service, Question::Report).await
}

/// `GET /deps/why?package=`.
pub(super) async fn why(State(service): State<Arc<Service>>, Query(query): Parameters) -> Response {
    match parameter(query, deps::PACKAGE) {
        Ok(package) => ask(&service, Question::Why(package)).await,
        Err(failure) => failed(&failure),
    }
}

/// `GET /deps/outdated`.
pub(super) async fn outdated(State(service): State<Arc<Service>>) -> Response {
    ask(&service, Question::Outdated).await
}

/// `POST /deps/change`; answers when the change has ended.
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    match (own(peer), order) {
        (Err(failure), _) => failed(&failure),
        (_, Err(rejection)) => failed(&Failure::new(Kind::Usage, rejection.body_text())),
        (Ok(()), Ok(Json(order))) => ask(&service, Question::Change(order)).await,
    }
}

/// `POST /deps/prune`.
pub(super) async fn prune(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
) -> Response {
    match own(peer) {
        Ok(()) => ask(&service, Question::Prune).await,
        Err(failure) => failed(&failure),
    }
}

/// `POST /deps/trial?path=`.
pub(super) async fn trial(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    Query(query): Parameters,
) -> Response {
    match own(peer).and_then(|()| parameter(query, deps::PATH)) {
        Ok(path) => ask(&service, Question::Trial(path.into())).await,
        Err(failure) => failed(&failure),
    }
}

/// Refuses what did not come over the Unix socket.
fn own(peer: Peer) -> Result<(), Failure> {
    match peer {
        Peer::Unix => Ok(()),
        Peer::Tcp(_) | Peer::Unproven(_) | Peer::Remote(_) => {
            Err(Failure::new(Kind::Forbidden, "packages are changed only over the Unix socket")
                .hint("Use `skills-daemon deps`."))
        }
    }
}

fn parameter(query: Vec<(String, String)>, name: &str) -> Result<String, Failure> {
    let found = query.into_iter().find(|(key, value)| key == name && !value.is_empty());
    let missing = || Failure::new(Kind::Usage, format!("the query parameter `{name}` is missing"));
    found.map(|(_, value)| value).ok_or_else(missing)
}

async fn ask(service: &Service, question: Question) -> Response {
    let (answer, receiver) = oneshot::channel();
    let sent = service.control.send(Control::Packages { question, answer }).await;
    match (sent, receiver.await) {
        (Ok(()), Ok(Ok(value))) => json(StatusCode::OK, &value),
        (Ok(()), Ok(Err(failure))) => failed(&failure),
        _ => failed(&Failure::new(Kind::Unavailable, "the daemon is stopping")),
    }
}

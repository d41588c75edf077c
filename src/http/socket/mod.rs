//! WebSockets of plugins: from the request to the end of the connection.
//!
//! A request for one passes the guard as any other and goes to its plugin. The plugin's application accepts it, or
//! answers over HTTP. Once it is accepted, the connection leaves its place in a [`Slot`], from which the task of the
//! connection takes it when hyper is done with the handshake, so that a WebSocket counts where its connection does:
//! it is in flight, keeps the daemon from going idle and holds its plugin's permit until it ends. At a reload of its
//! plugin and at the end of the daemon it is closed with 1012 ("service restart").
//!
//! [`handshake`] judges the request, [`session`] passes messages on, [`keepalive`] pings. Messages of a client are read
//! only while the plugin keeps up, and the plugin waits while the client does not read. Extensions, compression among
//! them, are not negotiated. Requests to plugins of plain functions and to the daemon's own routes are answered as without the
//! upgrade.

mod handshake;
mod keepalive;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use super::observe::Held;
use super::{failed, written};
use crate::calls::{self, Answer, AnswerBody, Invocation, Target};
use crate::exchange::head::RequestHead;
use crate::exchange::messages::Messages;
use crate::registry::Served;

/// The place for the WebSocket that a connection becomes.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Opened>>>);

/// Marks a request for a WebSocket, as an extension of it.
#[derive(Clone)]
pub(super) struct Upgrade {
    on_upgrade: OnUpgrade,
    slot: Slot,
}

/// A WebSocket that was accepted.
pub(super) struct Opened {
    on_upgrade: OnUpgrade,
    messages: Messages,
    /// Turns true when the plugin ends.
    ending: watch::Receiver<bool>,
    held: Held,
}

impl Slot {
    /// Marks `request` if it is for a WebSocket.
    pub(super) fn offer(&self, request: &mut Request) {
        let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else { return };
        if handshake::is_asked_for(request.headers()) {
            let slot = self.clone();
            request.extensions_mut().insert(Upgrade { on_upgrade, slot });
        }
    }

    /// Takes the WebSocket that the connection has become.
    pub(super) fn take(&self) -> Option<Opened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Answers a request for a WebSocket with the answer of `plugin`.
pub(super) async fn answer(plugin: Arc<Served>, upgrade: Upgrade, head: RequestHead) -> Response {
    let answer_to_key = match handshake::judge(&head.method, &head.headers) {
        Ok(answer_to_key) => answer_to_key,
        Err(refused) => return refused.into_response(),
    };
    let ending = plugin.instance.ending();
    let invocation = Invocation::<Body> { plugin, target: Target::Socket(head), context: None };
    let answer = match calls::begin(invocation).await {
        Ok(pending) => pending.answer().await,
        Err(failure) => Err(failure),
    };
    let Answer { head, body } = match answer {
        Ok(answer) => answer,
        Err(failure) => return failed(&failure),
    };
    let body = match body {
        AnswerBody::Stream(io) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
            match Messages::of(io) {
                Ok(messages) => {
                    let mut response = handshake::accepted(answer_to_key, head.headers);
                    let held = upgrade.open(messages, ending);
                    response.extensions_mut().insert(held);
                    return response;
                }
                Err(io) => AnswerBody::Stream(io),
            }
        }
        body => body,
    };
    written::response(Answer { head, body })
}

impl Upgrade {
    /// Leaves the WebSocket to its connection.
    fn open(self, messages: Messages, ending: watch::Receiver<bool>) -> Held {
        let Upgrade { on_upgrade, slot } = self;
        let held = Held::default();
        let opened = Opened { on_upgrade, messages, ending, held: held.clone() };
        *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        held
    }
}

impl Opened {
    /// Serves the WebSocket until it ends, or the daemon does.
    pub(super) async fn run(self, daemon_ends: impl Future<Output = ()>) {
        let Opened { on_upgrade, messages, mut ending, held } = self;
        // A client that has gone before it has the answer ends the exchange with what is dropped here.
        let Ok(upgraded) = on_upgrade.await else { return };
        let ends = async move {
            tokio::select! {
                () = daemon_ends => {}
                // An error means that the plugin is gone.
                _ = ending.wait_for(|is_ending| *is_ending) => {}
            }
        };
        session::run(TokioIo::new(upgraded), messages, ends).await;
        drop(held);
    }
}

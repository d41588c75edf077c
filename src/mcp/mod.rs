//! Commands for agents by the Model Context Protocol, from the revision 2024-11-05 to 2026-07-28.
//!
//! The protocol itself is `rmcp`'s: sessions, negotiation, framing. A [`Face`] answers its requests out of the
//! descriptions of the plugins ([`offer`]) and by calls ([`running`]). What a call reports while it runs become
//! notifications ([`reporter`]). Its questions become requests to the client, up to 2025-11-25, or a result that says what is
//! missing, from 2026-07-28 on, whose request comes back with the answers ([`waiting`]).
//!
//! Two transports: HTTP ([`Server::answer`]), whose legacy sessions outlive the process ([`sessions`]), and lines
//! ([`Server::lines`]), which `skills-client mcp` passes on.

#![expect(
    deprecated,
    reason = "clients of earlier revisions set log levels, subscribe, and answer requests for samples and roots"
)]

mod ask;
mod calling;
mod changes;
mod consent;
mod direct;
mod face;
mod lines;
mod log;
mod offer;
mod offered;
mod problem;
mod reading;
mod reporter;
mod result;
mod running;
pub mod scope;
mod search;
mod session;
mod sessions;
#[cfg(test)]
mod tests;
mod tool;
mod waiting;

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::watch;

use crate::activity::Activity;
use crate::paths::Paths;
use crate::registry::Registry;
use crate::settings::agents::Choice;
use crate::settings::live::Live;
use face::Face;
use log::Calls;
use offer::Offers;
use scope::Scope;
use session::Client;
use sessions::Sessions;
use waiting::Waiting;

/// How long a session over HTTP stays in memory without a request; it is there again with the next one.
const SESSION_KEPT: Duration = Duration::from_secs(30 * 60);
/// The largest message, in bytes.
const MESSAGE_MAX: usize = 64 << 20;

/// The body of an answer.
pub type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// What serves agents.
pub struct Server {
    shared: Arc<Shared>,
    http: StreamableHttpService<Face, LocalSessionManager>,
}

/// What all sessions share.
struct Shared {
    registry: Arc<Registry>,
    activity: Arc<Activity>,
    settings: Arc<Live>,
    port: u16,
    offers: Offers,
    waiting: Arc<Waiting>,
    calls: Calls,
    /// True once the daemon leaves: what waits for changes ends, and no further line is read.
    leaving: watch::Sender<bool>,
}

impl Server {
    /// A server of the plugins in `registry`.
    pub fn new(
        registry: Arc<Registry>,
        activity: Arc<Activity>,
        settings: Arc<Live>,
        port: u16,
        paths: &Paths,
    ) -> Server {
        let shared = Arc::new(Shared {
            registry,
            activity,
            settings,
            port,
            offers: Offers::default(),
            waiting: Arc::default(),
            calls: Calls::default(),
            leaving: watch::Sender::new(false),
        });
        let mut sessions = LocalSessionManager::default();
        let mut kept = SessionConfig::default();
        kept.keep_alive = Some(SESSION_KEPT);
        sessions.session_config = kept;
        // The daemon's own guard has checked Host and Origin.
        let mut config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .with_json_response(true)
            .with_max_request_body_bytes(MESSAGE_MAX);
        config.session_store = Some(Arc::new(Sessions::at(paths.mcp_sessions())));
        let face = shared.clone();
        let make = move || Ok(Face(Client::new(face.clone(), None)));
        Server { shared, http: StreamableHttpService::new(make, Arc::new(sessions), config) }
    }

    /// Answers a request over HTTP.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Answer>
    where
        B: Body + Send + 'static,
        B::Error: Display,
    {
        let waits = request.method() == Method::GET;
        let response = self.http.handle(request).await;
        let mut leaving = self.shared.leaving.subscribe();
        response.map(|body| {
            if !waits {
                return body.boxed_unsync();
            }
            // A stream that only waits for what may happen ends with the daemon.
            let pieces = BodyExt::into_data_stream(body).take_until(async move {
                // An error means that the server is gone.
                let _ = leaving.wait_for(|leaving| *leaving).await;
            });
            StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
        })
    }

    /// Serves a connection of lines in both directions.
    pub fn lines<B>(&self, scope: Scope, lines: B) -> Answer
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        lines::serve(self.shared.clone(), scope, lines)
    }

    /// The choice of tools where none is made.
    pub fn default_choice(&self) -> Choice {
        self.shared.settings.now().agents.tools.clone()
    }

    /// The daemon leaves: ends what waits, and lets calls end.
    pub fn leave(&self) {
        self.shared.leaving.send_replace(true);
    }
}

//! Questions as requests to the client, as of the revisions up to 2025-11-25.

use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rmcp::RoleServer;
use rmcp::model::{InputRequest, ServerRequest};
use rmcp::service::Peer;

use super::ask::Asked;
use crate::exchange::events::Reply;

/// The number of a question, and its reply, when it comes.
type Replying = Pin<Box<dyn Future<Output = (u64, Reply)> + Send>>;

/// The requests to the client that wait for its result.
///
/// They are sent from the task of the request that they belong to: on its stream the client expects them.
#[derive(Default)]
pub(super) struct Open {
    waiting: FuturesUnordered<Replying>,
}

impl Open {
    /// Asks the client.
    pub(super) fn ask(&mut self, peer: &Peer<RoleServer>, asked: Vec<Asked>) {
        for asked in asked {
            let peer = peer.clone();
            self.waiting
                .push(Box::pin(async move { (asked.question.number, reply(peer, &asked).await) }));
        }
    }

    /// The next reply, and the number of its question; none while no question is open.
    pub(super) async fn next(&mut self) -> (u64, Reply) {
        match self.waiting.next().await {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }
}

async fn reply(peer: Peer<RoleServer>, asked: &Asked) -> Reply {
    let request = match asked.request()? {
        InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
        InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
        InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
        _ => return None,
    };
    let result = match peer.send_request(request).await {
        Ok(result) => result,
        Err(error) => {
            tracing::info!(%error, "a question to an agent's client got no answer");
            return None;
        }
    };
    let result = serde_json::to_value(result).ok()?;
    asked.reply(&result).flatten()
}

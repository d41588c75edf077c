//! Calls of plugins: the one way from an invocation to its answer.
//!
//! Every face (HTTP, the shell) makes an [`Invocation`] of its input and gets an [`Answer`]; it only
//! translates. Which command is meant and with which values is decided here, once, before the plugin's thread
//! is woken: a request that is certain to satisfy the plan of its route has its handler called directly, any
//! other is handed over whole, and FastAPI matches, validates and answers.
//!
//! A plain request carries no [`Context`], and no memory is allocated for one.
//!
//! To add a face: make an `Invocation`, [`begin`] it, read [`PendingCall::events`] if they have a use, and
//! write the [`Answer`].

mod binding;
mod counted;
mod deadline;
#[cfg(test)]
mod tests;
mod traced;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::watch;

use binding::Bound;
use counted::Counted;
pub use deadline::Deadline;

use crate::description::Style;
use crate::exchange::events::Signal;
use crate::exchange::head::{RequestHead, ResponseHead};
use crate::exchange::request::{Addressed, Request};
use crate::exchange::{Aborted, Events, Extent, Feed, Incoming, IoSide, Signals};
use crate::failure::{Failure, Kind};
use crate::limits::admission::Full;
use crate::registry::Served;
use crate::runtime::{Call, Caller};

/// The largest request body a plugin is sent, in bytes.
pub const BODY_MAX: usize = 256 << 20;

/// A call of a plugin.
pub struct Invocation<B> {
    /// The plugin.
    pub plugin: Arc<Served>,
    /// The request or command.
    pub target: Target<B>,
    /// Caller, deadline, cancellation; `None` for a plain request.
    pub context: Option<Box<Context>>,
}

/// The request or command of an invocation.
pub enum Target<B> {
    /// A request as it came over HTTP.
    Http(RequestHead, B),
    /// A request for a WebSocket, whose messages follow an answer of status 101.
    Socket(RequestHead),
    /// The command of this index with its values, and what it reads from stdin; without an index, the route is for the
    /// server to find.
    Command(Option<usize>, Box<Addressed>, Option<B>),
}

/// What a call may have besides its request.
#[derive(Debug, Default)]
pub struct Context {
    /// Where it comes from.
    pub caller: Option<Arc<Caller>>,
    /// When the head of its answer has to be there; the plugin's own limit may be earlier.
    pub deadline: Option<Deadline>,
    /// Turns true when the call is cancelled.
    pub cancelled: Option<watch::Receiver<bool>>,
    /// Which of its events have a reader.
    pub events: Readers,
}

/// Which events of a call have a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// None.
    #[default]
    None,
    /// All but output and questions.
    Reports,
    /// All but questions; output only that of plain functions.
    All,
    /// Questions, too, which get replies.
    AllWithReplies,
}

/// A call in flight.
pub struct PendingCall {
    io: IoSide,
    counted: Counted,
    request_id: Arc<str>,
    /// On the heap: most calls have none.
    deadline: Option<Box<Deadline>>,
    /// It was given to a thread of the plugin's pool, which nothing interrupts.
    on_pool: bool,
    cancelled: Option<watch::Receiver<bool>>,
}

/// The answer of a plugin.
pub struct Answer {
    /// Status and headers.
    pub head: ResponseHead,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// Pieces of it, as they come.
    Stream(IoSide),
}

/// Hands a call to its plugin.
///
/// # Errors
/// The body is too large or was cut off, or the plugin takes no more calls.
pub async fn begin<B>(invocation: Invocation<B>) -> Result<PendingCall, Failure>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display + Send,
{
    let Invocation { plugin, target, context } = invocation;
    let mut counted = Counted::begin(plugin);
    let traced = traced::begin(&counted.plugin, &target, context.as_deref(), counted.begun());
    let trace = traced.map(|traced| {
        let trace = traced.trace();
        counted.end.trace_by(traced);
        trace
    });
    let plugin = &counted.plugin;
    let mut failed = |failure| counted.end.failed(failure);
    let permit = match &plugin.admission {
        None => None,
        // On the heap: a plain request must not carry the room for it.
        Some(admission) => {
            let entered = Box::pin(admission.enter()).await;
            Some(entered.map_err(|Full| failed(plugin.full()))?)
        }
    };
    let mut limit = BODY_MAX;
    let (request, bound) = match target {
        Target::Http(head, body) => {
            let bound = binding::of_http(plugin, &head, body).await.map_err(&mut failed)?;
            (Request::Received(head), bound)
        }
        Target::Socket(head) => {
            let bound =
                Bound { command: None, incoming: Incoming::Messages, direct: None, rest: None };
            (Request::Received(head), bound)
        }
        Target::Command(command, request, stdin) => {
            let direct = binding::of_command(plugin, command, request.composed());
            let incoming = if stdin.is_some() { Incoming::Fed } else { Incoming::OfRequest };
            limit = usize::MAX;
            let bound = Bound { command, incoming, direct, rest: stdin };
            (Request::Composed(request), bound)
        }
    };
    let Bound { command, incoming, direct, rest } = bound;
    counted.command = command;
    let request_id = request.id().clone();
    let Context { caller, deadline, cancelled, events } =
        context.map(|context| *context).unwrap_or_default();
    let deadline = Deadline::of_call(deadline, plugin, command);
    let on_pool = direct.as_ref().is_some_and(|direct| !direct.begins_on_loop);
    // A program that is interrupted ends, and so does a function over HTTP; a router decides that itself, as in FastAPI.
    let is_function = plugin.metadata.description.style == Style::Functions;
    let extent = Extent {
        with_events: events != Readers::None,
        with_output: matches!(events, Readers::All | Readers::AllWithReplies) && is_function,
        with_replies: events == Readers::AllWithReplies,
        ends_with_caller: caller.is_some() || is_function,
    };
    let call = Call { request, incoming, direct, caller, extent, permit, trace };
    let io = plugin.instance.call(call).map_err(&mut failed)?;
    if let Some(body) = rest {
        tokio::spawn(feed(body, io.feed(), limit));
    }
    Ok(PendingCall { io, counted, request_id, deadline, on_pool, cancelled })
}

impl PendingCall {
    /// The events of the call; none but for a call that was begun with them.
    pub fn events(&self) -> Events {
        self.io.events()
    }

    /// The way to signal the handler.
    pub fn signals(&self) -> Signals {
        self.io.signals()
    }

    /// Waits for the head of the answer; the body follows as it comes.
    ///
    /// # Errors
    /// The plugin gave no whole answer, or none before the deadline.
    pub async fn answer(mut self) -> Result<Answer, Failure> {
        let head = match (&self.deadline, &self.cancelled) {
            (None, None) => self.io.head().await,
            // On the heap: a plain request must not carry the room for it.
            _ => match Box::pin(self.head_in_time()).await {
                Ok(head) => head,
                Err(late) => return Err(self.counted.end.failed(late)),
            },
        };
        match head {
            Ok(head) => {
                self.counted.end.answered(head.status.as_u16());
                let body = match self.io.whole() {
                    Some(body) => AnswerBody::Whole(body),
                    None => AnswerBody::Stream(self.io),
                };
                Ok(Answer { head, body })
            }
            Err(aborted) => {
                let name = self.counted.plugin.name();
                tracing::error!(plugin = name, request_id = &*self.request_id, "{aborted}");
                let failure = Failure::new(Kind::Plugin, format!("{name}: {aborted}"));
                let failure = failure.hint("Check daemon logs for details");
                Err(self.counted.end.failed(failure))
            }
        }
    }

    /// Waits for the head until the deadline, and passes on a cancellation.
    async fn head_in_time(&mut self) -> Result<Result<ResponseHead, Aborted>, Failure> {
        let signals = self.io.signals();
        let cancelled = self.cancelled.take();
        let late = async {
            match &self.deadline {
                Some(deadline) => {
                    deadline.passed().await;
                    deadline.missed(self.counted.plugin.name())
                }
                None => std::future::pending().await,
            }
        };
        let cancel = async {
            if let Some(mut cancelled) = cancelled
                && cancelled.wait_for(|cancelled| *cancelled).await.is_ok()
            {
                // False only for a call that is over.
                signals.send(Signal::Cancel);
            }
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            head = self.io.head() => Ok(head),
            // A cancelled call is waited for, too.
            never = cancel => match never {},
            failure = late => {
                self.io.signals().send(Signal::Cancel);
                self.log_late(&failure);
                Err(failure)
            }
        }
    }

    /// Logs an answer that is late.
    fn log_late(&self, failure: &Failure) {
        let (plugin, request_id, error) =
            (self.counted.plugin.name(), &*self.request_id, &*failure.error);
        if self.on_pool {
            // Python cannot interrupt a thread.
            let handler = "a def handler, whose thread runs on until it returns";
            tracing::warn!(plugin, request_id, handler, "{error}");
        } else {
            tracing::warn!(plugin, request_id, "{error}; its coroutine is cancelled");
        }
    }
}

/// Passes the request's body on until it ends, the plugin stops reading, or it grows beyond `limit` bytes.
async fn feed<B>(mut body: B, feed: Feed, limit: usize)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut size: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return feed.cut() };
        let Ok(chunk) = frame.into_data() else { continue };
        size = chunk.len().saturating_add(size);
        if size > limit {
            return feed.cut();
        }
        if !feed.push(chunk).await {
            return;
        }
    }
    feed.end();
}

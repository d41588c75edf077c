//! A call of a command on behalf of an agent, which may stop to ask and go on later.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use tokio::time::{Instant, interval_at};

use super::reporter::Reporter;
use crate::activity::InFlight;
use crate::calls::{self, Answer, AnswerBody, Context, Invocation, Readers, Target};
use crate::exchange::events::{Event, Reply, Signal, Stream};
use crate::exchange::request::{Addressed, Composed};
use crate::exchange::{Events, IoSide, Signals};
use crate::failure::{Failure, Kind};
use crate::recent::{self, Call, Listed, Recent};
use crate::registry::Served;
use crate::reports::Question;

/// The largest result, in bytes.
const RESULT_MAX: usize = 64 << 20;
/// How often a call that shows no progress of its own is reported to go on.
const BEAT: Duration = Duration::from_secs(15);

type Answering = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// A call that was begun.
pub(super) struct Running {
    events: Events,
    signals: Signals,
    /// Until the head of the answer is there.
    answer: Option<Answering>,
    io: Option<IoSide>,
    outcome: Outcome,
    body: BytesMut,
    stdout: BytesMut,
    stderr: BytesMut,
    /// Questions that were read and are asked with those that follow.
    asked: Vec<Question>,
    pub(super) begun: Instant,
    /// What it is known by, and its place among the calls under way.
    call: Option<(Call, Option<Listed>)>,
    _held: InFlight,
}

/// What a call has answered.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body as JSON, if it is, once it was asked for.
    pub(super) parsed: OnceLock<Option<Value>>,
    /// What it wrote on stdout.
    pub(super) stdout: String,
    /// What it wrote on stderr.
    pub(super) stderr: String,
    /// It failed after its answer had begun; stderr says why.
    pub(super) is_broken: bool,
}

/// What a call came to.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub(super) enum Turn {
    /// Its end.
    Done(Result<Outcome, Failure>),
    /// Questions that it waits for, asked together.
    Asks(Vec<Question>),
}

impl Running {
    /// Begins the call of the command with that index.
    ///
    /// # Errors
    /// The plugin takes no more calls.
    pub(super) async fn begin(
        plugin: Arc<Served>,
        command: usize,
        request: Composed,
        stdin: Option<String>,
        place: Place,
    ) -> Result<Running, Failure> {
        let description = &plugin.metadata.description;
        let is_certain = description
            .command(command)
            .is_some_and(|command| description.reaches(command, &request.segments));
        let Place { port, request_id, held, call, listed } = place;
        let addressed = Addressed::new(request, plugin.name(), port, request_id);
        let stdin = stdin.map(|text| Full::new(Bytes::from(text)));
        let target = Target::Command(is_certain.then_some(command), Box::new(addressed), stdin);
        let context = Context { events: Readers::AllWithReplies, ..Context::default() };
        let invocation = Invocation { plugin, target, context: Some(Box::new(context)) };
        let pending = calls::begin(invocation).await?;
        let (events, signals) = (pending.events(), pending.signals());
        let mut running = Running::new(events, signals, Box::pin(pending.answer()), held);
        running.call = Some((call, listed));
        Ok(running)
    }

    fn new(events: Events, signals: Signals, answer: Answering, held: InFlight) -> Running {
        Running {
            events,
            signals,
            answer: Some(answer),
            io: None,
            outcome: Outcome::default(),
            body: BytesMut::new(),
            stdout: BytesMut::new(),
            stderr: BytesMut::new(),
            asked: Vec::new(),
            begun: Instant::now(),
            call: None,
            _held: held,
        }
    }

    /// The call whose end is `io`.
    #[cfg(test)]
    pub(super) fn of(io: IoSide, held: InFlight) -> Running {
        let (events, signals) = (io.events(), io.signals());
        let answer = async move {
            let head = io.head().await.map_err(|it| Failure::new(Kind::Plugin, it.to_string()))?;
            let body = match io.whole() {
                Some(body) => AnswerBody::Whole(body),
                None => AnswerBody::Stream(io),
            };
            Ok(Answer { head, body })
        };
        Running::new(events, signals, Box::pin(answer), held)
    }

    /// Goes on until the call ends or asks something.
    pub(super) async fn turn(&mut self, reporter: &mut Reporter) -> Turn {
        let mut beats = interval_at(Instant::now() + BEAT, BEAT);
        loop {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                answer = async { self.answer.as_mut().expect("it is there").await },
                    if self.answer.is_some() =>
                {
                    match self.begun_to_answer(answer) {
                        Ok(()) => continue,
                        Err(failure) => return Turn::Done(Err(failure)),
                    }
                }
                _ = beats.tick() => {
                    reporter.beat(self.begun.elapsed()).await;
                    continue;
                }
            };
            match event {
                None => return Turn::Done(self.end().await),
                Some(Event::Question(question)) => {
                    let is_last = !question.more;
                    self.asked.push(question);
                    if is_last {
                        return Turn::Asks(std::mem::take(&mut self.asked));
                    }
                }
                Some(Event::Body(piece)) => self.body.extend_from_slice(&piece),
                Some(Event::Output { stream: Stream::Stdout, bytes }) => {
                    self.stdout.extend_from_slice(&bytes);
                }
                Some(Event::Output { stream: Stream::Stderr, bytes }) => {
                    self.stderr.extend_from_slice(&bytes);
                    reporter.stderr(&bytes).await;
                }
                Some(Event::Log(record)) => reporter.log(record).await,
                Some(Event::Progress(task)) => reporter.progress(&task).await,
                Some(Event::Exit(status)) => self.outcome.is_broken |= status != 0,
            }
            let printed = self.stdout.len() + self.stderr.len();
            if self.body.len() + printed > RESULT_MAX {
                self.cancel();
                return Turn::Done(Err(too_large()));
            }
        }
    }

    /// Keeps the call, which has ended, as a recent one.
    pub(super) fn note(&self, recent: &Recent, outcome: recent::Outcome) {
        let now = Instant::now();
        if let Some((call, _)) = &self.call {
            recent.ended(now, now.duration_since(self.begun), outcome, || call.clone());
        }
    }

    /// Gives the reply to a question; `None` if there is no answer.
    pub(super) fn reply(&self, question: u64, reply: Reply) {
        // False only for a question that waits no longer.
        self.signals.send(Signal::Reply { question, reply });
    }

    /// Cancels the call.
    pub(super) fn cancel(&self) {
        self.signals.send(Signal::Cancel);
    }

    /// A way to give replies while it goes on.
    pub(super) fn signals(&self) -> Signals {
        self.signals.clone()
    }

    fn begun_to_answer(&mut self, answer: Result<Answer, Failure>) -> Result<(), Failure> {
        self.answer = None;
        let Answer { head, body } = answer?;
        (self.outcome.status, self.outcome.headers) = (head.status, head.headers);
        match body {
            AnswerBody::Whole(body) => self.body.extend_from_slice(&body),
            AnswerBody::Stream(io) => self.io = Some(io),
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<Outcome, Failure> {
        if let Some(answer) = self.answer.take() {
            // It is there: no event follows.
            self.begun_to_answer(answer.await)?;
        }
        if self.io.as_ref().is_some_and(|io| !io.is_complete()) {
            return Err(Failure::new(Kind::Plugin, "the result was cut off")
                .hint("Check daemon logs for details"));
        }
        self.outcome.body = std::mem::take(&mut self.body).freeze();
        self.outcome.stdout = String::from_utf8_lossy(&self.stdout).into_owned();
        self.outcome.stderr = String::from_utf8_lossy(&self.stderr).into_owned();
        Ok(std::mem::take(&mut self.outcome))
    }
}

impl Drop for Running {
    /// A call that is dropped while it waits for a reply is cancelled; one that has ended is not concerned.
    fn drop(&mut self) {
        self.signals.send(Signal::Cancel);
    }
}

/// Where a call is made.
pub(super) struct Place {
    /// The daemon's port.
    pub(super) port: u16,
    /// The id of the request, in all logs.
    pub(super) request_id: Arc<str>,
    /// Keeps the daemon awake.
    pub(super) held: InFlight,
    /// What it is known by.
    pub(super) call: Call,
    /// Its place among the calls under way.
    pub(super) listed: Option<Listed>,
}

fn too_large() -> Failure {
    let error = format!("the result is larger than {} MB", RESULT_MAX >> 20);
    Failure::new(Kind::Plugin, error).hint("Ask for less, or run the command in a shell.")
}

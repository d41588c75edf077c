//! A call on behalf of an agent, with its questions and to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::{ErrorData, InputRequiredResult, InputResponses, ProtocolVersion};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::ask::{self, Abilities, Asked};
use super::reporter::{self, Reporter};
use super::running::{Outcome, Place, Running, Turn};
use super::session::Client;
use super::waiting::Held;
use super::{direct, log};
use crate::description::Description;
use crate::exchange::events::Signal;
use crate::failure::{Failure, Kind};
use crate::recent::{self, Call as RecentCall, Face};
use crate::reports::Question;
use crate::tools::{self, ToolCall};
use crate::traces::{TRACEPARENT, TRACESTATE};

/// What an agent calls.
pub(super) struct Asking {
    /// Names the request: only the same one may go on with a call that waits.
    pub(super) request: String,
    /// What is in the log.
    pub(super) name: String,
    pub(super) plugin: Arc<Description>,
    pub(super) command: usize,
    pub(super) arguments: Map<String, Value>,
    /// The answers that came with the request.
    pub(super) answers: InputResponses,
    pub(super) state: Option<String>,
}

/// What a call came to.
pub(super) enum Ended {
    Done(Result<Outcome, Failure>),
    Required(InputRequiredResult),
}

/// Begins a call, or goes on with one that waits, until it ends or needs what the client has to say.
pub(super) async fn run(
    client: &Client,
    asking: Asking,
    context: RequestContext<RoleServer>,
) -> Result<Ended, ErrorData> {
    let Asking { request, name, plugin, command, arguments, answers, state } = asking;
    let size = json!(arguments).to_string().len();
    let log = |running: &Running, ended, outcome| {
        client.shared.calls.ended(&plugin.name, &name, running, size, ended);
        running.note(&client.shared.registry.recent, outcome);
    };
    let mut call = match state {
        Some(state) => {
            let held = client.shared.waiting.take(&state, Some(&request));
            let held = held.ok_or_else(|| {
                let text = "requestState is of no call that waits: it has ended, or the state was changed. Call again.";
                ErrorData::invalid_params(text, None)
            })?;
            Call { running: held.running, count: held.count, open: held.asked }
        }
        None => match begun(client, &plugin, command, &name, arguments, &context).await {
            Ok(running) => Call { running, count: 0, open: Vec::new() },
            Err(failure) => return Ok(Ended::Done(Err(failure))),
        },
    };
    let is_stateless =
        context.protocol_version().is_some_and(|it| it >= ProtocolVersion::V_2026_07_28);
    let level = match is_stateless {
        true => context.meta.log_level().map(reporter::number),
        false => client.session.level(),
    };
    let token = context.meta.get_progress_token();
    let mut reporter = Reporter::new(context.peer.clone(), token, level);
    let abilities = Abilities::of(context.client_capabilities().as_ref());
    let mut direct = direct::Open::default();
    let open = std::mem::take(&mut call.open);
    call.answer(open, &answers);
    let ended = loop {
        if !call.open.is_empty() {
            break None;
        }
        let turn = {
            let signals = call.running.signals();
            let mut turn = pin!(call.running.turn(&mut reporter));
            loop {
                tokio::select! {
                    turn = turn.as_mut() => break Some(turn),
                    (question, reply) = direct.next() => {
                        // False only for a question that waits no longer.
                        signals.send(Signal::Reply { question, reply });
                    }
                    () = context.ct.cancelled() => break None,
                }
            }
        };
        let Some(turn) = turn else {
            call.running.cancel();
            log(&call.running, ("cancelled", 0), recent::Outcome::Cancelled);
            return Err(ErrorData::internal_error("cancelled", None));
        };
        match turn {
            Turn::Done(outcome) => break Some(outcome),
            Turn::Asks(questions) => {
                let asked = call.askable(questions, abilities, is_stateless)?;
                match is_stateless {
                    true => call.answer(asked, &answers),
                    false => direct.ask(&context.peer, asked),
                }
            }
        }
    };
    match ended {
        Some(outcome) => {
            log(&call.running, log::outcome(&outcome), log::status(&outcome));
            Ok(Ended::Done(outcome))
        }
        None => {
            let Call { running, count, open } = call;
            let requests = open.iter().filter_map(|it| Some((it.key.clone(), it.request()?)));
            let requests = requests.collect();
            let held = Held { request, running, asked: open, count };
            let state = client.shared.waiting.hold(held);
            Ok(Ended::Required(InputRequiredResult::new(Some(requests), Some(state))))
        }
    }
}

/// A call with its questions.
struct Call {
    running: Running,
    /// How many questions it has asked.
    count: usize,
    /// Those that wait for the client.
    open: Vec<Asked>,
}

impl Call {
    /// Takes questions; those that the client cannot be asked are answered with their default, or with nothing.
    ///
    /// # Errors
    /// The client lacks what the call cannot do without.
    fn askable(
        &mut self,
        questions: Vec<Question>,
        abilities: Abilities,
        is_stateless: bool,
    ) -> Result<Vec<Asked>, ErrorData> {
        let (can, cannot): (Vec<Question>, Vec<Question>) =
            questions.into_iter().partition(|question| abilities.answer(&question.asks));
        if is_stateless && can.is_empty() {
            for question in &cannot {
                if let Some(needed) = ask::needed(&question.asks) {
                    self.running.cancel();
                    return Err(ErrorData::missing_required_client_capability(needed));
                }
            }
        }
        for question in cannot {
            self.running.reply(question.number, question.default);
        }
        let asked = can.into_iter().map(|question| {
            self.count += 1;
            Asked::new(question, self.count)
        });
        Ok(asked.collect())
    }

    /// Answers questions with what came with the request; those without an answer stay open.
    fn answer(&mut self, asked: Vec<Asked>, answers: &InputResponses) {
        for asked in asked {
            match answers.get(&asked.key).and_then(|answer| asked.reply(answer)) {
                Some(reply) => self.running.reply(asked.question.number, reply),
                None => self.open.push(asked),
            }
        }
    }
}

/// Begins the call of a command of `known`, a description of its plugin.
async fn begun(
    client: &Client,
    known: &Arc<Description>,
    command: usize,
    name: &str,
    arguments: Map<String, Value>,
    context: &RequestContext<RoleServer>,
) -> Result<Running, Failure> {
    let shared = &client.shared;
    let held = shared.activity.begin();
    let parts = context.extensions.get::<Parts>();
    let request_id = parts.and_then(|parts| parts.headers.get(crate::wire::REQUEST_ID_HEADER));
    let request_id = request_id.and_then(|id| id.to_str().ok()).map_or_else(new_id, Arc::from);
    let (plugin, name) = (known.name.clone(), name.to_owned());
    let call = RecentCall { face: Face::Agent, plugin, name, request: request_id.clone() };
    let listed = shared.registry.recent.list(Duration::ZERO, || call.clone());
    let plugin = shared.registry.find(&known.name).await?;
    let description = &plugin.metadata.description;
    let wanted = known.command(command);
    // Another version may have it elsewhere, or not at all.
    let found = description.all_commands().find(|(_, its)| {
        wanted.is_some_and(|wanted| wanted.path == its.path && wanted.method == its.method)
    });
    let (command, its) = found.ok_or_else(|| {
        let error = format!("{} has changed, and has no such command any more", known.name);
        Failure::new(Kind::NotFound, error).hint("List the tools again.")
    })?;
    let ToolCall { mut request, stdin } = tools::composed(its, arguments)?;
    let trace = [
        (TRACEPARENT, context.meta.get_traceparent()),
        (TRACESTATE, context.meta.get_tracestate()),
    ];
    for (name, value) in trace {
        if let Some(value) = value.and_then(|value| value.parse().ok()) {
            request.headers.push((http::HeaderName::from_static(name), value));
        }
    }
    let place = Place { port: shared.port, request_id, held, call, listed };
    Running::begin(plugin, command, request, stdin, place).await
}

/// The id of a call that brought none.
fn new_id() -> Arc<str> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id[..8].into()
}

//! Calls on behalf of an agent: a tool, a resource or a prompt, with its questions and to its end.

use std::pin::pin;
use std::sync::Arc;

use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequiredResult,
    InputResponses, PromptMessage, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Role,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::ask::{self, Abilities, Asked};
use super::offer::Offer;
use super::reporter::{self, Reporter};
use super::running::{Outcome, Place, Running, Turn};
use super::session::Client;
use super::waiting::Held;
use super::{consent, direct, log, result, search};
use crate::description::Description;
use crate::exchange::events::Signal;
use crate::failure::{Failure, Kind};
use crate::reports::Question;
use crate::tools::{self, Entry, ToolCall};

/// What an agent calls.
struct Asking {
    /// Names the request: only the same one may go on with a call that waits.
    request: String,
    /// What is in the log.
    name: String,
    plugin: Arc<Description>,
    command: usize,
    arguments: Map<String, Value>,
    /// The answers that came with the request.
    answers: InputResponses,
    state: Option<String>,
}

/// What a call came to.
enum Ended {
    Done(Result<Outcome, Failure>),
    Required(InputRequiredResult),
}

/// `tools/call`.
pub(super) async fn tool(
    client: &Client,
    offer: &Offer,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let mut arguments = request.arguments.unwrap_or_default();
    let mut entry = offer.catalog.find(&request.name);
    if let Some(index) = &offer.index {
        let answered = match request.name.as_ref() {
            search::SEARCH => Some(search::find(&offer.catalog, index, &arguments)),
            search::DESCRIBE => Some(search::describe(&offer.catalog, &arguments)),
            search::CALL => match search::entry(&offer.catalog, &arguments) {
                Ok(found) => {
                    entry = Some(found);
                    match search::arguments(arguments) {
                        Ok(inner) => {
                            arguments = inner;
                            None
                        }
                        Err(error) => return Ok(result::error(format!("Error: {error}")).into()),
                    }
                }
                Err(error) => Some(Err(error)),
            },
            _ => None,
        };
        match answered {
            Some(Ok(text)) => {
                return Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into());
            }
            Some(Err(error)) => return Ok(result::error(format!("Error: {error}")).into()),
            None => {}
        }
    }
    let Some(Entry { plugin, tool }) = entry else {
        let text = search::unknown(&offer.catalog, &request.name);
        return Err(ErrorData::invalid_params(text, None));
    };
    let asking = Asking {
        request: json!(["tools/call", request.name, arguments]).to_string(),
        name: tool.name.clone(),
        plugin: plugin.clone(),
        command: tool.command,
        arguments,
        answers: request.input_responses.unwrap_or_default(),
        state: request.request_state,
    };
    let settings = client.shared.settings.now();
    match consent::of(
        tool,
        settings.agents.ask_before,
        &asking.arguments,
        &asking.answers,
        &context,
    )
    .await?
    {
        consent::Consent::Given => {}
        consent::Consent::Refused(text) => return Ok(result::error(text).into()),
        consent::Consent::Required(required) => return Ok(required.into()),
    }
    match run(client, asking, context).await? {
        Ended::Done(Ok(outcome)) => {
            Ok(result::of(outcome, tool, settings.agents.result_max).into())
        }
        Ended::Done(Err(failure)) => Ok(result::failed(&failure).into()),
        Ended::Required(required) => Ok(required.into()),
    }
}

/// `resources/read`.
pub(super) async fn resource(
    client: &Client,
    offer: &Offer,
    request: ReadResourceRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<ReadResourceResponse, ErrorData> {
    let uri = request.uri;
    let Some((offered, arguments)) = offer.at(&uri) else {
        let data = json!({"uri": uri});
        return Err(ErrorData::resource_not_found("Resource not found", Some(data)));
    };
    let asking = Asking {
        request: json!(["resources/read", uri]).to_string(),
        name: offered.name.clone(),
        plugin: offered.plugin.clone(),
        command: offered.command,
        arguments,
        answers: request.input_responses.unwrap_or_default(),
        state: request.request_state,
    };
    match run(client, asking, context).await? {
        Ended::Done(outcome) => {
            let outcome = succeeded(outcome)?;
            let contents = result::contents(&outcome, &uri, offered.mime_type());
            Ok(ReadResourceResponse::Complete(ReadResourceResult::new(contents)))
        }
        Ended::Required(required) => Ok(required.into()),
    }
}

/// `prompts/get`.
pub(super) async fn prompt(
    client: &Client,
    offer: &Offer,
    request: GetPromptRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<GetPromptResponse, ErrorData> {
    let Some(offered) = offer.prompt(&request.name) else {
        return Err(ErrorData::invalid_params(format!("unknown prompt: {}", request.name), None));
    };
    let arguments = request.arguments.unwrap_or_default();
    let asking = Asking {
        request: json!(["prompts/get", request.name, arguments]).to_string(),
        name: offered.name.clone(),
        plugin: offered.plugin.clone(),
        command: offered.command,
        arguments,
        answers: request.input_responses.unwrap_or_default(),
        state: request.request_state,
    };
    match run(client, asking, context).await? {
        Ended::Done(outcome) => {
            let mut result = GetPromptResult::new(messages(&succeeded(outcome)?)?);
            result.description = offered.prompt().and_then(|prompt| prompt.description);
            Ok(GetPromptResponse::Complete(result))
        }
        Ended::Required(required) => Ok(required.into()),
    }
}

/// The outcome of what has no way to report a failure but the protocol's own.
fn succeeded(outcome: Result<Outcome, Failure>) -> Result<Outcome, ErrorData> {
    match outcome {
        Ok(outcome) if outcome.has_failed() => {
            let text = result::problem(&outcome, outcome.json().as_ref());
            match outcome.status.as_u16() {
                400..=499 => Err(ErrorData::invalid_params(text, None)),
                _ => Err(ErrorData::internal_error(text, None)),
            }
        }
        Ok(outcome) => Ok(outcome),
        Err(failure) => Err(ErrorData::internal_error(failure.to_string(), None)),
    }
}

/// The messages of a prompt: those that it returned, or its text as one of the user.
fn messages(outcome: &Outcome) -> Result<Vec<PromptMessage>, ErrorData> {
    let message = |value: &Value| -> Option<PromptMessage> {
        match value {
            Value::String(text) => Some(PromptMessage::new_text(Role::User, text)),
            value => serde_json::from_value(value.clone()).ok(),
        }
    };
    let messages = match outcome.json() {
        Some(Value::Array(values)) => values.iter().map(message).collect(),
        Some(value) => message(&value).map(|message| vec![message]),
        None => None,
    };
    messages.ok_or_else(|| {
        ErrorData::internal_error("the prompt returned neither a text nor messages", None)
    })
}

/// Begins a call, or goes on with one that waits, until it ends or needs what the client has to say.
async fn run(
    client: &Client,
    asking: Asking,
    context: RequestContext<RoleServer>,
) -> Result<Ended, ErrorData> {
    let Asking { request, name, plugin, command, arguments, answers, state } = asking;
    let size = json!(arguments).to_string().len();
    let mut call = match state {
        Some(state) => {
            let held = client.shared.waiting.take(&state, Some(&request));
            let held = held.ok_or_else(|| {
                let text = "requestState is of no call that waits: it has ended, or the state was changed. Call again.";
                ErrorData::invalid_params(text, None)
            })?;
            Call { running: held.running, count: held.count, open: held.asked }
        }
        None => match begun(client, &plugin, command, arguments, &context).await {
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
            log::called(&plugin.name, &name, &call.running, size, "cancelled", 0);
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
            let (ended, bytes) = log::outcome(&outcome);
            log::called(&plugin.name, &name, &call.running, size, ended, bytes);
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
    arguments: Map<String, Value>,
    context: &RequestContext<RoleServer>,
) -> Result<Running, Failure> {
    let shared = &client.shared;
    let held = shared.activity.begin();
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
    if let Some(trace) = context.meta.get_traceparent().and_then(|trace| trace.parse().ok()) {
        request.headers.push((http::HeaderName::from_static("traceparent"), trace));
    }
    let parts = context.extensions.get::<Parts>();
    let request_id = parts.and_then(|parts| parts.headers.get(crate::wire::REQUEST_ID_HEADER));
    let request_id = request_id.and_then(|id| id.to_str().ok()).map_or_else(new_id, Arc::from);
    let place = Place { port: shared.port, request_id, held };
    Running::begin(plugin, command, request, stdin, place).await
}

/// The id of a call that brought none.
fn new_id() -> Arc<str> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id[..8].into()
}

//! Resources and prompts: what is read and written for an agent by a call.

use rmcp::RoleServer;
use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputResponses,
    PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Role,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::calling::{Asking, Ended, run};
use super::offer::Offer;
use super::offered::Offered;
use super::running::Outcome;
use super::session::Client;
use super::{problem, result};
use crate::failure::Failure;

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
    let identity = json!(["resources/read", uri]).to_string();
    let (answers, state) = (request.input_responses, request.request_state);
    let asking = asking(offered, identity, arguments, answers, state);
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
    let identity = json!(["prompts/get", request.name, arguments]).to_string();
    let (answers, state) = (request.input_responses, request.request_state);
    let asking = asking(offered, identity, arguments, answers, state);
    match run(client, asking, context).await? {
        Ended::Done(outcome) => {
            let mut result = GetPromptResult::new(messages(&succeeded(outcome)?)?);
            result.description = offered.prompt().and_then(|prompt| prompt.description);
            Ok(GetPromptResponse::Complete(result))
        }
        Ended::Required(required) => Ok(required.into()),
    }
}

/// The call of a resource or prompt; `request` identifies its request.
fn asking(
    offered: &Offered,
    request: String,
    arguments: Map<String, Value>,
    answers: Option<InputResponses>,
    state: Option<String>,
) -> Asking {
    Asking {
        request,
        name: offered.name.clone(),
        plugin: offered.plugin.clone(),
        command: offered.command,
        arguments,
        answers: answers.unwrap_or_default(),
        state,
    }
}

/// The outcome of what has no way to report a failure but the protocol's own.
fn succeeded(outcome: Result<Outcome, Failure>) -> Result<Outcome, ErrorData> {
    match outcome {
        Ok(outcome) if outcome.has_failed() => {
            let text = problem::text(&outcome, outcome.json());
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
        Some(value) => message(value).map(|message| vec![message]),
        None => None,
    };
    messages.ok_or_else(|| {
        ErrorData::internal_error("the prompt returned neither a text nor messages", None)
    })
}

//! `tools/call`: a command, or one of the tools that find commands.

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::calling::{Asking, Ended, run};
use super::consent::{self, Consent};
use super::offer::Offer;
use super::session::Client;
use super::{result, search};
use crate::settings::agents::AskBefore;
use crate::tools::Entry;

/// What a name stands for.
enum Meant<'a> {
    /// A command, and its arguments.
    Command(&'a Entry, Map<String, Value>),
    /// What a tool that finds commands has to say.
    Text(Result<String, String>),
}

/// `tools/call`.
pub(super) async fn call(
    client: &Client,
    offer: &Offer,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let given = request.arguments.unwrap_or_default();
    let (Entry { plugin, tool }, arguments) = match meant(offer, &request.name, given) {
        Some(Meant::Command(entry, arguments)) => (entry, arguments),
        Some(Meant::Text(Ok(text))) => {
            return Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into());
        }
        Some(Meant::Text(Err(error))) => {
            return Ok(result::error(format!("Error: {error}")).into());
        }
        None => {
            let text = search::unknown(&offer.catalog, &request.name);
            return Err(ErrorData::invalid_params(text, None));
        }
    };
    let answers = request.input_responses.unwrap_or_default();
    let settings = client.shared.settings.now();
    // A call that waits was consented to when it was begun.
    let ask_before = match request.request_state {
        Some(_) => AskBefore::Nothing,
        None => settings.agents.ask_before,
    };
    match consent::of(tool, ask_before, &arguments, &answers, &context).await? {
        Consent::Given => {}
        Consent::Refused(text) => return Ok(result::error(text).into()),
        Consent::Required(required) => return Ok(required.into()),
    }
    let asking = Asking {
        request: json!(["tools/call", tool.name, arguments]).to_string(),
        name: tool.name.clone(),
        plugin: plugin.clone(),
        command: tool.command,
        arguments,
        answers,
        state: request.request_state,
    };
    match run(client, asking, context).await? {
        Ended::Done(Ok(outcome)) => {
            Ok(result::of(outcome, tool, settings.agents.result_max).into())
        }
        Ended::Done(Err(failure)) => Ok(result::failed(&failure).into()),
        Ended::Required(required) => Ok(required.into()),
    }
}

/// What a name stands for; a command has its own also where it is found by a search.
fn meant<'a>(offer: &'a Offer, name: &str, given: Map<String, Value>) -> Option<Meant<'a>> {
    let catalog = &offer.catalog;
    let text = match (&offer.index, name) {
        (Some(index), search::SEARCH) => search::find(catalog, index, &given),
        (Some(_), search::DESCRIBE) => search::describe(catalog, &given),
        (Some(_), search::CALL) => {
            let found = search::entry(catalog, &given);
            match found.and_then(|entry| Ok((entry, search::arguments(given)?))) {
                Ok((entry, arguments)) => return Some(Meant::Command(entry, arguments)),
                Err(error) => Err(error),
            }
        }
        _ => return Some(Meant::Command(catalog.find(name)?, given)),
    };
    Some(Meant::Text(text))
}

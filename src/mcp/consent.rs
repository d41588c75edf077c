//! The person's consent to calls that the settings want it for.

use rmcp::RoleServer;
use rmcp::model::{ErrorData, InputRequiredResult, InputResponses, ProtocolVersion, ServerRequest};
use rmcp::service::RequestContext;
use serde_json::{Map, Value};

use super::ask::{Abilities, Asked};
use crate::exchange::events::Reply;
use crate::reports::{Asks, Question, YES};
use crate::settings::agents::AskBefore;
use crate::tools::Tool;

/// The name of the question.
const KEY: &str = "consent";
/// The longest text of the arguments in a question, in characters.
const SHOWN: usize = 500;

/// Whether a call may be made.
pub(super) enum Consent {
    Given,
    /// It may not, for this reason.
    Refused(String),
    /// The client is to ask the person.
    Required(InputRequiredResult),
}

/// The consent to a call of `tool`, asked for where the settings want it.
pub(super) async fn of(
    tool: &Tool,
    setting: AskBefore,
    arguments: &Map<String, Value>,
    answers: &InputResponses,
    context: &RequestContext<RoleServer>,
) -> Result<Consent, ErrorData> {
    if !is_wanted(tool, setting) {
        return Ok(Consent::Given);
    }
    let asked = question(tool, arguments);
    if !Abilities::of(context.client_capabilities().as_ref()).answer(&Asks::Confirmation) {
        return Ok(Consent::Refused(format!(
            "Error: {} needs the person's consent, and this client cannot ask for it\n\
             Hint: run the command in a shell, or change `ask_before` in `[agents]` of config.toml.",
            tool.name
        )));
    }
    if context.protocol_version().is_some_and(|it| it >= ProtocolVersion::V_2026_07_28) {
        return Ok(match answers.get(KEY).and_then(|answer| asked.reply(answer)) {
            Some(reply) => given(tool, reply),
            None => {
                let requests = asked.request().map(|request| (KEY.to_owned(), request));
                Consent::Required(InputRequiredResult::from_input_requests(
                    requests.into_iter().collect(),
                ))
            }
        });
    }
    let Some(rmcp::model::InputRequest::Elicitation(request)) = asked.request() else {
        return Ok(given(tool, None));
    };
    let result = context.peer.send_request(ServerRequest::ElicitRequest(request)).await;
    let result = result.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let result = serde_json::to_value(result).unwrap_or_default();
    Ok(given(tool, asked.reply(&result).flatten()))
}

fn is_wanted(tool: &Tool, setting: AskBefore) -> bool {
    match setting {
        AskBefore::Nothing => false,
        AskBefore::Destructive => tool.effect.destroys,
        AskBefore::Changes => !tool.effect.reads_only,
    }
}

fn given(tool: &Tool, reply: Reply) -> Consent {
    match reply.as_deref() {
        Some(YES) => Consent::Given,
        _ => Consent::Refused(format!("Error: the person did not consent to {}", tool.name)),
    }
}

fn question(tool: &Tool, arguments: &Map<String, Value>) -> Asked {
    let text = Value::Object(arguments.clone()).to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let question = Question {
        number: 0,
        prompt: format!("Run {} with {shown}?", tool.name),
        asks: Asks::Confirmation,
        default: None,
        key: Some(KEY.to_owned()),
        more: false,
    };
    Asked::new(question, 1)
}

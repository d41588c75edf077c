//! JSON-RPC messages: the few fields that the bridge reads, and the messages that it writes itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// The notification that a request is not to be answered.
pub(super) const CANCELLED: &str = "notifications/cancelled";
/// Key of `params._meta` in a request of a revision that has no `initialize`.
const REVISION: &str = "io.modelcontextprotocol/protocolVersion";
/// Code of JSON-RPC for a message that is no request.
const INVALID_REQUEST: i32 = -32600;
/// Code of JSON-RPC for a failure of the server.
const INTERNAL_ERROR: i32 = -32603;
/// Result of a call whose outcome is not known, for the model.
const UNKNOWN_OUTCOME: &str = "the daemon ended during the call; whether it took effect is not known. \
    Check before calling again.";

/// A message, without its newline.
pub(super) type Line = Rc<[u8]>;

/// The fields of a message; the id is kept as it is written, because it may be a string or a number.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// The fields of `params`.
#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<BTreeMap<Cow<'a, str>, IgnoredAny>>,
}

/// The result of `initialize`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Initialized {
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    prompts: Listed,
    resources: Listed,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Listed {
    list_changed: bool,
}

impl<'a> Head<'a> {
    /// Parses a message; `None` for what is no JSON object.
    pub(super) fn parse(line: &'a [u8]) -> Option<Head<'a>> {
        serde_json::from_slice(line).ok()
    }

    /// The id, as it is written.
    pub(super) fn id(&self) -> Option<&'a str> {
        self.id.map(RawValue::get)
    }

    /// The method; empty for a response.
    pub(super) fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }

    /// True for a response with a result.
    pub(super) fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// The id of the request that a notification is about.
    pub(super) fn request_id(&self) -> Option<&'a str> {
        self.params().request_id.map(RawValue::get)
    }

    /// The URI of a subscription.
    pub(super) fn uri(&self) -> Option<String> {
        self.params().uri.map(Cow::into_owned)
    }

    /// True for a request of a revision that has no `initialize`.
    pub(super) fn is_stateless(&self) -> bool {
        self.params().meta.is_some_and(|meta| meta.contains_key(REVISION))
    }

    /// The notifications about changed lists that the result of `initialize` allows; that of tools always.
    pub(super) fn changes(&self) -> Vec<&'static str> {
        let text = self.result.map_or("{}", RawValue::get);
        let Initialized { capabilities } = serde_json::from_str(text).unwrap_or_default();
        let mut changes = vec!["notifications/tools/list_changed"];
        if capabilities.resources.list_changed {
            changes.push("notifications/resources/list_changed");
        }
        if capabilities.prompts.list_changed {
            changes.push("notifications/prompts/list_changed");
        }
        changes
    }

    fn params(&self) -> Params<'a> {
        // What is of another form is the daemon's to refuse.
        self.params.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default()
    }
}

/// Returns the id of a message.
pub(super) fn id_of(line: &[u8]) -> Option<String> {
    Head::parse(line)?.id().map(str::to_owned)
}

/// True for what concerns one connection only: the answer to a request of the daemon, and the end of one of the client.
pub(super) fn is_of_connection(line: &[u8]) -> bool {
    let head = Head::parse(line).unwrap_or_default();
    matches!((head.method(), head.id()), ("", Some(_)) | (CANCELLED, None))
}

/// Returns the result of a call whose outcome is not known.
pub(super) fn unknown_outcome(id: &str, is_stateless: bool) -> Line {
    let text = quoted(UNKNOWN_OUTCOME);
    let kind = if is_stateless { r#","resultType":"complete""# } else { "" };
    line(&format!(
        r#""id":{id},"result":{{"content":[{{"type":"text","text":{text}}}],"isError":true{kind}}}"#
    ))
}

/// Returns the error of a request that no daemon took; `null` is the id of what is no request.
pub(super) fn error(id: &str, failure: &Failure) -> Line {
    let hint = failure.hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default();
    let message = quoted(&format!("{}{hint}", failure.error));
    line(&format!(r#""id":{id},"error":{{"code":{INTERNAL_ERROR},"message":{message}}}"#))
}

/// Returns the error of a line that is longer than `limit`, in bytes.
pub(super) fn too_long(limit: usize) -> Line {
    let message = quoted(&format!("message too large (limit {} MiB)", limit >> 20));
    line(&format!(r#""id":null,"error":{{"code":{INVALID_REQUEST},"message":{message}}}"#))
}

/// Returns a notification without parameters.
pub(super) fn notification(method: &str) -> Line {
    line(&format!(r#""method":"{method}""#))
}

/// Returns that the request `id` needs no response any more.
pub(super) fn cancelled(id: &str) -> Line {
    line(&format!(
        r#""method":"{CANCELLED}","params":{{"requestId":{id},"reason":"the daemon has ended"}}"#
    ))
}

fn line(fields: &str) -> Line {
    format!(r#"{{"jsonrpc":"2.0",{fields}}}"#).into_bytes().into()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

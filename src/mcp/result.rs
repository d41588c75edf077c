//! From what a command answered to the result of a tool.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use super::problem::{self, PLAIN};
use super::running::Outcome;
use crate::failure::Failure;
use crate::render;
use crate::tools::Tool;
use crate::tools::result::Structured;
use crate::wire;

/// The result of a tool; its text has at most `most` bytes.
pub(super) fn of(mut outcome: Outcome, tool: &Tool, most: usize) -> CallToolResult {
    let kind = outcome.media_type();
    let is_json = kind.ends_with("json") && !kind.ends_with("jsonl");
    let failed = match outcome.json().filter(|_| is_json) {
        Some(value) => render::failed(value, outcome.status.as_u16()),
        None => !outcome.status.is_success() && !outcome.status.is_redirection(),
    };
    if failed {
        return error(problem::text(&outcome, outcome.json().filter(|_| is_json)));
    }
    let value = if is_json { outcome.parsed.take().flatten() } else { None };
    if outcome.is_broken {
        let items = ContentBlock::text(shortened(&outcome.text(), most, tool));
        let why = ContentBlock::text(render::strip_ansi(outcome.stderr.trim_end()));
        return CallToolResult::error(vec![items, why]);
    }
    let mut content = printed(&outcome.stdout, most);
    let has_printed = !content.is_empty();
    let Some(value) = value else {
        content.push(raw(&outcome, &kind, tool, most));
        return CallToolResult::success(content);
    };
    if outcome.is_content() {
        if let Ok(blocks) = serde_json::from_value::<Vec<ContentBlock>>(value) {
            content.extend(blocks);
        }
        return CallToolResult::success(content);
    }
    match &value {
        Value::Null if has_printed => {}
        Value::String(text) => content.push(ContentBlock::text(shortened(text, most, tool))),
        value => content.push(ContentBlock::text(shortened(&value.to_string(), most, tool))),
    }
    let mut result = CallToolResult::success(content);
    result.structured_content =
        tool.output.as_ref().map(|output| Structured::of(output).value(value));
    result
}

/// A failure of the daemon as the result of a tool.
pub(super) fn failed(failure: &Failure) -> CallToolResult {
    error(render::failure(failure, &PLAIN))
}

/// A failure as the result of a tool.
pub(super) fn error(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// The contents of a resource.
pub(super) fn contents(
    outcome: &Outcome,
    uri: &str,
    mime_type: Option<&str>,
) -> Vec<ResourceContents> {
    let kind = outcome.media_type();
    // The text of a function is a JSON string, which has no media type of its own.
    let text = match serde_json::from_slice(&outcome.body) {
        Ok(Value::String(text)) if kind == "application/json" => Some((text, "text/plain")),
        _ if is_text(&kind) => {
            let text = String::from_utf8_lossy(&outcome.body).into_owned();
            Some((text, kind.as_str()))
        }
        _ => None,
    };
    let contents = match text {
        Some((text, kind)) => {
            ResourceContents::text(text, uri).with_mime_type(mime_type.unwrap_or(kind))
        }
        None => ResourceContents::blob(BASE64_STANDARD.encode(&outcome.body), uri)
            .with_mime_type(mime_type.unwrap_or(&kind)),
    };
    vec![contents]
}

/// What a command printed.
fn printed(text: &str, most: usize) -> Vec<ContentBlock> {
    let text = render::strip_ansi(text.trim_end());
    let block =
        (!text.is_empty()).then(|| ContentBlock::text(cut(&text, most, "what was printed")));
    block.into_iter().collect()
}

/// A body that is no JSON.
fn raw(outcome: &Outcome, kind: &str, tool: &Tool, most: usize) -> ContentBlock {
    if is_text(kind) || outcome.body.is_empty() {
        let text = render::strip_ansi(&outcome.text());
        return ContentBlock::text(shortened(&text, most, tool));
    }
    let data = BASE64_STANDARD.encode(&outcome.body);
    match kind.split('/').next() {
        Some("image") => ContentBlock::image(data, kind),
        Some("audio") => ContentBlock::audio(data, kind),
        _ => {
            let uri = format!("result://{}", tool.name);
            ContentBlock::resource(ResourceContents::blob(data, uri).with_mime_type(kind))
        }
    }
}

fn is_text(kind: &str) -> bool {
    const TEXTS: [&str; 6] = ["json", "jsonl", "xml", "yaml", "javascript", "x-ndjson"];
    kind.starts_with("text/")
        || TEXTS.iter().any(|text| {
            kind.strip_prefix("application/")
                .is_some_and(|rest| rest == *text || rest.ends_with(&format!("+{text}")))
        })
}

fn shortened(text: &str, most: usize, tool: &Tool) -> String {
    let rest = match tool.output {
        Some(_) => "structuredContent has all of it",
        None => "narrower arguments give less, and in a shell `--output FILE` all of it",
    };
    cut(text, most, rest)
}

/// The text up to `most` bytes, with a note if that is not all of it.
fn cut(text: &str, most: usize, rest: &str) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}\n[cut after {end} of {} bytes; {rest}]", &text[..end], text.len())
}

impl Outcome {
    /// The media type of its body, without parameters.
    fn media_type(&self) -> String {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// True if the body is a list of content blocks of the protocol.
    pub(super) fn is_content(&self) -> bool {
        self.headers.contains_key(wire::CONTENT_HEADER)
    }

    /// The body as text.
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if it is.
    pub(super) fn json(&self) -> Option<&Value> {
        self.parsed.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }

    /// True if the command failed.
    pub(super) fn has_failed(&self) -> bool {
        match self.json() {
            _ if self.is_broken => true,
            Some(value) => render::failed(value, self.status.as_u16()),
            None => self.status.as_u16() >= 400,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use serde_json::json;

    use super::*;

    fn outcome(status: u16, kind: &'static str, body: &'static str) -> Outcome {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::from_static(body.as_bytes());
        Outcome { status, headers, body, ..Outcome::default() }
    }

    fn tool(output: Option<Value>) -> Tool {
        let command = crate::command::Command::default();
        let plugin = crate::description::Description {
            name: "p".into(),
            commands: vec![command],
            ..Default::default()
        };
        Tool { output, ..crate::tools::of(&plugin).remove(0) }
    }

    fn text(result: &CallToolResult) -> String {
        let texts = result.content.iter().map(|block| match block {
            ContentBlock::Text(text) => text.text.clone(),
            other => serde_json::to_string(other).unwrap(),
        });
        texts.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_result_of_known_type_is_structured_and_a_text() {
        let list = tool(Some(json!({"type": "array"})));
        let result = of(outcome(200, "application/json", "[1,2]"), &list, 100);
        assert_eq!((text(&result).as_str(), result.is_error), ("[1,2]", Some(false)));
        assert_eq!(result.structured_content, Some(json!({"result": [1, 2]})));
        let cut = of(outcome(200, "application/json", "[1,2]"), &list, 3);
        assert!(text(&cut).starts_with("[1,\n[cut after 3 of 5 bytes; structuredContent"));
        assert_eq!(cut.structured_content, result.structured_content);

        let untyped = of(outcome(200, "application/json", "\"ä\\nb\""), &tool(None), 100);
        assert_eq!((text(&untyped).as_str(), untyped.structured_content), ("ä\nb", None));
        assert!(
            text(&of(outcome(200, "application/json", "\"ää\""), &tool(None), 3))
                .starts_with("ä\n[cut")
        );
    }

    #[test]
    fn what_was_printed_comes_first_and_stands_for_no_result() {
        let null = Outcome { stdout: "done\n".into(), ..outcome(200, "application/json", "null") };
        assert_eq!(text(&of(null, &tool(None), 100)), "done");
        let both = Outcome { stdout: "a".into(), ..outcome(200, "application/json", "1") };
        assert_eq!(text(&of(both, &tool(None), 100)), "a|1");
        assert_eq!(text(&of(outcome(200, "application/json", "null"), &tool(None), 9)), "null");
    }

    #[test]
    fn other_media_are_blocks_of_their_kind() {
        let block = |kind, body| text(&of(outcome(200, kind, body), &tool(None), 100));
        assert_eq!(block("text/csv; charset=utf-8", "a,b"), "a,b");
        assert_eq!(block("text/plain", "\u{1b}[1ma\u{1b}[0m"), "a");
        assert_eq!(block("application/jsonl", "1\n2\n"), "1\n2\n");
        assert_eq!(
            block("image/png", "x"),
            r#"{"type":"image","data":"eA==","mimeType":"image/png"}"#
        );
        assert!(block("application/zip", "x").contains(r#""uri":"result://p_root""#));
        assert_eq!(block("", ""), "");
    }

    #[test]
    fn failures_name_the_argument_and_the_remedy() {
        let problem = |status, body| {
            let result = of(outcome(status, "application/json", body), &tool(None), 100);
            assert_eq!(result.is_error, Some(true));
            text(&result)
        };
        assert_eq!(
            problem(422, r#"{"detail":[{"loc":["body","a",0,"b"],"msg":"Field required"}]}"#),
            "Error: invalid arguments\n  `a.0.b`: Field required\n\
             Hint: the tool's inputSchema describes its arguments."
        );
        assert_eq!(problem(404, r#"{"detail":"No such issue"}"#), "Error: No such issue");
        assert_eq!(
            problem(200, r#"{"success":false,"error":"x","hint":"y"}"#),
            "Error: x\nHint: y"
        );
        assert_eq!(problem(500, r#"{"error":"x"}"#), "Error: x");
        assert_eq!(problem(418, r#"{"detail":{"why":"tea"}}"#), r#"Error: {"why":"tea"}"#);
        let whole = r#"{"detail":[{"loc":["body"],"msg":"Input should be a valid list"}]}"#;
        assert!(problem(422, whole).contains("\n  Input should be a valid list\n"));
        let colored =
            of(outcome(404, "text/plain", "\u{1b}[91mError:\u{1b}[0m none"), &tool(None), 99);
        assert_eq!(text(&colored), "Error: none");
        let plain = of(outcome(500, "text/plain", ""), &tool(None), 100);
        assert_eq!(text(&plain), "Error: 500 Internal Server Error");
    }
}

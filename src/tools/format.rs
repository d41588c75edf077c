//! Tools as the APIs of models describe them.

use std::str::FromStr;

use serde_json::{Value, json};

use super::Tool;
use super::result::Structured;

/// How tools are described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As in `tools/list` of the Model Context Protocol.
    #[default]
    Mcp,
    /// As `tools` of OpenAI's APIs.
    OpenAi,
    /// As `tools` of Anthropic's API.
    Anthropic,
}

impl Format {
    /// The names of all formats.
    pub const NAMES: [&str; 3] = ["mcp", "openai", "anthropic"];

    /// Returns the description of a tool.
    pub fn of(self, tool: &Tool) -> Value {
        let Tool { name, description, input, .. } = tool;
        match self {
            Format::OpenAi => json!({
                "type": "function",
                "function": {"name": name, "description": description, "parameters": input},
            }),
            Format::Anthropic => {
                json!({"name": name, "description": description, "input_schema": input})
            }
            Format::Mcp => mcp(tool),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "mcp" => Ok(Format::Mcp),
            "openai" => Ok(Format::OpenAi),
            "anthropic" => Ok(Format::Anthropic),
            _ => Err(format!("unknown format `{text}`, only {}", Format::NAMES.join(", "))),
        }
    }
}

fn mcp(tool: &Tool) -> Value {
    let mut described = json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input,
        "annotations": {
            "readOnlyHint": tool.effect.reads_only,
            "destructiveHint": tool.effect.destroys,
            "idempotentHint": tool.effect.is_idempotent,
        },
    });
    if let Some(output) = &tool.output {
        described["outputSchema"] = Value::Object(Structured::of(output).schema);
    }
    described
}

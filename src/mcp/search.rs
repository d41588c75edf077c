//! Three tools in place of many: to search commands, to describe one, and to call one.

use rmcp::model::{self, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::tools::result::Structured;
use crate::tools::search::Index;
use crate::tools::{Catalog, Entry};

/// The name of the tool that finds commands.
pub(super) const SEARCH: &str = "search_commands";
/// The name of the tool that describes one.
pub(super) const DESCRIBE: &str = "describe_command";
/// The name of the tool that calls one.
pub(super) const CALL: &str = "call_command";

/// How many commands a search finds, if it does not say otherwise.
const FOUND: u64 = 10;
/// How many it finds at most.
const FOUND_MOST: u64 = 50;
/// How many plugins are named in the description of the search.
const NAMED: usize = 40;

/// The three tools over `catalog`.
pub(super) fn tools(catalog: &Catalog) -> Vec<model::Tool> {
    let mut plugins: Vec<&str> = Vec::new();
    for Entry { plugin, .. } in catalog.entries() {
        if plugins.last() != Some(&plugin.name.as_str()) {
            plugins.push(&plugin.name);
        }
    }
    let more = plugins.len().saturating_sub(NAMED);
    let mut names = plugins.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        names.push_str(&format!(" and {more} more"));
    }
    let count = catalog.entries().len();
    let search = format!(
        "Finds commands among {count} by words, best first. Give keywords of the task, with the plugin's name if it is known: \
         `jira close issue`. Plugins: {names}."
    );
    let name =
        json!({"type": "string", "description": "Name of the command, as a search gives it"});
    vec![
        tool(
            SEARCH,
            "Search commands",
            &search,
            json!({"type": "object", "required": ["query"], "additionalProperties": false, "properties": {
                "query": {"type": "string", "description": "Words"},
                "limit": {"type": "integer", "minimum": 1, "maximum": FOUND_MOST, "default": FOUND},
            }}),
            true,
        ),
        tool(
            DESCRIBE,
            "Describe a command",
            "Returns what a command does, and the JSON Schema of its arguments and of its result.",
            json!({"type": "object", "required": ["name"], "additionalProperties": false,
                "properties": {"name": name}}),
            true,
        ),
        tool(
            CALL,
            "Call a command",
            "Calls a command with arguments as its schema describes them.",
            json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
                "name": name,
                "arguments": {"type": "object", "description": "Its arguments by name"},
            }}),
            false,
        ),
    ]
}

fn tool(name: &str, title: &str, text: &str, input: Value, reads_only: bool) -> model::Tool {
    let mut tool = model::Tool::new(name.to_owned(), text.to_owned(), object(input));
    tool.title = Some(title.to_owned());
    tool.annotations = Some(match reads_only {
        true => ToolAnnotations::from_raw(None, Some(true), Some(false), Some(true), Some(false)),
        false => ToolAnnotations::from_raw(None, Some(false), None, None, None),
    });
    tool
}

fn object(schema: Value) -> Map<String, Value> {
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// The commands that a search finds, as lines for a model.
///
/// # Errors
/// There are no words, or the limit is none.
pub(super) fn find(
    catalog: &Catalog,
    index: &Index,
    arguments: &Map<String, Value>,
) -> Result<String, String> {
    let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default();
    if query.trim().is_empty() {
        return Err("`query` is missing: give words of the task".to_owned());
    }
    let limit = match arguments.get("limit") {
        None | Some(Value::Null) => FOUND,
        Some(limit) => limit
            .as_u64()
            .filter(|limit| (1..=FOUND_MOST).contains(limit))
            .ok_or_else(|| format!("`limit` must be a whole number from 1 to {FOUND_MOST}"))?,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = index.find(query, limit);
    let lines: Vec<String> =
        found.iter().filter_map(|at| catalog.entries().get(*at)).map(line).collect();
    if lines.is_empty() {
        return Ok(format!("No command fits `{query}`. Try other words."));
    }
    Ok(lines.join("\n"))
}

/// A command in one line: its name with its arguments, and what it does.
fn line(Entry { tool, .. }: &Entry) -> String {
    let required = tool.input.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|own| own == name));
    let fields = tool.input.get("properties").and_then(Value::as_object);
    let arguments = fields.into_iter().flatten().map(|(name, _)| match is_required(name) {
        true => name.clone(),
        false => format!("{name}?"),
    });
    let arguments = arguments.collect::<Vec<_>>().join(", ");
    format!("{}({arguments}): {}", tool.name, tool.title)
}

/// The description of a command, as JSON for a model.
///
/// # Errors
/// There is no such command.
pub(super) fn describe(
    catalog: &Catalog,
    arguments: &Map<String, Value>,
) -> Result<String, String> {
    let Entry { plugin, tool } = entry(catalog, arguments)?;
    let mut described = json!({
        "name": tool.name,
        "plugin": plugin.name,
        "description": tool.description,
        "inputSchema": tool.input,
    });
    if let Some(output) = &tool.output {
        described["outputSchema"] = Value::Object(Structured::of(output).schema);
    }
    Ok(described.to_string())
}

/// The command that is named.
///
/// # Errors
/// There is none.
pub(super) fn entry<'a>(
    catalog: &'a Catalog,
    arguments: &Map<String, Value>,
) -> Result<&'a Entry, String> {
    let name = arguments.get("name").and_then(Value::as_str).unwrap_or_default();
    catalog.find(name).ok_or_else(|| unknown(catalog, name))
}

/// What is said of a command that does not exist.
pub(super) fn unknown(catalog: &Catalog, name: &str) -> String {
    match catalog.nearest(name) {
        Some(meant) => format!("unknown command: {name}. Did you mean `{meant}`?"),
        None => format!("unknown command: {name}"),
    }
}

/// The arguments of the command that is called.
///
/// # Errors
/// They are no object.
pub(super) fn arguments(mut given: Map<String, Value>) -> Result<Map<String, Value>, String> {
    match given.shift_remove("arguments") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments),
        // Models write an object as a text at times.
        Some(Value::String(text)) => serde_json::from_str(&text)
            .map_err(|error| format!("`arguments` must be an object: {error}")),
        Some(_) => Err("`arguments` must be an object".to_owned()),
    }
}

//! The commands of plugins as tools for agents: names, schemas, hints, and calls by arguments.
//!
//! Everything comes from the [`Description`], so a tool needs no work by its author and none by Python. A tool is a
//! command that the daemon calls: programs are none, and neither are commands that are kept from agents. What an API wants to see of it is in [`format`](mod@format).

mod call;
pub mod format;
mod name;
pub mod search;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

pub use call::{ToolCall, composed};
pub use format::Format;

use crate::command::Command;
use crate::description::Description;

/// A command as a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name, unique in its plugin: `jira_search`.
    pub name: String,
    /// Index of its command in the description.
    pub command: usize,
    /// One line; may be empty.
    pub title: String,
    /// What it does, with examples; may be empty.
    pub description: String,
    /// JSON Schema 2020-12 of its arguments, by itself.
    pub input: Value,
    /// JSON Schema 2020-12 of its result, by itself, where that is known.
    pub output: Option<Value>,
    /// What its method says about its effect.
    pub effect: Effect,
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// It changes nothing.
    pub reads_only: bool,
    /// It may destroy something.
    pub destroys: bool,
    /// Once more has no further effect.
    pub is_idempotent: bool,
}

/// Returns the tools of a plugin, in order of its commands; internal ones, whose names begin with `_`, are left out.
pub fn of(description: &Description) -> Vec<Tool> {
    let commands = description.commands.iter().enumerate();
    let shown: Vec<(usize, &Command)> = commands
        .filter(|(_, command)| command.program.is_none() && !command.kept_from_agents)
        .filter(|(_, command)| !command.group().starts_with('_'))
        .collect();
    let all: Vec<&Command> = shown.iter().map(|(_, command)| *command).collect();
    let names = name::unique(&description.name, &all);
    shown
        .into_iter()
        .zip(names)
        .map(|((index, command), name)| tool(name, index, command))
        .collect()
}

fn tool(name: String, index: usize, command: &Command) -> Tool {
    let mut description = [command.summary.as_str(), command.description.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    if !command.examples.is_empty() {
        description.push_str(&format!("\n\nExamples:\n{}", command.examples.join("\n")));
    }
    Tool {
        name,
        command: index,
        title: command.summary.clone(),
        description,
        input: input(command),
        output: command.output.clone(),
        effect: Effect::of(&command.method),
    }
}

/// The schema of a command's arguments; what it reads from stdin is one of them.
fn input(command: &Command) -> Value {
    let mut input = command.input();
    if let Some(stdin) = &command.stdin {
        input["properties"][stdin] =
            json!({"type": "string", "description": "The text that it reads from stdin"});
    }
    input
}

impl Effect {
    /// The effect that RFC 9110 gives a method.
    fn of(method: &str) -> Effect {
        let reads_only = matches!(method, "GET" | "HEAD" | "OPTIONS");
        Effect {
            reads_only,
            destroys: method == "DELETE",
            is_idempotent: reads_only || matches!(method, "PUT" | "PATCH" | "DELETE"),
        }
    }
}

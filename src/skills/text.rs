//! The text of a `SKILL.md`, in the format of Agent Skills: YAML front matter, then Markdown.

use crate::arguments::signature;
use crate::command::Command;
use crate::description::Description;

/// The longest description, in characters: that of the format.
const DESCRIPTION_MAX: usize = 1024;
/// The longest summary of a command in it, in characters.
const SUMMARY_MAX: usize = 100;
/// The most commands that are listed: a screenful.
const COMMANDS_MAX: usize = 40;
/// The most examples.
const EXAMPLES_MAX: usize = 6;

/// Returns the text for the plugin of `description`, whose shell command is `program`; `None` if it has no commands for
/// agents. `name` is the skill's, `head` the comment that marks the file.
pub(super) fn of(
    description: &Description,
    name: &str,
    program: &str,
    head: &str,
) -> Option<String> {
    let commands: Vec<&Command> = description.commands.iter().filter(|it| is_shown(it)).collect();
    if commands.is_empty() {
        return None;
    }
    let about = quoted(&about(description, &commands, program));
    let title = match description.description.as_str() {
        "" => format!("# {program}"),
        text => format!("# {program}: {}", line(text)),
    };
    let mut lines = vec![
        "---".to_owned(),
        format!("name: {name}"),
        format!("description: {about}"),
        "---".to_owned(),
        String::new(),
        head.to_owned(),
        String::new(),
        title,
        String::new(),
        format!("Run these as shell commands. `{program} COMMAND --help` shows all options of one."),
        "`--json` prints the result as JSON. The exit status is 0 for success; errors are on stderr."
            .to_owned(),
        String::new(),
        "```".to_owned(),
    ];
    lines.extend(listed(&commands, program));
    lines.push("```".to_owned());
    let examples = examples(description, &commands);
    if !examples.is_empty() {
        lines.extend([String::new(), "Examples:".to_owned(), String::new(), "```sh".to_owned()]);
        lines.extend(examples);
        lines.push("```".to_owned());
    }
    lines.push(String::new());
    Some(lines.join("\n"))
}

/// True for a command that agents may call in a shell.
fn is_shown(command: &Command) -> bool {
    !command.kept_from_agents && !command.group().starts_with('_')
}

/// Returns what the plugin does and when to use it.
fn about(description: &Description, commands: &[&Command], program: &str) -> String {
    let mut about = line(&description.description);
    if !about.is_empty() && !about.ends_with(['.', '!', '?']) {
        about.push('.');
    }
    let use_it = format!("Use the shell command `{program}` to:");
    about = if about.is_empty() { use_it } else { format!("{about} {use_it}") };
    let mut summaries: Vec<String> = Vec::new();
    for command in commands {
        let summary = match command.summary.as_str() {
            "" => command.name(),
            summary => shortened(line(summary).trim_end_matches('.'), SUMMARY_MAX),
        };
        if !summaries.contains(&summary) {
            summaries.push(summary);
        }
    }
    let count = summaries.len();
    for (index, summary) in summaries.into_iter().enumerate() {
        let gap = if index == 0 { " " } else { "; " };
        let rest = format!("; and {} more", count - index);
        let room = if index + 1 == count { 1 } else { rest.chars().count() + 1 };
        if about.chars().count() + gap.len() + summary.chars().count() + room > DESCRIPTION_MAX {
            about.push_str(&rest);
            break;
        }
        about.push_str(gap);
        about.push_str(&summary);
    }
    about.push('.');
    shortened(&about, DESCRIPTION_MAX)
}

/// Returns a line for each command, and one for those that are left out.
fn listed(commands: &[&Command], program: &str) -> Vec<String> {
    let shown = if commands.len() > COMMANDS_MAX { COMMANDS_MAX - 1 } else { COMMANDS_MAX };
    let line = |command: &&Command| {
        let usage = signature(program, command);
        match line(&command.summary) {
            summary if summary.is_empty() => usage,
            summary => format!("{usage}  # {}", shortened(&summary, SUMMARY_MAX)),
        }
    };
    let mut lines: Vec<String> = commands.iter().take(shown).map(line).collect();
    if let Some(more) = commands.len().checked_sub(shown).filter(|more| *more > 0) {
        lines.push(format!("# {more} more: {program} --help"));
    }
    lines
}

/// Returns the plugin's examples, else those of its commands.
fn examples(description: &Description, commands: &[&Command]) -> Vec<String> {
    let of_commands = commands.iter().flat_map(|command| &command.examples);
    let mut examples: Vec<String> = Vec::new();
    for example in description.examples.iter().chain(of_commands).map(|example| line(example)) {
        if !examples.contains(&example) && !example.contains("```") {
            examples.push(example);
        }
    }
    examples.truncate(EXAMPLES_MAX);
    examples
}

/// Returns `text` on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most - 1) {
        Some((end, _)) if text.chars().count() > most => format!("{}…", text[..end].trim_end()),
        _ => text.to_owned(),
    }
}

/// Returns `text` as a YAML string: JSON's form is one in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Location, Parameter};
    use serde_json::{Value, json};

    fn parameter(name: &str, location: Location, required: bool, schema: Value) -> Parameter {
        Parameter { name: name.into(), location, required, schema, description: String::new() }
    }

    fn command(path: &str, summary: &str, parameters: Vec<Parameter>) -> Command {
        Command { path: path.into(), summary: summary.into(), parameters, ..Command::default() }
    }

    fn jira() -> Description {
        let commands = vec![
            command(
                "/search",
                "Search issues.",
                vec![
                    parameter("jql", Location::Query, true, json!({"type": "string"})),
                    parameter("max", Location::Query, false, json!({"type": "integer"})),
                    parameter("full", Location::Query, false, json!({"type": "boolean"})),
                ],
            ),
            command(
                "/issue/{key}",
                "Get: \"an\" issue\n",
                vec![
                    parameter("key", Location::Path, true, json!({"type": "string"})),
                    parameter("as", Location::Query, false, json!({"enum": ["text", "html"]})),
                ],
            ),
            command("/_internal", "Internal", Vec::new()),
            Command { kept_from_agents: true, ..command("/wipe", "Wipe all", Vec::new()) },
        ];
        Description {
            name: "jira".into(),
            description: "Issues of our Jira".into(),
            examples: vec!["jira search --jql 'project = X'".into()],
            commands,
            ..Description::default()
        }
    }

    #[test]
    fn a_skill_has_all_that_an_agent_needs_to_begin() {
        assert_eq!(
            of(&jira(), "jira", "jira", "<!-- head -->").unwrap(),
            r#"---
name: jira
description: "Issues of our Jira. Use the shell command `jira` to: Search issues; Get: \"an\" issue."
---

<!-- head -->

# jira: Issues of our Jira

Run these as shell commands. `jira COMMAND --help` shows all options of one.
`--json` prints the result as JSON. The exit status is 0 for success; errors are on stderr.

```
jira search --jql <text> [--max <integer>] [--full]  # Search issues.
jira issue <key> [--as <text|html>]  # Get: "an" issue
```

Examples:

```sh
jira search --jql 'project = X'
```
"#
        );
    }

    #[test]
    fn a_plugin_that_is_kept_from_agents_has_none() {
        let mut jira = jira();
        jira.commands.iter_mut().for_each(|command| command.kept_from_agents = true);
        assert_eq!(of(&jira, "jira", "jira", ""), None);
    }

    #[test]
    fn many_commands_are_a_screenful_and_their_description_fits() {
        let commands = (0..100).map(|at| {
            command(&format!("/c{at}"), &format!("Do {at} of them {}", "é".repeat(90)), vec![])
        });
        let many = Description {
            name: "m".into(),
            commands: commands.collect(),
            ..Description::default()
        };
        let text = of(&many, "m", "skills-client m", "").unwrap();
        let about = text.lines().nth(2).unwrap().strip_prefix("description: ").unwrap();
        let about: String = serde_json::from_str(about).unwrap();
        assert!((900..=DESCRIPTION_MAX).contains(&about.chars().count()), "{about}");
        assert!(
            about.starts_with("Use the shell command `skills-client m` to: Do 0 of"),
            "{about}"
        );
        assert!(about.ends_with("; and 91 more."), "{about}");
        let listed = text.lines().filter(|line| line.starts_with("skills-client m c")).count();
        assert_eq!(listed, COMMANDS_MAX - 1);
        assert!(text.contains("\n# 61 more: skills-client m --help\n```"), "{text}");
    }
}

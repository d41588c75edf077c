//! The search of agents for commands: how many of the questions of `tests/bench/agents` find their command, and how fast.
//!
//! ```text
//! cargo bench --no-default-features --bench agents            # a table
//! cargo bench --no-default-features --bench agents -- misses  # and each question without its command in the first five
//! ```
//!
//! `corpus.json` has 50 plugins with 20 commands each, made up; `questions.json` what an agent looks for, each with the
//! commands that answer it, and half of them once more in everyday words. `fastmcp_search.py` asks FastMCP's search the same.

#![expect(clippy::print_stdout, reason = "it is the program's output")]
#![expect(clippy::unwrap_used, reason = "a bench reports by panicking")]

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use skills_daemon::command::{Command, Location, Parameter};
use skills_daemon::description::Description;
use skills_daemon::environment;
use skills_daemon::tools::search::{Document, Index};
use skills_daemon::tools::{self, Format, Tool};

#[derive(Deserialize)]
struct Plugin {
    plugin: String,
    description: String,
    commands: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    method: String,
    summary: String,
    description: String,
    parameters: Vec<Argument>,
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    r#type: String,
    description: String,
    required: bool,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    /// The same in words of somebody who does not know those of the plugin.
    plain: Option<String>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    plugin: String,
    command: String,
}

fn main() {
    let plugins: Vec<Plugin> = read("corpus.json");
    let questions: Vec<Question> = read("questions.json");
    let tools: Vec<(&Plugin, Tool)> = plugins
        .iter()
        .flat_map(|plugin| {
            tools::of(&description(plugin)).into_iter().map(move |tool| (plugin, tool))
        })
        .collect();
    let build = || {
        Index::new(tools.iter().map(|(plugin, tool)| Document {
            plugin: &plugin.plugin,
            about: &plugin.description,
            tool,
        }))
    };
    let index = build();
    let list: Vec<_> = tools.iter().map(|(_, tool)| Format::Mcp.of(tool)).collect();
    println!("{} tools, {} bytes as a list for MCP\n", tools.len(), json!(list).to_string().len());

    let shows_misses = environment::arguments().any(|argument| argument == "misses");
    println!("| questions | number | first | in the first 5 | in the first 10 |");
    println!("| --- | --- | --- | --- | --- |");
    let asked = |question: &Question| Some(question.question.clone());
    let plain = |question: &Question| question.plain.clone();
    recall("as an agent asks", &questions, asked, &index, &tools, shows_misses);
    recall("in everyday words", &questions, plain, &index, &tools, shows_misses);
    println!();

    measure("an index", 50, &mut || drop(black_box(build())));
    let mut next = questions.iter().cycle();
    measure("a query", 2000, &mut || {
        let question = next.next().map(|question| question.question.as_str()).unwrap_or_default();
        black_box(index.find(question, 5));
    });
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/agents");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The description that the daemon would have of a plugin.
fn description(plugin: &Plugin) -> Description {
    Description {
        name: plugin.plugin.clone(),
        description: plugin.description.clone(),
        commands: plugin.commands.iter().map(command).collect(),
        ..Description::default()
    }
}

fn command(described: &Described) -> Command {
    let has_body = described.method != "GET";
    let parameter = |argument: &Argument| Parameter {
        name: argument.name.clone(),
        location: if has_body { Location::Body } else { Location::Query },
        required: argument.required,
        schema: json!({"type": argument.r#type}),
        description: argument.description.clone(),
    };
    Command {
        method: described.method.clone(),
        path: format!("/{}", described.name).as_str().into(),
        summary: described.summary.clone(),
        description: described.description.clone(),
        parameters: described.parameters.iter().map(parameter).collect(),
        has_body,
        ..Command::default()
    }
}

/// Prints how many of `questions`, in one wording, find one of their commands.
fn recall(
    label: &str,
    questions: &[Question],
    wording: impl Fn(&Question) -> Option<String>,
    index: &Index,
    tools: &[(&Plugin, Tool)],
    shows_misses: bool,
) {
    let (mut count, mut counts) = (0, [0; 3]);
    let mut misses = Vec::new();
    for question in questions {
        let Some(text) = wording(question) else { continue };
        let found = index.find(&text, 10);
        let names: Vec<&str> = found.iter().map(|&at| tools[at].1.name.as_str()).collect();
        let is_answer = |name: &&str| {
            question.answers.iter().any(|each| *name == format!("{}_{}", each.plugin, each.command))
        };
        let rank = names.iter().position(is_answer).map_or(usize::MAX, |at| at + 1);
        count += 1;
        for (hits, limit) in counts.iter_mut().zip([1, 5, 10]) {
            *hits += usize::from(rank <= limit);
        }
        if rank > 5 {
            misses.push(format!("    {text}: {}", names[..names.len().min(5)].join(" ")));
        }
    }
    let [first, five, ten] = counts;
    println!("| {label} | {count} | {first} | {five} | {ten} |");
    if shows_misses {
        println!("{}", misses.join("\n"));
    }
}

/// Prints the median time of `work`, repeated `times` times.
fn measure(what: &str, times: usize, work: &mut dyn FnMut()) {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    taken.sort();
    let at = |percent: usize| taken[times * percent / 100].as_secs_f64() * 1e3;
    println!("{what}: median {:.3} ms, 95 % below {:.3} ms", at(50), at(95));
}

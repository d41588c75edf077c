//! The completion of command lines, from descriptions, as a [`clap::Command`] for `clap_complete`.
//!
//! The command is never used for parsing, which [`crate::arguments`] does. Fixed segments of a path are
//! subcommands up to its first parameter; what follows that is a positional with choices. Options of all
//! routes below a word are offered together, because only the rest of the line decides between them.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{EnvCompleter, Shells};
use serde_json::Value;

use crate::command::{self, Location, Parameter};
use crate::description::Description;
use crate::environment;
use crate::help;
use crate::settings::table;
use crate::wrappers::CLIENT;

/// The shells with completion.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Returns the command line of the client: the plugins, and its own commands and options.
pub fn client(descriptions: &[&Description]) -> Command {
    let own = [
        ("health", "Health of the daemon and its plugins"),
        ("plugins", "Plugins and their routes"),
    ];
    let own = own.map(|(name, about)| with_own_options(Command::new(name).about(about)));
    let client = Command::new(CLIENT)
        .disable_help_subcommand(true)
        .subcommands(descriptions.iter().map(|description| plugin(description)))
        .subcommands(own)
        .arg(flag("version", "Print the version").short('V'));
    with_own_options(client)
}

/// Returns the command line of a plugin: its commands, and the client's options, which may stand among theirs.
pub fn plugin(description: &Description) -> Command {
    let mut root = Node::default();
    let public = description.commands.iter().filter(|command| !command.group().starts_with('_'));
    for command in public {
        root.add(command);
    }
    root.command(&description.name).about(description.description.clone())
}

/// Writes the candidates of `shell` for `words`, of which the first is the program.
///
/// The script of [`register`] passes the place of the cursor in variables.
///
/// # Errors
/// A shell that is none of [`SHELLS`], or an output that is closed.
pub fn complete(
    shell: &str,
    mut command: Command,
    words: Vec<OsString>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let directory = environment::working_directory().ok();
    with(shell, |shell| shell.write_complete(&mut command, words, directory.as_deref(), out))
}

/// Writes the script by which `shell` calls `completer`, with `variable` set, to complete the program `name`.
///
/// # Errors
/// A shell that is none of [`SHELLS`], or an output that is closed.
pub fn register(
    shell: &str,
    variable: &str,
    name: &str,
    completer: &Path,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let completer = completer.to_string_lossy();
    with(shell, |shell| shell.write_registration(variable, name, name, &completer, out))
}

fn with(shell: &str, act: impl FnOnce(&dyn EnvCompleter) -> io::Result<()>) -> io::Result<()> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).filter(|each| SHELLS.contains(&each.name()));
    act(completer.ok_or_else(|| {
        io::Error::other(format!("no completion for `{shell}`, only for {}", SHELLS.join(", ")))
    })?)
}

/// A word of command lines, with the words that may follow it.
#[derive(Default)]
struct Node<'a> {
    summary: &'a str,
    below: Vec<(&'a str, Node<'a>)>,
    options: Vec<&'a Parameter>,
    /// The choices for each positional after the word; empty where any text is allowed.
    places: Vec<Vec<String>>,
}

impl<'a> Node<'a> {
    fn add(&mut self, command: &'a command::Command) {
        let mut node = self;
        let mut segments = command.path.named_segments().peekable();
        while let Some(word) = segments.next_if(|segment| segment.fixed().is_some()) {
            node = node.child(word.fixed().unwrap_or_default());
        }
        if segments.peek().is_none() || node.summary.is_empty() {
            node.summary = &command.summary;
        }
        for (at, segment) in segments.enumerate() {
            if node.places.len() == at {
                node.places.push(Vec::new());
            }
            if let Some(fixed) = segment.fixed() {
                node.places[at].push(fixed.to_owned());
            } else if let Some(name) = segment.parameter() {
                let parameter = command.path_parameters().find(|each| each.name == name);
                node.places[at].extend(parameter.and_then(help::choices).unwrap_or_default());
            }
        }
        let others = command.parameters.iter().filter(|each| each.location != Location::Path);
        for parameter in others {
            if !node.options.iter().any(|other| other.name == parameter.name) {
                node.options.push(parameter);
            }
        }
    }

    fn child(&mut self, word: &'a str) -> &mut Node<'a> {
        let at = self.below.iter().position(|(child, _)| *child == word).unwrap_or_else(|| {
            self.below.push((word, Node::default()));
            self.below.len() - 1
        });
        &mut self.below[at].1
    }

    fn command(&self, name: &str) -> Command {
        let places = self.places.iter().enumerate().map(|(at, choices)| {
            let place = Arg::new(format!("place-{at}")).value_hint(ValueHint::Other);
            if choices.is_empty() { place } else { place.value_parser(values(choices)) }
        });
        let command = Command::new(name.to_owned())
            .about(self.summary.to_owned())
            .disable_help_subcommand(true)
            .subcommands(self.below.iter().map(|(word, node)| node.command(word)))
            .args(places)
            .args(self.options.iter().flat_map(|parameter| options(parameter)));
        with_own_options(command)
    }
}

/// Adds the client's own options, except those with the name of a command's option.
fn with_own_options(command: Command) -> Command {
    let taken = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let json = (!taken("json")).then(|| flag("json", "Print the answer as JSON"));
    let own_help = (!taken("help")).then(|| flag("help", "Print help").short('h'));
    let method = Arg::new("-X")
        .short('X')
        .help("Decide the HTTP method by hand")
        .value_parser(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    let timeout = (!taken("timeout")).then(|| {
        let about = "Limit the time until the answer begins, in seconds";
        Arg::new("--timeout").long("timeout").help(about).value_hint(ValueHint::Other)
    });
    let output = (!taken("output")).then(|| {
        let about = "Write the result to a file";
        Arg::new("--output").long("output").help(about).value_hint(ValueHint::FilePath)
    });
    let own = command.disable_help_flag(true).args(json).args(own_help).arg(method);
    own.args(timeout).args(output)
}

fn flag(name: &'static str, about: &'static str) -> Arg {
    Arg::new(format!("--{name}")).long(name).help(about).action(ArgAction::SetTrue)
}

/// Returns the options of a parameter: one, or `--NAME` and `--no-NAME` of a boolean.
fn options(parameter: &Parameter) -> Vec<Arg> {
    let name = parameter.name.clone();
    let about = parameter.description.clone();
    if parameter.json_type() == "boolean" {
        let yes = Arg::new(name.clone()).long(name.clone()).help(about);
        let no = Arg::new(format!("no-{name}")).long(format!("no-{name}"));
        let is_on = parameter.default() == Some(&Value::Bool(true));
        // Only the one that changes the default is offered; the other is recognised.
        let (shown, hidden) = if is_on { (no, yes) } else { (yes, no) };
        return [shown, hidden.hide(true)].map(|each| each.action(ArgAction::SetTrue)).into();
    }
    let option = Arg::new(name.clone()).long(name).help(about).action(ArgAction::Append);
    let is_path = parameter.effective_schema().get("format").and_then(Value::as_str);
    let hint = if is_path == Some("path") { ValueHint::AnyPath } else { ValueHint::Other };
    vec![match help::choices(parameter) {
        Some(choices) => option.value_parser(values(&choices)),
        None => option.value_hint(hint),
    }]
}

fn values(choices: &[String]) -> PossibleValuesParser {
    choices.iter().cloned().map(PossibleValue::new).collect::<Vec<_>>().into()
}

/// The keys of all settings, for arguments that name one; those of plugins need the plugin's name.
pub fn settings() -> Vec<CompletionCandidate> {
    let named = table::ROWS.iter().filter(|row| !row.key.contains(table::ANY));
    named.map(|row| CompletionCandidate::new(row.key).help(Some(row.meaning.into()))).collect()
}

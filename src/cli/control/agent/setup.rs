//! `skills-daemon agent setup`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::{Context, link, listing};
use super::edit::{self, Edit};
use super::skills::{self, Directory};
use crate::agents::{Agent, Files, Format, Scope, Server};
use crate::environment;
use crate::failure::{Failure, Kind};
use crate::wrappers;

#[derive(Args)]
pub(super) struct Arguments {
    /// The agent; `vscode` is GitHub Copilot in VS Code
    #[arg(value_enum)]
    agent: Name,
    /// Register an MCP server with the commands of all plugins (the default)
    #[arg(long, conflicts_with = "skills")]
    mcp: bool,
    /// Write a SKILL.md for each plugin, which the daemon keeps up to date
    #[arg(long)]
    skills: bool,
    /// Register an MCP server of this plugin alone; may be repeated
    #[arg(long = "plugin", value_name = "NAME", conflicts_with = "skills")]
    plugins: Vec<String>,
    /// Change files in the working directory, for this project alone
    #[arg(long)]
    project: bool,
    /// Take out servers and skills again; with --mcp or --skills only these
    #[arg(long)]
    remove: bool,
    /// Print what would be written, and change nothing
    #[arg(long)]
    print: bool,
    /// Answer all questions with yes
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Claude,
    Codex,
    Cursor,
    Vscode,
}

impl Name {
    fn agent(self) -> Agent {
        match self {
            Name::Claude => Agent::Claude,
            Name::Codex => Agent::Codex,
            Name::Cursor => Agent::Cursor,
            Name::Vscode => Agent::VsCode,
        }
    }
}

/// The outcome of all changes.
#[derive(Default)]
struct Outcome {
    changed: bool,
    declined: bool,
}

/// Changes the agent's files after questions; exit status 1 if one was answered with no.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let agent = arguments.agent.agent();
    let top = match arguments.project {
        false => context.paths.home.clone(),
        true => environment::working_directory().map_err(|error| {
            Failure::environment(format!("cannot find the working directory: {error}"))
        })?,
    };
    let scope = if arguments.project { Scope::Project(&top) } else { Scope::User(&top) };
    let files = agent.files(scope, &context.env);
    let mut outcome = Outcome::default();
    if !arguments.skills {
        servers(context, arguments, &files, &top, &mut outcome)?;
    }
    let both = arguments.remove && !arguments.mcp && arguments.plugins.is_empty();
    if arguments.skills || both {
        let directory = Directory::of(context, &files.skills, &top, arguments.remove)?;
        directory_of_skills(context, arguments, &directory, &mut outcome)?;
    }
    if arguments.print {
        return Ok(ExitCode::SUCCESS);
    }
    match (outcome.changed, outcome.declined) {
        (true, _) => {
            context.print(&format!("It takes effect in a new session of {}.", agent.title()));
        }
        (false, false) => context.print("Nothing to do."),
        (false, true) => {}
    }
    Ok(if outcome.declined { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Registers MCP servers, or removes them.
fn servers(
    context: &Context,
    arguments: &Arguments,
    files: &Files,
    top: &Path,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let (format, file) = (files.format, files.servers.clone());
    let client = match arguments.remove {
        true => PathBuf::new(),
        false => {
            check_plugins(context, &arguments.plugins)?;
            wrappers::client()?
        }
    };
    let profile = context.paths.profile.as_ref();
    let servers: Vec<Server> = match arguments.plugins.as_slice() {
        [] => vec![Server::of(&client, None, profile)],
        plugins => {
            plugins.iter().map(|plugin| Server::of(&client, Some(plugin), profile)).collect()
        }
    };
    if arguments.print && !arguments.remove {
        let text = edit::with_servers("", format, &servers, &file)?.text;
        let comment = if format == Format::Toml { "#" } else { "//" };
        context.print(&format!("{comment} {}\n{}", file.display(), text.trim_end()));
        return Ok(());
    }
    let names: Vec<String> = match arguments.plugins.as_slice() {
        [] => Vec::new(),
        _ => servers.iter().map(|server| server.name.clone()).collect(),
    };
    let removes = arguments.remove;
    let own = file.clone();
    let edit = move |text: &str| match removes {
        true => edit::without_servers(text, format, &names, &own),
        false => edit::with_servers(text, format, &servers, &own),
    };
    let edit = Edit { file, mode: files.mode, top: top.to_owned(), edit: Box::new(edit) };
    changed(context, arguments, &edit, outcome)
}

/// Sets a directory of skills up, or removes its generated files.
fn directory_of_skills(
    context: &Context,
    arguments: &Arguments,
    directory: &Directory,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    // The daemon would write files again that are removed before it is in the settings.
    let edit = skills::edit(context, &directory.path, arguments.remove);
    changed(context, arguments, &edit, outcome)?;
    if arguments.print && !arguments.remove {
        for (file, text) in directory.skills.files(&directory.path) {
            context.print(&format!("\n{}:\n{}", file.display(), text.trim_end()));
        }
        return Ok(());
    }
    if !arguments.remove && directory.skills.files(&directory.path).is_empty() {
        context.print(
            "No plugin has been loaded yet: the daemon writes the files when it loads them.",
        );
    }
    let changes = directory.changes();
    for file in &changes.left_alone {
        let file = file.display();
        context
            .console
            .warning(&format!("{file} was not written by skills-daemon and is left alone"));
    }
    if changes.written.is_empty() && changes.removed.is_empty() {
        return Ok(());
    }
    directory.show(context, &changes);
    if arguments.print {
        return Ok(());
    }
    let place = directory.path.display();
    let question = match arguments.remove {
        true => format!("Remove these files from {place}?"),
        false => format!("Write these files in {place}?"),
    };
    if agreed(context, arguments, question)? {
        directory.apply()?;
        outcome.changed = true;
    } else {
        outcome.declined = true;
    }
    Ok(())
}

/// Shows an edit and makes it, after a question.
fn changed(
    context: &Context,
    arguments: &Arguments,
    edit: &Edit,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let Some(change) = edit.change()? else { return Ok(()) };
    edit.show(context, &change);
    if arguments.print {
        return Ok(());
    }
    if arguments.yes {
        edit.check(&change)?;
    }
    if agreed(context, arguments, edit.question(&change))? {
        edit.apply(&change)?;
        outcome.changed = true;
    } else {
        outcome.declined = true;
    }
    Ok(())
}

/// Returns the answer to a question.
///
/// # Errors
/// There is no terminal to ask at, and no `--yes`.
fn agreed(context: &Context, arguments: &Arguments, prompt: String) -> Result<bool, Failure> {
    if arguments.yes {
        return Ok(true);
    }
    let no_terminal = || {
        Failure::new(Kind::Usage, format!("{prompt} (no terminal to ask at)"))
            .hint("Give --yes, or --print to change nothing.")
    };
    if !context.console.watched {
        return Err(no_terminal());
    }
    context.agrees(prompt.clone()).ok_or_else(no_terminal)
}

/// Fails for a name that no plugin has.
fn check_plugins(context: &Context, names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let mut plugins = listing::found(context)?;
    // Bundled ones, where a daemon runs.
    plugins.extend(listing::loaded(context)?);
    match names.iter().find(|name| !plugins.iter().any(|plugin| plugin.name == **name)) {
        Some(unknown) => Err(link::unknown(unknown, &plugins)),
        None => Ok(()),
    }
}

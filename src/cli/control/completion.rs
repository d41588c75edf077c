//! `skills-daemon completion`.
//!
//! The script calls this program at each press of the key, so its answers are never out of date; each shell loads
//! the script when it starts, so new plugins are completed too. Installing adds one line to the shell's start-up
//! file, with [`MARK`] at its end, by which it is found again.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::Context;
use crate::completion;
use crate::environment;
use crate::environment::profile::{self, Profile};
use crate::failure::{Failure, Kind};
use crate::paths::{Paths, profiles, unwritable};
use crate::store::Store;
use crate::wrappers::{self, CLIENT};

/// The end of the line in the start-up file.
const MARK: &str = "# added by `skills-daemon completion --install`";

#[derive(Args)]
pub(super) struct Arguments {
    /// The shell; by default the one of $SHELL
    #[arg(value_enum)]
    shell: Option<Shell>,
    /// Have the shell load the script whenever it starts
    #[arg(long, conflicts_with = "remove")]
    install: bool,
    /// Take back what --install did
    #[arg(long)]
    remove: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }

    fn of_user(context: &Context) -> Option<Shell> {
        let name = Path::new(context.env.get("SHELL")?).file_name()?.to_str()?;
        Shell::from_str(name, true).ok()
    }

    /// Returns the shell's start-up file.
    fn start_file(self, context: &Context) -> PathBuf {
        let home = &context.paths.home;
        match self {
            Shell::Bash => home.join(".bashrc"),
            Shell::Zsh => {
                context.env.path("ZDOTDIR").unwrap_or_else(|| home.clone()).join(".zshrc")
            }
            Shell::Fish => {
                let config = context.env.path(environment::XDG_CONFIG_HOME);
                config
                    .unwrap_or_else(|| home.join(".config"))
                    .join("fish/conf.d/skills-daemon.fish")
            }
        }
    }

    /// Returns the line that loads the script.
    fn line(self, program: &Path) -> String {
        let program = self.quoted(&program.to_string_lossy());
        match self {
            Shell::Bash | Shell::Zsh => {
                format!(
                    "[ -x {program} ] && eval \"$({program} completion {})\" {MARK}",
                    self.name()
                )
            }
            Shell::Fish => {
                format!("test -x {program}; and {program} completion fish | source {MARK}")
            }
        }
    }

    /// Returns `text` quoted as one word.
    fn quoted(self, text: &str) -> String {
        match self {
            Shell::Bash | Shell::Zsh => format!("'{}'", text.replace('\'', "'\\''")),
            Shell::Fish => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    }
}

/// Prints the script, or installs or removes the line that loads it.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let shell = arguments.shell.or_else(|| Shell::of_user(context)).ok_or_else(|| {
        Failure::new(Kind::Usage, "no shell given, and $SHELL is none of bash, zsh, fish")
            .hint("Run `skills-daemon completion bash`, zsh or fish.")
    })?;
    let own = environment::own_executable()
        .map_err(|error| Failure::environment(format!("cannot find this program: {error}")))?;
    let file = shell.start_file(context);
    if arguments.install {
        let line = shell.line(&own);
        let is_new = install(&file, &line).map_err(|error| unwritable(&file, &error))?;
        let what = if is_new { "now loads" } else { "already loads" };
        context.print(&format!("{} {what} the completion of commands.", file.display()));
        context.print(&format!("Start a new {}, and press Tab.", shell.name()));
    } else if arguments.remove {
        let was_there = remove(&file).map_err(|error| unwritable(&file, &error))?;
        let what = if was_there { "no longer loads" } else { "does not load" };
        context.print(&format!("{} {what} the completion of commands.", file.display()));
    } else {
        context.print(script(context, shell, &own)?.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the script for both programs and for the wrappers of all plugins.
fn script(context: &Context, shell: Shell, own: &Path) -> Result<String, Failure> {
    let mut names = vec!["skills-daemon".to_owned(), CLIENT.to_owned()];
    let profiles = profiles::all(&context.env)?.into_iter().map(Some);
    for profile in std::iter::once(None).chain(profiles) {
        let name = profile.as_ref().map_or(profile::DEFAULT, Profile::name);
        let paths = Paths::resolve(&context.env.clone().with(environment::PROFILE, name))?;
        for record in Store::at(paths.descriptions()).all() {
            names.push(wrappers::file_name(&record.description.name, profile.as_ref()));
        }
    }
    let mut script = Vec::new();
    if matches!(shell, Shell::Zsh) {
        // `compdef` registers the completion.
        script.extend(b"(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n");
    }
    for name in names {
        completion::register(shell.name(), environment::COMPLETE, &name, own, &mut script)
            .map_err(|error| Failure::environment(error.to_string()))?;
    }
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Adds `line` to `file`, in place of an older one with [`MARK`]; returns false if it is there already.
fn install(file: &Path, line: &str) -> io::Result<bool> {
    let text = read(file)?;
    if text.lines().any(|present| present == line) {
        return Ok(false);
    }
    remove(file)?;
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    let whole = text.is_empty() || text.ends_with('\n');
    let mut out = OpenOptions::new().append(true).create(true).open(file)?;
    writeln!(out, "{}{line}", if whole { "" } else { "\n" })?;
    Ok(true)
}

/// Removes the line with [`MARK`] from `file`; returns false if it has none.
fn remove(file: &Path) -> io::Result<bool> {
    let text = read(file)?;
    if !text.lines().any(|line| line.ends_with(MARK)) {
        return Ok(false);
    }
    let kept: String =
        text.split_inclusive('\n').filter(|line| !line.trim_end().ends_with(MARK)).collect();
    // The target of a link is replaced, not the link; atomically.
    let file = fs::canonicalize(file)?;
    let mut new = file.clone().into_os_string();
    new.push(".skills-daemon");
    fs::write(&new, kept)?;
    fs::set_permissions(&new, fs::metadata(&file)?.permissions())?;
    fs::rename(&new, &file)?;
    Ok(true)
}

fn read(file: &Path) -> io::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

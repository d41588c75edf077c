//! MCP servers in settings files.

use std::fmt;
use std::path::Path;

use crate::environment::profile::Profile;
use crate::failure::{Failure, Kind};

/// The file name of every command that is registered.
const COMMAND: &str = "skills-client";
/// The first argument of every command that is registered.
const ARGUMENT: &str = "mcp";
/// The option before it that names the profile.
const PROFILE_OPTION: &str = "--profile";
/// The name of the server of all plugins.
const NAME: &str = "skills";

/// An MCP server that speaks over stdin and stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name in the settings.
    pub name: String,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// The state of a server in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No server of its name.
    Absent,
    /// The same server.
    Current,
    /// A server of this program with another command or other arguments.
    Stale,
    /// A server of another program; its command.
    Foreign(String),
}

/// A text that cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl Server {
    /// Returns the server of all plugins of a profile, or of one of them.
    pub fn of(client: &Path, plugin: Option<&str>, profile: Option<&Profile>) -> Server {
        let profile = profile.map(Profile::name);
        let parts = [Some(NAME), plugin, profile].into_iter().flatten();
        let name = parts.collect::<Vec<_>>().join("-");
        let option = profile.map(|profile| format!("{PROFILE_OPTION}={profile}"));
        let words = [Some(ARGUMENT), plugin].into_iter().flatten().map(str::to_owned);
        let arguments = option.into_iter().chain(words).collect();
        Server { name, command: client.display().to_string(), arguments }
    }

    /// Returns the state of a server of the same name with `command` and `arguments`.
    pub(super) fn compared(&self, command: Option<&str>, arguments: &[String]) -> State {
        match command {
            Some(command) if *command == self.command && arguments == self.arguments => {
                State::Current
            }
            Some(command) if is_own(command, arguments) => State::Stale,
            Some(command) => State::Foreign(command.to_owned()),
            None => State::Foreign("no command".to_owned()),
        }
    }
}

/// True for a server of this program, in whatever directory it was installed.
pub(super) fn is_own(command: &str, arguments: &[String]) -> bool {
    Path::new(command).file_name().is_some_and(|name| name == COMMAND)
        && arguments
            .iter()
            .find(|word| !word.starts_with(PROFILE_OPTION))
            .is_some_and(|it| it == ARGUMENT)
}

impl Invalid {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Invalid {
        Invalid { line, message: message.into() }
    }

    /// Returns the failure of an edit of `file`.
    pub fn of(&self, file: &Path) -> Failure {
        Failure::new(Kind::Environment, format!("{} {self}", file.display()))
            .hint("Correct the line and run it again; the file is unchanged.")
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

//! The client's own options, taken out of the command line of a plugin's command.

use std::time::Duration;

use crate::arguments;
use crate::failure::{Failure, Kind};
use crate::wrappers::CLIENT;

/// The name under which the first argument is the plugin.
pub(super) const OWN_NAME: &str = CLIENT;

/// A parsed command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) plugin: Option<String>,
    pub(super) arguments: Vec<String>,
    pub(super) json: bool,
    pub(super) verbose: bool,
    pub(super) help: bool,
    pub(super) version: bool,
    pub(super) method: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) output: Option<String>,
    pub(super) profile: Option<String>,
}

impl CommandLine {
    /// Takes the client's own options out of `arguments`; `name` is the name the program was called by.
    pub(super) fn parse(name: &str, arguments: Vec<String>) -> Result<CommandLine, Failure> {
        let mut line = CommandLine::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--json" | "-j" => line.json = true,
                "-v" => line.verbose = true,
                "--help" | "-h" => line.help = true,
                "--version" | "-V" if line.arguments.is_empty() && name == OWN_NAME => {
                    line.version = true;
                }
                // After the plugin's name they may be the command's: the daemon decides by the description.
                _ if name == OWN_NAME
                    && line.arguments.is_empty()
                    && is(&argument, "--timeout") =>
                {
                    let value = value(&argument, &mut rest);
                    line.timeout = Some(arguments::limit(value.as_deref())?);
                }
                _ if name == OWN_NAME && line.arguments.is_empty() && is(&argument, "--output") => {
                    let value = value(&argument, &mut rest);
                    line.output = Some(arguments::output_file(value.as_deref())?);
                }
                _ if name == OWN_NAME
                    && line.arguments.is_empty()
                    && is(&argument, "--profile") =>
                {
                    let value = value(&argument, &mut rest).ok_or_else(|| {
                        Failure::new(Kind::Usage, "--profile needs a name")
                            .hint("`skills-daemon profiles` lists all profiles.")
                    })?;
                    line.profile = Some(value);
                }
                "-X" => {
                    let method = rest.next().ok_or_else(|| {
                        Failure::new(Kind::Usage, "-X needs a method").hint("For example -X PATCH.")
                    })?;
                    line.method = Some(method.to_ascii_uppercase());
                }
                "--" => {
                    line.arguments.push(argument);
                    line.arguments.extend(rest.by_ref());
                }
                _ => line.arguments.push(argument),
            }
        }
        if name == OWN_NAME {
            if !line.arguments.is_empty() {
                line.plugin = Some(line.arguments.remove(0));
            }
        } else {
            line.plugin = Some(name.to_owned());
        }
        Ok(line)
    }
}

/// True for `--name` and `--name=value`.
pub(super) fn is(argument: &str, option: &str) -> bool {
    argument.split('=').next() == Some(option)
}

/// Returns the value of an option: what is attached to it, or the next argument.
pub(super) fn value(argument: &str, rest: &mut impl Iterator<Item = String>) -> Option<String> {
    argument.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| rest.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, line: &[&str]) -> CommandLine {
        CommandLine::parse(name, line.iter().map(ToString::to_string).collect()).unwrap()
    }

    #[test]
    fn own_options_may_stand_anywhere_before_the_dashes() {
        let line = parse(
            "skills-client",
            &["jira", "search", "--json", "-v", "-X", "get", "--jql", "x", "--", "-h"],
        );
        assert_eq!(line.plugin.as_deref(), Some("jira"));
        assert_eq!(line.arguments, ["search", "--jql", "x", "--", "-h"]);
        assert!(line.json && line.verbose && !line.help);
        assert_eq!(line.method.as_deref(), Some("GET"));
    }

    #[test]
    fn a_timeout_is_the_clients_before_the_plugins_name_alone() {
        let half = Some(Duration::from_millis(500));
        for own in [&["--timeout", "0.5"][..], &["--timeout=0.5"]] {
            let line =
                parse("skills-client", &[own, &["jira", "search", "--timeout", "9"]].concat());
            assert_eq!((line.plugin.as_deref(), line.timeout), (Some("jira"), half));
            assert_eq!(line.arguments, ["search", "--timeout", "9"]);
        }
        let line = parse("jira", &["--timeout", "5", "search"]);
        assert_eq!((line.timeout, line.arguments.len()), (None, 3));
        let line = parse("skills-client", &["--profile", "work", "jira", "--profile", "x"]);
        assert_eq!((line.profile.as_deref(), line.arguments.len()), (Some("work"), 2));
        let arguments = vec!["--timeout".to_owned(), "jira".to_owned()];
        let refused = CommandLine::parse("skills-client", arguments).unwrap_err();
        assert_eq!(refused.kind, Kind::Usage);
    }

    #[test]
    fn a_link_is_the_plugin() {
        let line = parse("jira", &["search", "-h"]);
        assert_eq!(line.plugin.as_deref(), Some("jira"));
        assert_eq!(line.arguments, ["search"]);
        assert!(line.help);
        assert!(!parse("jira", &["--version"]).version);
        assert!(parse("skills-client", &["--version"]).version);
    }
}

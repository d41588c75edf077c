//! What was found, for a person.

use std::path::Path;

use super::Doctor;
use crate::doctor::bundle::Part;
use crate::doctor::{self, Check, Group, Verdict};
use crate::failure::{Failure, Kind};

/// The width of a verdict's word and the space after it.
const INDENT: &str = "         ";

impl Doctor<'_> {
    /// Prints a line to stdout; a reader that hung up is no failure.
    pub(super) fn line(&self, text: &str) {
        let _ = self.console.print(text);
    }

    /// Prints the checks, each group with a heading.
    pub(super) fn print(&self, checks: &[Check]) {
        let style = self.console.out;
        let mut group = None;
        for check in checks {
            if group.replace(check.group) != Some(check.group) {
                let gap = if check.group == Group::Programs { "" } else { "\n" };
                self.line(&format!("{gap}{}{}{}", style.bold, title(check.group), style.reset));
            }
            self.print_check(check);
        }
    }

    fn print_check(&self, check: &Check) {
        let style = self.console.out;
        let (color, word) = match check.verdict {
            Verdict::Ok => (style.green, "ok"),
            Verdict::Warning => (style.yellow, "warning"),
            Verdict::Failed => (style.red, "failed"),
        };
        self.line(&format!(
            "{color}{word:<8}{} {}{}{}: {}",
            style.reset,
            style.bold,
            check.name,
            style.reset,
            one_line(&check.evidence)
        ));
        if let Some(remedy) = &check.remedy {
            self.line(&format!("{INDENT}{}{remedy}{}", style.dim, style.reset));
        }
        let in_remedy = |command: &String| {
            check.remedy.as_ref().is_some_and(|remedy| remedy.contains(&format!("`{command}`")))
        };
        if let Some(command) = check.command.as_ref().filter(|command| !in_remedy(command)) {
            self.line(&format!("{INDENT}{}{command}{}", style.cyan, style.reset));
        }
    }

    /// Prints how many checks are not ok; `fixed` after `--fix`.
    pub(super) fn print_summary(&self, checks: &[Check], fixed: bool) {
        let count = |verdict: Verdict| checks.iter().filter(|it| it.verdict == verdict).count();
        let failed = match count(Verdict::Failed) {
            0 => "Nothing is broken.".to_owned(),
            1 => "1 check failed.".to_owned(),
            count => format!("{count} checks failed."),
        };
        let warnings = match count(Verdict::Warning) {
            0 => String::new(),
            1 => " 1 warning.".to_owned(),
            count => format!(" {count} warnings."),
        };
        self.line(&format!("\n{failed}{warnings}"));
        let fixable = checks.iter().filter(|check| check.fix.is_some()).count();
        if fixable > 0 && !fixed {
            let line = self.control().line("doctor --fix");
            self.line(&format!("`{line}` mends {fixable} of them."));
        }
    }

    /// How the control program is called here.
    fn control(&self) -> doctor::Control {
        let profile = self.context.as_ref().ok().and_then(|context| context.paths.profile.as_ref());
        doctor::Control(profile.map(|profile| profile.name().to_owned()))
    }

    /// Prints what is in an archive.
    pub(super) fn print_bundle(&self, file: &Path, parts: &[Part]) {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        let text = format!(
            "\nWritten: {} ({})\nRead it before you send it: what looks like a secret, your home directory and your \
             name were taken out, but logs may have what plugins print.",
            file.display(),
            names.join(", ")
        );
        // Beside JSON it would be no JSON.
        self.console.problem(&text);
    }

    /// Prints the checks as JSON.
    pub(super) fn print_json(&self, checks: &[Check]) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(checks)
            .map_err(|error| Failure::new(Kind::Bug, format!("cannot write JSON: {error}")))?;
        self.line(&text);
        Ok(())
    }
}

fn title(group: Group) -> &'static str {
    match group {
        Group::Programs => "Programs",
        Group::Places => "Places and settings",
        Group::Packages => "Packages",
        Group::Daemon => "Daemon",
        Group::Plugins => "Plugins",
        Group::Agents => "Coding agents",
        Group::System => "System",
    }
}

/// Returns a text without line breaks and other control characters, which a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

//! Checks of the whole installation: verdict, evidence, remedy.
//!
//! - [`facts`] collects, on a broken installation too, within a limited time, and writes nothing.
//! - [`checks`] are pure functions of the facts.
//! - [`Fix`] is what of the remedies can be carried out; the control program does it, and collects the facts again.
//! - [`redact`] takes secrets and names out of a text; [`bundle`] is the archive for a report of a bug.
//!
//! To add a check: a fact, a function in `checks`, a line in [`examine`].

pub mod bundle;
pub mod checks;
pub mod facts;
mod fix;
pub mod redact;

use serde::{Serialize, Serializer};

pub use facts::Facts;
pub use fix::{Entry, Fix};

/// Verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Correct.
    Ok,
    /// Working, with a possible problem.
    Warning,
    /// Not working.
    Failed,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Executables, Python, `uv`.
    Programs,
    /// Directories, disks, settings.
    Places,
    /// The virtual environment and what is in it.
    Packages,
    /// The process.
    Daemon,
    /// Plugins and their shell commands.
    Plugins,
    /// Coding agents.
    Agents,
    /// The machine.
    System,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What the check is about.
    pub group: Group,
    /// The subject of the check.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The fact behind the verdict.
    pub evidence: String,
    /// The remedy, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The command that mends it, for a shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What `--fix` does about it; in JSON whether there is such a thing.
    #[serde(rename = "fixable", serialize_with = "is_some")]
    pub fix: Option<Fix>,
}

fn is_some<S: Serializer>(fix: &Option<Fix>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(fix.is_some())
}

impl Check {
    fn new(group: Group, name: &str, verdict: Verdict, evidence: impl Into<String>) -> Check {
        let (name, evidence) = (name.to_owned(), evidence.into());
        Check { group, name, verdict, evidence, remedy: None, command: None, fix: None }
    }

    fn ok(group: Group, name: &str, evidence: impl Into<String>) -> Check {
        Check::new(group, name, Verdict::Ok, evidence)
    }

    fn warning(group: Group, name: &str, evidence: impl Into<String>) -> Check {
        Check::new(group, name, Verdict::Warning, evidence)
    }

    fn failed(group: Group, name: &str, evidence: impl Into<String>) -> Check {
        Check::new(group, name, Verdict::Failed, evidence)
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Check {
        let remedy = remedy.into();
        self.remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        self
    }

    fn command(mut self, command: impl Into<String>) -> Check {
        self.command = Some(command.into());
        self
    }

    fn fix(mut self, fix: Fix) -> Check {
        self.fix = Some(fix);
        self
    }
}

/// How the control program is called for a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control(pub Option<String>);

impl Control {
    /// Returns the line for a shell that calls it with these words.
    pub fn line(&self, words: &str) -> String {
        match &self.0 {
            None => format!("skills-daemon {words}"),
            Some(profile) => format!("skills-daemon --profile {profile} {words}"),
        }
    }
}

/// Runs all checks over `facts`, in the order of dependence.
pub fn examine(facts: &Facts) -> Vec<Check> {
    let machine = &facts.machine;
    let mut found = vec![checks::executables(machine), checks::interpreter(&facts.interpreter)];
    found.extend(checks::other_installation(machine));
    match &facts.installation {
        Err(failure) => found.push(checks::no_places(failure)),
        Ok(installation) => installed(installation, machine, &mut found),
    }
    found.push(checks::space(&facts.spaces));
    found.extend(checks::proxies(&machine.proxies));
    found.extend(checks::certificates(&machine.certificates));
    found.push(checks::clock(&facts.clock));
    found.push(checks::descriptors(&machine.descriptors));
    found.extend(checks::inotify(machine.inotify.as_ref()));
    // Sorting keeps the order within a group.
    found.sort_by_key(|check| check.group as u8);
    found
}

/// Runs the checks of the places and of what is in them.
fn installed(installation: &facts::Installation, machine: &facts::Machine, found: &mut Vec<Check>) {
    let control = &installation.control;
    found.push(checks::host(installation));
    found.push(checks::uv(installation));
    found.push(checks::profile(installation));
    found.extend(checks::directories(installation));
    found.extend(checks::leftovers(installation));
    found.push(checks::configuration(installation));
    found.extend(checks::secrets(installation));
    found.push(checks::venv(installation));
    found.extend(checks::lock(&installation.lock, control));
    found.extend(checks::dependencies(installation));
    found.push(checks::service(installation, machine.own.as_deref()));
    found.push(checks::process(installation));
    found.push(checks::socket(installation));
    found.push(checks::port(installation));
    found.extend(checks::watching(installation));
    found.extend(checks::notices(installation));
    found.extend(checks::log(&installation.log, control));
    found.extend(checks::plugins(installation));
    found.extend(checks::crashed(installation));
    found.extend(checks::plugin_settings(installation));
    found.extend(checks::wrappers(installation));
    found.extend(checks::agents(&installation.agents, control));
    found.extend(checks::sandboxes(&installation.sandboxes));
}

/// Returns the worst verdict.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}

/// Returns what can be done about the `checks`, each once, in the order in which it is to be done.
pub fn fixes(checks: &[Check]) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = checks.iter().filter_map(|check| check.fix.clone()).collect();
    fixes.sort();
    fixes.dedup();
    fixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixes_are_done_once_and_the_directories_first() {
        let check = |fix: Fix| Check::warning(Group::Places, "x", "").fix(fix);
        let found = [check(Fix::Restart), check(Fix::CreateDirectories), check(Fix::Restart)];
        assert_eq!(fixes(&found), [Fix::CreateDirectories, Fix::Restart]);
        assert_eq!(worst(&found), Verdict::Warning);
        assert_eq!(worst(&[]), Verdict::Ok);
    }

    #[test]
    fn a_check_is_flat_json() {
        let check = Check::failed(Group::Daemon, "socket", "no").command("x").fix(Fix::Restart);
        let text = serde_json::to_string(&check).unwrap();
        assert_eq!(
            text,
            r#"{"group":"daemon","name":"socket","verdict":"failed","evidence":"no","command":"x","fixable":true}"#
        );
    }

    #[test]
    fn commands_name_the_profile() {
        assert_eq!(Control(None).line("start"), "skills-daemon start");
        assert_eq!(Control(Some("a".into())).line("start"), "skills-daemon --profile a start");
    }
}

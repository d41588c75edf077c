//! The checks, each a pure function of the facts.

use super::facts::{Daemon, Facts, WrapperPlace};
use super::{Check, Verdict};
use crate::environment;
use crate::installed::Damage;
use crate::interpreter;
use crate::nearest::nearest;
use crate::settings::{Settings, Source};
use crate::venv::State;
use crate::wire::deps::{PackageEntry, PartyEntry, Size, Standing};
use crate::wire::{BackgroundTask, PluginState, Reload, TaskState};
use crate::wrappers::{self, WrapperState};

/// The least free space, in bytes, below which installing is likely to fail.
const SPACE_MIN: u64 = 200 << 20;

/// Checks that all three programs can be found.
pub fn executables(facts: &Facts) -> Check {
    const NAME: &str = "executables";
    match (&facts.host, &facts.client_on_path) {
        (Err(failure), _) => Check::new(NAME, Verdict::Failed, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or("Install skills-daemon again.")),
        (Ok(host), None) => Check::new(
            NAME,
            Verdict::Warning,
            format!("{}; but skills-client is not on PATH", host.display()),
        )
        .remedy(format!("Add {} to PATH.", host.parent().unwrap_or(host).display())),
        (Ok(host), Some(client)) => {
            Check::new(NAME, Verdict::Ok, format!("{}, {}", client.display(), host.display()))
        }
    }
}

/// Checks that the runtime directories can be written, and that the disk is not full.
pub fn directories(facts: &Facts) -> Check {
    const NAME: &str = "directories";
    let runtime = facts.paths.runtime.display();
    if let Err(failure) = &facts.directories {
        let check = Check::new(NAME, Verdict::Failed, &failure.error);
        return check.remedy(failure.hint.as_deref().unwrap_or("Make it writable for you."));
    }
    match facts.free_space {
        Some(free) if free < SPACE_MIN => Check::new(
            NAME,
            Verdict::Warning,
            format!("{runtime} is writable, but almost full ({} MiB free)", free >> 20),
        )
        .remedy("Free some space: installing requirements may fail."),
        _ => Check::new(NAME, Verdict::Ok, format!("{runtime} is writable")),
    }
}

/// Checks that the configuration is valid and has no unknown settings.
pub fn configuration(facts: &Facts) -> Check {
    const NAME: &str = "configuration";
    match &facts.settings {
        Err(failure) => Check::new(NAME, Verdict::Failed, &failure.error).remedy(
            failure
                .hint
                .as_deref()
                .unwrap_or("Correct it: README lists all settings and their values."),
        ),
        Ok(settings) if !settings.unknown.is_empty() => {
            Check::new(NAME, Verdict::Warning, unknown_settings(settings)).remedy(format!(
                "Correct or remove it in {}: README lists all settings.",
                facts.paths.config_file().display()
            ))
        }
        Ok(settings) => Check::new(NAME, Verdict::Ok, changed(settings)),
    }
}

/// Returns the unknown settings, with those that were probably meant.
fn unknown_settings(settings: &Settings) -> String {
    let unknown: Vec<String> = settings.unknown.iter().map(ToString::to_string).collect();
    unknown.join("; ")
}

/// Returns the settings that differ from their defaults, with their sources.
fn changed(settings: &Settings) -> String {
    let changed = settings.top.iter().filter(|it| it.source != Source::Default);
    let changed: Vec<String> =
        changed.map(|it| format!("{} = {} ({})", it.row, it.text, it.source)).collect();
    if changed.is_empty() { "all defaults".to_owned() } else { changed.join(", ") }
}

/// Checks that the secrets of plugins can be read, by their owner alone; `None` without any.
pub fn secrets(facts: &Facts) -> Option<Check> {
    const NAME: &str = "secrets";
    match &facts.secrets {
        Err(failure) => {
            let check = Check::new(NAME, Verdict::Failed, &failure.error);
            Some(check.remedy(failure.hint.as_deref().unwrap_or_default()))
        }
        Ok(secrets) if secrets.0.is_empty() => None,
        Ok(secrets) => {
            let names: Vec<&str> = secrets.0.keys().map(String::as_str).collect();
            Some(Check::new(
                NAME,
                Verdict::Ok,
                format!("plugins with secrets: {}", names.join(", ")),
            ))
        }
    }
}

/// Checks that a Python with a suitable shared library was found.
pub fn interpreter(facts: &Facts) -> Check {
    const NAME: &str = "interpreter";
    match &facts.interpreter {
        Err(failure) => Check::new(NAME, Verdict::Failed, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or("Build skills-daemon again.")),
        Ok(found) => {
            let library = found.library.as_deref().unwrap_or_else(|| "none".as_ref());
            let evidence = format!(
                "Python {} at {}, library {}",
                found.version,
                found.executable.display(),
                library.display()
            );
            let check = Check::new(NAME, Verdict::Ok, evidence);
            match interpreter::BUILD_PYTHON {
                Some(built) if found.executable.as_os_str() != built && !same_file(found, built) => {
                    Check { verdict: Verdict::Warning, ..check }.remedy(format!(
                        "It replaces {built}, which the host was built against; nothing to do if plugins work."
                    ))
                }
                _ => check,
            }
        }
    }
}

/// True if both are one file: `python3` and `python3.11` may be the same.
fn same_file(found: &interpreter::Interpreter, built: &str) -> bool {
    match (found.executable.canonicalize(), std::path::Path::new(built).canonicalize()) {
        (Ok(found), Ok(built)) => found == built,
        _ => false,
    }
}

/// Checks that the host starts with that library.
pub fn host(facts: &Facts) -> Check {
    const NAME: &str = "host";
    let expected = format!("{} {}", crate::lifecycle::launch::HOST, crate::VERSION);
    match &facts.host_version {
        Ok(version) if *version == expected => Check::new(NAME, Verdict::Ok, version),
        Ok(version) => Check::new(
            NAME,
            Verdict::Warning,
            format!("{version}, but this program has version {}", crate::VERSION),
        )
        .remedy("Install skills-daemon again; all three executables belong together."),
        Err(error) => Check::new(NAME, Verdict::Failed, error.as_str())
            .remedy("Repair the interpreter, or build skills-daemon again."),
    }
}

/// Checks that `uv` runs.
pub fn uv(facts: &Facts) -> Check {
    const NAME: &str = "uv";
    match &facts.uv {
        None => Check::new(NAME, Verdict::Warning, "neither on PATH nor fetched yet")
            .remedy("The daemon fetches it with pip when it starts; or install it yourself."),
        Some((path, Ok(version))) => {
            Check::new(NAME, Verdict::Ok, format!("{version} at {}", path.display()))
        }
        Some((path, Err(error))) => {
            Check::new(NAME, Verdict::Failed, format!("{}: {error}", path.display()))
                .remedy("Install uv again.")
        }
    }
}

/// Checks that the venv is whole and that the packages every plugin relies on can be imported.
pub fn venv(facts: &Facts) -> Check {
    const NAME: &str = "venv";
    const REMEDY: &str = "`skills-daemon restart` makes it again.";
    let place = facts.paths.venv();
    match (&facts.venv, &facts.core) {
        (None, _) => {
            Check::new(NAME, Verdict::Warning, "not checked: no interpreter to compare it with")
                .remedy("Repair the interpreter first.")
        }
        (Some(State::Missing), _) => {
            Check::new(NAME, Verdict::Warning, format!("{} does not exist yet", place.display()))
                .remedy("`skills-daemon start` makes it.")
        }
        (Some(State::Broken(why)), _) => {
            Check::new(NAME, Verdict::Failed, format!("{}: {why}", place.display())).remedy(REMEDY)
        }
        (Some(State::Whole), Err(error)) => {
            Check::new(NAME, Verdict::Failed, format!("{}: {error}", place.display()))
                .remedy("`skills-daemon restart` installs what is missing.")
        }
        (Some(State::Whole), Ok(_)) if !facts.damages.is_empty() => {
            let damages = Damage::list(&facts.damages);
            Check::new(NAME, Verdict::Failed, format!("damaged packages: {damages}"))
                .remedy("`skills-daemon deps sync` installs them again.")
        }
        (Some(State::Whole), Ok(core)) => {
            Check::new(NAME, Verdict::Ok, format!("{} with {core}", place.display()))
        }
    }
}

/// Checks that the process answers and holds its lock.
pub fn process(facts: &Facts) -> Check {
    const NAME: &str = "process";
    match (&facts.daemon, facts.holder) {
        (Daemon::Running(status), Some(_)) => Check::new(
            NAME,
            Verdict::Ok,
            format!("process id {}, version {}", status.ready.pid, status.ready.version),
        ),
        (Daemon::NotRunning, None) => {
            let line = facts.last_stderr_line.as_ref();
            let last = line.map_or(String::new(), |line| format!("; last line on stderr: {line}"));
            Check::new(NAME, Verdict::Ok, format!("not running; the next command starts it{last}"))
        }
        (Daemon::NotRunning, Some(pid)) => Check::new(
            NAME,
            Verdict::Warning,
            format!(
                "process id {pid} does not listen: it is starting, stopping, or has lost its socket"
            ),
        )
        .remedy("If that persists, run `skills-daemon restart`."),
        (Daemon::Unreachable(failure), _) => Check::new(NAME, Verdict::Failed, &failure.error)
            .remedy(failure.hint.as_deref().unwrap_or_default()),
        (Daemon::InvalidAnswer(error), _) => Check::new(
            NAME,
            Verdict::Failed,
            format!("invalid answer to a status request: {error}"),
        )
        .remedy("Run `skills-daemon restart`."),
        (Daemon::Running(_), None) => {
            Check::new(NAME, Verdict::Failed, "a daemon answers, but no process holds its lock")
                .remedy("Run `skills-daemon restart`.")
        }
    }
}

/// Checks that only the user may use the socket.
pub fn socket(facts: &Facts) -> Check {
    const NAME: &str = "socket";
    let place = facts.paths.socket();
    match (&facts.daemon, facts.socket_mode) {
        (_, Some(0o600)) | (Daemon::NotRunning, None) => {
            Check::new(NAME, Verdict::Ok, place.display().to_string())
        }
        (_, Some(mode)) => Check::new(
            NAME,
            Verdict::Failed,
            format!("{} has mode {mode:o}, not 600", place.display()),
        )
        .remedy("Run `skills-daemon restart`."),
        (_, None) => Check::new(NAME, Verdict::Failed, format!("{} is missing", place.display()))
            .remedy("Run `skills-daemon restart`."),
    }
}

/// Checks that the TCP port is the daemon's, or free.
pub fn port(facts: &Facts) -> Check {
    const NAME: &str = "port";
    match (&facts.daemon, &facts.port_free) {
        (Daemon::Running(status), _) => {
            Check::new(NAME, Verdict::Ok, format!("http://localhost:{}", status.ready.port))
        }
        (_, Some(Err(error))) => Check::new(NAME, Verdict::Failed, error.as_str())
            .remedy(format!("Set {} to a free port, or 0.", environment::PORT)),
        (_, Some(Ok(()))) => Check::new(NAME, Verdict::Ok, "free"),
        (_, None) => Check::new(NAME, Verdict::Warning, "not checked"),
    }
}

/// Checks that the packages of the lock are installed, and that no plugin is set aside.
pub fn dependencies(facts: &Facts) -> Option<Check> {
    const NAME: &str = "dependencies";
    let report = facts.dependencies.as_ref()?;
    let differs = |package: &&PackageEntry| package.locked != package.installed;
    let packages = report.packages.iter().filter(|package| package.locked.is_some());
    let differing: Vec<String> =
        packages.filter(differs).map(|package| package.name.clone()).collect();
    let bytes: u64 = report.generations.iter().map(|generation| generation.bytes).sum();
    let count = report.packages.iter().filter(|package| package.installed.is_some()).count();
    let size = Size(bytes);
    let generations = report.generations.len();
    let evidence = format!("{count} packages installed, {generations} environments ({size})");
    if let Some(failure) = &report.failure {
        return Some(
            Check::new(NAME, Verdict::Warning, format!("{evidence}; {}", failure.error))
                .remedy("It is tried again by itself; `skills-daemon deps sync` does it now."),
        );
    }
    let bad = |party: &&PartyEntry| party.standing == Standing::SetAside;
    let set_aside: Vec<&str> =
        report.wanted.iter().filter(bad).map(|party| party.owner.as_str()).collect();
    Some(match (set_aside.as_slice(), differing.as_slice()) {
        ([], []) => Check::new(NAME, Verdict::Ok, evidence),
        ([], differing) => {
            let text = format!("{evidence}; not as locked: {}", differing.join(", "));
            Check::new(NAME, Verdict::Warning, text)
                .remedy("`skills-daemon deps sync` installs what is locked.")
        }
        (aside, _) => {
            let text = format!("{evidence}; set aside: {}", aside.join(", "));
            Check::new(NAME, Verdict::Warning, text).remedy("`skills-daemon deps list` says why.")
        }
    })
}

/// Checks that the running daemon notices changes of files at once.
pub fn watching(facts: &Facts) -> Option<Check> {
    const NAME: &str = "watching";
    let Daemon::Running(status) = &facts.daemon else { return None };
    Some(match &status.polled {
        None => Check::new(NAME, Verdict::Ok, "changed files take effect at once"),
        Some(polled) => Check::new(NAME, Verdict::Warning, polled.as_str())
            .remedy("Nothing to do: changes there take effect a few seconds later."),
    })
}

/// Returns the other current reports of the running daemon about itself.
pub fn notices(facts: &Facts) -> Vec<Check> {
    let Daemon::Running(status) = &facts.daemon else { return Vec::new() };
    let others = status.notices.iter().filter(|notice| status.polled.as_ref() != Some(*notice));
    others.map(|notice| Check::new("notice", Verdict::Warning, notice.as_str())).collect()
}

/// Checks each plugin: in the running daemon, else on disk.
pub fn plugins(facts: &Facts) -> Vec<Check> {
    if let Daemon::Running(status) = &facts.daemon {
        return status
            .plugins
            .iter()
            .map(|plugin| {
                let name = format!("plugin {}", plugin.name);
                let failing = plugin.background.iter().filter_map(failing_task);
                let reports: Vec<String> = plugin.notices.iter().cloned().chain(failing).collect();
                let detail: Vec<String> =
                    plugin.state.detail().into_iter().chain(reports.clone()).collect();
                let detail = detail.join("; ");
                let check = match &plugin.state {
                    PluginState::Asleep => {
                        Check::new(&name, Verdict::Ok, format!("asleep: {detail}"))
                    }
                    PluginState::Failed(_)
                    | PluginState::Ready { reload: Reload::Failed(_), .. } => {
                        Check::new(&name, Verdict::Failed, detail)
                    }
                    PluginState::Ready { complaints, .. }
                        if complaints.is_empty() && reports.is_empty() =>
                    {
                        Check::new(&name, Verdict::Ok, plugin.path.as_str())
                    }
                    PluginState::Ready { .. } | PluginState::Loading(_) => {
                        Check::new(&name, Verdict::Warning, detail)
                    }
                };
                match plugin.state.hint() {
                    Some(hint) => check.remedy(hint),
                    None if check.verdict == Verdict::Warning => {
                        check.remedy("Run `skills-daemon logs`.")
                    }
                    None => check,
                }
            })
            .collect();
    }
    facts
        .plugins
        .iter()
        .map(|plugin| {
            let name = format!("plugin {}", plugin.source.working_name());
            let place = plugin.source.path.display();
            match &plugin.manifest {
                Ok(_) => Check::new(&name, Verdict::Ok, format!("{place}, not loaded")),
                Err(error) => Check::new(&name, Verdict::Failed, error.as_str())
                    .remedy("Correct it, or remove the plugin."),
            }
        })
        .collect()
}

/// Returns the report of a background task that has failed and has not recovered.
fn failing_task(task: &BackgroundTask) -> Option<String> {
    let error = task.error.as_deref().filter(|_| task.state != TaskState::Running)?;
    Some(format!("background task {} failed: {error}", task.name))
}

/// Checks that each `[plugins.NAME]` is about a plugin.
pub fn plugin_settings(facts: &Facts) -> Vec<Check> {
    let Ok(settings) = &facts.settings else { return Vec::new() };
    let known = |name: &String| facts.plugin_names.contains(name);
    let unknown = settings.of_plugins.keys().filter(|name| !known(name));
    let check = |name: &String| {
        let near = nearest(name, facts.plugin_names.iter().map(String::as_str));
        let meant = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let evidence = format!("no plugin is called `{name}`{meant}");
        Check::new(&format!("settings [plugins.{name}]"), Verdict::Warning, evidence).remedy(
            format!("Correct or remove the table in {}.", facts.paths.config_file().display()),
        )
    };
    unknown.map(check).collect()
}

/// Checks that the wrappers are on PATH, and each of them.
pub fn wrappers(facts: &Facts) -> Vec<Check> {
    const NAME: &str = "wrappers";
    if facts.settings.as_ref().is_ok_and(|settings| !settings.wrappers.value.0) {
        return vec![Check::new(NAME, Verdict::Ok, "switched off")];
    }
    let found = match &facts.wrappers {
        Ok(found) => found,
        Err(failure) => {
            let check = Check::new(NAME, Verdict::Warning, &failure.error);
            return vec![check.remedy(failure.hint.as_deref().unwrap_or_default())];
        }
    };
    let bin = facts.paths.bin.display();
    let count = found.places.len();
    let mut checks = vec![match (count, found.on_path) {
        (0, _) => Check::new(NAME, Verdict::Ok, "no plugin has one"),
        (_, true) => Check::new(NAME, Verdict::Ok, format!("{bin} is on PATH; plugins: {count}")),
        (_, false) => {
            Check::new(NAME, Verdict::Warning, format!("{bin} is not on PATH")).remedy(format!(
                "Add this line to your shell's start-up file: {}",
                wrappers::path_line(&facts.paths)
            ))
        }
    }];
    checks.extend(found.places.iter().filter_map(|place| wrapper(facts, place)));
    checks
}

/// Returns the warning about one wrapper, if any.
fn wrapper(facts: &Facts, place: &WrapperPlace) -> Option<Check> {
    let name = format!("wrapper {}", place.path.file_name()?.to_string_lossy());
    let path = place.path.display();
    let (evidence, remedy) = match (place.state, &place.namesake) {
        (WrapperState::Foreign, _) => (
            format!("{path} was not written by skills-daemon"),
            "Move it away if the plugin is to have that name; then run `skills-daemon link`.",
        ),
        (WrapperState::Another, _) => (
            format!("{path} calls another daemon, that of the runtime directory in it"),
            "Remove it if that daemon is not used any more; then run `skills-daemon link`.",
        ),
        // The daemon writes wrappers when it has loaded the plugins.
        (WrapperState::Absent, _) if !matches!(facts.daemon, Daemon::Running(_)) => return None,
        (WrapperState::Absent, _) => {
            (format!("{path} does not exist"), "Run `skills-daemon link`.")
        }
        (WrapperState::Stale, _) => {
            (format!("{path} belongs to another installation"), "Run `skills-daemon link`.")
        }
        (WrapperState::Current, Some(namesake)) => (
            format!("{} has the same name as {path}", namesake.display()),
            "The first one on PATH is called. Rename the plugin if that is the wrong one.",
        ),
        (WrapperState::Current, None) => return None,
    };
    Some(Check::new(&name, Verdict::Warning, evidence).remedy(remedy))
}

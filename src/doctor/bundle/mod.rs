//! The archive for a report of a bug: what was found, versions, settings, the ends of logs.
//!
//! Every text goes through the [`Redactor`], and is cut at a size. No file of secrets, no code and no data of plugins is in
//! it. To add a part: a line in [`parts`].

mod archive;
mod settings;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::utsname::uname;
use nix::unistd::{User, geteuid};
use serde_json::json;

use super::facts::{Facts, Installation, tail};
use super::redact::{Redactor, is_secret};
use super::{Check, worst};
use crate::environment::Environment;
use crate::lifecycle::tcp::Tcp;

pub use archive::write;

/// The most bytes of the end of the daemon's log.
const LOG_MAX: u64 = 1 << 20;
/// The most bytes of any other file.
const FILE_MAX: u64 = 256 << 10;
/// Variables that are listed; those that end in `*` are the begin of names.
const VARIABLES: [&str; 24] = [
    "SKILLS_*",
    "UV_*",
    "PIP_*",
    "PYTHON*",
    "SSL_CERT_*",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "PATH",
    "SHELL",
    "LANG",
    "LC_*",
    "TERM",
    "TMPDIR",
    "XDG_*",
    "CLAUDECODE",
    "CODEX_*",
];
/// What is said to the person who opens the archive.
const READ_ME: &str = "\
A report of skills-daemon about one installation, written by `skills-daemon doctor --bundle`.

Taken out: secrets that are known or look like some, the home directory (~), names of user and host, e-mail addresses.
Logs may have what plugins print. Read them before you send this to others.

";

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Returns everything that goes into the archive, without secrets.
pub fn parts(facts: &Facts, checks: &[Check], env: &Environment) -> Vec<Part> {
    let redactor = redactor(facts, env);
    let mut parts = vec![
        ("doctor.json".to_owned(), as_json(&checks)),
        ("versions.json".to_owned(), versions(facts)),
        ("environment.txt".to_owned(), variables(env)),
    ];
    if let Ok(installation) = &facts.installation {
        parts.extend(of_installation(installation));
    }
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let read_me =
        format!("{READ_ME}The worst verdict is {:?}.\n\n{}\n", worst(checks), names.join("\n"));
    parts.insert(0, ("README.txt".to_owned(), read_me));
    let part = |(name, text): (String, String)| Part { name, text: redactor.text(&text) };
    parts.into_iter().map(part).collect()
}

fn of_installation(installation: &Installation) -> Vec<(String, String)> {
    let paths = &installation.paths;
    let mut parts = vec![("plugins.json".to_owned(), plugins(installation))];
    if let Some(status) = installation.daemon.status() {
        parts.push(("status.json".to_owned(), as_json(&status)));
    }
    if let Ok(text) = tail(&paths.config_file(), FILE_MAX) {
        parts.push(("config.toml".to_owned(), settings::shown(&text)));
    }
    let files = [
        ("logs/daemon.log", paths.log_file(), LOG_MAX),
        ("logs/host.stderr", paths.host_stderr(), FILE_MAX),
        ("logs/host.stderr.old", paths.old_host_stderr(), FILE_MAX),
        ("state/start-failure.json", paths.start_failure(), FILE_MAX),
        ("state/crashes.json", paths.crashes(), FILE_MAX),
        ("state/set-aside.json", paths.set_aside(), FILE_MAX),
        ("pylock.toml", paths.pylock(), FILE_MAX),
    ];
    let read = files.into_iter().filter_map(|(name, path, most)| {
        let text = tail(&path, most).ok()?;
        Some((name.to_owned(), text)).filter(|(_, text)| !text.is_empty())
    });
    parts.extend(read);
    parts.push(("files.txt".to_owned(), listing(&paths.runtime)));
    parts
}

/// Returns the redactor of all that is known of this installation.
fn redactor(facts: &Facts, env: &Environment) -> Redactor {
    let secret = env.iter().filter(|(name, _)| is_secret(name));
    let secrets = secret.map(|(_, value)| value.to_owned()).filter(|value| value.len() > 5);
    let mut redactor = Redactor::new().secrets(secrets);
    if let Ok(installation) = &facts.installation {
        let stored = installation.secrets.iter().flat_map(|secrets| secrets.0.values());
        redactor = redactor.secrets(stored.flat_map(|own| own.0.values().cloned()));
        redactor = redactor.secrets(Tcp::read(&installation.paths).map(|tcp| tcp.token));
        if let Ok(text) = tail(&installation.paths.config_file(), FILE_MAX) {
            redactor = redactor.secrets(settings::secrets(&text));
        }
        // A file that is refused may still have them.
        if let Ok(text) = tail(&installation.paths.secrets_file(), FILE_MAX) {
            redactor = redactor.secrets(settings::texts(&text));
        }
        redactor = redactor.home(&installation.paths.home);
    }
    if let Some(home) = env.get("HOME") {
        redactor = redactor.home(Path::new(home));
    }
    if let Ok(Some(user)) = User::from_uid(geteuid()) {
        redactor = redactor.home(&user.dir).user(&user.name);
    }
    if let Ok(system) = uname() {
        redactor = redactor.host(&system.nodename().to_string_lossy());
    }
    redactor
}

fn versions(facts: &Facts) -> String {
    let system = uname().ok();
    let field = |of: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
        system.as_ref().map(|it| of(it).to_string_lossy().into_owned())
    };
    let installation = facts.installation.as_ref().ok();
    as_json(&json!({
        "skills-daemon": crate::VERSION,
        "host": installation.map(|it| either(&it.host_version)),
        "python": facts.interpreter.as_ref().ok().map(|it| it.version.clone()),
        "uv": installation.and_then(|it| it.uv.as_ref()).map(|(_, version)| either(version)),
        "system": field(|it| it.sysname()),
        "release": field(|it| it.release()),
        "machine": field(|it| it.machine()),
    }))
}

/// Returns the version, or why it is not known.
fn either(version: &Result<String, String>) -> &str {
    version.as_deref().unwrap_or_else(|error| error)
}

/// Returns the variables that matter; the value only of those that are no secrets.
fn variables(env: &Environment) -> String {
    let is_listed = |name: &str| {
        VARIABLES.iter().any(|listed| match listed.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == *listed,
        })
    };
    let listed = env.iter().filter(|(name, _)| is_listed(name));
    let line = |(name, value): (&str, &str)| match is_secret(name) {
        true => format!("{name} is set\n"),
        false => format!("{name}={value}\n"),
    };
    listed.map(line).collect()
}

fn plugins(installation: &Installation) -> String {
    let plugin = |it: &super::facts::PluginOnDisk| {
        json!({
            "path": it.source.path,
            "name": it.manifest.as_ref().ok(),
            "error": it.manifest.as_ref().err(),
        })
    };
    as_json(&installation.plugins.iter().map(plugin).collect::<Vec<_>>())
}

/// Returns the names, modes and sizes of the files in the runtime directory, two levels deep.
fn listing(runtime: &Path) -> String {
    const LINES_MAX: usize = 1000;
    let entries = walkdir::WalkDir::new(runtime).max_depth(2).sort_by_file_name();
    let line = |entry: walkdir::DirEntry| {
        let (mode, size) = entry.metadata().map_or((0, 0), |it| (it.mode(), it.len()));
        let link = fs::read_link(entry.path()).ok();
        let link = link.map_or_else(String::new, |target| format!(" -> {}", target.display()));
        format!("{mode:o} {size:>12} {}{link}\n", entry.path().display())
    };
    entries.into_iter().filter_map(Result::ok).take(LINES_MAX).map(line).collect()
}

fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_matter_are_listed_and_secrets_have_no_value() {
        let env = Environment::default()
            .with("UV_INDEX_TOKEN", "hidden")
            .with("LC_ALL", "C")
            .with("JIRA_URL", "x")
            .with("PATH", "/bin");
        assert_eq!(variables(&env), "LC_ALL=C\nPATH=/bin\nUV_INDEX_TOKEN is set\n");
    }
}

//! Entries of this program in the settings of coding agents, and the sandboxes that they switch on.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agents::{Agent, Format, Scope, Server, file};
use crate::environment::{CLAUDE_CONFIG_DIR, CODEX_HOME, Environment};
use crate::lifecycle::sandbox::Sandbox;
use crate::paths::Paths;
use crate::wrappers;

/// The settings of one agent that name this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFile {
    /// The agent's own name.
    pub agent: &'static str,
    /// The agent as an argument of `agent setup`.
    pub word: &'static str,
    /// The file.
    pub file: PathBuf,
    /// Its entries, or why it cannot be read.
    pub entries: Result<Vec<AgentEntry>, String>,
}

/// An entry of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// Its name.
    pub name: String,
    /// What it runs.
    pub command: String,
    /// True if there is such a program.
    pub exists: bool,
    /// True if it is that of this installation.
    pub is_own: bool,
}

/// A sandbox that an agent's settings switch on, and that is closed to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSetting {
    /// The agent's own name.
    pub agent: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What opens it.
    pub remedy: String,
}

/// Returns the settings of agents that name this program, those that cannot be read included.
pub(super) fn collect(paths: &Paths, env: &Environment) -> Vec<AgentFile> {
    let client = wrappers::client().ok();
    let of = |agent: Agent| {
        let files = agent.files(Scope::User(&paths.home), env);
        let entries = entries(&files.servers, files.format, client.as_deref(), env).transpose()?;
        let (agent, word) = (agent.title(), agent.word());
        Some(AgentFile { agent, word, file: files.servers, entries })
    };
    let found = Agent::ALL.into_iter().filter_map(of);
    found.filter(|it| it.entries.as_ref().map_or(true, |entries| !entries.is_empty())).collect()
}

fn entries(
    path: &Path,
    format: Format,
    client: Option<&Path>,
    env: &Environment,
) -> Result<Option<Vec<AgentEntry>>, String> {
    let Some(text) = text(path)? else { return Ok(None) };
    let servers = format.own(&text).map_err(|invalid| invalid.to_string())?;
    Ok(Some(servers.into_iter().map(|server| entry(server, client, env)).collect()))
}

fn entry(server: Server, client: Option<&Path>, env: &Environment) -> AgentEntry {
    let Server { name, command, .. } = server;
    // Without a slash it is looked for on PATH.
    let program = match command.contains('/') {
        true => Some(PathBuf::from(&command)).filter(|program| program.is_file()),
        false => env.program(&command),
    };
    let whole = |path: &Path| path.canonicalize().ok();
    let is_own = program.as_deref().and_then(whole) == client.and_then(whole);
    AgentEntry { name, command, exists: program.is_some(), is_own }
}

/// Returns the sandboxes that are switched on and closed to the daemon.
pub(super) fn sandboxes(paths: &Paths, env: &Environment) -> Vec<SandboxSetting> {
    let socket = paths.socket();
    let at = |variable: &str, directory: &str, name: &str| {
        env.path(variable).unwrap_or_else(|| paths.home.join(directory)).join(name)
    };
    let claude = at(CLAUDE_CONFIG_DIR, ".claude", "settings.json");
    let codex = at(CODEX_HOME, ".codex", "config.toml");
    let read = |path: &Path| text(path).ok().flatten().unwrap_or_default();
    let mut found = Vec::new();
    let mut add = |sandbox: Sandbox, file: PathBuf| {
        let remedy = sandbox.remedy(&socket);
        found.push(SandboxSetting { agent: sandbox.title(), file, remedy });
    };
    if serde_json::from_str(&read(&claude)).is_ok_and(|it: Value| claude_closes(&it, &socket)) {
        add(Sandbox::Claude, claude);
    }
    if read(&codex).parse().is_ok_and(|it: toml::Table| codex_closes(&it)) {
        add(Sandbox::Codex, codex);
    }
    found
}

/// True for settings of Claude Code with a sandbox that does not allow `socket`.
fn claude_closes(settings: &Value, socket: &Path) -> bool {
    let sandbox = &settings["sandbox"];
    let network = &sandbox["network"];
    let allows = |path: &Value| path.as_str().is_some_and(|path| Path::new(path) == socket);
    let is_allowed = network["allowAllUnixSockets"] == true
        || network["allowUnixSockets"].as_array().is_some_and(|paths| paths.iter().any(allows));
    sandbox["enabled"] == true && !is_allowed
}

/// True for settings of Codex that name a sandbox without a network.
fn codex_closes(settings: &toml::Table) -> bool {
    let mode = settings.get("sandbox_mode").and_then(toml::Value::as_str);
    let workspace = settings.get("sandbox_workspace_write");
    let network = workspace.and_then(|it| it.get("network_access")).and_then(toml::Value::as_bool);
    mode == Some("read-only") || mode == Some("workspace-write") && network != Some(true)
}

/// Returns the text of a settings file; `None` if there is none.
fn text(path: &Path) -> Result<Option<String>, String> {
    match fs::metadata(path) {
        // Opening a pipe would wait.
        Ok(found) if !found.is_file() => Err("it is no file".to_owned()),
        Ok(_) => file::read(path).map_err(|failure| failure.error),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sandbox_is_closed_unless_it_allows_the_socket() {
        let socket = Path::new("/r/daemon.sock");
        for (settings, is_closed) in [
            (json!({}), false),
            (json!({"sandbox": {"enabled": false}}), false),
            (json!({"sandbox": {"enabled": true}}), true),
            (
                json!({"sandbox": {"enabled": true, "network": {"allowAllUnixSockets": true}}}),
                false,
            ),
            (
                json!({"sandbox": {"enabled": true, "network": {"allowUnixSockets": ["/r/daemon.sock"]}}}),
                false,
            ),
            (json!({"sandbox": "x"}), false),
        ] {
            assert_eq!(claude_closes(&settings, socket), is_closed, "{settings}");
        }
        for (settings, is_closed) in [
            ("", false),
            ("sandbox_mode = 'danger-full-access'", false),
            ("sandbox_mode = 'workspace-write'", true),
            (
                "sandbox_mode = 'workspace-write'\n[sandbox_workspace_write]\nnetwork_access = true",
                false,
            ),
        ] {
            assert_eq!(codex_closes(&settings.parse().unwrap()), is_closed, "{settings}");
        }
    }

    #[test]
    fn an_entry_of_a_program_that_is_gone_is_found() {
        let root = tempfile::tempdir().unwrap();
        let client = root.path().join("skills-client");
        fs::write(&client, "").unwrap();
        let of = |command: &str| {
            let server = Server {
                name: "skills".into(),
                command: command.into(),
                arguments: vec!["mcp".into()],
            };
            let entry = entry(server, Some(&client), &Environment::default());
            (entry.exists, entry.is_own)
        };
        assert_eq!(of(client.to_str().unwrap()), (true, true));
        assert_eq!(of("/nonexistent/skills-client"), (false, false));
        assert_eq!(of("skills-client"), (false, false));
    }
}

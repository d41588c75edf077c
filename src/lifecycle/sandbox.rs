//! The remedy where a sandbox keeps a program from the daemon, by the coding agent that made it.

use std::path::Path;

use crate::environment::{self, Environment};

/// A coding agent whose sandbox is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

impl Sandbox {
    /// Returns the agent that runs this program, in a sandbox or not.
    pub fn of(env: &Environment) -> Option<Sandbox> {
        let is_set = |name: &str| env.get(name).is_some();
        if is_set(environment::CLAUDECODE) {
            return Some(Sandbox::Claude);
        }
        [environment::CODEX_SANDBOX, environment::CODEX_SANDBOX_NETWORK_DISABLED]
            .into_iter()
            .any(is_set)
            .then_some(Sandbox::Codex)
    }

    /// The agent's own name.
    pub fn title(self) -> &'static str {
        match self {
            Sandbox::Claude => "Claude Code",
            Sandbox::Codex => "Codex",
        }
    }

    /// The settings that allow connections to `socket`.
    pub fn remedy(self, socket: &Path) -> String {
        let socket = socket.display();
        match self {
            Sandbox::Claude => {
                let setting = match cfg!(target_os = "linux") {
                    true => r#"`"allowAllUnixSockets": true`"#.to_owned(),
                    false => format!(r#"`"allowUnixSockets": ["{socket}"]`"#),
                };
                format!(
                    "In Claude Code, set {setting} below `sandbox.network` in settings.json, or list the command \
                     in `sandbox.excludedCommands`."
                )
            }
            Sandbox::Codex => {
                "In Codex, set `network_access = true` below `[sandbox_workspace_write]` in \
                               ~/.codex/config.toml, or run the command outside of the sandbox."
                    .to_owned()
            }
        }
    }
}

/// Returns the settings that allow connections to `socket`.
pub fn remedy(env: &Environment, socket: &Path) -> String {
    if let Some(sandbox) = Sandbox::of(env) {
        return sandbox.remedy(socket);
    }
    let socket = socket.display();
    format!(
        "A sandbox or a permission forbids it: allow the Unix socket {socket} or the TCP port in it, or run this \
         outside of it."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_that_of_the_agent() {
        let remedy = |variables: &[(&str, &str)]| {
            let env = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            remedy(&env.collect(), Path::new("/run/d.sock"))
        };
        assert!(remedy(&[("CLAUDECODE", "1")]).contains("UnixSockets"));
        assert!(remedy(&[("CODEX_SANDBOX", "seatbelt")]).contains("network_access = true"));
        for variables in [&[][..], &[("CLAUDECODE", "")]] {
            assert!(remedy(variables).contains("allow the Unix socket /run/d.sock"));
        }
    }
}

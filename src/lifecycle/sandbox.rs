//! The remedy where a sandbox keeps a program from the daemon, by the coding agent that made it.

use std::path::Path;

use crate::environment::{self, Environment};

/// Returns the settings that allow connections to `socket`.
pub(super) fn remedy(env: &Environment, socket: &Path) -> String {
    let socket = socket.display();
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    if is_set(environment::CLAUDECODE) {
        let setting = match cfg!(target_os = "linux") {
            true => r#"`"allowAllUnixSockets": true`"#.to_owned(),
            false => format!(r#"`"allowUnixSockets": ["{socket}"]`"#),
        };
        return format!(
            "In Claude Code, set {setting} below `sandbox.network` in settings.json, or list the command in \
             `sandbox.excludedCommands`."
        );
    }
    if [environment::CODEX_SANDBOX, environment::CODEX_SANDBOX_NETWORK_DISABLED]
        .into_iter()
        .any(is_set)
    {
        return "In Codex, set `network_access = true` below `[sandbox_workspace_write]` in ~/.codex/config.toml, or \
                run the command outside of the sandbox."
            .to_owned();
    }
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

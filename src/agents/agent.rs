//! The agents, and where their settings and skills lie.

use std::path::{Path, PathBuf};

use super::Format;
use crate::environment::{CLAUDE_CONFIG_DIR, CODEX_HOME, Environment, XDG_CONFIG_HOME};

/// A coding agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Cursor.
    Cursor,
    /// GitHub Copilot in Visual Studio Code.
    VsCode,
}

/// Whom settings are for; the directory is where they lie.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All projects of the user; the home directory.
    User(&'a Path),
    /// One project; its directory.
    Project(&'a Path),
}

/// Where an agent's settings and skills lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The file with MCP servers.
    pub servers: PathBuf,
    /// Its format.
    pub format: Format,
    /// The permissions of that file where it is new.
    pub mode: u32,
    /// The directory of skills.
    pub skills: PathBuf,
}

impl Agent {
    /// All of them.
    pub const ALL: [Agent; 4] = [Agent::Claude, Agent::Codex, Agent::Cursor, Agent::VsCode];

    /// The agent as the argument of `skills-daemon agent setup`.
    pub fn word(self) -> &'static str {
        match self {
            Agent::Claude => "claude",
            Agent::Codex => "codex",
            Agent::Cursor => "cursor",
            Agent::VsCode => "vscode",
        }
    }

    /// The agent's own name.
    pub fn title(self) -> &'static str {
        match self {
            Agent::Claude => "Claude Code",
            Agent::Codex => "Codex",
            Agent::Cursor => "Cursor",
            Agent::VsCode => "Visual Studio Code",
        }
    }

    /// Returns the agent's files.
    pub fn files(self, scope: Scope, env: &Environment) -> Files {
        let (servers, skills) = match scope {
            Scope::User(home) => self.of_user(home, env),
            Scope::Project(directory) => self.of_project(directory),
        };
        // The agent keeps secrets of its own in it.
        let is_secret = self == Agent::Claude && matches!(scope, Scope::User(_));
        let mode = if is_secret { 0o600 } else { 0o644 };
        Files { servers, format: self.format(), mode, skills }
    }

    fn format(self) -> Format {
        match self {
            Agent::Claude => Format::Json { key: "mcpServers", typed: true },
            Agent::Codex => Format::Toml,
            Agent::Cursor => Format::Json { key: "mcpServers", typed: false },
            Agent::VsCode => Format::Json { key: "servers", typed: true },
        }
    }

    fn of_user(self, home: &Path, env: &Environment) -> (PathBuf, PathBuf) {
        match self {
            Agent::Claude => match env.path(CLAUDE_CONFIG_DIR) {
                Some(own) => (own.join(".claude.json"), own.join("skills")),
                None => (home.join(".claude.json"), home.join(".claude/skills")),
            },
            Agent::Codex => {
                let own = env.path(CODEX_HOME).unwrap_or_else(|| home.join(".codex"));
                (own.join("config.toml"), home.join(".agents/skills"))
            }
            Agent::Cursor => (home.join(".cursor/mcp.json"), home.join(".cursor/skills")),
            Agent::VsCode => {
                let config = match cfg!(target_os = "macos") {
                    true => home.join("Library/Application Support"),
                    false => env.path(XDG_CONFIG_HOME).unwrap_or_else(|| home.join(".config")),
                };
                (config.join("Code/User/mcp.json"), home.join(".copilot/skills"))
            }
        }
    }

    fn of_project(self, directory: &Path) -> (PathBuf, PathBuf) {
        let (servers, skills) = match self {
            Agent::Claude => (".mcp.json", ".claude/skills"),
            Agent::Codex => (".codex/config.toml", ".agents/skills"),
            Agent::Cursor => (".cursor/mcp.json", ".cursor/skills"),
            Agent::VsCode => (".vscode/mcp.json", ".github/skills"),
        };
        (directory.join(servers), directory.join(skills))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_agents_move_their_files() {
        let files = |agent: Agent, vars: &[(&str, &str)]| {
            let env = vars.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            agent.files(Scope::User(Path::new("/h")), &env.collect())
        };
        let claude = files(Agent::Claude, &[]);
        assert_eq!((claude.servers, claude.mode), ("/h/.claude.json".into(), 0o600));
        assert_eq!(claude.skills, Path::new("/h/.claude/skills"));
        let claude = files(Agent::Claude, &[(CLAUDE_CONFIG_DIR, "/c")]);
        assert_eq!(claude.servers, Path::new("/c/.claude.json"));
        let codex = files(Agent::Codex, &[(CODEX_HOME, "/c")]);
        assert_eq!((codex.servers, codex.mode), ("/c/config.toml".into(), 0o644));
        assert_eq!(codex.skills, Path::new("/h/.agents/skills"));
        let project = Agent::VsCode.files(Scope::Project(Path::new("/p")), &Environment::default());
        assert_eq!(project.servers, Path::new("/p/.vscode/mcp.json"));
        assert_eq!(project.skills, Path::new("/p/.github/skills"));
    }
}

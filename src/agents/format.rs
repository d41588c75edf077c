//! The formats of settings files.

use super::server::{Invalid, Server, State};
use super::{json, tables};

/// The format of a settings file with MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, maybe with comments and trailing commas; the servers are below this key.
    Json {
        /// The key of the object with the servers.
        key: &'static str,
        /// True if each server names its transport in `type`.
        typed: bool,
    },
    /// TOML; each server is a table `[mcp_servers.NAME]`.
    Toml,
}

impl Format {
    /// Returns the state of `server` in `text`.
    ///
    /// # Errors
    /// The text is invalid.
    pub fn state(self, text: &str, server: &Server) -> Result<State, Invalid> {
        match self {
            Format::Json { key, .. } => json::state(text, key, server),
            Format::Toml => tables::state(text, server),
        }
    }

    /// Returns the servers of this program in `text`, of any installation of it.
    ///
    /// # Errors
    /// The text is invalid.
    pub fn own(self, text: &str) -> Result<Vec<Server>, Invalid> {
        match self {
            Format::Json { key, .. } => json::own(text, key),
            Format::Toml => tables::own(text),
        }
    }

    /// Returns `text` with `server`, in place of any other one of its name.
    ///
    /// # Errors
    /// The text is invalid.
    pub fn with(self, text: &str, server: &Server) -> Result<String, Invalid> {
        match self {
            Format::Json { key, typed } => json::with(text, key, typed, server),
            Format::Toml => tables::with(text, server),
        }
    }

    /// Returns `text` without the server `name`; empty if nothing else is left of it.
    ///
    /// # Errors
    /// The text is invalid, or the server is written in a form that is not edited.
    pub fn without(self, text: &str, name: &str) -> Result<String, Invalid> {
        match self {
            Format::Json { key, .. } => json::without(text, key, name),
            Format::Toml => tables::without(text, name),
        }
    }
}

//! Coding agents: where their settings lie, and edits of these that keep everything else byte for byte.
//!
//! - [`Agent`]: the files of each agent.
//! - [`Server`]: an MCP server of this program.
//! - [`Format`]: edits of MCP servers in the text of such a file; `json` and `tables` (TOML) carry them out.
//! - [`listed`]: edits of the list of directories in `config.toml`.
//! - [`file`](mod@file): reading and writing settings files.
//!
//! An edit is a pure function of the text and inserts whole entries, so taking one out again restores the bytes. What was
//! inserted is recognised by its form, as nothing else is kept: an entry directly behind the brace of an empty object
//! means that the object was there before. To add an agent: a variant of [`Agent`] with its files.

mod agent;
pub mod file;
mod format;
mod json;
mod layout;
pub mod listed;
mod server;
mod splice;
mod tables;
#[cfg(test)]
mod tests;

pub use agent::{Agent, Files, Scope};
pub use format::Format;
pub use server::{Invalid, Server, State};

//! The lock: one joint resolution, as a `pylock.toml` (PEP 751) that `uv` writes and installs from.
//!
//! Versions and hashes are `uv`'s; the table `[tool.skills-daemon]` records which owner asked for what, and for which
//! interpreter the resolution was made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The lock.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    /// The file as `uv` wrote it, with the table of this module added.
    pub text: String,
    /// The packages by normalized name.
    pub packages: BTreeMap<String, Locked>,
    /// The table of this module.
    pub origin: Origin,
}

/// One package of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The version; `None` if the lock leaves it to a directory or URL.
    pub version: Option<String>,
    /// The URL or path that it comes from, if not from an index.
    pub url: Option<String>,
    /// The number of files with a hash.
    pub hashes: usize,
}

/// `[tool.skills-daemon]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of the daemon that wrote it.
    pub daemon: String,
    /// The interpreter's `X.Y.Z`.
    pub python: String,
    /// `sys_platform` and `platform_machine` of the interpreter: `linux x86_64`.
    pub platform: String,
    /// Requirements by owner.
    pub wanted: BTreeMap<String, Vec<String>>,
}

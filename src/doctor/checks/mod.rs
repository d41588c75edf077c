//! The checks, each a pure function of the facts.
//!
//! One file for each subject. A check has its evidence in one line, and where it is not ok the remedy for a person, a line
//! for a shell where one is enough, and a [`Fix`](super::Fix) where that is safe.

mod agents;
mod daemon;
mod packages;
mod places;
mod plugins;
mod programs;
mod service;
mod settings;
mod system;
mod wrappers;

pub use agents::{agents, sandboxes};
pub use daemon::{log, notices, port, process, socket, watching};
pub use packages::{dependencies, lock, venv};
pub use places::{directories, leftovers, no_places, profile, space};
pub use plugins::{crashed, plugin_settings, plugins};
pub use programs::{executables, host, interpreter, other_installation, uv};
pub use service::service;
pub use settings::{configuration, secrets};
pub use system::{certificates, clock, descriptors, inotify, proxies};
pub use wrappers::wrappers;

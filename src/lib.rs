//! Python functions as warm commands: everything of the daemon that needs no Python.
//!
//! # The house, floor by floor
//!
//! A module imports only from lower floors, and its own children; `tests/floors` checks it.
//!
//! | floor | module | owns |
//! | --- | --- | --- |
//! | 1 | [`activity`] | what keeps the daemon awake: work in flight |
//! | 1 | [`bounded`] | programs that are run for their output, with limits of time and size |
//! | 1 | [`failure`] | failures: kind, hint, exit status and HTTP status |
//! | 1 | [`durable`] | files that are replaced whole, also when the power fails |
//! | 1 | [`environment`] | the process environment: names of all variables, one snapshot, what a daemon inherits |
//! | 1 | [`forms`] | forms in request bodies, parsed as Starlette parses them |
//! | 1 | `nearest` | the most similar of several names |
//! | 1 | [`notices`] | current reports about the daemon and its plugins |
//! | 1 | [`command`] | the one model of a command: path template, parameters, call plan, schemas |
//! | 1 | [`metrics`] | what is counted of requests, and the page of it for Prometheus |
//! | 1 | [`traces`] | which calls are traced, and the spans of those |
//! | 1 | [`limits`] | how much of the daemon a plugin may take |
//! | 1 | [`plugin_files`] | which files belong to a plugin |
//! | 1 | [`recent`] | calls under way and recent ones |
//! | 1 | [`reports`] | what a handler reports while it runs: log records, progress, questions |
//! | 1 | [`requirements`] | what the installed packages must satisfy |
//! | 1 | [`scheduling`] | when a thread runs a call and when an answer is sent, as plain data |
//! | 2 | [`wire`] | the messages between client, control program and host |
//! | 2 | [`manifest`] | `manifest.json` of a plugin |
//! | 2 | [`paths`] | where every file lies |
//! | 2 | [`settings`] | defaults, `config.toml` and environment resolved to one [`settings::Settings`] |
//! | 2 | [`description`] | the metadata of a plugin: its commands and routes |
//! | 2 | [`exchange`] | one call and its answer between two threads: bodies, events, signals |
//! | 2 | [`watch`] | watching directories: settled batches of changes |
//! | 2 | [`console`] | stdout and stderr of the command-line programs |
//! | 2 | [`tail`] | the end of a log that grows and is rotated |
//! | 2 | [`installed`] | the installed packages, from their metadata |
//! | 3 | [`journal`] | which plugins a process has loaded, and which one ended it |
//! | 3 | [`policy`] | how the daemon runs a plugin: manifest and settings resolved |
//! | 3 | [`routes`] | which command a request is for, and the arguments for its handler |
//! | 3 | [`agents`] | settings files of coding agents, and edits that keep the rest of them |
//! | 3 | [`arguments`] | from a command line to one call, by the description |
//! | 3 | [`discovery`] | which plugins there are |
//! | 3 | [`interpreter`] | the CPython that is embedded, and its library |
//! | 3 | [`render`] | answers as text for a person |
//! | 3 | [`service`] | the daemon as a service of the user: its files, and what systemd or launchd is asked for |
//! | 3 | [`tools`] | commands as tools for agents: names, schemas, calls by arguments |
//! | 3 | [`wrappers`] | plugins as shell commands: the scripts in `~/.local/bin` |
//! | 4 | [`runtime`] | the trait in front of Python: load, call, health, unload |
//! | 4 | [`lifecycle`] | probe, start, stop and restart of the host process; its locks and files |
//! | 4 | [`solver`] | the trait in front of the resolver |
//! | 4 | [`wanted`] | from the plugins on disk to their joint requirements |
//! | 4 | [`lockfile`] | the joint resolution on disk |
//! | 4 | [`uv`] | finding, fetching and calling `uv` |
//! | 4 | [`store`] | descriptions on disk, for help and completion without Python |
//! | 4 | [`skills`] | plugins as skills of agents: a `SKILL.md` for each |
//! | 4 | [`crashes`] | plugins that ended the process, and what becomes of them |
//! | 5 | [`venv`] | the virtual environment: generations built from a lock, one of them live |
//! | 5 | [`registry`] | the immutable snapshot of all plugins, swapped whole |
//! | 5 | [`help`] | `/help` of plugins and commands |
//! | 6 | [`calls`] | the one way from an invocation to its answer |
//! | 6 | [`completion`] | what a shell may complete |
//! | 6 | [`openapi`] | the OpenAPI document of all that is served |
//! | 7 | [`doctor`] | checks over collected facts |
//! | 7 | [`mcp`] | commands for agents by the Model Context Protocol |
//! | 8 | [`http`] | routes, guards, dispatch to plugins |
//! | 9 | [`daemon`] | the running daemon: start-up order, plugins, shutdown order, logging |
//! | 9 | [`cli`] | the command lines of the client and the control program |
//!
//! Floor 10 is `src/bin/`: parse, call, exit status. `src/bin/skills-host/` alone names pyo3 and
//! implements [`runtime::Runtime`].

pub mod activity;
pub mod agents;
pub mod arguments;
pub mod bounded;
pub mod calls;
pub mod cli;
pub mod command;
pub mod completion;
pub mod console;
pub mod crashes;
pub mod daemon;
pub mod description;
pub mod discovery;
pub mod doctor;
pub mod durable;
pub mod environment;
pub mod exchange;
pub mod failure;
pub mod forms;
pub mod help;
pub mod http;
pub mod installed;
pub mod interpreter;
pub mod journal;
pub mod lifecycle;
pub mod limits;
pub mod lockfile;
pub mod manifest;
pub mod mcp;
pub mod metrics;
mod nearest;
pub mod notices;
pub mod openapi;
pub mod paths;
pub mod plugin_files;
pub mod policy;
pub mod recent;
pub mod registry;
pub mod render;
pub mod reports;
pub mod requirements;
pub mod routes;
pub mod runtime;
pub mod scheduling;
#[cfg(test)]
mod schemas;
pub mod service;
pub mod settings;
pub mod skills;
pub mod solver;
pub mod store;
pub mod tail;
pub mod tools;
pub mod traces;
pub mod uv;
pub mod venv;
pub mod wanted;
pub mod watch;
pub mod wire;
pub mod wrappers;

/// The version of the package: of all three executables and of the SDK.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

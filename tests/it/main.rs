//! Tests of the whole product: the real binaries, the real `uv`, a real venv, real FastAPI, and a HOME of its own
//! for each test.
//!
//! [`harness`] has the means; every other module covers the topic in its first lines. No test sleeps until
//! something has probably happened: it waits for an answer, the end of a process, a line in a
//! pipe, or, where there is no such event, polls for a condition. To add a topic: a module, and a line here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod agent_setup;
mod alike;
mod background;
mod bad_plugins;
mod blocked;
mod browser;
mod callables;
mod completion;
mod concurrency;
mod config;
mod conflicts;
mod conformance;
mod contract;
mod control;
mod crashes;
mod demo;
mod dependencies;
mod direct;
mod discovery;
mod docstrings;
mod doctor;
mod embedding;
mod files;
mod forms;
mod functions;
mod generations;
mod handover;
mod help;
mod hooks;
mod http;
mod hung;
mod inputs;
mod leaks;
mod lifecycle;
mod lifespan;
mod limits;
mod linkage;
mod links;
mod logs;
mod machine;
mod main_job;
mod mcp;
mod metrics;
mod mistakes;
mod modules;
mod names;
mod offline;
mod openapi;
mod oracle;
mod output;
mod packages;
mod page;
mod pages;
mod plugin_command;
mod plugin_life;
mod processes;
mod profiles;
mod programs;
mod questions;
mod results;
mod sandbox;
mod scheduling;
mod schemas;
mod scripts;
mod sdk;
mod secrets;
mod service;
mod shutdown;
mod silent;
mod starts;
mod stdin;
mod surroundings;
mod swap;
mod terminal;
mod timeouts;
mod tools;
mod traces;
mod users;
mod watching;
mod websockets;
mod wrappers;

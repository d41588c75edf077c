//! What changes seldom: the plugins with their states, and their commands.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::description::Description;
use crate::http::Service;
use crate::http::sse::event;
use crate::openapi;
use crate::registry::{Entry, Snapshot};
use crate::wire::{PluginStatus, deps};

/// `event: hello`, the first one.
#[derive(Serialize)]
struct Hello<'s> {
    version: &'s str,
    python: &'s str,
    pid: u32,
    port: u16,
    uptime_seconds: u64,
}

/// `event: plugins`.
#[derive(Serialize)]
struct Plugins {
    plugins: Vec<Plugin>,
    switched_off: Vec<String>,
    notices: Vec<String>,
    change: Option<deps::Progress>,
}

/// A plugin as `status --json` has it, and more.
#[derive(Serialize)]
struct Plugin {
    id: u64,
    version: Option<String>,
    summary: Option<String>,
    is_bundled: bool,
    has_failing_task: bool,
    #[serde(flatten)]
    status: PluginStatus,
}

/// `event: commands`, of one plugin.
#[derive(Serialize)]
struct Commands<'d> {
    id: u64,
    commands: Vec<Command<'d>>,
}

#[derive(Serialize)]
struct Command<'d> {
    name: String,
    summary: &'d str,
    method: &'d str,
    path: String,
    /// Where Swagger UI has it: tag and operation; none for what is no operation.
    operation: Option<[String; 2]>,
}

/// What was sent of it.
#[derive(Default)]
pub(super) struct Sent {
    plugins: Bytes,
    /// The description whose commands were sent, by the plugin's id.
    described: HashMap<u64, Arc<Description>>,
}

/// The first event.
pub(super) fn hello(service: &Service) -> Bytes {
    let ready = &service.ready;
    let hello = Hello {
        version: &ready.version,
        python: &ready.python,
        pid: ready.pid,
        port: ready.port,
        uptime_seconds: service.started.elapsed().as_secs(),
    };
    written("hello", &hello)
}

impl Sent {
    /// The events of what has changed.
    pub(super) fn changes(&mut self, service: &Service, snapshot: &Snapshot) -> Vec<Bytes> {
        let mut events = Vec::new();
        let plugins = written(
            "plugins",
            &Plugins {
                plugins: snapshot.entries.iter().map(|entry| plugin(service, entry)).collect(),
                switched_off: snapshot.switched_off.clone(),
                notices: service.notices.of(None),
                change: service.change.borrow().clone(),
            },
        );
        if plugins != self.plugins {
            self.plugins = plugins.clone();
            events.push(plugins);
        }
        self.described.retain(|id, _| snapshot.entries.iter().any(|entry| entry.id == *id));
        for entry in &snapshot.entries {
            let Some(metadata) = entry.metadata() else { continue };
            let description = &metadata.description;
            if self.described.get(&entry.id).is_some_and(|sent| Arc::ptr_eq(sent, description)) {
                continue;
            }
            self.described.insert(entry.id, description.clone());
            let commands = commands(description, metadata.openapi.is_some());
            events.push(written("commands", &Commands { id: entry.id, commands }));
        }
        events
    }
}

fn plugin(service: &Service, entry: &Entry) -> Plugin {
    let mut status = entry.status(service.notices.of(Some(entry.id)));
    // It changes with each request, and is sent with the rates.
    status.traffic = None;
    let description = entry.metadata().map(|metadata| &metadata.description);
    Plugin {
        id: entry.id,
        version: description.map(|it| it.version.clone()).filter(|version| !version.is_empty()),
        summary: description.map(|it| it.description.clone()).filter(|text| !text.is_empty()),
        is_bundled: entry.is_bundled(),
        has_failing_task: status.has_failing_task(),
        status,
    }
}

fn commands(description: &Description, is_documented: bool) -> Vec<Command<'_>> {
    let tag = openapi::tag(&description.name);
    let operation = |command: &crate::command::Command| {
        is_documented.then(|| [tag.clone(), command.operation_id.clone()])
    };
    let commands = description.commands.iter().map(|command| Command {
        name: command.name(),
        summary: &command.summary,
        method: &command.method,
        path: format!("/{}{}", description.name, command.path),
        operation: operation(command).filter(|_| command.program.is_none()),
    });
    commands.collect()
}

/// An event with `data` as JSON.
pub(super) fn written(name: &str, data: &impl Serialize) -> Bytes {
    match serde_json::to_vec(data) {
        Ok(data) => event(name, &data),
        Err(error) => {
            tracing::error!(%error, name, "an event of the page could not be written as JSON");
            Bytes::new()
        }
    }
}

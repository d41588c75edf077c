//! A connection to the daemon that carries a session; its answer is read on a thread of its own.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{self, Sender};
use std::thread;

use percent_encoding::utf8_percent_encode;

use super::super::caller::Caller;
use super::event::Event;
use crate::console::Console;
use crate::environment::Environment;
use crate::exchange::request::ENCODED;
use crate::failure::{Failure, Kind};
use crate::lifecycle::connection::Way;
use crate::lifecycle::{Following, Request, Response, Upstream};
use crate::paths::Paths;
use crate::wire;

/// How the daemon is reached, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) struct Daemon {
    pub(super) paths: Paths,
    pub(super) env: Environment,
    pub(super) console: Console,
    /// The plugin whose commands are tools; all without one.
    pub(super) plugin: Option<String>,
    /// Which commands are tools.
    pub(super) tools: Option<String>,
}

/// A connection that carries a session.
pub(super) struct Link {
    pub(super) upstream: Upstream,
    /// Decides, after each tick in which the daemon owes an answer, whether to wait on.
    pub(super) watch: Box<dyn FnMut() -> bool>,
}

impl Daemon {
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller::new(&self.paths, &self.env, &self.console)
    }

    /// Connects, and starts the daemon if none runs; its lines and the end of the connection become `events`.
    pub(super) fn open(&self, events: &Sender<Event>) -> Result<Link, Failure> {
        let (opened, outcome) = mpsc::channel();
        let (daemon, events) = (self.clone(), events.clone());
        // Opened where it is read: what waits for the answer's begin belongs to one thread.
        thread::spawn(move || match daemon.connect() {
            Ok((mut response, upstream, way)) => {
                if opened.send(Ok((upstream, way))).is_ok() {
                    pass(&mut response, &events);
                }
            }
            // Fails only if nothing waits for it.
            Err(failure) => drop(opened.send(Err(failure))),
        });
        let ended = |_| Err(Failure::new(Kind::Bug, "the thread of the connection has ended"));
        let (upstream, way) = outcome.recv().unwrap_or_else(ended)?;
        Ok(Link { upstream, watch: Box::new(self.caller().watch(way)) })
    }

    fn connect(&self) -> Result<(Response, Upstream, Way), Failure> {
        let caller = self.caller();
        let target = self.target();
        let request = Request { follows: Following::Lines, ..Request::post(&target) };
        let plugin = self.plugin.as_deref().unwrap_or_default();
        let (mut response, way) = caller.exchange_by(&request, plugin)?;
        let status = response.status;
        match response.take_upstream() {
            Some(upstream) if status == 200 => {
                response.set_patient().map_err(|error| caller.failed(&error.into()))?;
                Ok((response, upstream, way))
            }
            _ => {
                let body = response.bytes().map_err(|error| caller.failed(&error))?;
                Err(serde_json::from_slice(&body).unwrap_or_else(|_| {
                    let error = format!("the daemon answered a session of MCP with HTTP {status}");
                    Failure::new(Kind::Bug, error)
                }))
            }
        }
    }

    fn target(&self) -> String {
        let plugin = self.plugin.as_ref().map(|value| (wire::MCP_PLUGIN, value));
        let tools = self.tools.as_ref().map(|value| (wire::MCP_TOOLS, value));
        let pairs = plugin.into_iter().chain(tools);
        let pairs =
            pairs.map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, ENCODED)));
        let query: Vec<String> = pairs.collect();
        match query.is_empty() {
            true => wire::MCP.to_owned(),
            false => format!("{}?{}", wire::MCP, query.join("&")),
        }
    }
}

/// Passes on the lines of an answer up to its end; one that is cut off is none.
fn pass(response: &mut Response, events: &Sender<Event>) {
    let mut reader = BufReader::new(response.reader());
    loop {
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line);
        let event = match (read, line.pop()) {
            (Ok(_), Some(b'\n')) => Event::Answer(line),
            _ => Event::Ended,
        };
        let is_end = matches!(event, Event::Ended);
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}

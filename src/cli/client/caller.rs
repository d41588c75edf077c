//! One request to the daemon: it is started, or replaced, where that is needed.

use std::cell::RefCell;
use std::rc::Rc;

use crate::console::Console;
use crate::environment::Environment;
use crate::failure::{Failure, Kind};
use crate::lifecycle::alive::Unreached;
use crate::lifecycle::connection::Way;
use crate::lifecycle::hang::{Hang, Replaced};
use crate::lifecycle::replace::Replacer;
use crate::lifecycle::{self, Connection, ExchangeError, Request, Response, alive, start};
use crate::paths::Paths;
use crate::wire::{self, PluginState, Stage, Status};

/// Number of attempts to send a request to a daemon that goes away before it takes it.
const ATTEMPTS: usize = 3;

/// The context of a call.
pub(super) struct Caller<'a> {
    paths: &'a Paths,
    env: &'a Environment,
    pub(super) console: &'a Console,
    replacer: Rc<RefCell<Replacer>>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(paths: &'a Paths, env: &'a Environment, console: &'a Console) -> Caller<'a> {
        let replacer = Rc::new(RefCell::new(Replacer::new(paths, env, console)));
        Caller { paths, env, console, replacer }
    }

    /// Sends a request, starting or replacing the daemon where that is needed.
    pub(super) fn exchange(&self, request: &Request, plugin: &str) -> Result<Response, Failure> {
        self.exchange_by(request, plugin).map(|(response, _)| response)
    }

    /// Sends a request as [`Caller::exchange`] does; returns also how the daemon was reached.
    pub(super) fn exchange_by(
        &self,
        request: &Request,
        plugin: &str,
    ) -> Result<(Response, Way), Failure> {
        for _ in 0..ATTEMPTS {
            let Some(connection) = self.connect()? else { continue };
            let way = connection.way();
            match self.send(connection, request, plugin) {
                Ok(response)
                    if response.header(wire::ANSWER_HEADER) == Some(wire::ANSWER_OUTDATED) =>
                {
                    self.console.progress("replacing a daemon that is out of date");
                    start::replace_outdated(self.paths, self.env, self.console)?;
                }
                Ok(response) => return Ok((response, way)),
                Err(ExchangeError::NotTaken) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Err(went_away())
    }

    /// True if a daemon runs that can be reached.
    pub(super) fn is_daemon_running(&self) -> bool {
        matches!(alive::reach_anyhow(self.paths, self.env), Ok(Some(_)))
    }

    /// Returns the decision, after each [`alive::TICK`] of a wait for a daemon that was reached by `way`, whether to go
    /// on; one that hangs is replaced.
    pub(super) fn watch(&self, way: Way) -> impl FnMut() -> bool + use<> {
        alive::watch(way, self.paths, |_: &Status| {}, self.on_hang(way))
    }

    /// Connects to the daemon, which is started if none runs; `None` if it is worth another attempt.
    fn connect(&self) -> Result<Option<Connection>, Failure> {
        match alive::reach_anyhow(self.paths, self.env) {
            Ok(Some(connection)) => Ok(Some(connection)),
            Ok(None) => {
                let started = lifecycle::ensure_running(self.paths, self.env, self.console)?;
                Ok(Some(started.connection()))
            }
            Err(Unreached::Unresponsive(error)) => match alive::judge(self.paths) {
                Some(hang) if self.replacer.borrow_mut().replace(&hang) == Replaced::No => {
                    Err(alive::not_connected(self.paths, &error))
                }
                _ => Ok(None),
            },
            Err(Unreached::Forbidden(failure)) => Err(failure),
        }
    }

    /// Sends `request` to a daemon that is replaced if it hangs; on a terminal, prints what keeps it from answering.
    fn send(
        &self,
        connection: Connection,
        request: &Request,
        plugin: &str,
    ) -> Result<Response, ExchangeError> {
        let (console, plugin) = (*self.console, plugin.to_owned());
        let mut shown = String::new();
        let observer = move |status: &Status| {
            if console.watched
                && let Some(progress) = progress(status, &plugin)
                && progress != shown
            {
                console.progress(&progress);
                shown = progress;
            }
        };
        let on_hang = self.on_hang(connection.way());
        alive::guarded(connection, self.paths, observer, on_hang).send(request)
    }

    fn on_hang(&self, way: Way) -> impl FnMut(&Hang) -> Replaced + use<> {
        let replacer = self.replacer.clone();
        move |hang: &Hang| match way {
            Way::Unix => replacer.borrow_mut().replace(hang),
            // From within a sandbox another daemon would be in it.
            Way::Tcp => Replaced::No,
        }
    }

    /// Returns the failure of an exchange; the request was sent.
    pub(super) fn failed(&self, error: &ExchangeError) -> Failure {
        let failed = |kind| Failure::new(kind, error.to_string());
        match error {
            ExchangeError::Interrupted(_) => failed(Kind::Environment).hint(
                "It was not sent again, because it may have had its effect. Run `skills-daemon logs` to see why the \
                 daemon ended.",
            ),
            ExchangeError::Unresponsive if self.replacer.borrow().has_replaced() => {
                let error = "the daemon was replaced while it worked on the request";
                Failure::environment(error)
                    .hint("It was not sent again, because it may have had its effect.")
            }
            ExchangeError::Unresponsive => {
                let failure = alive::unresponsive(self.paths);
                let remedy = failure.hint.as_deref().unwrap_or_default();
                Failure::environment(failure.error).hint(format!(
                    "{remedy} The request was not sent again, because it may still have its effect."
                ))
            }
            _ => failed(Kind::Unavailable).hint("Run `skills-daemon doctor`."),
        }
    }
}

/// The failure of a daemon that goes away again and again.
pub(super) fn went_away() -> Failure {
    let error = "the daemon went away each time before it took the request";
    Failure::new(Kind::Unavailable, error).hint("Run `skills-daemon doctor`.")
}

/// Returns what keeps the daemon from answering for `plugin`.
fn progress(status: &Status, plugin: &str) -> Option<String> {
    let loading = |named: bool| {
        let plugins = status.plugins.iter().filter(move |entry| !named || entry.name == plugin);
        plugins.filter_map(|entry| match (&entry.state, &status.change) {
            (PluginState::Loading(Stage::Installing(_)), Some(change)) => {
                Some(format!("{}: {change}", entry.name))
            }
            (PluginState::Loading(stage), _) => Some(format!("{}: {stage}", entry.name)),
            _ => None,
        })
    };
    loading(true).next().or_else(|| {
        let is_listed = status.plugins.iter().any(|entry| entry.name == plugin);
        if is_listed { None } else { loading(false).next() }
    })
}

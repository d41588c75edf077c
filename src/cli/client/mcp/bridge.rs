//! The loop between the client, the session and the daemon.
//!
//! A daemon is started for what the client sends, and never for a session that is silent: after a daemon has ended, a
//! silent session goes on with its successor if that runs already, and else with the client's next line.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::super::caller::went_away;
use super::event::Event;
use super::input::{self, LINE_MAX};
use super::link::{Daemon, Link};
use super::message;
use super::session::{Action, Session};
use crate::failure::Failure;
use crate::lifecycle::alive::TICK;

/// Number of consecutive daemons that may end without progress before what they were to do fails.
const FRUITLESS_MAX: u32 = 3;
/// The shortest connection after whose end a silent session goes on with the next daemon.
const LASTING: Duration = Duration::from_secs(1);

/// A session between a client and the daemon.
pub(super) struct Bridge<'a, O> {
    daemon: &'a Daemon,
    /// Writes a line to the client.
    output: O,
    session: Session,
    link: Option<Link>,
    opened_at: Instant,
    fruitless: u32,
    input_ended: bool,
    body_ended: bool,
    events: Sender<Event>,
}

impl<'a, O: FnMut(&[u8]) -> Result<(), Failure>> Bridge<'a, O> {
    /// Carries a session from `input` to its end.
    ///
    /// # Errors
    /// The first connection fails, or the client cannot be written to.
    pub(super) fn run(
        daemon: &'a Daemon,
        input: impl Read + Send + 'static,
        output: O,
    ) -> Result<(), Failure> {
        let (events, received) = mpsc::channel();
        let mut bridge = Bridge {
            daemon,
            output,
            session: Session::default(),
            link: None,
            opened_at: Instant::now(),
            fruitless: 0,
            input_ended: false,
            body_ended: false,
            events: events.clone(),
        };
        let link = daemon.open(&events)?;
        bridge.begin(link)?;
        let (taken, go_on) = mpsc::channel();
        thread::spawn(move || input::pass(input, &events, &go_on));
        bridge.carry(&received, &taken)
    }

    fn carry(&mut self, received: &Receiver<Event>, taken: &Sender<()>) -> Result<(), Failure> {
        loop {
            self.end_body();
            if self.input_ended && self.link.is_none() && !self.session.needs_daemon() {
                return Ok(());
            }
            let Some(event) = self.next(received) else { continue };
            match event {
                Event::Line(line) => {
                    let actions = self.session.line(line.into());
                    self.act(actions)?;
                    self.resume()?;
                }
                Event::TooLong => (self.output)(&message::too_long(LINE_MAX))?,
                Event::InputEnded => self.input_ended = true,
                Event::Answer(line) => {
                    let actions = self.session.received(line.into());
                    self.act(actions)?;
                    continue;
                }
                Event::Ended => {
                    self.ended()?;
                    continue;
                }
            }
            // Fails only if the input has ended.
            let _ = taken.send(());
        }
    }

    /// Waits for the next event; `None` after a tick in which the daemon owed an answer.
    fn next(&mut self, received: &Receiver<Event>) -> Option<Event> {
        let Some(link) = self.link.as_mut().filter(|_| self.session.awaits_answer()) else {
            return received.recv().ok();
        };
        match received.recv_timeout(TICK) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if !(link.watch)() {
                    link.upstream.abandon();
                }
                None
            }
        }
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<(), Failure> {
        for action in actions {
            match (action, &mut self.link) {
                (Action::Print(line), _) => (self.output)(&line)?,
                (Action::Send(line), Some(link)) => {
                    // One that has ended is noticed by its reader, after what is left to be read.
                    if let Err(error) = link.upstream.line(&line, &mut link.watch)
                        && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                    {
                        link.upstream.abandon();
                    }
                }
                (Action::Send(_), None) => {}
            }
        }
        Ok(())
    }

    /// Goes on with a new connection.
    fn begin(&mut self, link: Link) -> Result<(), Failure> {
        self.link = Some(link);
        self.opened_at = Instant::now();
        self.body_ended = false;
        let actions = self.session.opened();
        self.act(actions)
    }

    /// Connects if there is something for the daemon to do, which fails where it cannot be started.
    fn resume(&mut self) -> Result<(), Failure> {
        if self.link.is_some() || !self.session.needs_daemon() {
            return Ok(());
        }
        match self.daemon.open(&self.events) {
            Ok(link) => self.begin(link),
            Err(failure) => self.fail(&failure),
        }
    }

    fn ended(&mut self) -> Result<(), Failure> {
        self.link = None;
        let actions = self.session.ended();
        self.act(actions)?;
        if self.session.needs_daemon() {
            self.fruitless = if self.session.has_progressed() { 0 } else { self.fruitless + 1 };
            if self.fruitless < FRUITLESS_MAX {
                return self.resume();
            }
            self.fruitless = 0;
            return self.fail(&went_away());
        }
        self.fruitless = 0;
        let lasted = self.opened_at.elapsed() >= LASTING;
        if lasted
            && !self.input_ended
            && self.session.expects_messages()
            && self.daemon.caller().is_daemon_running()
            && let Ok(link) = self.daemon.open(&self.events)
        {
            return self.begin(link);
        }
        Ok(())
    }

    fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        let actions = self.session.failed(failure);
        self.act(actions)
    }

    /// Ends the request's body after the client's last line was sent.
    fn end_body(&mut self) {
        if self.input_ended
            && !self.body_ended
            && self.session.is_open()
            && let Some(link) = &self.link
        {
            self.body_ended = true;
            // One that has ended needs none.
            let _ = link.upstream.end();
        }
    }
}

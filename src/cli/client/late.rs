//! The end of a client whose answer is late: the limit of `--timeout` before the plugin's name, whatever the client
//! waits for.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::answer::options;
use crate::console::Console;
use crate::failure::{Failure, Kind};
use crate::render;

/// Time for the daemon to report the limit itself, which it does better.
const GRACE: Duration = Duration::from_secs(1);

/// Ends the program after the limit, until it is dropped.
pub(super) struct Limit {
    _disarm: Sender<()>,
}

impl Limit {
    /// Begins to wait; the failure is printed as JSON with `json`.
    pub(super) fn begin(limit: Duration, plugin: &str, json: bool, console: Console) -> Limit {
        let (disarm, disarmed) = mpsc::channel();
        let error = format!("{plugin} gave no answer within {} s", limit.as_secs_f64());
        thread::spawn(move || {
            if disarmed.recv_timeout(limit + GRACE) == Err(RecvTimeoutError::Timeout) {
                let failure = Failure::new(Kind::Timeout, error).hint(
                    "The call may still have its effect. `skills-daemon status` shows what the daemon does.",
                );
                if json {
                    // A closed pipe is no failure of its own.
                    let _ = console.print(&render::failure(&failure, &options(&console, true)));
                } else {
                    console.failure(&failure);
                }
                console.rest();
                process::exit(failure.kind.exit_status().into());
            }
        });
        Limit { _disarm: disarm }
    }
}

//! `start.lock`: the right to start or stop the daemon, which one program has at a time.
//!
//! A program that waits for it is woken by the kernel. What it waits for takes as long as a start, unless the holder
//! does not run: a start that was suspended by Ctrl-Z, say, holds the lock until it is continued.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::hang::{Condition, Observer};
use super::locks::{self, ALL};
use crate::failure::{Failure, Kind};
use crate::paths::{self, Paths};

/// Timeout of the wait: that of one step of a start.
pub const WAIT_MAX: Duration = Duration::from_secs(30 * 60);
/// Timeout for a holder that does not run.
const STOPPED_MAX: Duration = Duration::from_secs(5);
/// Time between two looks at the holder.
const TICK: Duration = Duration::from_secs(1);

/// The right to start or stop the daemon, until dropped.
#[derive(Debug)]
pub struct StartLock {
    _file: Arc<File>,
}

impl StartLock {
    /// Waits for the lock; calls `waiting` once if another program holds it.
    ///
    /// # Errors
    /// The file cannot be locked, or its holder does not go on.
    pub fn acquire(paths: &Paths, waiting: impl FnOnce()) -> Result<StartLock, Failure> {
        let path = paths.start_lock();
        let failed = |error: &io::Error| paths::unwritable(&path, error);
        // Opened once: closing any descriptor of the file would release the lock.
        let file = Arc::new(locks::open(&path).map_err(|error| failed(&error))?);
        if locks::try_lock(&file, ALL).map_err(|error| failed(&error))? {
            return Ok(StartLock { _file: file });
        }
        waiting();
        let (locked, begun) = (locked(file.clone()), Instant::now());
        let mut stopped = None;
        loop {
            match locked.recv_timeout(TICK) {
                Ok(Ok(file)) => return Ok(StartLock { _file: file }),
                Ok(Err(error)) => return Err(failed(&error)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed(&io::ErrorKind::Interrupted.into()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let holder = locks::blocker(&file, ALL).filter(|pid| pid.as_raw() > 0);
            let condition = holder.map(|pid| Observer::default().condition(pid));
            let since =
                condition.filter(|it| !it.runs()).map(|_| stopped.unwrap_or_else(Instant::now));
            stopped = since;
            if begun.elapsed() >= WAIT_MAX || since.is_some_and(|at| at.elapsed() >= STOPPED_MAX) {
                return Err(stuck(holder, condition, begun.elapsed()));
            }
        }
    }
}

/// Locks `file` on a thread. Without a receiver the thread closes the file, which releases the lock.
fn locked(file: Arc<File>) -> Receiver<io::Result<Arc<File>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(locks::wait_lock(&file, ALL).map(|()| file)));
    receiver
}

/// Returns the failure of a wait for a program that does not go on.
fn stuck(holder: Option<Pid>, condition: Option<Condition>, waited: Duration) -> Failure {
    let reason = match condition.filter(|it| !it.runs()) {
        Some(condition) => condition.reason().to_owned(),
        None => format!("waited for {} s", waited.as_secs()),
    };
    let Some(pid) = holder else {
        let error = format!("another program is starting or stopping the daemon ({reason})");
        return Failure::new(Kind::Unavailable, error)
            .hint("It runs in another container or sandbox: end it there.");
    };
    let error =
        format!("process {pid} is starting or stopping the daemon and does not go on ({reason})");
    let hint = match condition {
        Some(Condition::Traced) => "Detach the debugger from it.".to_owned(),
        Some(Condition::Suspended | Condition::Stopped) => {
            format!("Run `kill -CONT {pid}` to continue it, or `kill -9 {pid}` to end it.")
        }
        _ => format!("Run `kill {pid}` to end it."),
    };
    Failure::new(Kind::Unavailable, error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_holder_its_condition_and_the_remedy() {
        let waited = Duration::from_secs(1800);
        let pid = Some(Pid::from_raw(7));
        for (holder, condition, error, hint) in [
            (pid, Some(Condition::Suspended), "(suspended in its terminal)", "`kill -CONT 7`"),
            (pid, Some(Condition::Stopped), "(stopped by a signal)", "`kill -9 7`"),
            (pid, Some(Condition::Traced), "(held by a debugger)", "Detach the debugger"),
            (pid, Some(Condition::Idle), "process 7 is starting or stopping", "`kill 7`"),
            (pid, Some(Condition::Busy), "(waited for 1800 s)", "`kill 7`"),
            (None, None, "another program", "container"),
        ] {
            let failure = stuck(holder, condition, waited);
            assert!(failure.error.contains(error), "{failure:?}");
            assert!(failure.hint.as_ref().is_some_and(|it| it.contains(hint)), "{failure:?}");
        }
    }
}

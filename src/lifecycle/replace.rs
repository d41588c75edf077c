//! Replacement of a daemon that hangs, by a client whose request waits for it.
//!
//! The client keeps its connection open meanwhile and goes on reading: the end of the old process decides what became
//! of the request. A daemon that resumes when it is ended answers it. One that ends without `100 Continue` did not
//! begin it, so that it is sent to the new daemon; any other end is an interruption, which is reported.

use super::alive::{self, Ping};
use super::hang::{Condition, Hang, Observer, Replaced, Verdict};
use super::locks;
use super::start_lock::StartLock;
use super::{start, stop};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::paths::Paths;

/// Replaces a daemon once.
#[derive(Debug)]
pub struct Replacer {
    paths: Paths,
    env: Environment,
    console: Console,
    done: bool,
}

impl Replacer {
    /// A replacer that has replaced none yet.
    pub fn new(paths: &Paths, env: &Environment, console: &Console) -> Replacer {
        Replacer { paths: paths.clone(), env: env.clone(), console: *console, done: false }
    }

    /// True if it has replaced a daemon.
    pub fn has_replaced(&self) -> bool {
        self.done
    }

    /// Replaces the daemon of `hang`, with a line on stderr, if that is its verdict, and it still hangs under the
    /// start lock.
    pub fn replace(&mut self, hang: &Hang) -> Replaced {
        if hang.verdict != Verdict::Replace || hang.pid.is_none() || self.done {
            return Replaced::No;
        }
        self.under_lock(hang).unwrap_or_else(|failure| {
            self.console.warning(&failure.error);
            Replaced::No
        })
    }

    fn under_lock(&mut self, hang: &Hang) -> Result<Replaced, Failure> {
        let mut waited = false;
        let lock = StartLock::acquire(&self.paths, || waited = true)?;
        if !self.still_hangs(hang, waited) {
            return Ok(Replaced::NotNeeded);
        }
        self.done = true;
        self.console.warning(&alive::replaced(hang));
        let limit = stop::shutdown_timeout(&self.paths, &self.env);
        stop::end_serving(&self.paths, limit, true, &lock)?;
        // Its failure is that of the next attempt, too, which reports it.
        let _ = start::start_locked(&self.paths, &self.env, &self.console, &lock);
        Ok(Replaced::Ended)
    }

    /// True if the daemon is the same process, in the same condition, and silent if that took a while to find out.
    fn still_hangs(&self, hang: &Hang, waited: bool) -> bool {
        let is_same = match hang.condition {
            Condition::Stopped => {
                Observer::default().look(&self.paths) == (hang.pid, Condition::Stopped)
            }
            _ => locks::holder(&self.paths) == hang.pid,
        };
        is_same && (!waited || matches!(alive::ping(&self.paths), Ping::TimedOut))
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn only_the_process_that_hangs_is_ended_and_only_on_that_verdict() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let paths = Paths {
            profile: None,
            home: at(""),
            runtime: at("runtime"),
            config: at("config"),
            bin: at("bin"),
        };
        paths.create().unwrap();
        let env = Environment::default();
        let mut replacer = Replacer::new(&paths, &env, &Console::of_process(&env));
        // This process holds no daemon's lock: the daemon of the verdict has ended.
        let pid = Some(Pid::this());
        let hang = |pid, condition, verdict| Hang { pid, condition, pings: 3, verdict };
        for (hang, replaced) in [
            (hang(pid, Condition::Idle, Verdict::Replace), Replaced::NotNeeded),
            (hang(pid, Condition::Stopped, Verdict::Replace), Replaced::NotNeeded),
            (hang(pid, Condition::Suspended, Verdict::GiveUp), Replaced::No),
            (hang(None, Condition::Idle, Verdict::Replace), Replaced::No),
        ] {
            assert_eq!(replacer.replace(&hang), replaced, "{hang:?}");
        }
        assert!(!replacer.has_replaced());
    }
}

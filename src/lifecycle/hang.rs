//! What a daemon does that answers no ping, and whether it is to be replaced.
//!
//! The daemon's I/O threads answer a ping whatever plugins do. One that is not answered has one of four causes: the
//! process is stopped, a debugger holds it, its I/O threads wait for something that does not come, or they get no
//! processor or no memory. `/proc` has what distinguishes them; [`verdict`] is the one place that weighs them.

use std::fs;

use nix::unistd::Pid;

use super::locks;
use crate::paths::Paths;

/// Processor time between two looks that counts as work, in ticks of 10 ms: timers of an idle daemon take less.
const WORK: u64 = 10;

/// What a process without an answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A signal stopped it.
    Stopped,
    /// A signal stopped it, and it has a terminal: most likely Ctrl-Z.
    Suspended,
    /// A debugger holds it.
    Traced,
    /// No thread runs or waits for a disk, although a ping waits for it: it is deadlocked.
    Idle,
    /// Threads run, want to run, or wait for a disk.
    Busy,
    /// It has not begun to accept connections: they wait in a socket of a service manager.
    Starting,
    /// No process has the daemon's lock: a service manager listens, and is about to start it.
    Absent,
    /// The system does not show what it does.
    Unknown,
    /// It has no process id here: it runs in another container.
    OutOfReach,
}

/// What becomes of a daemon that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is waited for.
    Wait,
    /// It is replaced.
    Replace,
    /// It is left alone, and reported.
    GiveUp,
}

/// A daemon that is not waited for any longer.
#[derive(Clone, Copy, Debug)]
pub struct Hang {
    /// Its process, where it has an id here.
    pub pid: Option<Pid>,
    /// What it does.
    pub condition: Condition,
    /// Number of consecutive pings without an answer.
    pub pings: u32,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// Result of an attempt to replace a daemon that hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The old process has ended.
    Ended,
    /// It need not be replaced: it answers again, or another program ended it.
    NotNeeded,
    /// It is left alone, or could not be ended.
    No,
}

/// Decides by what a daemon does and the number of consecutive pings, of a second each, without an answer.
pub fn verdict(condition: Condition, pings: u32) -> Verdict {
    let (enough, verdict) = match condition {
        Condition::Stopped => (1, Verdict::Replace),
        Condition::Suspended => (1, Verdict::GiveUp),
        Condition::Traced => (2, Verdict::GiveUp),
        Condition::Idle => (3, Verdict::Replace),
        // A machine under load: ten seconds without a turn for any I/O thread are a fault, not load.
        Condition::Busy | Condition::Unknown => (10, Verdict::Replace),
        Condition::OutOfReach => (3, Verdict::GiveUp),
        // An interpreter is found and looked at before the lock is taken.
        Condition::Absent => (10, Verdict::GiveUp),
        // As long as one step of a start: packages are fetched. Its manager ends one that hangs.
        Condition::Starting => (30 * 60, Verdict::GiveUp),
    };
    if pings >= enough { verdict } else { Verdict::Wait }
}

impl Condition {
    /// False for a process that goes on only when a signal or a debugger lets it.
    pub(super) fn runs(self) -> bool {
        !matches!(self, Condition::Stopped | Condition::Suspended | Condition::Traced)
    }

    /// The condition for a person; empty where it explains nothing.
    pub fn reason(self) -> &'static str {
        match self {
            Condition::Stopped => "stopped by a signal",
            Condition::Suspended => "suspended in its terminal",
            Condition::Traced => "held by a debugger",
            Condition::Idle => "no thread runs",
            Condition::Busy => "overloaded",
            Condition::Starting => "it starts",
            Condition::Absent => "its service was not started",
            Condition::Unknown | Condition::OutOfReach => "",
        }
    }
}

/// Looks at the daemon's process again and again.
#[derive(Debug, Default)]
pub struct Observer {
    /// The process and its processor time at the last look, in ticks.
    last: Option<(Pid, u64)>,
}

impl Observer {
    /// Returns the daemon's process and what it does.
    pub fn look(&mut self, paths: &Paths) -> (Option<Pid>, Condition) {
        if locks::is_free(paths) {
            return (None, Condition::Absent);
        }
        if let Some(pid) = locks::starting(paths) {
            return (Some(pid).filter(|pid| pid.as_raw() > 0), Condition::Starting);
        }
        // The kernel gives 0 for a process outside of this one's namespace.
        let Some(pid) = locks::holder(paths).filter(|pid| pid.as_raw() > 0) else {
            return (None, Condition::OutOfReach);
        };
        (Some(pid), self.condition(pid))
    }

    /// Returns what the process `pid` does.
    pub(super) fn condition(&mut self, pid: Pid) -> Condition {
        let Some(process) = stat(&format!("/proc/{pid}/stat")) else { return Condition::Unknown };
        let before = self.last.replace((pid, process.ticks)).filter(|(last, _)| *last == pid);
        let worked = before.is_some_and(|(_, ticks)| process.ticks.saturating_sub(ticks) >= WORK);
        match process.state {
            'T' if process.has_terminal => Condition::Suspended,
            'T' => Condition::Stopped,
            't' => Condition::Traced,
            _ if worked || threads(pid).any(|thread| matches!(thread.state, 'R' | 'D')) => {
                Condition::Busy
            }
            _ => Condition::Idle,
        }
    }
}

/// Fields of a `stat` file.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    has_terminal: bool,
    /// Processor time, in ticks.
    ticks: u64,
}

fn threads(pid: Pid) -> impl Iterator<Item = Stat> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| stat(task.path().join("stat").to_str()?))
}

fn stat(path: &str) -> Option<Stat> {
    parse(&fs::read_to_string(path).ok()?)
}

/// Parses `PID (NAME) STATE PPID PGRP SESSION TTY …`; the name may hold anything.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        has_terminal: fields.get(4).is_some_and(|terminal| *terminal != "0"),
        ticks: number(11)? + number(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_replaced_only_on_evidence_that_it_will_not_answer() {
        use Condition::{
            Absent, Busy, Idle, OutOfReach, Starting, Stopped, Suspended, Traced, Unknown,
        };
        use Verdict::{GiveUp, Replace};
        for (condition, enough, then) in [
            (Stopped, 1, Replace),
            (Suspended, 1, GiveUp),
            (Traced, 2, GiveUp),
            (Idle, 3, Replace),
            (Busy, 10, Replace),
            (Unknown, 10, Replace),
            (OutOfReach, 3, GiveUp),
            (Absent, 10, GiveUp),
            (Starting, 1800, GiveUp),
        ] {
            for pings in 0..enough {
                assert_eq!(verdict(condition, pings), Verdict::Wait, "{condition:?} {pings}");
            }
            for pings in enough..enough + 3 {
                assert_eq!(verdict(condition, pings), then, "{condition:?} {pings}");
            }
        }
    }

    #[test]
    fn a_stat_file_is_read_whatever_the_process_is_called() {
        let text = "7 (a) T b) T 1 2 3 0 -1 4 5 6 7 8 40 2 0 0 20 0 9 0 1";
        assert_eq!(parse(text), Some(Stat { state: 'T', has_terminal: false, ticks: 42 }));
        let text = "7 (x) S 1 2 3 34816 -1 4 5 6 7 8 40 2 0 0 20 0 9 0 1";
        assert!(parse(text).unwrap().has_terminal);
        assert_eq!(parse("7 (x"), None);
        assert_eq!(parse("7 (x) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_busy_with_the_test() {
        assert_eq!(Observer::default().condition(Pid::this()), Condition::Busy);
        assert_eq!(Observer::default().condition(Pid::from_raw(i32::MAX)), Condition::Unknown);
    }
}

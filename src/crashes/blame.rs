//! Which plugin ended a process, if any: a pure function of its journal.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::journal::{Cause, Ending, Fault, Phase, Plugin};

/// The least growth, in bytes, for which one of several plugins is at fault for a lack of memory.
const GROWTH_MIN: u64 = 256 << 20;

/// A crash that a plugin is at fault for.
#[derive(Clone, Debug, PartialEq)]
pub struct Crash {
    /// The plugin's path.
    pub path: PathBuf,
    /// The fingerprint of its files; empty without one.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// What its code did.
    pub during: During,
    /// What ended the process, for a person.
    pub cause: String,
    /// The place in its code, if it is known.
    pub place: Option<String>,
}

/// What the code of a plugin did when it ended the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// It was imported.
    Import,
    /// `startup()` or `connect()` ran.
    Start,
    /// A handler ran.
    Handler,
    /// `shutdown()` or a last request ran.
    End,
    /// A thread ran that the plugin started.
    Thread,
}

impl During {
    /// True for code that runs at each load.
    pub fn is_load(self) -> bool {
        matches!(self, During::Import | During::Start)
    }
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            During::Import => "in the import",
            During::Start => "in startup() or connect()",
            During::Handler => "in a handler",
            During::End => "in shutdown()",
            During::Thread => "in a thread",
        })
    }
}

/// Returns the crash that a plugin is at fault for, given how often the kernel has ended processes for lack of memory
/// until now.
pub fn blame(ending: &Ending, memory_kills: u64) -> Option<Crash> {
    match ending {
        Ending::Clean | Ending::Reboot => None,
        Ending::Fault(fault) => Some(of_fault(fault)),
        Ending::Unknown { loaded, memory_kills: before } if memory_kills > *before => {
            suspect(loaded).map(|plugin| crash(plugin, "lack of memory (SIGKILL)".to_owned()))
        }
        Ending::Unknown { .. } => None,
    }
}

fn of_fault(fault: &Fault) -> Crash {
    let during = match fault.plugin.phase {
        Some(Phase::Importing) => During::Import,
        Some(Phase::Starting) => During::Start,
        _ if fault.own_thread => During::Thread,
        Some(Phase::Serving) => During::Handler,
        Some(Phase::Ending) => During::End,
        None => During::Thread,
    };
    Crash { during, place: fault.place.clone(), ..crash(&fault.plugin, cause(fault.cause)) }
}

fn crash(plugin: &Plugin, cause: String) -> Crash {
    let during = match plugin.phase {
        Some(Phase::Importing) => During::Import,
        Some(Phase::Starting) => During::Start,
        _ => During::Handler,
    };
    let Plugin { path, fingerprint, name, .. } = plugin.clone();
    Crash { path, fingerprint, name, during, cause, place: None }
}

/// The plugin that used up the memory: the only one that did anything, or the one that grew more than all others.
fn suspect(loaded: &[Plugin]) -> Option<&Plugin> {
    let is_active = |plugin: &&Plugin| {
        plugin.calls > 0 || matches!(plugin.phase, Some(Phase::Importing | Phase::Starting))
    };
    let active: Vec<&Plugin> = loaded.iter().filter(is_active).collect();
    if let [only] = active.as_slice() {
        return Some(only);
    }
    let most = active.into_iter().max_by_key(|plugin| plugin.growth)?;
    let all: u64 = loaded.iter().map(|plugin| plugin.growth).sum();
    (most.growth >= GROWTH_MIN && most.growth > all / 2).then_some(most)
}

fn cause(cause: Cause) -> String {
    match cause {
        Cause::Exit(Some(status)) => format!("os._exit({status})"),
        Cause::Exit(None) => "exit() of the C library".to_owned(),
        Cause::Signal(number) => match Signal::try_from(number) {
            Ok(Signal::SIGSEGV) => "a segmentation fault (SIGSEGV)".to_owned(),
            Ok(Signal::SIGBUS) => "a bus error (SIGBUS)".to_owned(),
            Ok(Signal::SIGILL) => "an illegal instruction (SIGILL)".to_owned(),
            Ok(Signal::SIGFPE) => "an arithmetic error (SIGFPE)".to_owned(),
            Ok(Signal::SIGABRT) => "an abort (SIGABRT)".to_owned(),
            Ok(signal) => signal.to_string(),
            Err(_) => format!("signal {number}"),
        },
    }
}

/// How often the kernel has ended processes for lack of memory since the boot: in the machine, or in this process's
/// control group.
pub fn memory_kills() -> u64 {
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let events = format!("/sys/fs/cgroup{}/memory.events", group.trim_end_matches('/'));
    let count = |path: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
        line.trim().parse::<u64>().ok()
    };
    // Of the larger one: a kill in the group counts in both where both are visible.
    count("/proc/vmstat").max(count(&events)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &str, phase: Phase, calls: u32, growth: u64) -> Plugin {
        Plugin {
            path: format!("/p/{name}").into(),
            fingerprint: "f".into(),
            name: name.into(),
            phase: Some(phase),
            calls,
            growth: growth << 20,
        }
    }

    #[test]
    fn who_is_at_fault() {
        use Phase::{Ending as Unloading, Importing, Serving, Starting};
        let fault = |phase, own_thread, cause| {
            let plugin = plugin("a", phase, 0, 0);
            Ending::Fault(Fault { plugin, own_thread, cause, place: None })
        };
        let unknown =
            |loaded: &[Plugin]| Ending::Unknown { loaded: loaded.into(), memory_kills: 4 };
        let segv = Cause::Signal(11);
        let table = [
            (Ending::Clean, 4, None),
            (Ending::Reboot, 5, None),
            (fault(Importing, false, segv), 4, Some("a import a segmentation fault (SIGSEGV)")),
            (fault(Importing, true, segv), 4, Some("a import a segmentation fault (SIGSEGV)")),
            (fault(Starting, false, Cause::Exit(Some(3))), 4, Some("a start os._exit(3)")),
            (fault(Serving, false, Cause::Signal(6)), 4, Some("a handler an abort (SIGABRT)")),
            (fault(Serving, true, Cause::Exit(None)), 4, Some("a thread exit() of the C library")),
            (fault(Unloading, false, Cause::Signal(7)), 4, Some("a end a bus error (SIGBUS)")),
            // A SIGKILL that the kernel did not send is no plugin's fault, whatever runs.
            (unknown(&[plugin("a", Serving, 1, 900)]), 4, None),
            (unknown(&[]), 5, None),
            (
                unknown(&[plugin("a", Serving, 1, 0), plugin("b", Serving, 0, 0)]),
                5,
                Some("a handler lack of memory (SIGKILL)"),
            ),
            (
                unknown(&[plugin("a", Importing, 0, 0), plugin("b", Serving, 0, 0)]),
                5,
                Some("a import lack of memory (SIGKILL)"),
            ),
            // Several are suspects: only one that grew more than all others, and by much.
            (
                unknown(&[plugin("a", Serving, 1, 300), plugin("b", Serving, 1, 299)]),
                5,
                Some("a handler lack of memory (SIGKILL)"),
            ),
            (
                unknown(&[
                    plugin("a", Serving, 1, 300),
                    plugin("b", Serving, 1, 301),
                    plugin("c", Serving, 0, 9),
                ]),
                5,
                None,
            ),
            (unknown(&[plugin("a", Serving, 1, 255), plugin("b", Serving, 1, 1)]), 5, None),
        ];
        for (ending, memory_kills, expected) in table {
            let crash = blame(&ending, memory_kills);
            let during = |crash: &Crash| serde_json::to_value(crash.during).unwrap();
            let said = crash
                .map(|it| format!("{} {} {}", it.name, during(&it).as_str().unwrap(), it.cause));
            assert_eq!(said.as_deref(), expected, "{ending:?}");
        }
    }
}

//! What a service manager passes to the process that it starts, by the conventions of systemd: where to report, how
//! often, which sockets are open already, and whether stdout is the journal.
//!
//! It is for one process only. A daemon takes it from its environment before any thread runs, so that programs of
//! plugins neither report in its name nor take their own descriptors for its sockets.

use std::ffi::OsString;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::Environment;

/// The first descriptor of those that are passed.
const FIRST: RawFd = 3;
/// The most descriptors that are taken.
const SOCKETS_MAX: usize = 16;

/// Variables of [`Supervision`], in order.
pub const VARIABLES: &[&str] = &[
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// What a service manager passed to this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supervision {
    /// The datagram socket for reports: a path, or a name after `@`.
    pub notify: Option<OsString>,
    /// How long the manager waits for a sign of life.
    pub watchdog: Option<Duration>,
    /// Number of sockets that listen already.
    pub sockets: usize,
    /// Device and inode of the stream into the journal, `DEVICE:INODE`.
    pub journal: Option<String>,
}

impl Supervision {
    /// Reads what `env` has for the process `pid`.
    pub fn of(env: &Environment, pid: u32) -> Supervision {
        let is_own = |name: &str| env.get(name).is_none_or(|own| own == pid.to_string());
        let number = |name: &str| env.get(name).and_then(|text| text.parse::<u64>().ok());
        let sockets = number("LISTEN_FDS").filter(|_| {
            // Without an addressee they are for a process further up.
            env.get("LISTEN_PID").is_some() && is_own("LISTEN_PID")
        });
        Supervision {
            notify: env.get("NOTIFY_SOCKET").map(OsString::from),
            watchdog: number("WATCHDOG_USEC")
                .filter(|limit| *limit > 0 && is_own("WATCHDOG_PID"))
                .map(Duration::from_micros),
            sockets: sockets
                .map_or(0, |count| usize::try_from(count).unwrap_or(0))
                .min(SOCKETS_MAX),
            journal: env.get("JOURNAL_STREAM").map(str::to_owned),
        }
    }

    /// Takes the sockets.
    ///
    /// # Safety
    /// The descriptors from 3 on are those that the service manager passed, and are taken once.
    pub unsafe fn take_sockets(&self) -> Vec<OwnedFd> {
        let count = RawFd::try_from(self.sockets).unwrap_or_default();
        let descriptors = FIRST..FIRST + count;
        // SAFETY: the caller guarantees that they are open, and owned by nothing else.
        descriptors.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }).collect()
    }
}

/// Removes [`VARIABLES`] from the environment of the process.
///
/// # Safety
/// No other thread may run.
pub unsafe fn remove() {
    for name in VARIABLES {
        // SAFETY: the caller guarantees that no other thread runs.
        unsafe { std::env::remove_var(name) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vars: &[(&str, &str)]) -> Supervision {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Supervision::of(&vars.collect(), 7)
    }

    #[test]
    fn only_what_is_for_this_process_counts() {
        let full = of(&[
            ("NOTIFY_SOCKET", "/run/n"),
            ("WATCHDOG_USEC", "30000000"),
            ("WATCHDOG_PID", "7"),
            ("LISTEN_FDS", "2"),
            ("LISTEN_PID", "7"),
            ("JOURNAL_STREAM", "8:9"),
        ]);
        assert_eq!(full.notify, Some("/run/n".into()));
        assert_eq!((full.watchdog, full.sockets), (Some(Duration::from_secs(30)), 2));
        assert_eq!(full.journal.as_deref(), Some("8:9"));
        // A watchdog without an addressee is for whom it reaches; sockets are not.
        assert_eq!(of(&[("WATCHDOG_USEC", "5")]).watchdog, Some(Duration::from_micros(5)));
        for other in [
            &[("LISTEN_FDS", "2"), ("LISTEN_PID", "8")][..],
            &[("LISTEN_FDS", "2")],
            &[("LISTEN_FDS", "x"), ("LISTEN_PID", "7")],
            &[("LISTEN_FDS", "-1"), ("LISTEN_PID", "7")],
            &[("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "8")],
            &[("WATCHDOG_USEC", "0")],
            &[("NOTIFY_SOCKET", "")],
        ] {
            assert_eq!(of(other), Supervision::default(), "{other:?}");
        }
        let many = of(&[("LISTEN_FDS", "100000000000"), ("LISTEN_PID", "7")]);
        assert_eq!(many.sockets, SOCKETS_MAX);
    }

    #[test]
    fn no_daemon_inherits_them_from_a_program_of_another_service() {
        let env: Environment =
            VARIABLES.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        assert_eq!(env.inherited(false).iter().count(), 0);
        assert!(VARIABLES.is_sorted());
    }
}

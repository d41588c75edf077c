//! The locks of hosts, and the pid file.
//!
//! `daemon.lock` has a byte for the *serving* role, which one host has at a time, and for each host a byte of its own,
//! locked for life: when a host hands over to its successor, both live for a while. Two more are those of the serving
//! host while it starts, and if its socket belongs to a service manager. All are record locks of `fcntl`:
//! the kernel releases them with the process, and closing any descriptor of the file would release them all, so the
//! host opens it once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::unistd::Pid;

use crate::failure::{Failure, Kind};
use crate::paths::{self, Paths};

/// Offset of the byte of the serving role.
const SERVING: libc::off_t = 0;
/// Offset of the byte of the process with id 0.
const LIVES: libc::off_t = 1;
/// Offset of the byte that the serving host has until it accepts connections.
const STARTING: libc::off_t = LIVES + i32::MAX as libc::off_t + 1;
/// Offset of the byte that the serving host has while it listens on a socket of a service manager.
const ACTIVATED: libc::off_t = STARTING + 1;
/// The whole file.
pub(super) const ALL: libc::flock = range(0, 0);

/// The locks of this process as a host, held until its end.
///
/// The kernel releases them after the last line was logged and the last child was reaped: after waiting for them, no
/// part of the daemon runs.
#[derive(Clone, Copy, Debug)]
pub struct HostLock(&'static File);

impl HostLock {
    /// Locks the byte of this process.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn live(paths: &Paths) -> Result<HostLock, Failure> {
        let path = paths.lock_file();
        let failed = |error: &io::Error| paths::unwritable(&path, error);
        let file = open(&path).map_err(|error| failed(&error))?;
        // A process that waits for the end of all hosts may hold it for a moment.
        wait_lock(&file, byte_of(Pid::this())).map_err(|error| failed(&error))?;
        // Closing it would release the locks.
        Ok(HostLock(Box::leak(Box::new(file))))
    }

    /// Takes the serving role, unless another host has it.
    ///
    /// # Errors
    /// Another host has it.
    pub fn serve(self) -> Result<(), Failure> {
        if matches!(try_lock(self.0, range(SERVING, 1)), Ok(true)) {
            return Ok(());
        }
        let holder = blocker(self.0, range(SERVING, 1));
        let process = holder.map_or(String::new(), |pid| format!(" (process id {pid})"));
        Err(Failure::new(Kind::Unavailable, format!("a daemon is already running{process}"))
            .hint("Run `skills-daemon restart` to replace it."))
    }

    /// Gives the serving role up.
    pub fn cease(self) {
        unlock(self.0, range(SERVING, 1));
    }

    /// Marks the beginning of a start.
    pub fn starts(self) {
        // Only what waits for the start looks at it.
        let _ = try_lock(self.0, range(STARTING, 1));
    }

    /// Marks the end of the start; `activated` is true if the socket belongs to a service manager.
    pub fn accepts(self, activated: bool) {
        if activated {
            let _ = try_lock(self.0, range(ACTIVATED, 1));
        }
        unlock(self.0, range(STARTING, 1));
    }
}

/// Returns the process id of the host that serves from the kernel; `None` when none does.
///
/// Not for a host itself, whose locks it would release.
pub fn holder(paths: &Paths) -> Option<Pid> {
    blocker(&open_existing(paths)?, range(SERVING, 1))
}

/// True if no host serves for sure: where the lock cannot be read, that is unknown.
///
/// Not for a host itself, whose locks it would release.
pub fn is_free(paths: &Paths) -> bool {
    let mut lock = range(SERVING, 1);
    match OpenOptions::new().read(true).write(true).open(paths.lock_file()) {
        Ok(file) => fcntl(&file, FcntlArg::F_GETLK(&mut lock)).is_ok() && is_unlocked(&lock),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Returns the process id of the host that serves and does not accept connections yet.
///
/// Not for a host itself, whose locks it would release.
pub fn starting(paths: &Paths) -> Option<Pid> {
    let file = open_existing(paths)?;
    let starting = blocker(&file, range(STARTING, 1));
    starting.filter(|starting| blocker(&file, range(SERVING, 1)) == Some(*starting))
}

/// True if a host listens on a socket of a service manager.
///
/// Not for a host itself, whose locks it would release.
pub fn is_activated(paths: &Paths) -> bool {
    open_existing(paths).is_some_and(|file| blocker(&file, range(ACTIVATED, 1)).is_some())
}

/// Returns the process ids of all hosts that live, those that are draining included.
///
/// Not for a host itself, whose locks it would release.
pub fn hosts(paths: &Paths) -> Vec<Pid> {
    let Some(file) = open_existing(paths) else { return Vec::new() };
    let mut hosts: Vec<Pid> = Vec::new();
    let mut unknown = vec![(SERVING, LIVES + libc::off_t::from(i32::MAX))];
    while let Some((start, end)) = unknown.pop() {
        let mut lock = range(start, end - start);
        if start >= end || fcntl(&file, FcntlArg::F_GETLK(&mut lock)).is_err() || is_unlocked(&lock)
        {
            continue;
        }
        let pid = Pid::from_raw(lock.l_pid);
        if !hosts.contains(&pid) {
            hosts.push(pid);
        }
        // The kernel reports any lock of the range, not the first one.
        unknown.push((start, lock.l_start));
        unknown.push((lock.l_start + lock.l_len.max(1), end));
    }
    hosts
}

/// Blocks until no host lives.
///
/// # Errors
/// The kernel refuses the lock.
pub fn wait_for_end(paths: &Paths) -> io::Result<()> {
    wait_lock(&open(&paths.lock_file())?, range(SERVING, 0))
}

/// Blocks until no host serves.
///
/// # Errors
/// The kernel refuses the lock.
pub fn wait_for_serving(paths: &Paths) -> io::Result<()> {
    wait_lock(&open(&paths.lock_file())?, range(SERVING, 1))
}

/// Writes this process's id atomically.
pub fn write_pid(paths: &Paths) -> io::Result<()> {
    let path = paths.pid_file();
    let staged = path.with_extension("pid.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW);
    options.open(&staged)?.write_all(format!("{}\n", std::process::id()).as_bytes())?;
    fs::rename(staged, path)
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

fn open_existing(paths: &Paths) -> Option<File> {
    OpenOptions::new().read(true).write(true).open(paths.lock_file()).ok()
}

/// Returns the lock of `length` bytes, or of all bytes from `start` on if it is 0.
const fn range(start: libc::off_t, length: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

fn byte_of(pid: Pid) -> libc::flock {
    range(LIVES + libc::off_t::from(pid.as_raw()), 1)
}

/// Returns the process whose lock is in the way of `lock`.
pub(super) fn blocker(file: &File, mut lock: libc::flock) -> Option<Pid> {
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    (!is_unlocked(&lock)).then(|| Pid::from_raw(lock.l_pid))
}

fn is_unlocked(lock: &libc::flock) -> bool {
    lock.l_type == libc::F_UNLCK as libc::c_short
}

fn unlock(file: &File, lock: libc::flock) {
    let free = libc::flock { l_type: libc::F_UNLCK as libc::c_short, ..lock };
    // Fails only for a descriptor that is none.
    let _ = fcntl(file, FcntlArg::F_SETLK(&free));
}

pub(super) fn try_lock(file: &File, lock: libc::flock) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

pub(super) fn wait_lock(file: &File, lock: libc::flock) -> io::Result<()> {
    loop {
        match fcntl(file, FcntlArg::F_SETLKW(&lock)) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

//! The two locks and the pid file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::unistd::Pid;

use crate::failure::{Failure, Kind};
use crate::paths::{self, Paths};

/// The right to start or stop the daemon, until dropped.
#[derive(Debug)]
pub struct StartLock {
    _file: File,
}

impl StartLock {
    /// Waits for the lock; calls `waiting` once if another holds it.
    pub fn acquire(paths: &Paths, waiting: impl FnOnce()) -> Result<StartLock, Failure> {
        let path = paths.start_lock();
        let failed = |error: &io::Error| paths::unwritable(&path, error);
        let file = open(&path).map_err(|error| failed(&error))?;
        if !try_lock(&file).map_err(|error| failed(&error))? {
            waiting();
            wait_lock(&file).map_err(|error| failed(&error))?;
        }
        Ok(StartLock { _file: file })
    }
}

/// Takes the daemon's lock until the end of this process; fails with the process that holds it.
///
/// The kernel releases the lock, after the last line was logged and the last child was reaped: after waiting for
/// it, no part of the daemon runs.
pub fn take_for_life(paths: &Paths) -> Result<(), Failure> {
    let path = paths.lock_file();
    let failed = |error: &io::Error| paths::unwritable(&path, error);
    let file = open(&path).map_err(|error| failed(&error))?;
    if try_lock(&file).map_err(|error| failed(&error))? {
        // Closing any descriptor of the file would release the lock.
        std::mem::forget(file);
        return Ok(());
    }
    let process = holder(paths).map_or(String::new(), |pid| format!(" (process id {pid})"));
    Err(Failure::new(Kind::Unavailable, format!("a daemon is already running{process}"))
        .hint("Run `skills-daemon restart` to replace it."))
}

/// Returns the process id of the running daemon from the kernel; `None` when none runs.
pub fn holder(paths: &Paths) -> Option<Pid> {
    let file = OpenOptions::new().read(true).write(true).open(paths.lock_file()).ok()?;
    let mut lock = whole_file();
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    (lock.l_type != libc::F_UNLCK as libc::c_short).then(|| Pid::from_raw(lock.l_pid))
}

/// Blocks until no daemon process lives.
pub fn wait_for_end(paths: &Paths) -> io::Result<()> {
    wait_lock(&open(&paths.lock_file())?)
}

/// Writes this process's id atomically.
pub fn write_pid(paths: &Paths) -> io::Result<()> {
    let path = paths.pid_file();
    let staged = path.with_extension("pid.new");
    fs::write(&staged, format!("{}\n", std::process::id()))?;
    fs::rename(staged, path)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&whole_file())) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn wait_lock(file: &File) -> io::Result<()> {
    loop {
        match fcntl(file, FcntlArg::F_SETLKW(&whole_file())) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

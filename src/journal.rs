//! The journal of one daemon process: which plugins are loaded, and which one ended the process.
//!
//! A small file that is mapped into the memory of the process. What is written there is in the kernel's page cache at
//! once, without a system call, and survives any end of the process. A later daemon [reads](Record::read) it.
//!
//! A version of a plugin has a [`Slot`] from its import to its end. A thread that runs a plugin's code carries the
//! number of the slot ([`thread`]), so that a signal handler can name the plugin at fault: [`Journal::blame`] is
//! async-signal-safe. The size is fixed: a version for which no slot is free, or with a path that is too long, is not
//! journalled.
//!
//! The file is locked for as long as its process lives, so a reader can tell a stale one.

mod layout;
mod record;
#[cfg(test)]
mod tests;
pub mod thread;

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};

use layout::{Layout, MAGIC, SLOTS};
pub use record::{Ending, Fault, Plugin, Record};

/// What the code of a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is imported.
    Importing,
    /// `startup()` and `connect()` run.
    Starting,
    /// It answers requests.
    Serving,
    /// Its last requests and `shutdown()` run.
    Ending,
}

/// What ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A fatal signal.
    Signal(i32),
    /// A call that ends the process at once, such as `os._exit`, with this status; `None` for C's `exit`.
    Exit(Option<i32>),
}

/// The journal of this process.
pub struct Journal {
    map: &'static Layout,
    path: PathBuf,
    pid: libc::pid_t,
    /// Where the search for a free slot begins: a slot is used again as late as possible, because threads of an old
    /// version may still carry its number.
    next: Mutex<usize>,
    _locked: File,
}

/// The slot of one version of a plugin, free again when its last clone is dropped.
#[derive(Clone, Default)]
pub struct Slot(Option<Arc<Taken>>);

struct Taken {
    journal: Arc<Journal>,
    index: usize,
    kept: AtomicU32,
}

impl Journal {
    /// Creates the journal of this process at `path`, mode 0600.
    ///
    /// # Errors
    /// The file cannot be written, locked or mapped.
    pub fn create(path: &Path) -> io::Result<Journal> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW);
        let file = options.open(path)?;
        file.set_len(size_of::<Layout>() as u64)?;
        fcntl(&file, FcntlArg::F_SETLK(&whole_file()))?;
        let length = NonZeroUsize::new(size_of::<Layout>()).ok_or(Errno::EINVAL)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping of `length` bytes, which the file has; it is never unmapped.
        let memory = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, &file, 0)? };
        let memory: NonNull<Layout> = memory.cast();
        // SAFETY: the mapping starts on a page, is as long as a `Layout`, lives as long as the process, and any bytes
        // are a valid `Layout`, which consists of atomics.
        let map: &'static Layout = unsafe { memory.as_ref() };
        let pid = i32::try_from(std::process::id()).map_err(|_| Errno::EOVERFLOW)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        map.pid.store(std::process::id(), Ordering::Relaxed);
        map.started.store(now, Ordering::Relaxed);
        map.boot.write(boot_id().as_bytes());
        map.magic.store(MAGIC, Ordering::Release);
        Ok(Journal { map, path: path.to_owned(), pid, next: Mutex::new(0), _locked: file })
    }

    /// Returns a slot for a version of the plugin at `path`, known as `name`, that is about to be imported.
    pub fn enter(self: &Arc<Self>, path: &Path, fingerprint: &str, name: &str) -> Slot {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (0..SLOTS).map(|offset| (*next + offset) % SLOTS);
        let mut free = free.filter(|index| self.map.slots[*index].is_free());
        let path = path.as_os_str().as_encoded_bytes();
        let Some(index) = free.next().filter(|_| path.len() <= layout::PATH) else {
            tracing::warn!(plugin = name, "a crash of this plugin could not be attributed to it");
            return Slot::default();
        };
        *next = (index + 1) % SLOTS;
        let slot = &self.map.slots[index];
        slot.path.write(path);
        slot.fingerprint.write(fingerprint.as_bytes());
        slot.name.write(name.as_bytes());
        slot.calls.store(0, Ordering::Relaxed);
        slot.growth.store(0, Ordering::Relaxed);
        slot.set(Some(Phase::Importing));
        Slot(Some(Arc::new(Taken { journal: self.clone(), index, kept: AtomicU32::new(0) })))
    }

    /// Notes that the code that runs on this thread ends the process, unless another thread did before; `place` is its
    /// place in the code.
    ///
    /// Async-signal-safe. Does nothing in a child of this process, or on a thread that runs no plugin.
    pub fn blame(&self, cause: Cause, place: &str) {
        // SAFETY: `getpid` has no preconditions.
        if unsafe { libc::getpid() } == self.pid {
            self.map.fault.note(thread::carried(), cause, place);
        }
    }

    /// Notes how often the kernel has ended processes for lack of memory.
    pub fn memory_kills(&self, kills: u64) {
        self.map.memory_kills.store(kills, Ordering::Relaxed);
    }

    /// Notes that the process ends as it should, and removes the file.
    pub fn end(&self) {
        self.map.clean.store(1, Ordering::Release);
        // A file that stays says that the end was clean.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
    }
}

impl Slot {
    /// The number that a thread of the plugin carries; 0 for none.
    pub fn number(&self) -> u32 {
        self.0.as_ref().map_or(0, |taken| thread::number(taken.index))
    }

    /// Notes what the plugin's code does from now on.
    pub fn set(&self, phase: Phase) {
        self.with(|slot| slot.set(Some(phase)));
    }

    /// Notes the name of the plugin.
    pub fn rename(&self, name: &str) {
        self.with(|slot| slot.name.write(name.as_bytes()));
    }

    /// Notes how many calls are under way, and by how many bytes the plugin has grown.
    pub fn sample(&self, calls: usize, growth: u64) {
        self.with(|slot| {
            slot.calls.store(u32::try_from(calls).unwrap_or(u32::MAX), Ordering::Relaxed);
            slot.growth.store(growth, Ordering::Relaxed);
        });
    }

    /// Keeps the slot for good, because a thread of the version is left behind.
    pub fn keep(&self) {
        if let Some(taken) = &self.0 {
            taken.kept.store(1, Ordering::Relaxed);
        }
    }

    fn with(&self, change: impl FnOnce(&layout::Slot)) {
        if let Some(taken) = &self.0 {
            change(&taken.journal.map.slots[taken.index]);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What the slot says stays, for a thread of the version that is still there.
        if self.kept.load(Ordering::Relaxed) == 0 {
            self.journal.map.slots[self.index].set(None);
        }
    }
}

/// True while the process that wrote the journal lives.
fn is_held(file: &File) -> io::Result<bool> {
    let mut lock = whole_file();
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

/// A lock that children do not inherit.
fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Identifies the boot of the machine; empty where the system does not say.
fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

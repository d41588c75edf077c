//! What a journal says about a process that has ended.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::layout::{self, Layout, MAGIC};
use super::{Cause, Phase, boot_id, is_held, thread};

/// The journal of a process that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its process id.
    pub pid: u32,
    /// When it started, in seconds since 1970.
    pub started: u64,
    /// How it ended.
    pub ending: Ending,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// As it should.
    Clean,
    /// With the machine.
    Reboot,
    /// By the code of a plugin.
    Fault(Fault),
    /// By something that left no trace: a signal that nothing can handle, or the kernel.
    Unknown {
        /// Versions of plugins that were loaded.
        loaded: Vec<Plugin>,
        /// How often the kernel had ended processes for lack of memory.
        memory_kills: u64,
    },
}

/// Code of a plugin that ended its process.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The plugin.
    pub plugin: Plugin,
    /// True for a thread that the plugin started.
    pub own_thread: bool,
    /// What ended the process.
    pub cause: Cause,
    /// The place in the code, if it is known.
    pub place: Option<String>,
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// Its path.
    pub path: PathBuf,
    /// The fingerprint of its files; empty without one.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// What its code did; `None` after its end.
    pub phase: Option<Phase>,
    /// How many calls were under way when this was last noted.
    pub calls: u32,
    /// By how many bytes it had grown then.
    pub growth: u64,
}

impl Record {
    /// Reads the journal at `path`; `None` for that of a process that lives, and for a file that is no journal.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Record>> {
        let mut file = File::options().read(true).write(true).open(path)?;
        if is_held(&file)? || file.metadata()?.len() != size_of::<Layout>() as u64 {
            return Ok(None);
        }
        // SAFETY: zeros are a valid `Layout`, which consists of atomics.
        let mut layout = unsafe { Box::<Layout>::new_zeroed().assume_init() };
        // SAFETY: as many bytes as the layout has, which nothing else refers to; any bytes are valid.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut((&raw mut *layout).cast::<u8>(), size_of::<Layout>())
        };
        file.read_exact(bytes)?;
        Ok((layout.magic.load(Ordering::Relaxed) == MAGIC).then(|| Record::of(&layout)))
    }

    fn of(layout: &Layout) -> Record {
        let ending = if layout.clean.load(Ordering::Relaxed) != 0 {
            Ending::Clean
        } else if layout.boot.read() != boot_id().as_bytes() {
            Ending::Reboot
        } else {
            fault(layout).map_or_else(|| unknown(layout), Ending::Fault)
        };
        Record {
            pid: layout.pid.load(Ordering::Relaxed),
            started: layout.started.load(Ordering::Relaxed),
            ending,
        }
    }
}

fn fault(layout: &Layout) -> Option<Fault> {
    let (carried, cause, place) = layout.fault.read()?;
    let (index, own_thread) = thread::slot(carried)?;
    let plugin = plugin(layout.slots.get(index)?);
    let place = Some(text(place)).filter(|place| !place.is_empty());
    (!plugin.path.as_os_str().is_empty()).then_some(Fault { plugin, own_thread, cause, place })
}

fn unknown(layout: &Layout) -> Ending {
    let loaded = layout.slots.iter().filter(|slot| !slot.is_free()).map(plugin).collect();
    Ending::Unknown { loaded, memory_kills: layout.memory_kills.load(Ordering::Relaxed) }
}

fn plugin(slot: &layout::Slot) -> Plugin {
    Plugin {
        path: PathBuf::from(std::ffi::OsString::from_vec(slot.path.read())),
        fingerprint: text(slot.fingerprint.read()),
        name: text(slot.name.read()),
        phase: slot.phase(),
        calls: slot.calls.load(Ordering::Relaxed),
        growth: slot.growth.load(Ordering::Relaxed),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

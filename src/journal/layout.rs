//! The bytes of a journal: nothing but atomics, so that any content is valid, and any thread may write.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::{Cause, Phase};

/// The first bytes of a journal of this layout.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"skillsj1");
/// How many versions of plugins have a slot.
pub(super) const SLOTS: usize = 1024;
/// The longest path of a plugin in a slot, in bytes.
pub(super) const PATH: usize = 1024;
/// The longest text of any other kind, in bytes; a longer one is cut.
const TEXT: usize = 128;

/// A whole journal.
#[repr(C)]
pub(super) struct Layout {
    pub(super) magic: AtomicU64,
    /// Seconds since 1970.
    pub(super) started: AtomicU64,
    /// How often the kernel had ended processes for lack of memory when this was last noted.
    pub(super) memory_kills: AtomicU64,
    pub(super) pid: AtomicU32,
    /// 1 after an end as it should be.
    pub(super) clean: AtomicU32,
    pub(super) boot: Text<TEXT>,
    pub(super) fault: Fault,
    pub(super) slots: [Slot; SLOTS],
}

/// A text with its length.
#[repr(C)]
pub(super) struct Text<const N: usize> {
    length: AtomicU32,
    bytes: [AtomicU8; N],
}

/// Who ended the process.
#[repr(C)]
pub(super) struct Fault {
    /// 0: none; 1: it is being written; 2: it is written.
    state: AtomicU32,
    /// The number that the thread carried.
    carried: AtomicU32,
    /// 1: a signal, 2: an exit with a status, 3: an exit without.
    kind: AtomicU32,
    /// The signal or the status.
    value: AtomicU32,
    place: Text<512>,
}

/// One version of a plugin.
#[repr(C)]
pub(super) struct Slot {
    phase: AtomicU32,
    pub(super) calls: AtomicU32,
    pub(super) growth: AtomicU64,
    pub(super) name: Text<TEXT>,
    pub(super) fingerprint: Text<TEXT>,
    pub(super) path: Text<PATH>,
}

impl<const N: usize> Text<N> {
    /// Writes the text, cut to its room.
    pub(super) fn write(&self, bytes: &[u8]) {
        let length = bytes.len().min(N);
        for (to, from) in self.bytes.iter().zip(bytes) {
            to.store(*from, Ordering::Relaxed);
        }
        self.length.store(length as u32, Ordering::Release);
    }

    /// Reads the text.
    pub(super) fn read(&self) -> Vec<u8> {
        let length = (self.length.load(Ordering::Acquire) as usize).min(N);
        self.bytes[..length].iter().map(|byte| byte.load(Ordering::Relaxed)).collect()
    }
}

impl Fault {
    /// Notes the first fault; async-signal-safe.
    pub(super) fn note(&self, carried: u32, cause: Cause, place: &str) {
        if carried == 0
            || self.state.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_err()
        {
            return;
        }
        let (kind, value) = match cause {
            Cause::Signal(signal) => (1, signal),
            Cause::Exit(Some(status)) => (2, status),
            Cause::Exit(None) => (3, 0),
        };
        self.carried.store(carried, Ordering::Relaxed);
        self.kind.store(kind, Ordering::Relaxed);
        self.value.store(value.cast_unsigned(), Ordering::Relaxed);
        self.place.write(place.as_bytes());
        self.state.store(2, Ordering::Release);
    }

    /// The fault that was noted: what the thread carried, the cause, the place.
    pub(super) fn read(&self) -> Option<(u32, Cause, Vec<u8>)> {
        if self.state.load(Ordering::Acquire) != 2 {
            return None;
        }
        let value = self.value.load(Ordering::Relaxed).cast_signed();
        let cause = match self.kind.load(Ordering::Relaxed) {
            1 => Cause::Signal(value),
            2 => Cause::Exit(Some(value)),
            _ => Cause::Exit(None),
        };
        Some((self.carried.load(Ordering::Relaxed), cause, self.place.read()))
    }
}

impl Slot {
    pub(super) fn is_free(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == 0
    }

    pub(super) fn set(&self, phase: Option<Phase>) {
        let number = match phase {
            None => 0,
            Some(Phase::Importing) => 1,
            Some(Phase::Starting) => 2,
            Some(Phase::Serving) => 3,
            Some(Phase::Ending) => 4,
        };
        self.phase.store(number, Ordering::Release);
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        match self.phase.load(Ordering::Acquire) {
            1 => Some(Phase::Importing),
            2 => Some(Phase::Starting),
            3 => Some(Phase::Serving),
            4 => Some(Phase::Ending),
            _ => None,
        }
    }
}

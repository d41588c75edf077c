//! What the system says of this process.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// This process at one moment; a number that the system does not give is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Resident memory, in bytes.
    pub memory: Option<u64>,
    /// Its threads.
    pub threads: Option<usize>,
    /// Its open file descriptors.
    pub descriptors: Option<usize>,
    /// Processor time that it used.
    pub cpu: Option<Duration>,
}

impl Process {
    /// Reads it.
    pub fn now() -> Process {
        let (memory, threads) = memory_and_threads().unzip();
        // The directory is one of them while it is read.
        let descriptors =
            fs::read_dir("/proc/self/fd").map(|entries| entries.count().saturating_sub(1)).ok();
        let cpu = getrusage(UsageWho::RUSAGE_SELF).ok().and_then(|usage| {
            let micros = (usage.user_time() + usage.system_time()).num_microseconds();
            u64::try_from(micros).ok().map(Duration::from_micros)
        });
        Process { memory, threads, descriptors, cpu }
    }
}

/// The resident memory of this process, in bytes, and the number of its threads; `None` where the system does not say.
pub fn memory_and_threads() -> Option<(u64, usize)> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let resident: u64 = field("VmRSS:")?.trim_end_matches(" kB").parse().ok()?;
    Some((resident * 1024, field("Threads:")?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_descriptors() {
        let now = Process::now();
        assert!(now.memory.unwrap() > 1 << 20 && now.threads.unwrap() >= 1, "{now:?}");
        assert!(now.descriptors.unwrap() >= 3 && now.cpu.is_some(), "{now:?}");
    }
}

//! Memory that the process has and does not need, given back to the system while it does little.
//!
//! The C library has an arena for each of several threads, whose free pages it keeps: a new version on another thread
//! does not use those of the old one. And the start, or the load of a plugin, leaves much code in memory that nothing
//! runs for hours; the system reads a page of it again, from its cache, when it is next run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// How long the process has to do little after a start or a load.
const QUIET: Duration = Duration::from_secs(2);
/// How much CPU time that is at most.
const LITTLE: Duration = Duration::from_millis(100);

/// Something is to be given back already.
static IS_DUE: AtomicBool = AtomicBool::new(false);

/// Has memory given back once, as soon as the process does little. In a task of the I/O runtime.
pub(crate) fn give_back_soon() {
    if IS_DUE.swap(true, Ordering::Relaxed) {
        return;
    }
    tokio::spawn(async {
        loop {
            let before = cpu_time();
            tokio::time::sleep(QUIET).await;
            // Code that runs all the time would only be read again.
            if cpu_time().saturating_sub(before) <= LITTLE {
                break;
            }
        }
        IS_DUE.store(false, Ordering::Relaxed);
        // Fails only at the end of the process.
        let _ = tokio::task::spawn_blocking(|| {
            trim();
            release_code();
        })
        .await;
    });
}

/// The CPU time of the process; zero where the system does not report it.
fn cpu_time() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let of =
        |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    of(usage.user_time()) + of(usage.system_time())
}

/// Gives the C library's free pages back to the system. On any thread that is not attached to Python.
pub(crate) fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes the locks of the C library's arenas one after the other; may be called at any time.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Lets the system drop the code of this process from memory; what cannot be dropped stays.
fn release_code() {
    #[cfg(target_os = "linux")]
    for (start, length) in code() {
        // SAFETY: the range is a mapping of this process that nothing can write to, of a file. Its pages are dropped
        // only where they are as in the file, and read again when they are next used. A range that was unmapped
        // meanwhile fails, or is that of another such mapping.
        unsafe {
            nix::libc::madvise(start as *mut nix::libc::c_void, length, nix::libc::MADV_PAGEOUT);
        }
    }
}

/// Where the executable code of files is mapped: addresses and lengths.
#[cfg(target_os = "linux")]
fn code() -> Vec<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter_map(mapping).collect()
}

/// The range of a line of `maps`, if it is code, or constants, of a file.
#[cfg(any(target_os = "linux", test))]
fn mapping(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_whitespace();
    let (range, mode) = (words.next()?, words.next()?);
    let is_of_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
    let (start, end) = range.split_once('-')?;
    let (start, end) =
        (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    (is_of_file && matches!(mode, "r-xp" | "r--p")).then(|| (start, end - start))
}

#[cfg(test)]
mod tests {
    use super::mapping;

    #[test]
    fn only_what_files_hold_and_nothing_writes_is_dropped() {
        let code = "55d0c0a00000-55d0c2a00000 r-xp 00400000 fe:01 123   /opt/my host";
        assert_eq!(mapping(code), Some((0x55d0_c0a0_0000, 0x0200_0000)));
        assert!(mapping("7f00-7f10 r--p 00000000 fe:01 123 /lib/libc.so.6").is_some());
        for other in [
            "7f00-7f10 rw-p 00000000 fe:01 123 /lib/libc.so.6",
            "7f00-7f10 rw-p 00000000 00:00 0",
            "7f00-7f10 r-xp 00000000 00:00 0   [vdso]",
            "7f00-7f10 r--s 00000000 fe:01 9 /run/shared",
            "nonsense",
        ] {
            assert_eq!(mapping(other), None, "{other}");
        }
    }
}

//! How many directories the kernel watches for this user, and how many it would.

/// The limits of one user, and what of them is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inotify {
    /// The most watched directories.
    pub watches_max: u64,
    /// Watched directories.
    pub watches: u64,
    /// The most programs that watch.
    pub instances_max: u64,
    /// Programs that watch.
    pub instances: u64,
}

/// Returns the limits and what is in use; `None` where the system does not show them.
#[cfg(target_os = "linux")]
pub(super) fn collect() -> Option<Inotify> {
    let number = |name: &str| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?;
        text.trim().parse().ok()
    };
    let (instances, watches) = linux::used();
    Some(Inotify {
        watches_max: number("max_user_watches")?,
        watches,
        instances_max: number("max_user_instances")?,
        instances,
    })
}

/// Elsewhere there are no such limits.
#[cfg(not(target_os = "linux"))]
pub(super) fn collect() -> Option<Inotify> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use nix::unistd::geteuid;

    /// The most descriptors that are looked at.
    const DESCRIPTORS_MAX: usize = 100_000;
    /// The most bytes of the list of watches of one descriptor.
    const LIST_MAX: u64 = 64 << 20;

    /// Returns how many programs of this user watch, and how many directories.
    pub(super) fn used() -> (u64, u64) {
        let own = geteuid().as_raw();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let is_own = |entry: &fs::DirEntry| {
            let is_process = entry.file_name().to_str().is_some_and(|it| it.parse::<u32>().is_ok());
            is_process && entry.metadata().is_ok_and(|it| it.uid() == own)
        };
        let descriptors = processes.filter(is_own).flat_map(|process| {
            let entries = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
            entries.map(|entry| entry.path())
        });
        let (mut instances, mut watches) = (0, 0);
        for descriptor in descriptors.take(DESCRIPTORS_MAX) {
            let is_inotify = |target: std::path::PathBuf| target == Path::new("anon_inode:inotify");
            if fs::read_link(&descriptor).is_ok_and(is_inotify) {
                instances += 1;
                watches += watches_of(&descriptor).unwrap_or_default();
            }
        }
        (instances, watches)
    }

    /// Returns the number of watches of one descriptor, `/proc/PID/fd/N`.
    fn watches_of(descriptor: &Path) -> Option<u64> {
        let list = descriptor.parent()?.with_file_name("fdinfo").join(descriptor.file_name()?);
        let lines = BufReader::new(File::open(list).ok()?.take(LIST_MAX)).lines();
        let count = lines.map_while(Result::ok).filter(|line| line.starts_with("inotify ")).count();
        u64::try_from(count).ok()
    }

    #[cfg(test)]
    mod tests {
        use notify::{RecursiveMode, Watcher};

        #[test]
        fn a_watch_of_this_process_is_counted() {
            let root = tempfile::tempdir().unwrap();
            let mut watcher = notify::recommended_watcher(|_| {}).unwrap();
            watcher.watch(root.path(), RecursiveMode::NonRecursive).unwrap();
            let (instances, watches) = super::used();
            assert!(instances >= 1 && watches >= 1, "{instances} {watches}");
        }
    }
}

//! The place of a crash in a plugin's code, from the traceback that Python's `faulthandler` wrote to the host's stderr.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Returns the innermost frame of the thread that crashed in the code of the plugin at `plugin`, from the file at
/// `stderr`, unless that is older than `started`, in seconds since 1970.
pub(super) fn place(stderr: &Path, started: u64, plugin: &Path) -> Option<String> {
    let written = fs::metadata(stderr).ok()?.modified().ok()?;
    if written < UNIX_EPOCH + Duration::from_secs(started) {
        return None;
    }
    let text = fs::read(stderr).ok()?;
    innermost(&String::from_utf8_lossy(&text), plugin.parent()?)
}

fn innermost(text: &str, folder: &Path) -> Option<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("Current thread "));
    let frames = lines.skip(1).map_while(|line| line.trim_start().strip_prefix("File \""));
    let mut frames = frames.filter_map(|frame| frame.split_once("\", "));
    let (file, rest) = frames.find(|(file, _)| Path::new(file).starts_with(folder))?;
    Some(format!("{file} {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_plugin_in_the_current_thread() {
        let text = "Fatal Python error: Segmentation fault\n\n\
            Thread 0x01 (most recent call first):\n  File \"/p/jira/other.py\", line 1 in x\n\n\
            Current thread 0x02 (most recent call first):\n\
            \x20 File \"/usr/lib/ctypes/__init__.py\", line 517 in string_at\n\
            \x20 File \"/p/jira/__init__.py\", line 12 in crash\n\
            \x20 File \"/p/jira/__init__.py\", line 20 in outer\n\n\
            Extension modules: x\n";
        let place = |folder: &str| innermost(text, Path::new(folder));
        assert_eq!(place("/p/jira").as_deref(), Some("/p/jira/__init__.py line 12 in crash"));
        assert_eq!(place("/p/other"), None);
        assert_eq!(innermost("no traceback", Path::new("/p")), None);
    }
}

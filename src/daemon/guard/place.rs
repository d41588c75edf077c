//! The place in a plugin's code at which a thread is.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::runtime::{Frame, Runtime};

/// How long looking up a stack may take before native code counts as holding the GIL.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// A place, which is shown as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// ` by search() in /p/jira/__init__.py line 12`, or why it is not known.
    text: String,
    /// The whole stack, the innermost frame last, as in a traceback.
    pub(super) stack: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The place of a thread of the plugin at `plugin`.
pub(super) async fn of_thread(python: &dyn Runtime, thread: u64, plugin: &Path) -> Place {
    match tokio::time::timeout(LIMIT, python.stack(thread)).await {
        Ok(Some(frames)) => of_stack(&frames, plugin.parent().unwrap_or(plugin)),
        Ok(None) => Place { text: String::new(), stack: None },
        Err(_) => Place { text: " while native code holds the GIL".to_owned(), stack: None },
    }
}

/// The innermost frame in `folder`, else the innermost.
fn of_stack(frames: &[Frame], folder: &Path) -> Place {
    let own = frames.iter().find(|frame| frame.file.starts_with(folder));
    let text = own.or(frames.first()).map_or_else(String::new, |frame| {
        format!(" by {}() in {} line {}", frame.function, frame.file.display(), frame.line)
    });
    let line = |frame: &Frame| {
        format!("  File \"{}\", line {}, in {}\n", frame.file.display(), frame.line, frame.function)
    };
    let stack = frames.iter().rev().map(line).collect();
    Place { text, stack: Some(stack) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_plugins_own_code_is_the_place() {
        let frame = |file: &str, line, function: &str| Frame {
            file: file.into(),
            line,
            function: function.into(),
        };
        let frames = [
            frame("/lib/socket.py", 1, "recv"),
            frame("/p/jira/lib.py", 12, "search"),
            frame("/p/jira/__init__.py", 3, "issues"),
            frame("/lib/asyncio.py", 4, "run"),
        ];
        let place = of_stack(&frames, Path::new("/p/jira"));
        assert_eq!(place.to_string(), " by search() in /p/jira/lib.py line 12");
        let stack = place.stack.unwrap();
        assert!(stack.starts_with("  File \"/lib/asyncio.py\", line 4, in run\n"), "{stack}");
        assert!(stack.ends_with("in recv\n"), "{stack}");
        let elsewhere = of_stack(&frames, Path::new("/other"));
        assert_eq!(elsewhere.to_string(), " by recv() in /lib/socket.py line 1");
        assert_eq!(of_stack(&[], Path::new("/p")).to_string(), "");
    }
}

//! The line by which files of services are known as ours: the version that wrote them, their daemon and its program.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the line begins with, after what begins a comment.
const BEGIN: &str = "skills-daemon-service ";

/// The line, without what makes it a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The version that wrote the file.
    pub version: String,
    /// The runtime directory of the daemon.
    pub runtime: PathBuf,
    /// `skills-daemon`, as the service runs it.
    pub program: PathBuf,
}

impl Mark {
    /// The mark of this version for the daemon in `runtime`, which `program` starts.
    pub fn new(runtime: &Path, program: &Path) -> Mark {
        let (runtime, program) = (runtime.to_owned(), program.to_owned());
        Mark { version: crate::VERSION.to_owned(), runtime, program }
    }

    /// Finds the mark in the text of a file.
    pub fn find(text: &str) -> Option<Mark> {
        let mut marks = text.lines().filter_map(|line| {
            let (_, json) = line.split_once(BEGIN)?;
            // What follows it ends a comment.
            serde_json::Deserializer::from_str(json).into_iter().next()?.ok()
        });
        marks.next()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        // Two hyphens would end a comment in XML.
        write!(f, "{BEGIN}{}", json.replace("--", "-\\u002d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_in_any_comment() {
        for runtime in ["/h/.local/share/skills-daemon", "/h/a b--c---d\"e\n%"] {
            let mark = Mark::new(Path::new(runtime), Path::new("/p/skills-daemon"));
            let text = mark.to_string();
            assert!(!text.contains("--") && !text.contains('\n'), "{text}");
            for file in [format!("# {text}\n[Unit]"), format!("<?xml?>\n<!-- {text} -->\n<plist>")]
            {
                assert_eq!(Mark::find(&file), Some(mark.clone()), "{file}");
            }
        }
        assert_eq!(Mark::find("[Unit]\nDescription=x"), None);
        assert_eq!(Mark::find("# skills-daemon-service x"), None);
    }
}

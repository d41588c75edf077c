//! File-system paths as values: relative ones are relative to the caller's directory, not the daemon's.

use std::borrow::Cow;
use std::path::Path;

use crate::command::Parameter;

/// Returns `text`, the value of `parameter`, made absolute below `directory` if it is a relative path.
///
/// `~` and `-` keep their meaning for the handler.
pub(super) fn absolute<'a>(
    parameter: &Parameter,
    text: &'a str,
    directory: Option<&Path>,
) -> Cow<'a, str> {
    match directory {
        Some(directory) if parameter.is_path() && is_relative(text) => {
            joined(directory, text).into()
        }
        _ => Cow::Borrowed(text),
    }
}

/// Returns the default of `parameter` made absolute below `directory`, if it is a relative path.
pub(super) fn default(parameter: &Parameter, directory: Option<&Path>) -> Option<String> {
    let text = parameter.default()?.as_str().filter(|text| is_relative(text))?;
    directory.filter(|_| parameter.is_path()).map(|directory| joined(directory, text))
}

fn is_relative(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    !text.is_empty() && text != "-" && !first.starts_with('~') && Path::new(text).is_relative()
}

fn joined(directory: &Path, text: &str) -> String {
    let path = if text == "." { directory.to_owned() } else { directory.join(text) };
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::Location;

    #[test]
    fn relative_paths_are_the_callers() {
        let parameter = |schema| Parameter {
            name: "p".into(),
            location: Location::Query,
            required: false,
            schema,
            description: String::new(),
        };
        let path = parameter(json!({"type": "string", "format": "path", "default": "."}));
        let list =
            parameter(json!({"type": "array", "items": {"type": "string", "format": "path"}}));
        let text = parameter(json!({"type": "string", "default": "."}));
        let here = Some(Path::new("/home/ada"));
        for (typed, meant) in [
            ("notes.md", "/home/ada/notes.md"),
            ("./a/../b", "/home/ada/./a/../b"),
            ("/etc/x", "/etc/x"),
            ("~/x", "~/x"),
            ("~bob/x", "~bob/x"),
            ("-", "-"),
            ("", ""),
        ] {
            assert_eq!(absolute(&path, typed, here), meant);
            assert_eq!(absolute(&list, typed, here), meant);
            assert_eq!(absolute(&text, typed, here), typed);
            assert_eq!(absolute(&path, typed, None), typed);
        }
        assert_eq!(default(&path, here).as_deref(), Some("/home/ada"));
        assert_eq!(default(&text, here), None);
        assert_eq!(default(&path, None), None);
    }
}

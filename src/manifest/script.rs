//! The metadata in a `.py` file itself: the `script` block of PEP 723.
//!
//! ```python
//! # /// script
//! # requires-python = ">=3.11"
//! # dependencies = ["httpx>=0.25"]
//! #
//! # [tool.skills-daemon]
//! # description = "One line about the plugin"
//! # ///
//! ```
//!
//! Requirements and Python versions are in the fields of the PEP, all else is in `[tool.skills-daemon]`, with the
//! fields of `manifest.json`. Tables of other tools are theirs.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};
use toml::Table;

use super::REQUIRES_PYTHON;
use super::{Manifest, ManifestError};
use crate::nearest::nearest;

/// The type of the block.
const TYPE: &str = "script";
/// The table of the daemon in `[tool]`.
const TABLE: &str = "skills-daemon";
/// The fields of the PEP, which are also those of a manifest.
const FIELDS: [&str; 2] = ["dependencies", REQUIRES_PYTHON];

/// The reference expression of the PEP.
static BLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\n(?P<content>(?:^#(?:| .*)$\n)+)^# ///$")
        .expect("a test compiles it")
});

/// True for a file that may have its metadata in itself.
pub fn may_have_block(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("py"))
}

/// True if the `.py` file at `path` has its metadata in itself, be it right or wrong.
pub fn has_block(path: &Path) -> bool {
    may_have_block(path) && fs::read(path).is_ok_and(|bytes| first_line(&text(&bytes)).is_some())
}

/// Reads the manifest in the `.py` file `bytes`; the default without a block. `path` is only named in errors.
///
/// # Errors
/// The block has no end, is no TOML, or is no valid manifest.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Manifest, ManifestError> {
    match fields(&text(bytes), path)? {
        None => Ok(Manifest::default()),
        Some(fields) => {
            Manifest::parse(&Value::Object(fields).to_string(), path).map_err(in_script)
        }
    }
}

/// Returns all errors in the block of the `.py` file `bytes`.
pub fn problems(bytes: &[u8], path: &Path) -> Vec<ManifestError> {
    match fields(&text(bytes), path) {
        Err(error) => vec![error],
        Ok(None) => Vec::new(),
        Ok(Some(fields)) => {
            let problems = Manifest::problems(&Value::Object(fields).to_string(), path);
            problems.into_iter().map(in_script).collect()
        }
    }
}

/// Returns the text of a file as Python reads it, with `\n` at the ends of lines.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns line and content of each block.
fn blocks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    BLOCK.captures_iter(text).filter(|found| &found["type"] == TYPE).map(|found| {
        let content = found.name("content").expect("it is no option of the expression");
        (text[..content.start()].matches('\n').count(), content.as_str())
    })
}

/// Returns the number of the line that begins a block, whether or not the block has an end.
fn first_line(text: &str) -> Option<usize> {
    let begin = format!("# /// {TYPE}");
    text.lines().position(|line| line == begin).map(|index| index + 1)
}

/// Returns the fields of the manifest in the block, if there is one.
fn fields(text: &str, path: &Path) -> Result<Option<Map<String, Value>>, ManifestError> {
    let wrong = |line, message| Err(ManifestError::Script { path: path.to_owned(), line, message });
    let mut blocks = blocks(text);
    let Some((first, content)) = blocks.next() else {
        return match first_line(text) {
            None => Ok(None),
            Some(line) => wrong(line, format!("the `{TYPE}` block has no end: a line `# ///`")),
        };
    };
    if let Some((second, _)) = blocks.next() {
        let message = format!("a second `{TYPE}` block: the first one is in line {first}");
        return wrong(second, message);
    }
    let strip = |line: &str| line.strip_prefix("# ").unwrap_or(&line[1..]).to_owned() + "\n";
    let document: String = content.lines().map(strip).collect();
    match document.parse::<Table>() {
        Ok(table) => of_table(table).map(Some).or_else(|message| wrong(first, message)),
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start.min(document.len()));
            let line = first + 1 + document[..start].matches('\n').count();
            wrong(line, format!("the `{TYPE}` block is not TOML: {}", error.message()))
        }
    }
}

/// Returns the fields of the manifest in the document of a block.
fn of_table(mut table: Table) -> Result<Map<String, Value>, String> {
    let own = match table.remove("tool") {
        Some(toml::Value::Table(mut tools)) => tools.remove(TABLE),
        _ => None,
    };
    let mut fields = match own.map(|own| serde_json::to_value(&own).map_err(|_| own)) {
        None => Map::new(),
        Some(Ok(Value::Object(fields))) => fields,
        Some(_) => return Err(format!("`tool.{TABLE}` must be a table")),
    };
    if let Some(field) = FIELDS.iter().find(|field| fields.contains_key(**field)) {
        return Err(format!("`{field}` must stand above `[tool.{TABLE}]`, not in it"));
    }
    for (field, value) in table {
        if !FIELDS.contains(&field.as_str()) {
            let remedy = match nearest(&field, FIELDS) {
                Some(similar) => format!("did you mean `{similar}`?"),
                None => format!("fields of the plugin are in `[tool.{TABLE}]`"),
            };
            return Err(format!("unknown field `{field}` in the `{TYPE}` block ({remedy})"));
        }
        fields.insert(field, serde_json::to_value(value).unwrap_or_default());
    }
    Ok(fields)
}

/// Names the field of an error as the block has it.
fn in_script(error: ManifestError) -> ManifestError {
    match error.without_position() {
        ManifestError::Field { path, field, message } => {
            ManifestError::Field { path, field: place(&field), message }
        }
        other => other,
    }
}

/// Returns the place of a field of the manifest in the block.
pub(super) fn place(field: &str) -> String {
    let top = field.split(['.', '[']).next().unwrap_or(field);
    match FIELDS.contains(&top) {
        true => field.to_owned(),
        false => format!("tool.{TABLE}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Manifest, String> {
        parse(text.as_bytes(), Path::new("/p/x.py")).map_err(|error| error.to_string())
    }

    const FULL: &str = "\"\"\"Words.\"\"\"
# /// script
# requires-python = \">=3.9\"
# dependencies = [
#   \"httpx>=0.25\",
#
#   \"rich\",
# ]
#
# [tool.skills-daemon]
# name = \"words\"
# description = \"Words of all kinds\"
# daemon.loops = 2
# exampels = []
#
# [tool.uv]
# exclude-newer = \"2025-01-01T00:00:00Z\"
# ///

def f(): ...
";

    #[test]
    fn a_block_is_a_manifest() {
        for text in [FULL.to_owned(), FULL.replace('\n', "\r\n"), format!("\u{feff}{FULL}")] {
            let manifest = parsed(&text).unwrap();
            assert_eq!(manifest.dependencies, ["httpx>=0.25", "rich"]);
            assert_eq!(manifest.requires_python.as_deref(), Some(">=3.9"));
            assert_eq!(manifest.name.as_deref(), Some("words"));
            assert_eq!(manifest.daemon.loops, 2);
            assert_eq!(
                manifest.warnings(Path::new("/p/x.py")),
                ["unknown field `tool.skills-daemon.exampels` in x.py"]
            );
        }
        for text in ["", "# /// other\n# a = 1\n# ///\n", "#/// script\n", "x = '# /// script'"] {
            let manifest = parsed(text).unwrap();
            assert!(manifest.name.is_none() && manifest.dependencies.is_empty());
        }
        let latin = b"# /// script\n# dependencies = ['a']\n# ///\n# caf\xe9\n";
        assert_eq!(parse(latin, Path::new("x.py")).unwrap().dependencies, ["a"]);
    }

    #[test]
    fn errors_name_file_and_line_or_field() {
        let block = |lines: &str| format!("import os\n# /// script\n{lines}# ///\n");
        for (text, message) in [
            (block("# dependencies = [\n"), "/p/x.py line 3: the `script` block is not TOML: "),
            (block("# a = 1\n# b = = 2\n"), "/p/x.py line 4: the `script` block is not TOML: "),
            (
                block("# dependencies = []\n") + "x = 1\n" + &block("# dependencies = []\n"),
                "/p/x.py line 7: a second `script` block: the first one is in line 2",
            ),
            (
                "# /// script\n# dependencies = []\n".to_owned(),
                "/p/x.py line 1: the `script` block has no end: a line `# ///`",
            ),
            (
                block("# dependancies = []\n"),
                "/p/x.py line 2: unknown field `dependancies` in the `script` block (did you mean `dependencies`?)",
            ),
            (
                block("# name = 'x'\n"),
                "/p/x.py line 2: unknown field `name` in the `script` block (fields of the plugin are in `[tool.skills-daemon]`)",
            ),
            (
                block("# tool.skills-daemon.dependencies = []\n"),
                "/p/x.py line 2: `dependencies` must stand above `[tool.skills-daemon]`, not in it",
            ),
            (
                block("# tool.skills-daemon = 1\n"),
                "/p/x.py line 2: `tool.skills-daemon` must be a table",
            ),
            (
                block("# dependencies = ['a', '-r b']\n"),
                "/p/x.py: field `dependencies[1]`: `-r` is an option, not a requirement: list the requirements of that file here",
            ),
            (
                block("# dependencies = 'a'\n"),
                "/p/x.py: field `dependencies`: invalid type: string \"a\", expected a sequence",
            ),
            (
                block("# tool.skills-daemon.daemon.loops = 0\n"),
                "/p/x.py: field `tool.skills-daemon.daemon.loops`: 0 is not from 1 to 32",
            ),
        ] {
            let error = parsed(&text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
            let all = problems(text.as_bytes(), Path::new("/p/x.py"));
            assert_eq!(all[0].to_string(), error);
        }
    }
}

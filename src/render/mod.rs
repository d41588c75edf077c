//! Answers as readable text, or as JSON for a script.
//!
//! Owns what the client prints: answers of plugins, help, failures of the daemon. It does not
//! print; [`failed`] decides whether the exit status is 0.
//!
//! Scripts read this output, so it is that of the first client of these plugins, which was written in Python:
//! values look as Python's `str()` and `json.dumps` show them (`python`). `tests/data/client_render.jsonl`
//! holds recorded answers. That includes answers that report an error (`success: false`, a 422): they are text
//! even with `--json`, while a `detail` text and the daemon's own failures are JSON then. To make
//! all of them JSON, return `python::indented(body)` in [`answer`] where `problem::text` finds an error.
//!
//! Lists of objects of a known shape get a line each; to add one more shape, add its test to `item` in `data`,
//! where the first that fits wins. On a terminal, where no script reads, records are set as tables and aligned
//! fields instead (`screen`), and help in columns (`guide`).

mod ansi;
mod data;
mod guide;
mod problem;
mod python;
mod screen;
#[cfg(test)]
mod tests;
mod wrap;

use serde_json::Value;

use crate::console::Style;
use crate::failure::Failure;

pub use ansi::strip_ansi;
pub use screen::Rows;

/// Format of the output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// True for JSON instead of text.
    pub json: bool,
    /// Styles of the text; the empty ones of [`Style::PLAIN`] for none.
    pub style: Style,
    /// Width of the terminal in columns; 0 without one, for scripts, which read lines of any length.
    pub width: usize,
}

/// Returns the text of a plugin's answer, without a newline at its end.
pub fn answer(body: &Value, options: &Options) -> String {
    if let Value::String(text) = body {
        return text.clone();
    }
    if let Some(text) = problem::text(body, &options.style) {
        return text;
    }
    let data = body.get("data").unwrap_or(body);
    match options.width {
        _ if options.json => python::indented(data),
        0 => data::text(data, &options.style),
        width => screen::text(data, &options.style, width),
    }
}

/// Returns the text of an answer of `/{plugin}/help`.
pub fn help(body: &Value, options: &Options) -> String {
    if options.json {
        return python::indented(body);
    }
    guide::text(body, options).unwrap_or_else(|| answer(body, options))
}

/// Returns the text of a failure of the daemon itself.
pub fn failure(failure: &Failure, options: &Options) -> String {
    if options.json {
        return serde_json::to_value(failure)
            .map_or_else(|error| error.to_string(), |failure| python::indented(&failure));
    }
    let Style { red, dim, reset, .. } = options.style;
    let mut text = format!("{red}Error:{reset} {}", failure.error);
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("\n{dim}Hint: {hint}{reset}"));
    }
    if let Some(available) = &failure.available {
        text.push_str(&format!("\n{dim}Available: {}{reset}", available.join(", ")));
    }
    text
}

/// True if an answer reports a failure: by its HTTP status, by `success: false`, or by an `error`.
pub fn failed(body: &Value, http_status: u16) -> bool {
    let reports = || match (body.get("success"), body.get("error")) {
        (Some(Value::Bool(success)), _) => !success,
        (_, Some(Value::Null | Value::Bool(false)) | None) => false,
        (_, Some(Value::String(error))) => !error.is_empty(),
        // `{"data": …, "error": {…}}` without `success`: the data is the answer.
        (_, Some(_)) => body.get("data").is_none(),
    };
    http_status >= 400 || reports()
}

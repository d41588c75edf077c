//! stdout and stderr of the command-line programs: the only module that writes to them. It detects terminals,
//! their width and their colours.
//!
//! What is written while a wait is shown ends it first; bars stay below it, and are hidden while a question is asked.

mod ask;
mod bars;
mod wait;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::process::{self, ExitCode};

use nix::sys::signal::{self, SigHandler, Signal};
use terminal_size::{Height, Width};

use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::reports::{Question, Task};

/// ANSI styles, empty strings where the output takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Errors.
    pub red: &'static str,
    /// Success.
    pub green: &'static str,
    /// Warnings.
    pub yellow: &'static str,
    /// Names.
    pub cyan: &'static str,
    /// Details.
    pub dim: &'static str,
    /// Headings.
    pub bold: &'static str,
    /// Back to normal.
    pub reset: &'static str,
}

impl Style {
    /// No colours.
    pub const PLAIN: Style =
        Style { red: "", green: "", yellow: "", cyan: "", dim: "", bold: "", reset: "" };
    /// Bright ANSI colours.
    pub const COLORED: Style = Style {
        red: "\x1b[91m",
        green: "\x1b[92m",
        yellow: "\x1b[93m",
        cyan: "\x1b[96m",
        dim: "\x1b[2m",
        bold: "\x1b[1m",
        reset: "\x1b[0m",
    };
}

/// Both outputs of a program.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// Styles for stdout.
    pub out: Style,
    /// Styles for stderr.
    pub err: Style,
    /// True if stderr is a terminal.
    pub watched: bool,
    /// True if stderr is a terminal that can move its cursor.
    moves: bool,
    /// Width of stdout in columns; 0 if it is not a terminal.
    pub columns: usize,
}

/// Width of a terminal of unknown width, in columns.
const USUAL_COLUMNS: usize = 80;

impl Console {
    /// The process's own outputs; colours on terminals or with `CLICOLOR_FORCE`, and never with `NO_COLOR`.
    pub fn of_process(env: &Environment) -> Console {
        let dumb = env.get("TERM") == Some("dumb");
        let is_set = |name: &str, off: &str| env.get(name).is_some_and(|value| value != off);
        let forced = is_set(environment::CLICOLOR_FORCE, "0");
        let style = |terminal: bool| {
            let takes = forced || terminal && !dumb;
            if takes && !is_set(environment::NO_COLOR, "") { Style::COLORED } else { Style::PLAIN }
        };
        let (read, watched) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let columns = if read { columns() } else { 0 };
        Console { out: style(read), err: style(watched), watched, moves: watched && !dumb, columns }
    }

    /// Columns and rows of the terminal of stdout, else of stderr; zeros without one.
    pub fn size(&self) -> (u16, u16) {
        let size = |is_terminal: bool, of: fn() -> Option<(Width, Height)>| {
            if is_terminal { of() } else { None }
        };
        let out = size(self.columns > 0, || terminal_size::terminal_size_of(io::stdout()));
        let size =
            out.or_else(|| size(self.watched, || terminal_size::terminal_size_of(io::stderr())));
        size.map_or((0, 0), |(width, height)| (width.0, height.0))
    }

    /// True if stdout takes colour codes.
    pub fn colored(&self) -> bool {
        self.out == Style::COLORED
    }

    /// Writes `text` and a newline to stdout; a closed pipe ends quietly, as `head` expects.
    pub fn print(&self, text: &str) -> io::Result<()> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }

    /// Shows lines from the top of the screen on, in place of what it shows, as many as it has room for; where the cursor
    /// cannot be moved, below it.
    pub fn screen(&self, lines: &[String]) -> io::Result<()> {
        if !self.moves {
            return self.print(&lines.join("\n"));
        }
        let (_, rows) = self.size();
        let room = if rows == 0 { lines.len() } else { usize::from(rows).saturating_sub(1) };
        let mut text = "\x1b[H".to_owned();
        for line in lines.iter().take(room) {
            text.push_str(line);
            // What the line before it had beyond its end.
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J");
        self.write(text.as_bytes())
    }

    /// Writes bytes to stderr as they are.
    pub fn write_err(&self, bytes: &[u8]) -> io::Result<()> {
        wait::end();
        bars::written(1, bytes, |bytes| put(io::stderr().lock(), bytes))
    }

    /// Writes bytes to stdout as they are.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        wait::end();
        match self.columns {
            0 => put(io::stdout().lock(), bytes),
            _ => bars::written(0, bytes, |bytes| put(io::stdout().lock(), bytes)),
        }
    }

    /// Shows a step of a wait on stderr, if that is a terminal; it lasts until the next one, or the next output.
    pub fn progress(&self, text: &str) {
        if self.moves {
            wait::step(text, self.err);
        } else {
            self.note(text);
        }
    }

    /// Shows how far a task of a call is, on stderr if that is a terminal.
    pub fn task(&self, task: &Task) {
        if self.moves {
            wait::end();
            bars::show(task, self.err);
        }
    }

    /// Asks a question at the terminal; `None` once its input has ended.
    ///
    /// # Errors
    /// It is no terminal.
    pub fn ask(&self, question: &Question) -> io::Result<Option<String>> {
        wait::end();
        bars::without(|| ask::ask(question, self.err))
    }

    /// Writes a line to stderr, if that is a terminal.
    pub fn note(&self, text: &str) {
        if self.watched {
            self.line(&format!("{}{text}{}", self.err.dim, self.err.reset));
        }
    }

    /// Leaves the terminal as it was: without a wait, bars or a question.
    pub fn rest(&self) {
        ask::leave();
        if self.moves {
            wait::end();
            let [out, err] = bars::end();
            // As any other output: it fails only if nothing reads it.
            let _ = put(io::stdout().lock(), &out).and(put(io::stderr().lock(), &err));
        }
    }

    /// Writes the text of a problem to stderr.
    pub fn problem(&self, text: &str) {
        self.line(text);
    }

    /// Writes a warning line to stderr.
    pub fn warning(&self, text: &str) {
        let text = visible(text);
        self.line(&format!("{}Warning:{} {text}", self.err.yellow, self.err.reset));
    }

    /// Writes a failure to stderr and returns its exit status.
    pub fn failure(&self, failure: &Failure) -> ExitCode {
        let error = visible(&failure.error);
        self.line(&format!("{}Error:{} {error}", self.err.red, self.err.reset));
        if let Some(hint) = &failure.hint {
            self.line(&format!("{}Hint: {}{}", self.err.dim, visible(hint), self.err.reset));
        }
        if let Some(available) = &failure.available {
            let names = available.join(", ");
            self.line(&format!("{}Available: {}{}", self.err.dim, visible(&names), self.err.reset));
        }
        ExitCode::from(failure.kind.exit_status())
    }

    /// Writes a line to stderr.
    fn line(&self, text: &str) {
        // Fails only if stderr itself is closed.
        let _ = self.write_err(format!("{text}\n").as_bytes());
    }
}

/// Returns `text` with what a terminal would obey made visible: control characters, and those that turn the direction of
/// text, as names of plugins and messages of other programs may have them. Line breaks, tabs and colours stay.
fn visible(text: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || c.is_control() && !matches!(c, '\n' | '\t')
    };
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = color(rest).unwrap_or(c.len_utf8());
        let (piece, after) = rest.split_at(length);
        if is_obeyed(c) && length == c.len_utf8() {
            shown.extend(c.escape_unicode());
        } else {
            shown.push_str(piece);
        }
        rest = after;
    }
    Cow::Owned(shown)
}

/// The length of the sequence for a colour that `text` begins with: `ESC [ NUMBERS m`.
fn color(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\x1b[")?;
    let after = numbers.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    after.starts_with('m').then(|| text.len() - after.len() + 1)
}

fn put(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Ends the program as the signal of a closed pipe ends others: with the status 141 in a shell.
pub fn end_by_closed_pipe() -> ! {
    // SAFETY: the default action is no handler; programs of Rust ignore the signal from their start.
    let _ = unsafe { signal::signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    let _ = signal::raise(Signal::SIGPIPE);
    // Only where the signal is blocked.
    process::exit(141)
}

/// Returns the width of stdout, a terminal, in columns.
fn columns() -> usize {
    terminal_size::terminal_size_of(io::stdout())
        .map_or(USUAL_COLUMNS, |(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_made_visible() {
        assert_eq!(visible("two\n\tlines, \u{fc}"), "two\n\tlines, \u{fc}");
        assert_eq!(visible("a\u{1b}[2Jb\rc"), r"a\u{1b}[2Jb\u{d}c");
        assert_eq!(visible("\x1b[1;31mred\x1b[0m\x1b[2J"), "\x1b[1;31mred\x1b[0m\\u{1b}[2J");
        assert_eq!(visible("x\u{202e}y\u{2066}"), r"x\u{202e}y\u{2066}");
    }
}

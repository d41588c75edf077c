//! `skills-daemon logs`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;
use std::sync::mpsc;

use clap::Args;
use notify::{RecursiveMode, Watcher};
use serde_json::{Map, Value};

use super::Context;
use crate::failure::Failure;

#[derive(Args)]
pub(super) struct Arguments {
    /// Print new lines as they are logged
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines to print
    #[arg(short = 'n', long, default_value_t = 50)]
    lines: usize,
    /// Print the JSON lines as they are
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = context.paths.log_file();
    // Watched before it is read, so that nothing in between is missed.
    let changes = if arguments.follow { Some(watch(context)?) } else { None };
    let mut open = open(context)?;
    if open.is_none() && !arguments.follow {
        return Err(Failure::environment(format!("no log file yet: {}", path.display()))
            .hint("The daemon writes it when it starts: `skills-daemon start`."));
    }
    if let Some(log) = &mut open {
        let mut last = VecDeque::with_capacity(arguments.lines.min(1024));
        while let Some(line) = log.line()? {
            if last.len() == arguments.lines {
                last.pop_front();
            }
            last.push_back(line);
        }
        for line in last.iter().take(arguments.lines) {
            if !print(context, arguments, line) {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    let Some((_watcher, changed)) = changes else { return Ok(ExitCode::SUCCESS) };
    while changed.recv().is_ok() {
        loop {
            if let Some(log) = &mut open {
                while let Some(line) = log.line()? {
                    if !print(context, arguments, &line) {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
            }
            // After the last line of a rotated file comes the first of the next.
            match self::open(context)? {
                Some(next) if open.as_ref().is_none_or(|log| log.inode != next.inode) => {
                    open = Some(next);
                }
                _ => break,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The log file, read line by line.
struct Log {
    reader: BufReader<File>,
    inode: u64,
    partial: String,
}

impl Log {
    /// Returns the next whole line; `None` at the current end of the file.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let mut bytes = Vec::new();
        self.reader
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::environment(format!("cannot read the log: {error}")))?;
        self.partial.push_str(&String::from_utf8_lossy(&bytes));
        if self.partial.ends_with('\n') {
            let line = std::mem::take(&mut self.partial);
            return Ok(Some(line.trim_end().to_owned()));
        }
        Ok(None)
    }
}

fn open(context: &Context) -> Result<Option<Log>, Failure> {
    let path = context.paths.log_file();
    let opened =
        File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata.ino())));
    match opened {
        Ok((file, inode)) => {
            Ok(Some(Log { reader: BufReader::new(file), inode, partial: String::new() }))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::environment(format!("cannot read {}: {error}", path.display()))),
    }
}

fn watch(context: &Context) -> Result<(impl Watcher, mpsc::Receiver<()>), Failure> {
    context.paths.create()?;
    let failed = |error: notify::Error| {
        Failure::environment(format!("cannot watch {}: {error}", context.paths.logs().display()))
    };
    let (sender, receiver) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if is_change(&event) {
            // Fails only at the end of the program.
            let _ = sender.send(());
        }
    })
    .map_err(failed)?;
    watcher.watch(&context.paths.logs(), RecursiveMode::NonRecursive).map_err(failed)?;
    Ok((watcher, receiver))
}

/// True for an event after which the log may have more lines.
///
/// Opening the log to read it is an event too, and no reason to read it again; lost events may have been changes.
fn is_change(event: &notify::Result<notify::Event>) -> bool {
    event.as_ref().map_or(true, |event| event.need_rescan() || !event.kind.is_access())
}

/// Prints a line; false if stdout is closed.
fn print(context: &Context, arguments: &Arguments, line: &str) -> bool {
    let style = context.console.out;
    let text = match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(record) if !arguments.json => readable(record, style.dim, style.reset),
        _ => line.to_owned(),
    };
    context.console.print(&text).is_ok()
}

/// Returns a record as `time LEVEL plugin message key=value …`, and a traceback below.
fn readable(mut record: Map<String, Value>, dim: &str, reset: &str) -> String {
    let mut take = |key: &str| match record.shift_remove(key) {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let (time, level) = (take("timestamp"), take("level"));
    let (message, plugin) = (take("message"), take("plugin"));
    let (exception, _) = (take("exception"), take("target"));
    let mut text = format!("{dim}{}{reset} {level:<5}", time.get(..19).unwrap_or(&time));
    if !plugin.is_empty() {
        text.push_str(&format!(" [{plugin}]"));
    }
    text.push_str(&format!(" {message}"));
    for (key, value) in &record {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!(" {dim}{key}={reset}{value}"));
    }
    for line in exception.lines() {
        text.push_str(&format!("\n    {line}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_the_log_is_no_change_of_it() {
        use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
        let is_change = |kind| is_change(&Ok(notify::Event::new(kind)));
        assert!(!is_change(EventKind::Access(AccessKind::Open(AccessMode::Read))));
        assert!(!is_change(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        assert!(is_change(EventKind::Modify(ModifyKind::Any)));
        assert!(is_change(EventKind::Create(CreateKind::File)));
        assert!(is_change(EventKind::Other));
        assert!(super::is_change(&Err(notify::Error::generic("lost"))));
    }

    #[test]
    fn records_read_like_sentences() {
        let record = r#"{"timestamp":"2026-01-02T03:04:05.678Z","level":"WARN","message":"slow_request",
            "plugin":"jira","duration_ms":1200.5,"target":"x","exception":"Traceback:\n  boom"}"#;
        let record = serde_json::from_str(&record.replace('\n', " ")).unwrap();
        assert_eq!(
            readable(record, "", ""),
            "2026-01-02T03:04:05 WARN  [jira] slow_request duration_ms=1200.5\n    Traceback:\n      boom"
        );
    }
}

//! The errors of the last hour in the daemon's log, and the end of files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::crashes::date;

/// How much of the log is read, in bytes.
const READ_MAX: u64 = 1 << 20;
/// How long an error counts.
const RECENT: Duration = Duration::from_secs(3600);
/// The longest text of an error, in characters.
const TEXT_MAX: usize = 200;
/// The length of `2026-11-27 05:10`.
const TO_THE_MINUTE: usize = 16;

/// The errors of the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogErrors {
    /// How many there are, in the part of the log that is read.
    pub count: usize,
    /// The last one, with its plugin.
    pub last: Option<String>,
    /// Why the log cannot be read.
    pub unreadable: Option<String>,
}

impl LogErrors {
    pub(super) fn collect(file: &Path) -> LogErrors {
        match tail(file, READ_MAX) {
            Ok(text) => errors(&text, SystemTime::now()),
            Err(error) if is_absent(&error) => LogErrors::default(),
            Err(error) => {
                let unreadable = Some(format!("cannot read {}: {error}", file.display()));
                LogErrors { unreadable, ..LogErrors::default() }
            }
        }
    }
}

/// True if there is no such file.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the errors in `text`, lines of JSON, of the hour before `now`.
fn errors(text: &str, now: SystemTime) -> LogErrors {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(RECENT);
    let since = date::utc(seconds.as_secs());
    let since = &since[..TO_THE_MINUTE.min(since.len())];
    let mut found = LogErrors::default();
    for line in text.lines().filter(|line| line.contains("\"ERROR\"")) {
        let Ok(record) = serde_json::from_str::<Map<String, Value>>(line) else { continue };
        let field = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        let time = field("timestamp").replacen('T', " ", 1);
        let is_recent = time.get(..TO_THE_MINUTE).is_some_and(|time| time >= since);
        if field("level") != "ERROR" || !is_recent {
            continue;
        }
        found.count += 1;
        let plugin = match field("plugin") {
            "" => String::new(),
            plugin => format!("[{plugin}] "),
        };
        // The first error of a plugin is most often the cause of the last line of its traceback.
        let cause = field("exception").lines().rfind(|line| !line.trim().is_empty());
        let cause = cause.map_or(String::new(), |cause| format!(": {}", cause.trim()));
        found.last = Some(shortened(&format!("{plugin}{}{cause}", field("message"))));
    }
    found
}

/// Returns a text in one line, without control characters, which a terminal would obey.
fn shortened(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the end of a file, at most `most` bytes, from the beginning of a line on.
///
/// # Errors
/// It cannot be read, or is no file.
pub fn tail(path: &Path, most: u64) -> io::Result<String> {
    // Opening a pipe would wait.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match start {
        0 => text.into_owned(),
        _ => text.split_once('\n').map_or("", |(_, rest)| rest).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_last_hour_count() {
        let text = concat!(
            r#"{"timestamp":"2026-11-27T03:00:00.1Z","level":"ERROR","message":"too old"}"#,
            "\n",
            r#"{"timestamp":"2026-11-27T04:30:00.1Z","level":"ERROR","message":"first"}"#,
            "\n",
            r#"{"timestamp":"2026-11-27T04:31:00.1Z","level":"INFO","message":"\"ERROR\""}"#,
            "\n",
            "no json \"ERROR\"\n",
            r#"{"timestamp":"2026-11-27T04:40:00.1Z","level":"ERROR","plugin":"jira","message":"call\u001b[31m","exception":"Traceback\nValueError: x\n"}"#,
            "\n",
        );
        // 2026-11-27 05:10 UTC.
        let now = UNIX_EPOCH + Duration::from_secs(1_795_756_200);
        assert_eq!(date::utc(1_795_756_200), "2026-11-27 05:10 UTC");
        let found = errors(text, now);
        assert_eq!(found.count, 2);
        assert_eq!(found.last.as_deref(), Some("[jira] call [31m: ValueError: x"));
        assert_eq!(errors("", now), LogErrors::default());
    }

    #[test]
    fn the_end_of_a_file_begins_with_a_line() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("log");
        std::fs::write(&file, "first\nsecond\nthird\n").unwrap();
        assert_eq!(tail(&file, 100).unwrap(), "first\nsecond\nthird\n");
        assert_eq!(tail(&file, 9).unwrap(), "third\n");
        assert!(tail(root.path(), 9).is_err());
        assert_eq!(shortened(&"x".repeat(300)).chars().count(), TEXT_MAX + 1);
    }
}

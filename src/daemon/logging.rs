//! The daemon's log: JSON lines in `logs/daemon.log`, and text for a person on stderr or in the journal.
//!
//! 5 MB a file, three old ones kept, mode 0600. File and journal are written each on a thread of its own, so neither a
//! slow disk nor a stalled journal holds up a request; when one falls behind by [`LINES_MAX`], lines are dropped rather
//! than memory filled.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::atomic::{AtomicU8, Ordering};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use nix::libc;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::environment::supervision::Supervision;
use crate::failure::Failure;
use crate::paths::{self, Paths};
use crate::settings::LogLevel;

/// The size at which a log file is put aside, in bytes.
pub const FILE_SIZE: usize = 5 * 1024 * 1024;
/// The number of old log files that are kept.
pub const OLD_FILES: usize = 3;
/// How many lines may wait to be written. The queue has room for all of them from the start, 32 bytes each.
const LINES_MAX: usize = 8192;

/// Where the log goes.
#[derive(Debug)]
pub enum Destination {
    /// JSON lines into the log file.
    File,
    /// JSON lines into the log file, and text on stderr.
    FileAndTerminal,
    /// JSON lines into the log file, and text with its priority into the journal, which has times of its own.
    FileAndJournal(File),
}

/// True if `stream` leads into the journal of the service manager.
pub fn is_journal(stream: &File, supervision: &Supervision) -> bool {
    let identity = |it: std::fs::Metadata| format!("{}:{}", it.dev(), it.ino());
    let own = stream.metadata().ok().map(identity);
    own.is_some() && own == supervision.journal
}

/// Starts logging; what is still in memory is written when the guards are dropped.
pub fn start(
    paths: &Paths,
    level: LogLevel,
    destination: Destination,
) -> Result<Vec<WorkerGuard>, Failure> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, fmt};

    LEVEL.store(level as u8, Ordering::Relaxed);
    let (writer, of_file) = on_thread(log_file(paths)?);
    let file = fmt::layer().json().flatten_event(true).with_writer(writer).with_filter(AtLevel);
    let (terminal, journal) = match destination {
        Destination::File => (false, None),
        Destination::FileAndTerminal => (true, None),
        Destination::FileAndJournal(journal) => (false, Some(journal)),
    };
    let (journal, of_journal) = journal.map(on_thread).unzip();
    let journal = journal.map(|journal| {
        fmt::layer()
            .event_format(Prioritized(
                fmt::format().without_time().with_target(false).with_level(false),
            ))
            .with_ansi(false)
            .with_writer(journal)
            .log_internal_errors(false)
            .with_filter(AtLevel)
    });
    let terminal = terminal.then(|| {
        fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .with_target(false)
            // Where its terminal is gone, so is stderr, and a report of that would panic.
            .log_internal_errors(false)
            .with_filter(AtLevel)
    });
    // Only the daemon's own and the plugins' events: libraries below talk of their inner workings.
    let own = tracing_subscriber::filter::Targets::new().with_target("skills", LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry()
        .with(file.and_then(terminal).and_then(journal).with_filter(own));
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| Failure::environment(format!("cannot start the log: {error}")))?;
    Ok([of_file].into_iter().chain(of_journal).collect())
}

/// A writer that hands lines to a thread, which writes them to `output`.
fn on_thread(output: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).finish(output)
}

/// Sets the least level of the events that are logged from now on.
pub fn set_level(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
    // The interest in each place that logs is cached there, so that one of no interest costs nothing.
    tracing::callsite::rebuild_interest_cache();
}

/// Lines that begin with their priority, as the journal reads it: `<3>` for errors to `<7>` for details.
struct Prioritized<F>(F);

impl<S, N, F> FormatEvent<S, N> for Prioritized<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The [`LogLevel`] of the process's one log.
static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Info as u8);

/// The events of the level that is set, and of those above it.
struct AtLevel;

impl AtLevel {
    fn filter() -> LevelFilter {
        match LEVEL.load(Ordering::Relaxed) {
            level if level == LogLevel::Debug as u8 => LevelFilter::DEBUG,
            level if level == LogLevel::Info as u8 => LevelFilter::INFO,
            level if level == LogLevel::Warning as u8 => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        }
    }
}

impl<S> Filter<S> for AtLevel {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        *metadata.level() <= AtLevel::filter()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= AtLevel::filter() { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(AtLevel::filter())
    }
}

fn log_file(paths: &Paths) -> Result<impl Write + Send + 'static, Failure> {
    let path = paths.log_file();
    let probe = std::fs::OpenOptions::new();
    let mut options = probe;
    options.append(true).create(true);
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    // FileRotate panics where it cannot open its file: find out here.
    options.open(&path).map_err(|error| paths::unwritable(&path, &error))?;
    Ok(FileRotate::new(
        path,
        AppendCount::new(OLD_FILES),
        ContentLimit::BytesSurpassed(FILE_SIZE),
        Compression::None,
        Some(options),
    ))
}

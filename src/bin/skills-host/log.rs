//! Python's log records into the daemon's log.

use pyo3::prelude::*;

/// Python's numeric levels.
const ERROR: i32 = 40;
const WARNING: i32 = 30;
const INFO: i32 = 20;

/// Writes one record. Called by `skills_host.log` on whatever thread logs; it only puts a line into a queue.
#[pyfunction]
#[pyo3(signature = (level, logger, message, plugin, request_id, context, exception))]
pub(crate) fn log(
    level: i32,
    logger: &str,
    message: &str,
    plugin: &str,
    request_id: Option<&str>,
    context: Option<&str>,
    exception: Option<&str>,
) {
    // A tracing event's level is part of its type, so each level is an event of its own.
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(logger, plugin, request_id, context, exception, "{message}")
        };
    }
    match level {
        ERROR.. => event!(error),
        WARNING.. => event!(warn),
        INFO.. => event!(info),
        _ => event!(debug),
    }
}

//! What a call reports while it runs, as notifications of the protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParam,
    ProgressNotificationParam, ProgressToken, ServerNotification,
};
use rmcp::service::Peer;

use crate::reports::{LogRecord, Task};

/// Sends what a call reports to its client.
pub(super) struct Reporter {
    /// `None` if nothing listens.
    peer: Option<Peer<RoleServer>>,
    /// Without one, the client wants no progress.
    token: Option<ProgressToken>,
    /// Python's level of the least record that the client wants; `None` for none.
    least: Option<u8>,
    progress: Total,
}

impl Reporter {
    pub(super) fn new(
        peer: Peer<RoleServer>,
        token: Option<ProgressToken>,
        least: Option<u8>,
    ) -> Reporter {
        Reporter { peer: Some(peer), token, least, progress: Total::default() }
    }

    /// One to which nothing listens.
    #[cfg(test)]
    pub(super) fn mute() -> Reporter {
        Reporter { peer: None, token: None, least: None, progress: Total::default() }
    }

    /// Reports how far a task is.
    pub(super) async fn progress(&mut self, task: &Task) {
        if let Some((done, total)) = self.progress.with(task) {
            self.send(done, total, Some(task.description.clone())).await;
        }
    }

    /// Reports that a call goes on that shows no progress of its own.
    pub(super) async fn beat(&mut self, since: Duration) {
        if self.progress.tasks.is_empty() {
            let seconds = since.as_secs();
            let message = format!("running for {seconds} s");
            self.send(since.as_secs_f64(), None, Some(message)).await;
        }
    }

    /// Passes a log record on.
    pub(super) async fn log(&self, record: LogRecord) {
        let LogRecord { level, logger, message } = record;
        self.message(level, logger, message).await;
    }

    /// Passes on what the call wrote on stderr.
    pub(super) async fn stderr(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end();
        if !text.is_empty() {
            self.message(20, "stderr".to_owned(), text.to_owned()).await;
        }
    }

    async fn message(&self, level: u8, logger: String, message: String) {
        if self.least.is_none_or(|least| level < least) {
            return;
        }
        let parameters = LoggingMessageNotificationParam::new(self::level(level), message.into());
        let notification = LoggingMessageNotification::new(parameters.with_logger(logger));
        let notification = ServerNotification::LoggingMessageNotification(notification);
        if let Some(peer) = &self.peer {
            // The client may be gone.
            let _ = peer.send_notification(notification).await;
        }
    }

    async fn send(&self, done: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = self.token.clone() else { return };
        let mut parameters = ProgressNotificationParam::new(token, done);
        parameters.total = total;
        parameters.message = message.filter(|text| !text.is_empty());
        if let Some(peer) = &self.peer {
            // The client may be gone.
            let _ = peer.notify_progress(parameters).await;
        }
    }
}

/// How far all tasks of a call are: the protocol has one number, which only grows.
#[derive(Default)]
struct Total {
    tasks: BTreeMap<u64, Task>,
    sent: Option<f64>,
}

impl Total {
    /// Takes a report; returns what is done, and of how much, if that is news.
    fn with(&mut self, task: &Task) -> Option<(f64, Option<f64>)> {
        self.tasks.insert(task.number, task.clone());
        let done: f64 = self.tasks.values().map(|task| task.done).sum();
        let total = self.tasks.values().map(|task| task.total).sum::<Option<f64>>();
        let is_news = self.sent.is_none_or(|before| done > before);
        is_news.then(|| {
            self.sent = Some(done);
            (done, total)
        })
    }
}

/// Python's level of a level of the protocol.
pub(super) fn number(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 10,
        LoggingLevel::Info | LoggingLevel::Notice => 20,
        LoggingLevel::Warning => 30,
        LoggingLevel::Error => 40,
        _ => 50,
    }
}

fn level(number: u8) -> LoggingLevel {
    match number {
        50.. => LoggingLevel::Critical,
        40.. => LoggingLevel::Error,
        30.. => LoggingLevel::Warning,
        20.. => LoggingLevel::Info,
        _ => LoggingLevel::Debug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_tasks_only_grows() {
        let task = |number, done, total| Task { number, done, total, ..Task::default() };
        let mut sum = Total::default();
        assert_eq!(sum.with(&task(1, 0.0, Some(100.0))), Some((0.0, Some(100.0))));
        assert_eq!(sum.with(&task(1, 50.0, Some(100.0))), Some((50.0, Some(100.0))));
        assert_eq!(sum.with(&task(2, 0.0, None)), None);
        assert_eq!(sum.with(&task(2, 1.0, None)), Some((51.0, None)));
        assert_eq!(sum.with(&task(1, 50.0, Some(50.0))), None, "complete");
        assert_eq!(number(level(35)), 30);
    }
}

//! Background tasks of plugins, as `status` shows them.

use serde::{Deserialize, Serialize};

/// A task that has run for so many seconds has recovered from its failures.
const RECOVERED: u64 = 60;

/// One background task that has not ended. Times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackgroundTask {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: TaskState,
    /// The number of its failures in a row.
    pub failures: u64,
    /// Its last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of its state.
    pub since: u64,
    /// The time of its restart, if it waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<u64>,
    /// True if the daemon stays alive without requests while it runs.
    pub keeps_awake: bool,
}

/// The state of a background task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It runs.
    Running,
    /// It failed, and is restarted.
    Waiting,
    /// It failed, and is not restarted.
    Failed,
}

impl BackgroundTask {
    /// True if the daemon has to stay alive for it.
    pub fn holds_awake(&self) -> bool {
        self.keeps_awake && self.state != TaskState::Failed
    }

    /// Its failure, for a person, at the time `now`; `None` for one that runs without failing.
    pub fn trouble(&self, now: u64) -> Option<String> {
        let error = self.error.as_deref()?;
        let times = if self.failures == 1 { "once" } else { &format!("{} times", self.failures) };
        match (self.state, self.retry_at) {
            (TaskState::Running, _) if now.saturating_sub(self.since) >= RECOVERED => None,
            (TaskState::Waiting, Some(at)) => {
                Some(format!("failed {times}, next start in {} s: {error}", at.saturating_sub(now)))
            }
            (TaskState::Failed, _) => Some(format!("failed and is not restarted: {error}")),
            (TaskState::Running | TaskState::Waiting, _) => {
                Some(format!("restarted, failed {times}: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(state: TaskState, failures: u64, retry_at: Option<u64>) -> BackgroundTask {
        let error = (failures > 0).then(|| "OSError: no route".to_owned());
        let name = "poll".to_owned();
        BackgroundTask { name, state, failures, error, since: 100, retry_at, keeps_awake: true }
    }

    #[test]
    fn trouble_is_shown_until_a_task_has_recovered() {
        let waiting = task(TaskState::Waiting, 4, Some(108));
        assert_eq!(
            waiting.trouble(100).as_deref(),
            Some("failed 4 times, next start in 8 s: OSError: no route")
        );
        let again = task(TaskState::Running, 1, None);
        assert_eq!(
            again.trouble(159).as_deref(),
            Some("restarted, failed once: OSError: no route")
        );
        assert_eq!(again.trouble(160), None);
        assert_eq!(task(TaskState::Running, 0, None).trouble(100), None);
        let failed = task(TaskState::Failed, 1, None);
        assert!(failed.trouble(1000).is_some_and(|text| text.starts_with("failed and is not")));
    }

    #[test]
    fn only_a_task_that_says_so_and_goes_on_holds_the_daemon_awake() {
        assert!(task(TaskState::Running, 0, None).holds_awake());
        assert!(task(TaskState::Waiting, 1, Some(1)).holds_awake());
        assert!(!task(TaskState::Failed, 1, None).holds_awake());
        let quiet = BackgroundTask { keeps_awake: false, ..task(TaskState::Running, 0, None) };
        assert!(!quiet.holds_awake());
    }

    #[test]
    fn it_is_read_as_the_host_writes_it() {
        let text = r#"[{"name": "poll", "state": "waiting", "failures": 2, "error": "OSError: no",
            "since": 5, "retry_at": 7, "keeps_awake": false}]"#;
        let tasks: Vec<BackgroundTask> = serde_json::from_str(text).unwrap();
        assert_eq!((tasks[0].state, tasks[0].retry_at), (TaskState::Waiting, Some(7)));
    }
}

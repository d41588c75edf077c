//! The settings of a running daemon, which follow `config.toml` as far as they can.

use std::sync::Arc;

use tokio::sync::watch;

use super::table::{self, Row};
use super::{Resolved, Settings, Source};

/// The settings in force.
#[derive(Debug)]
pub struct Live {
    /// Those that the daemon started with.
    first: Arc<Settings>,
    now: watch::Sender<Arc<Settings>>,
}

impl Live {
    /// Returns the settings that a daemon starts with.
    pub fn new(settings: Settings) -> Live {
        let first = Arc::new(settings);
        Live { now: watch::Sender::new(first.clone()), first }
    }

    /// Returns the settings in force.
    pub fn now(&self) -> Arc<Settings> {
        self.now.borrow().clone()
    }

    /// Returns a receiver of each change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Settings>> {
        self.now.subscribe()
    }

    /// Replaces the settings in force.
    pub fn replace(&self, settings: Settings) {
        self.now.send_replace(Arc::new(settings));
    }

    /// Returns the settings that only a restart applies, each as text for a person.
    pub fn pending(&self) -> Vec<String> {
        let now = self.now();
        let pending = changed(&self.first, &now).filter(|(row, ..)| row.restarts);
        let text = |(row, first, now): (&Row, &Resolved, &Resolved)| {
            format!(
                "`{}` in config.toml changed from {} to {}: `skills-daemon restart` applies it",
                row.key, first.text, now.text
            )
        };
        pending.map(text).collect()
    }
}

/// Returns the settings of the top level that differ, with both values.
fn changed<'a>(
    before: &'a Settings,
    after: &'a Settings,
) -> impl Iterator<Item = (&'static Row, &'a Resolved, &'a Resolved)> {
    let differing = before.top.iter().zip(&after.top).filter(|(a, b)| a.text != b.text);
    differing.filter_map(|(before, after)| Some((table::row_of(after.row)?, before, after)))
}

/// Returns the settings that differ and that the running daemon applies, each as `key = value`.
pub fn applied(before: &Settings, after: &Settings) -> Vec<String> {
    let of_daemon = changed(before, after).filter(|(row, ..)| !row.restarts);
    let entry = |(row, _, after): (&Row, &Resolved, &Resolved)| {
        let source = if after.source == Source::Default { " (default)" } else { "" };
        format!("{} = {}{source}", row.key, after.text)
    };
    let mut applied: Vec<String> = of_daemon.map(entry).collect();
    let names = before.of_plugins.keys().chain(after.of_plugins.keys());
    let differs = |name: &&String| before.of_plugins.get(*name) != after.of_plugins.get(*name);
    let differing: std::collections::BTreeSet<&String> = names.filter(differs).collect();
    applied.extend(differing.into_iter().map(|name| format!("[plugins.{name}]")));
    let secrets = before.secrets.differing(&after.secrets);
    applied.extend(secrets.into_iter().map(|name| format!("secrets of {name}")));
    if before.dependencies != after.dependencies {
        applied.push("[dependencies]".to_owned());
    }
    if before.agents != after.agents {
        applied.push("[agents]".to_owned());
    }
    if before.limits != after.limits {
        applied.push("[limits]".to_owned());
    }
    if before.access.allowed_origins != after.access.allowed_origins {
        applied.push("allowed_origins".to_owned());
    }
    if before.access.tcp_token != after.access.tcp_token {
        applied.push("tcp_token".to_owned());
    }
    applied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use std::path::Path;

    fn settings(text: &str) -> Settings {
        Settings::resolve(text.parse().unwrap(), Path::new("c"), &Environment::default()).unwrap()
    }

    #[test]
    fn what_a_restart_applies_is_pending_until_it_is_taken_back() {
        let live = Live::new(settings("port = 1\nlog_level = 'info'"));
        live.replace(settings("port = 2\nlog_level = 'debug'"));
        assert_eq!(
            live.pending(),
            ["`port` in config.toml changed from 1 to 2: `skills-daemon restart` applies it"]
        );
        live.replace(settings("port = 1\npython = '/p'"));
        assert_eq!(
            live.pending(),
            [
                "`python` in config.toml changed from the default to /p: `skills-daemon restart` applies it"
            ]
        );
        live.replace(settings("port = 1"));
        assert!(live.pending().is_empty());
    }

    #[test]
    fn what_the_daemon_applies_is_named() {
        let before = settings("timeout = 5\nport = 1\n[plugins.a]\nx = 1\n[plugins.b]\nx = 1");
        let after = settings(
            "log_level = 'debug'\nport = 2\n[plugins.a]\nx = 2\n[plugins.b]\nx = 1\n\
             [dependencies]\noffline = true\n[agents]\nskills = ['/s']\n[limits]\nconnections = 9",
        );
        assert_eq!(
            applied(&before, &after),
            [
                "timeout = 1800 s (default)",
                "log_level = DEBUG",
                "[plugins.a]",
                "[dependencies]",
                "[agents]",
                "[limits]"
            ]
        );
    }
}

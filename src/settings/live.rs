//! The settings of a running daemon, which follow `config.toml` as far as they can.

use std::fmt::Display;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Setting, Settings, Source};

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
        let (first, now) = (&*self.first, self.now());
        let python = |settings: &Settings| {
            settings
                .python
                .as_ref()
                .map_or("the default".to_owned(), |python| python.value.display().to_string())
        };
        [
            pending("host", &first.host.value, &now.host.value),
            pending("port", &first.port.value, &now.port.value),
            pending("python", &python(first), &python(&now)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn pending<T: Display + PartialEq>(key: &str, first: &T, now: &T) -> Option<String> {
    (first != now).then(|| {
        format!(
            "`{key}` in config.toml changed from {first} to {now}: `skills-daemon restart` applies it"
        )
    })
}

/// Returns the settings that differ and that the running daemon applies, each as `key = value`.
pub fn applied(before: &Settings, after: &Settings) -> Vec<String> {
    fn entry<T: Display + PartialEq>(
        key: &str,
        before: &Setting<T>,
        after: &Setting<T>,
    ) -> Option<String> {
        let source = if after.source == Source::Default { " (default)" } else { "" };
        (before.value != after.value).then(|| format!("{key} = {}{source}", after.value))
    }
    let mut applied: Vec<String> = [
        entry("timeout", &before.idle_timeout, &after.idle_timeout),
        entry("shutdown_timeout", &before.shutdown_timeout, &after.shutdown_timeout),
        entry("hook_timeout", &before.hook_timeout, &after.hook_timeout),
        entry("log_level", &before.log_level, &after.log_level),
        entry("wrappers", &before.wrappers, &after.wrappers),
    ]
    .into_iter()
    .flatten()
    .collect();
    let names = before.of_plugins.keys().chain(after.of_plugins.keys());
    let differs = |name: &&String| before.of_plugins.get(*name) != after.of_plugins.get(*name);
    let differing: std::collections::BTreeSet<&String> = names.filter(differs).collect();
    applied.extend(differing.into_iter().map(|name| format!("[plugins.{name}]")));
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

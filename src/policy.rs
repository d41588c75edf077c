//! How the daemon runs a plugin: the manifest's wishes and the user's settings, resolved to one [`Policy`].
//!
//! The user's `[plugins.NAME]` wins over the manifest. Nothing else combines the two.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::limits::Limits;
use crate::limits::admission::Admission;
use crate::manifest::{Load, Manifest};
use crate::settings::Settings;
use crate::settings::plugin::PluginSettings;
use crate::settings::secrets::OfPlugin;

/// How many requests may wait for a plugin, unless a limit is set.
pub const WAITING: u32 = 4096;

/// How the daemon runs a plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// How many event loops run its `async def` handlers; at least 1.
    pub loops: usize,
    /// When it is loaded.
    pub load: Load,
    /// Two versions of it cannot be loaded at once.
    pub exclusive: bool,
    /// The daemon does not end for lack of requests while it is loaded.
    pub resident: bool,
    /// How long a command may take.
    timeout: Option<Duration>,
    /// How long single commands may take, by name.
    timeouts: BTreeMap<String, Duration>,
    /// How much of the daemon it may take.
    pub limits: Limits,
    /// Environment variables that are set before it is imported.
    pub env: BTreeMap<String, String>,
    /// The variables of its callers that it gets, by name, or by the begin of names followed by `*`.
    pub caller_env: Vec<String>,
    /// The user's table for it.
    pub settings: Map<String, Value>,
    /// Its secrets.
    pub secrets: OfPlugin,
}

impl Policy {
    /// Returns the policy of the plugin `name` under the settings and secrets in force.
    pub fn under(settings: &Settings, name: &str, manifest: &Manifest) -> Policy {
        let secrets = settings.secrets.of(name);
        Policy { secrets, ..Policy::of(manifest, settings.of_plugins.get(name)) }
    }

    /// Returns the policy of a plugin with `manifest` and the user's `settings`, and without secrets.
    pub fn of(manifest: &Manifest, settings: Option<&PluginSettings>) -> Policy {
        let own = PluginSettings::default();
        let settings = settings.unwrap_or(&own);
        let (daemon, limits) = (&manifest.daemon, &settings.limits);
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        // A timeout that the user sets is for all commands.
        let timeouts = match settings.timeout {
            Some(_) => BTreeMap::new(),
            None => daemon.timeouts.iter().map(|(name, it)| (name.clone(), seconds(*it))).collect(),
        };
        Policy {
            loops: settings.loops.unwrap_or(daemon.loops),
            load: daemon.load,
            exclusive: daemon.exclusive,
            resident: daemon.resident,
            timeout: settings.timeout.or(daemon.timeout).map(seconds),
            timeouts,
            limits: Limits {
                concurrent: limits.concurrent.or(daemon.limits.concurrent),
                waiting: limits.waiting.or(daemon.limits.waiting),
                memory: limits.memory.or(daemon.limits.memory),
            },
            env: settings.env.clone(),
            caller_env: manifest.env.clone(),
            settings: settings.table.clone(),
            secrets: OfPlugin::default(),
        }
    }

    /// True if a plugin that was imported with the policy `other` may be another with this one.
    pub fn differs_at_import(&self, other: &Policy) -> bool {
        (self.loops, &self.env, &self.settings, &self.secrets)
            != (other.loops, &other.env, &other.settings, &other.secrets)
    }

    /// True if any command has a limit of time.
    pub fn has_timeouts(&self) -> bool {
        self.timeout.is_some() || !self.timeouts.is_empty()
    }

    /// Returns how many requests may wait for the plugin.
    pub fn waiting(&self) -> u32 {
        self.limits.waiting.unwrap_or(WAITING)
    }

    /// Returns the admission of requests to a version of the plugin; `None` without a limit of those at once.
    pub fn admission(&self) -> Option<Arc<Admission>> {
        Some(Admission::new(self.limits.concurrent?, self.waiting()))
    }

    /// Returns the longest limit of any command; `None` if none has one.
    pub fn longest_timeout(&self) -> Option<Duration> {
        self.timeouts.values().copied().chain(self.timeout).max()
    }

    /// Returns how long `command` may take; `None` without a limit.
    pub fn timeout(&self, command: Option<&str>) -> Option<Duration> {
        command.and_then(|command| self.timeouts.get(command).copied()).or(self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn manifest(text: &str) -> Manifest {
        Manifest::parse(text, Path::new("m")).unwrap()
    }

    #[test]
    fn settings_of_the_user_win_over_the_manifest() {
        let manifest = manifest(
            r#"{"daemon": {"loops": 2, "timeout": 9, "timeouts": {"a": 5},
                "limits": {"concurrent": 1, "memory": 2}}}"#,
        );
        let own = Policy::of(&manifest, None);
        assert!(own.has_timeouts() && !Policy::default().has_timeouts());
        assert_eq!((own.loops, own.limits.concurrent, own.limits.waiting), (2, Some(1), None));
        assert_eq!(own.timeout(Some("a")), Some(Duration::from_secs(5)));
        assert_eq!(own.timeout(Some("b")), Some(Duration::from_secs(9)));
        assert_eq!(own.longest_timeout(), Some(Duration::from_secs(9)));
        let longer = Policy { timeout: None, ..own.clone() };
        assert_eq!(longer.longest_timeout(), Some(Duration::from_secs(5)));
        let limits = Limits { concurrent: Some(7), ..Limits::default() };
        let settings = PluginSettings {
            timeout: Some(3),
            limits,
            loops: Some(4),
            ..PluginSettings::default()
        };
        let policy = Policy::of(&manifest, Some(&settings));
        assert_eq!((policy.loops, policy.limits.concurrent), (4, Some(7)));
        assert_eq!(policy.limits.memory, Some(2));
        assert_eq!(policy.timeout(Some("a")), Some(Duration::from_secs(3)));
    }
}

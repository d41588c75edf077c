//! Plugins, and settings of single plugins.

use super::super::facts::{Installation, PluginOnDisk};
use super::super::{Check, Control, Group, Verdict};
use crate::nearest::nearest;
use crate::wire::{BackgroundTask, PluginState, PluginStatus, Reload, TaskState};

const GROUP: Group = Group::Plugins;

/// Checks each plugin: in the running daemon, else on disk.
pub fn plugins(installation: &Installation) -> Vec<Check> {
    match installation.daemon.status() {
        Some(status) => {
            status.plugins.iter().map(|plugin| loaded(plugin, &installation.control)).collect()
        }
        None => installation.plugins.iter().map(on_disk).collect(),
    }
}

/// Judges a plugin of the running daemon; one that sleeps is healthy.
fn loaded(plugin: &PluginStatus, control: &Control) -> Check {
    let name = format!("plugin {}", plugin.name);
    let failing = plugin.background.iter().filter_map(failing_task);
    let reports: Vec<String> = plugin.notices.iter().cloned().chain(failing).collect();
    let detail: Vec<String> = plugin.state.detail().into_iter().chain(reports.clone()).collect();
    let detail = detail.join("; ");
    let check = match &plugin.state {
        PluginState::Asleep => Check::ok(GROUP, &name, format!("asleep: {detail}")),
        PluginState::Failed(_) | PluginState::Ready { reload: Reload::Failed(_), .. } => {
            Check::failed(GROUP, &name, detail)
                .command(control.line(&format!("reload {}", plugin.name)))
        }
        PluginState::Ready { complaints, .. } if complaints.is_empty() && reports.is_empty() => {
            Check::ok(GROUP, &name, plugin.path.as_str())
        }
        PluginState::Loading(_) if reports.is_empty() => Check::ok(GROUP, &name, detail),
        PluginState::Ready { .. } | PluginState::Loading(_) => Check::warning(GROUP, &name, detail),
    };
    match plugin.state.hint() {
        Some(hint) => check.remedy(hint),
        None if check.verdict == Verdict::Warning => check.command(control.line("logs")),
        None => check,
    }
}

/// Judges a plugin that is not loaded, by its manifest.
fn on_disk(plugin: &PluginOnDisk) -> Check {
    let name = format!("plugin {}", plugin.source.working_name());
    let place = plugin.source.path.display();
    match &plugin.manifest {
        Ok(_) => Check::ok(GROUP, &name, format!("{place}, not loaded")),
        Err(error) => {
            Check::failed(GROUP, &name, error.as_str()).remedy("Correct it, or remove the plugin.")
        }
    }
}

/// Returns the report of a background task that has failed and has not recovered.
fn failing_task(task: &BackgroundTask) -> Option<String> {
    let error = task.error.as_deref().filter(|_| task.state != TaskState::Running)?;
    Some(format!("background task {} failed: {error}", task.name))
}

/// Returns warnings about plugins that crashed a daemon which does not run now.
pub fn crashed(installation: &Installation) -> Vec<Check> {
    let check = |text: &String| {
        Check::warning(GROUP, "crash", text.as_str()).remedy(format!(
            "Correct the plugin: a plugin that crashed twice is set aside until its files change, or until `{}`.",
            installation.control.line("reload NAME")
        ))
    };
    installation.crashes.iter().map(check).collect()
}

/// Checks that each `[plugins.NAME]` is about a plugin.
pub fn plugin_settings(installation: &Installation) -> Vec<Check> {
    let Ok(settings) = &installation.settings else { return Vec::new() };
    let known = |name: &String| installation.plugin_names.contains(name);
    let unknown = settings.of_plugins.keys().filter(|name| !known(name));
    let check = |name: &String| {
        let near = nearest(name, installation.plugin_names.iter().map(String::as_str));
        let meant = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let evidence = format!("no plugin is called `{name}`{meant}");
        Check::warning(GROUP, &format!("settings [plugins.{name}]"), evidence)
            .remedy(format!(
                "Correct or remove the table in {}.",
                installation.paths.config_file().display()
            ))
            .command(installation.control.line("config edit"))
    };
    unknown.map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Kind};

    fn plugin(state: PluginState) -> PluginStatus {
        PluginStatus {
            name: "jira".into(),
            path: "/p".into(),
            commands: 1,
            state,
            notices: Vec::new(),
            background: Vec::new(),
            traffic: None,
        }
    }

    #[test]
    fn a_sleeping_plugin_is_healthy_and_a_failed_one_has_a_reason() {
        let judged = |state| loaded(&plugin(state), &Control::default());
        let asleep = judged(PluginState::Asleep);
        assert_eq!((asleep.verdict, asleep.remedy), (Verdict::Ok, None));
        let ready = PluginState::Ready { complaints: Vec::new(), reload: Reload::Idle };
        assert_eq!(judged(ready).verdict, Verdict::Ok);
        let failure = Failure::new(Kind::Plugin, "set aside").hint("Change it.");
        let failed = judged(PluginState::Failed(failure));
        assert_eq!(failed.verdict, Verdict::Failed);
        assert_eq!(failed.evidence, "set aside");
        assert_eq!(failed.remedy.as_deref(), Some("Change it."));
        assert_eq!(failed.command.as_deref(), Some("skills-daemon reload jira"));
    }
}

//! Settings and secrets.

use super::super::facts::Installation;
use super::super::{Check, Fix, Group};
use super::places::quoted;
use crate::settings::{Settings, Source};

const GROUP: Group = Group::Places;

/// Checks that the configuration is valid and has no unknown settings.
pub fn configuration(installation: &Installation) -> Check {
    const NAME: &str = "configuration";
    let edit = installation.control.line("config edit");
    match &installation.settings {
        Err(failure) => {
            let hint = "Correct it: README lists all settings and their values.";
            Check::failed(GROUP, NAME, &failure.error)
                .remedy(failure.hint.as_deref().unwrap_or(hint))
                .command(edit)
        }
        Ok(settings) if !settings.unknown.is_empty() => {
            Check::warning(GROUP, NAME, unknown_settings(settings))
                .remedy(format!(
                    "Correct or remove it in {}: README lists all settings.",
                    installation.paths.config_file().display()
                ))
                .command(edit)
        }
        Ok(settings) => Check::ok(GROUP, NAME, changed(settings)),
    }
}

/// Returns the unknown settings, with those that were probably meant.
fn unknown_settings(settings: &Settings) -> String {
    let unknown: Vec<String> = settings.unknown.iter().map(ToString::to_string).collect();
    unknown.join("; ")
}

/// Returns the settings that differ from their defaults, with their sources.
fn changed(settings: &Settings) -> String {
    let changed = settings.top.iter().filter(|it| it.source != Source::Default);
    let changed: Vec<String> =
        changed.map(|it| format!("{} = {} ({})", it.row, it.text, it.source)).collect();
    if changed.is_empty() { "all defaults".to_owned() } else { changed.join(", ") }
}

/// Checks that the secrets of plugins can be read, by their owner alone; `None` without any.
pub fn secrets(installation: &Installation) -> Option<Check> {
    const NAME: &str = "secrets";
    match &installation.secrets {
        Err(failure) => {
            let check = Check::failed(GROUP, NAME, &failure.error)
                .remedy(failure.hint.as_deref().unwrap_or_default());
            let file = installation.paths.secrets_file();
            Some(match installation.secrets_are_open {
                true => check
                    .command(format!("chmod 600 {}", quoted(&file.display().to_string())))
                    .fix(Fix::CloseFile(file)),
                false => check,
            })
        }
        Ok(secrets) if secrets.0.is_empty() => None,
        Ok(secrets) => {
            let names: Vec<&str> = secrets.0.keys().map(String::as_str).collect();
            let evidence = format!("plugins with secrets: {}", names.join(", "));
            Some(Check::ok(GROUP, NAME, evidence))
        }
    }
}

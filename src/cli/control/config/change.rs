//! `skills-daemon config set` and `unset`.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::super::Context;
use super::checked;
use crate::agents::file;
use crate::completion;
use crate::failure::{Failure, Kind};
use crate::lifecycle;
use crate::settings::{edit, origins, read, table};

/// The permissions of a new `config.toml`.
pub(super) const MODE: u32 = 0o644;

#[derive(Args)]
pub(super) struct Set {
    /// A setting, with its sections: agents.tools_max
    #[arg(value_name = "KEY", add = ArgValueCandidates::new(completion::settings))]
    key: String,
    /// Its value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

#[derive(Args)]
pub(super) struct Unset {
    /// A setting, or a whole section such as `plugins.jira`
    #[arg(value_name = "KEY", add = ArgValueCandidates::new(completion::settings))]
    key: String,
}

/// Sets a value.
pub(super) fn set(context: &Context, arguments: &Set) -> Result<(), Failure> {
    let key = parts(&arguments.key)?;
    let path = context.paths.config_file();
    let value = edit::value_of(&arguments.value);
    let shown = format!("{} = {value}", edit::joined(&key));
    let text = edit::set(&read(&path)?, &key, value)
        .map_err(|message| Failure::new(Kind::Usage, format!("{}: {message}", path.display())))?;
    check(context, &text, &key)?;
    file::write(&path, &text, MODE)?;
    context.print(&format!("{shown} ({})", path.display()));
    note(context, &key);
    Ok(())
}

/// Removes a value.
pub(super) fn unset(context: &Context, arguments: &Unset) -> Result<(), Failure> {
    let key = parts(&arguments.key)?;
    let joined = edit::joined(&key);
    let path = context.paths.config_file();
    let edited = edit::unset(&read(&path)?, &key)
        .map_err(|message| Failure::environment(format!("{}: {message}", path.display())))?;
    let Some(text) = edited else {
        let similar = origins::similar(&key.join("."));
        let is_known = table::find(key.iter().map(String::as_str)).is_some();
        if !is_known && similar.is_some() {
            return Err(unknown(&joined, similar));
        }
        context.print(&format!("`{joined}` is not set in {}", path.display()));
        return Ok(());
    };
    checked(context, &text)?;
    file::write(&path, &text, MODE)?;
    context.print(&format!("removed: {joined} ({})", path.display()));
    note(context, &key);
    Ok(())
}

/// Checks a changed file, and that it has the setting `key`.
fn check(context: &Context, text: &str, key: &[String]) -> Result<(), Failure> {
    let wrong = |mut failure: Failure| {
        failure.kind = Kind::Usage;
        failure.hint =
            Some("Nothing was changed. `skills-daemon config edit` opens the file.".into());
        failure
    };
    let settings = checked(context, text).map_err(wrong)?;
    let plain = key.join(".");
    let is_it = |it: &&str| plain == **it || plain.starts_with(&format!("{it}."));
    match settings.unknown.iter().find(|unknown| is_it(&unknown.key.as_str())) {
        Some(unknown_setting) => {
            Err(unknown(&unknown_setting.key, unknown_setting.similar.clone()))
        }
        None => Ok(()),
    }
}

/// Says what a person who changed `key` may not expect.
fn note(context: &Context, key: &[String]) {
    let Some(row) = table::find(key.iter().map(String::as_str)) else {
        // Any key in the table of a plugin is the plugin's own.
        let similar = origins::similar(&key.join(".")).filter(|_| key.len() > 2);
        if let Some(similar) = similar {
            let joined = edit::joined(key);
            context.console.warning(&format!(
                "`{joined}` is a setting of the plugin's own (did you mean `{similar}`?)"
            ));
        }
        return;
    };
    if let Some(name) = row.variable.filter(|name| context.env.get(name).is_some()) {
        context.console.warning(&format!("{name} is set and takes precedence over the file"));
    }
    // One that hangs or cannot be reached runs, too.
    let runs = || !matches!(lifecycle::connect(&context.paths), Ok(None));
    if row.restarts && runs() {
        context
            .print("A running daemon keeps its value: `skills-daemon restart` applies this one.");
    }
}

/// Splits a key into its parts.
pub(super) fn parts(key: &str) -> Result<Vec<String>, Failure> {
    edit::parts(key).map_err(|message| {
        Failure::new(Kind::Usage, message)
            .hint("A key has its sections before it: agents.tools_max")
    })
}

/// Returns the failure of an unknown setting.
pub(super) fn unknown(key: &str, similar: Option<String>) -> Failure {
    let meant = similar.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    Failure::new(Kind::Usage, format!("unknown setting `{key}`{meant}"))
        .hint("`skills-daemon config show` lists all settings.")
}

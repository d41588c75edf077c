//! Answers of the client itself, from the descriptions on disk: no daemon, no Python, no waiting.

use serde_json::Value;

use crate::help;
use crate::lifecycle;
use crate::paths::Paths;
use crate::store::{Record, Store};

/// Returns the help of `plugin` if no daemon runs and the plugin's files are those of the description.
pub(super) fn help(
    paths: &Paths,
    store: &Store,
    plugin: &str,
    arguments: &[String],
) -> Option<Value> {
    // Where the state of the daemon is unknown, the description on disk is the best source.
    if matches!(lifecycle::connect(paths), Ok(Some(_))) {
        return None;
    }
    store.read(plugin).filter(Record::is_fresh).map(|record| answer(&record, arguments))
}

/// Returns the help of `plugin` from its last load.
pub(super) fn old_help(store: &Store, plugin: &str, arguments: &[String]) -> Option<Value> {
    store.read(plugin).map(|record| answer(&record, arguments))
}

/// Returns the section of `skills-client --help` that lists the plugins; empty without any.
pub(super) fn plugins(store: &Store) -> String {
    let records = store.all();
    let longest = records.iter().map(|record| record.description.name.len()).max().unwrap_or(0);
    let line = |record: &Record| {
        let description = &record.description;
        format!("\n    {:longest$}    {}", description.name, description.description)
    };
    let lines: String = records.iter().map(|record| line(record).trim_end().to_owned()).collect();
    if lines.is_empty() { lines } else { format!("\n\nPlugins:{lines}") }
}

fn answer(record: &Record, arguments: &[String]) -> Value {
    help::answer(&record.description, help::asked(arguments).as_deref())
}

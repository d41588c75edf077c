//! `config.toml`: a key, a value and the text, each to the end of its line; the text is resolved, and edited.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use skills_daemon::environment::Environment;
use skills_daemon::settings::secrets::Secrets;
use skills_daemon::settings::{Settings, edit, parsed};
use toml::{Table, Value};

fuzz_target!(|data: &[u8]| {
    let input = String::from_utf8_lossy(data);
    let mut pieces = input.splitn(3, '\n');
    let (Some(key), Some(value), Some(text)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return;
    };
    let file = Path::new("/c/config.toml");
    let _ = Secrets::parsed(text, file);
    let before = parsed(text, file).ok();
    if let Some(table) = &before {
        let variables = [("HOME", "/h"), ("SKILLS_DAEMON_PORT", value), ("SKILLS_DAEMON_HOST", key)];
        let none = Environment::default();
        for env in variables.iter().fold(vec![none], |mut all, (name, value)| {
            all.push(all[all.len() - 1].clone().with(name, value));
            all
        }) {
            if let Ok(settings) = Settings::resolve(table.clone(), file, &env) {
                assert!(settings.unknown.iter().all(|unknown| !unknown.to_string().is_empty()));
            }
        }
    }
    let Ok(parts) = edit::parts(key) else { return };
    assert_eq!(edit::parts(&edit::joined(&parts)).as_ref(), Ok(&parts));
    let value = edit::value_of(value);
    match (edit::set(text, &parts, value.clone()), &before) {
        (Ok(_), None) => panic!("edited what is no TOML"),
        (Err(message), _) => assert!(!message.is_empty()),
        (Ok(edited), Some(before)) => {
            let mut after = table_of(&edited);
            let wanted = table_of(&format!("x = {value}")).remove("x");
            assert_eq!(take(&mut after, &parts), wanted, "{edited}");
            let mut before = before.clone();
            take(&mut before, &parts);
            assert_eq!(pruned(after), pruned(before), "{edited}");
            kept(text, &edited);
        }
    }
    match (edit::unset(text, &parts), before) {
        (Ok(_), None) => panic!("edited what is no TOML"),
        (Ok(Some(edited)), Some(mut before)) => {
            assert!(take(&mut before, &parts).is_some());
            assert_eq!(pruned(table_of(&edited)), pruned(before), "{edited}");
        }
        (Ok(None), Some(mut before)) => assert_eq!(take(&mut before, &parts), None),
        (Err(message), _) => assert!(!message.is_empty()),
    }
});

fn table_of(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Takes the value at `key` out of `table`.
fn take(table: &mut Table, key: &[String]) -> Option<Value> {
    let (last, sections) = key.split_last()?;
    let table = sections.iter().try_fold(table, |table, section| table.get_mut(section)?.as_table_mut());
    table?.remove(last)
}

/// Returns `table` without tables that are empty.
fn pruned(table: Table) -> Table {
    let each = table.into_iter().map(|(key, value)| match value {
        Value::Table(inner) => (key, Value::Table(pruned(inner))),
        other => (key, other),
    });
    each.filter(|(_, value)| value.as_table().is_none_or(|table| !table.is_empty())).collect()
}

/// Checks that comments on lines of their own are kept, where they are certain to be comments outside of values.
fn kept(text: &str, edited: &str) {
    if text.contains(['"', '\'', '[', '{']) {
        return;
    }
    let comments = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| line.starts_with('#')).collect()
    };
    assert_eq!(comments(edited), comments(text));
}

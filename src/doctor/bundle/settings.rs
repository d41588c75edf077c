//! `config.toml` for others: what is the daemon's own is shown, what is a plugin's is not.

use toml::{Table, Value};

use crate::doctor::redact::is_secret;

/// The settings of a plugin that are the daemon's own.
const OF_PLUGINS: [&str; 4] = ["enabled", "loops", "timeout", "limits"];
/// What is in the place of a value.
const REMOVED: &str = "[removed]";

/// Returns the settings without comments and without the values of plugins.
pub(super) fn shown(text: &str) -> String {
    let Ok(mut table) = text.parse::<Table>() else {
        // Without its structure it is not certain what is a secret.
        return format!("# not shown: {} lines that are not TOML\n", text.lines().count());
    };
    for plugin in table.get_mut("plugins").and_then(Value::as_table_mut).into_iter().flatten() {
        if let Value::Table(settings) = plugin.1 {
            let own = settings.iter_mut().filter(|(key, _)| !OF_PLUGINS.contains(&key.as_str()));
            own.for_each(|(_, value)| remove(value));
        }
    }
    toml::to_string(&table).unwrap_or_default()
}

/// Takes the texts and numbers out of a value; the names in it stay.
fn remove(value: &mut Value) {
    match value {
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| remove(value)),
        other => *other = Value::String(REMOVED.to_owned()),
    }
}

/// Returns the values in `text`, a TOML file, whose names are those of secrets.
pub(super) fn secrets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(table) = text.parse::<Table>() {
        collect(&table, false, &mut found);
    }
    found
}

/// Returns all texts in `text`, a TOML file.
pub(super) fn texts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    match text.parse::<Table>() {
        Ok(table) => collect(&table, true, &mut found),
        // Any word in quotes may be one.
        Err(_) => found.extend(text.split(['"', '\'', '\n', '=']).map(|it| it.trim().to_owned())),
    }
    found
}

fn collect(table: &Table, all: bool, found: &mut Vec<String>) {
    for (name, value) in table {
        let all = all || is_secret(name);
        match value {
            Value::Table(table) => collect(table, all, found),
            Value::String(text) if all => found.push(text.clone()),
            Value::Array(items) if all => {
                found.extend(items.iter().filter_map(|it| it.as_str().map(str::to_owned)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_plugins_are_removed_and_their_names_stay() {
        let text = "port = 1 # ada\n[plugins.jira]\nenabled = true\nurl = 'https://x'\nport = 7\n\
                    [plugins.jira.env]\nA = 'b'\n[plugins.jira.limits]\nmemory = 5\n";
        let shown = shown(text);
        for kept in
            ["port = 1", "enabled = true", "url = \"[removed]\"", "A = \"[removed]\"", "memory = 5"]
        {
            assert!(shown.contains(kept), "{kept} is not in {shown}");
        }
        for removed in ["ada", "https", "7", "'b'"] {
            assert!(!shown.contains(removed), "{removed} is in {shown}");
        }
        assert_eq!(super::shown("token = = 'x'"), "# not shown: 1 lines that are not TOML\n");
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        let text = "a = 'x'\napi_key = 'y'\n[token]\nb = 'z'\n";
        assert_eq!(secrets(text), ["y", "z"]);
        assert_eq!(texts(text), ["x", "y", "z"]);
        assert!(texts("[jira]\ntoken = hidden").contains(&"hidden".to_owned()));
    }
}

//! The text that `config edit` begins with where no `config.toml` exists: every setting as a comment.

use super::table::{ANY, ROWS};

/// Returns the text, which sets nothing.
pub fn text() -> String {
    let mut text = String::from(
        "# Settings of skills-daemon. Each line is the default; without the # it takes effect.\n",
    );
    let mut before = "";
    for row in ROWS.iter().filter(|row| !row.key.contains(ANY)) {
        let (section, name) = row.key.split_once('.').unwrap_or(("", row.key));
        if section != before {
            text.push_str(&format!("\n# [{section}]\n"));
            before = section;
        }
        let default = if row.default.is_empty() { "\"…\"" } else { row.default };
        text.push_str(&format!("\n# {}\n# {name} = {default}\n", row.meaning));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::settings::Settings;
    use std::path::Path;

    #[test]
    fn it_sets_nothing_and_its_lines_are_settings() {
        assert!(text().parse::<toml::Table>().unwrap().is_empty());
        let is_line = |line: &&str| line.starts_with('[') || line.contains(" = ");
        let lines = text().replace("# ", "");
        let lines: Vec<&str> =
            lines.lines().filter(is_line).filter(|it| !it.contains('…')).collect();
        let table = lines.join("\n").parse().unwrap();
        let settings = Settings::resolve(table, Path::new("/c"), &Environment::default()).unwrap();
        assert!(settings.unknown.is_empty(), "{:?}", settings.unknown);
    }
}

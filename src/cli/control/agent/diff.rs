//! Two texts as lines that were removed and added: the part between their common beginning and their common end.

use crate::console::Style;

/// Unchanged lines around the change.
const AROUND: usize = 1;
/// The longest line that is shown whole, in characters.
const LINE_MAX: usize = 110;

/// Returns the lines of the change from `before` to `after`.
pub(super) fn lines(before: &str, after: &str, style: Style) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let alike = |(one, other): &(&&str, &&str)| one == other;
    let start = old.iter().zip(&new).take_while(alike).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(alike).count();
    let Style { red, green, reset, .. } = style;
    let same = |line: &&str| format!("    {}", shown(line)).trim_end().to_owned();
    let marked = |color: &str, mark: char, line: &&str| {
        let line = format!("  {mark} {}", shown(line));
        format!("{color}{}{reset}", line.trim_end())
    };
    let mut lines: Vec<String> =
        old[start.saturating_sub(AROUND)..start].iter().map(same).collect();
    let removed = old[start..old.len() - end].iter();
    lines.extend(removed.map(|line| marked(red, '-', line)));
    let added = new[start..new.len() - end].iter();
    lines.extend(added.map(|line| marked(green, '+', line)));
    let after = &old[old.len() - end..];
    lines.extend(after.iter().take(AROUND).map(same));
    lines
}

fn shown(line: &str) -> String {
    match line.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_a_line_around() {
        let diff = |before, after| lines(before, after, Style::PLAIN);
        assert_eq!(
            diff("{\n1\n2\n}\n", "{\n1,\n3\n2\n}\n"),
            ["    {", "  - 1", "  + 1,", "  + 3", "    2"]
        );
        assert_eq!(diff("", "a\n"), ["  + a"]);
        assert_eq!(diff("a\n\na\n", "a\n"), ["    a", "  -", "  - a"]);
        assert_eq!(diff("a", "a"), ["    a"]);
        assert_eq!(diff("", &"x".repeat(200))[0].chars().count(), LINE_MAX + 5);
    }
}

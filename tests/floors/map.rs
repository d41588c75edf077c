//! The map in `src/lib.rs`: a table in its docs, a row for each module.

use crate::source::Source;

/// A row: floor and module.
pub(crate) type Row = (u32, String);

/// The rows of the table in the docs of `lib`, ``| 1 | [`name`] | … |``.
pub(crate) fn rows(lib: &Source) -> Vec<Row> {
    lib.text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.strip_prefix("//! |")?.split('|').map(str::trim);
    let floor = cells.next()?.parse().ok()?;
    let name = cells.next()?.trim_matches(['[', ']', '`']);
    Some((floor, name.to_owned()))
}

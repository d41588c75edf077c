//! A list of records as a table: a column for each key, a line for each record if it fits.
//!
//! `comfy-table` decides the widths of the columns and breaks cells by grapheme and width; this module
//! decides on the content of the cells, and when a table is too narrow to be read.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, Table as Grid, Width, presets,
};
use serde_json::Value;

use crate::console::Style;

use super::super::wrap::visible;
use super::{Fields, cell};

/// The gap between two columns of the table, in columns of the terminal.
const GAP: usize = 2;
/// The narrowest column, unless its content is narrower; in columns of the terminal.
const NARROWEST: usize = 12;
/// The most lines of a record; `…` ends a longer one.
const HIGHEST: usize = 3;

/// The content of a table.
pub(super) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    /// True for columns of numbers.
    numbers: Vec<bool>,
}

/// Returns a table of all keys of `records`, in order of their first appearance; none if a record holds lists of
/// records.
pub(super) fn of(records: &[&Fields]) -> Option<Table> {
    if !records.iter().flat_map(|fields| fields.values()).all(cell::fits) {
        return None;
    }
    let mut keys: Vec<&str> = Vec::new();
    for name in records.iter().flat_map(|fields| fields.keys()) {
        if !keys.contains(&name.as_str()) {
            keys.push(name);
        }
    }
    let row = |fields: &&Fields| -> Vec<String> {
        keys.iter().map(|key| fields.get(*key).map(cell::inline).unwrap_or_default()).collect()
    };
    let is_number = |key: &&str| {
        let mut values =
            records.iter().filter_map(|fields| fields.get(*key)).filter(|v| !v.is_null());
        let first = values.next();
        first.is_some_and(Value::is_number) && values.all(Value::is_number)
    };
    Some(Table {
        headings: keys.iter().map(|key| cell::one_line(key)).collect(),
        rows: records.iter().map(row).collect(),
        numbers: keys.iter().map(is_number).collect(),
    })
}

/// Returns a table of Jira issues, which have hundreds of fields, by key, status and summary.
pub(super) fn of_issues(records: &[&Fields]) -> Table {
    let row = |fields: &&Fields| -> Vec<String> {
        let details = fields.get("fields");
        let detail = |name: &str| details.and_then(|details| details.get(name)).map(cell::inline);
        let key = fields.get("key").map(cell::inline).unwrap_or_default();
        vec![key, detail("status").unwrap_or_default(), detail("summary").unwrap_or_default()]
    };
    Table {
        headings: ["key", "status", "summary"].map(str::to_owned).to_vec(),
        rows: records.iter().map(row).collect(),
        numbers: vec![false; 3],
    }
}

impl Table {
    /// Returns the lines of the table in at most `width` columns; none if it would be too narrow to be read.
    pub(super) fn lines(&self, style: &Style, width: usize) -> Option<Vec<String>> {
        let least: Vec<usize> = (0..self.headings.len()).map(|at| self.least(at)).collect();
        let gaps = GAP * least.len().saturating_sub(1);
        if least.is_empty() || least.iter().sum::<usize>() + gaps > width {
            return None;
        }
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX))
            .set_truncation_indicator("…")
            .set_header(&self.headings);
        for cells in &self.rows {
            let mut row = Row::from(cells.iter().map(Cell::new).collect::<Vec<_>>());
            row.max_height(HIGHEST);
            grid.add_row(row);
        }
        let last = least.len().saturating_sub(1);
        for (at, column) in grid.column_iter_mut().enumerate() {
            let gap = u16::try_from(if at == last { 0 } else { GAP }).unwrap_or(0);
            column.set_padding((0, gap));
            let least = least.get(at).and_then(|least| u16::try_from(*least).ok()).unwrap_or(0);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + gap)));
            if self.numbers.get(at) == Some(&true) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut lines: Vec<String> = grid.trim_fmt().lines().map(str::to_owned).collect();
        // No column is narrower than its heading, so that the headings are one line.
        if let Some(headings) = lines.first_mut() {
            *headings = format!("{}{headings}{}", style.bold, style.reset);
        }
        Some(lines)
    }

    /// Returns the least width of the column `at`.
    fn least(&self, at: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        let content = cells.map(|cell| visible(cell)).max().unwrap_or(0);
        let heading = self.headings.get(at).map_or(0, |heading| visible(heading));
        heading.max(content.min(NARROWEST)).max(1)
    }
}

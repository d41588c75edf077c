//! Records that come one by one as the rows of one table.
//!
//! A row is shown when its record comes, so the first record decides the columns and their widths. A record with other
//! keys begins another table.

use serde_json::Value;
use unicode_width::UnicodeWidthChar;

use super::super::wrap::visible;
use super::super::{Options, answer};
use super::{Fields, cell};

/// The gap between two columns of the table, in columns of the terminal.
const GAP: usize = 2;
/// The widest column that is wider than its first value, in columns of the terminal.
const ROOMY: usize = 32;
/// The narrowest column, in columns of the terminal.
const NARROWEST: usize = 6;

/// The table so far.
#[derive(Default)]
pub struct Rows {
    columns: Vec<Column>,
}

struct Column {
    key: String,
    width: usize,
    is_number: bool,
}

impl Rows {
    /// Returns the text of the next item, with headings where a table begins; an item that is no record as
    /// [`answer`] shows it.
    pub fn text(&mut self, item: &Value, options: &Options) -> String {
        let record = item.as_object().filter(|fields| {
            options.width > 0 && !fields.is_empty() && fields.values().all(cell::fits)
        });
        let Some(fields) = record else {
            self.columns.clear();
            return answer(item, options);
        };
        let has_same_keys = fields.keys().eq(self.columns.iter().map(|column| &column.key));
        if has_same_keys {
            return self.row(fields);
        }
        let gap = if self.columns.is_empty() { "" } else { "\n" };
        self.columns = columns(fields, options.width);
        let headings = self.line(|column| cell::one_line(&column.key));
        let (bold, reset) = (options.style.bold, options.style.reset);
        format!("{gap}{bold}{headings}{reset}\n{}", self.row(fields))
    }

    fn row(&self, fields: &Fields) -> String {
        self.line(|column| fields.get(&column.key).map(cell::inline).unwrap_or_default())
    }

    fn line(&self, text: impl Fn(&Column) -> String) -> String {
        let mut line = String::new();
        for (at, column) in self.columns.iter().enumerate() {
            let text = cut(&text(column), column.width);
            let space = " ".repeat(column.width.saturating_sub(visible(&text)));
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            match column.is_number {
                true => line.extend([space, text]),
                false => line.extend([text, space]),
            }
        }
        line.trim_end().to_owned()
    }
}

/// Returns the columns for records like `fields`: each as wide as its heading and its first value at least, the texts
/// wider where the terminal has room.
fn columns(fields: &Fields, width: usize) -> Vec<Column> {
    let column = |(key, value): (&String, &Value)| Column {
        width: visible(&cell::one_line(key)).max(visible(&cell::inline(value))).max(NARROWEST),
        key: key.clone(),
        is_number: value.is_number(),
    };
    let mut columns: Vec<Column> = fields.iter().map(column).collect();
    let room = width.saturating_sub(GAP * columns.len().saturating_sub(1));
    let used = |columns: &[Column]| columns.iter().map(|column| column.width).sum::<usize>();
    while used(&columns) > room {
        match columns.iter_mut().max_by_key(|column| column.width) {
            Some(widest) if widest.width > NARROWEST => widest.width -= 1,
            _ => break,
        }
    }
    let left = room.saturating_sub(used(&columns));
    let texts = columns.iter().filter(|column| !column.is_number).count();
    for column in columns.iter_mut().filter(|column| !column.is_number) {
        column.width = column.width.max((column.width + left / texts).min(ROOMY));
    }
    columns
}

/// Returns as much of `text` as fits into `width` columns; `…` ends what was cut.
fn cut(text: &str, width: usize) -> String {
    if visible(text) <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or_default();
        used <= width
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(items: &[Value], width: usize) -> String {
        let (mut rows, options) = (Rows::default(), Options { width, ..Options::default() });
        items.iter().map(|item| rows.text(item, &options) + "\n").collect()
    }

    #[test]
    fn records_are_rows_below_one_line_of_headings() {
        let items = [
            json!({"name": "one", "size": 1, "note": null}),
            json!({"name": "a long name that is cut", "size": 1000, "note": "漢字漢字漢字漢字漢"}),
        ];
        insta::assert_snapshot!(shown(&items, 40), @r"
        name               size  note
        one                   1
        a long name th…    1000  漢字漢字漢字漢…
        ");
    }

    #[test]
    fn other_records_begin_another_table_and_other_items_stand_between() {
        let items = [json!({"a": 1}), json!("text"), json!({"a": 2}), json!({"b": [1, 2]})];
        insta::assert_snapshot!(shown(&items, 40), @r"
             a
             1
        text
             a
             2

        b
        1, 2
        ");
    }

    #[test]
    fn a_table_of_many_columns_is_cut_to_the_terminal() {
        let fields = (0..4).map(|at| (format!("column {at}"), json!("x".repeat(30)))).collect();
        let text = shown(&[Value::Object(fields)], 50);
        assert!(text.lines().all(|line| visible(line) <= 50), "{text}");
        assert_eq!(shown(&[json!({"a": [{"x": []}]})], 40), "a:\n  x\n");
    }
}

//! Tables without lines between their cells.

use unicode_width::UnicodeWidthStr;

/// Returns lines with aligned columns, the head first.
pub(super) fn columns<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().chain([head]).map(|row| row[column].width());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let padded = cells.map(|(cell, width)| {
            format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(head).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let lines = columns(&row(["A", "B"]), &[row(["long", "x"]), row(["é", ""])]);
        assert_eq!(lines, ["A     B", "long  x", "é"]);
    }
}

//! Long lines broken at spaces, and the width of text on a terminal.

use unicode_width::UnicodeWidthStr;

/// Text with at least this indentation, in columns, is preformatted and not broken.
const PREFORMATTED: usize = 4;
/// The narrowest column of text into which lines are broken, in columns.
const NARROWEST: usize = 24;

/// Returns `text` with each line broken to `width` columns; indentation and the hanging indent of list items stay.
pub(super) fn text(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| {
        let bare = line.trim_start();
        let indent = line.chars().count() - bare.chars().count();
        if indent >= PREFORMATTED {
            return line.to_owned();
        }
        let is_item = bare.starts_with("- ") || bare.starts_with("* ");
        let hang = if is_item { indent + 2 } else { indent };
        hanging(line.trim_end(), hang, width)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns `line` broken to `width` columns, all lines but the first indented by `indent`; colour codes take no
/// room.
pub(super) fn hanging(line: &str, indent: usize, width: usize) -> String {
    if width == 0 || visible(line) <= width || width < indent + NARROWEST {
        return line.to_owned();
    }
    let start = line.chars().take_while(|c| *c == ' ').count();
    let (mut broken, mut column) = (" ".repeat(start), start);
    let mut at_start = true;
    for word in line[start..].split(' ') {
        for (at, piece) in pieces(word).into_iter().enumerate() {
            let length = visible(piece);
            let gap = usize::from(!at_start && at == 0);
            // Several spaces in a row are columns of a table: an empty word keeps them where they are.
            if !at_start && !piece.is_empty() && column + gap + length > width {
                broken.truncate(broken.trim_end_matches(' ').len());
                broken.push('\n');
                broken.push_str(&" ".repeat(indent));
                column = indent;
            } else if gap > 0 {
                broken.push(' ');
                column += 1;
            }
            broken.push_str(piece);
            column += length;
            at_start = false;
        }
    }
    broken
}

/// Returns the columns that `text` takes on a terminal: two for a wide character, none for a colour code or a
/// combining accent.
pub(super) fn visible(text: &str) -> usize {
    match text.is_ascii() && !text.contains('\u{1b}') {
        true => text.len(),
        false => super::strip_ansi(text).width(),
    }
}

/// Returns `text` padded with spaces to `columns`.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(visible(text))))
}

/// Returns the parts of `word` between which a line may break: several only in scripts without spaces.
fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    let breaks = word.char_indices().skip(1).filter(|(_, c)| is_ideograph(*c));
    let mut begun = 0;
    for (at, _) in breaks {
        let (piece, next) = rest.split_at(at - begun);
        pieces.push(piece);
        (rest, begun) = (next, at);
    }
    pieces.push(rest);
    pieces
}

/// True for a character of a script in which a line may break before almost any character.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fff}' | '\u{3040}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_hang() {
        let line = "  --name     one two three four five six seven";
        assert_eq!(
            hanging(line, 13, 38),
            "  --name     one two three four five\n             six seven"
        );
        assert_eq!(hanging(line, 13, 0), line);
        assert_eq!(hanging(line, 13, 30), line, "too narrow");
        let word = "x".repeat(50);
        assert_eq!(hanging(&word, 0, 30), word);
        assert_eq!(
            hanging("\u{1b}[1maaaa\u{1b}[0m bbbb cccc dddd eeee ffff", 0, 29),
            "\u{1b}[1maaaa\u{1b}[0m bbbb cccc dddd eeee ffff"
        );
    }

    #[test]
    fn paragraphs_lists_and_examples_keep_their_shape() {
        let code = "    code stays as long as it is, always";
        let long =
            format!("aaaa bbbb cccc dddd eeee ffff\n- aaaa bbbb cccc dddd eeee ffff\n\n{code}");
        assert_eq!(
            text(&long, 26),
            format!("aaaa bbbb cccc dddd eeee\nffff\n- aaaa bbbb cccc dddd eeee\n  ffff\n\n{code}")
        );
    }

    #[test]
    fn widths_are_columns_not_characters() {
        for (text, columns) in [
            ("", 0),
            ("abc", 3),
            ("\u{1b}[1mabc\u{1b}[0m", 3),
            ("日本語", 6),
            ("e\u{301}a", 2),
            ("🦀", 2),
            ("👩\u{200d}👩\u{200d}👧", 2),
            ("ü", 1),
        ] {
            assert_eq!(visible(text), columns, "{text:?}");
        }
        assert_eq!(padded("日本", 6), "日本  ");
        assert_eq!(padded("too long", 3), "too long");
    }

    #[test]
    fn scripts_without_spaces_break_between_characters() {
        let line = "課題のキーを指定して詳細を取得します。ABC-1 のように書きます。";
        let broken = hanging(line, 2, 30);
        assert_eq!(
            broken,
            "課題のキーを指定して詳細を取得\n  します。ABC-1 のように書きま\n  す。"
        );
        assert!(broken.lines().all(|line| visible(line) <= 30));
        let accents = "e\u{301}".repeat(10);
        let line = format!("{accents} {accents} {accents} {accents}");
        assert_eq!(
            hanging(&line, 0, 25),
            format!("{accents} {accents}\n{accents} {accents}"),
            "an accent of its own takes no room"
        );
    }
}

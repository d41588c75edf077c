//! Long lines broken at spaces.

/// From this indentation on, in columns, text is taken for an example and left as it is.
const PREFORMATTED: usize = 4;
/// A text column narrower than this is harder to read than a line that is too long; in columns.
const NARROWEST: usize = 24;

/// `text` with each line broken to `width` columns; indentation and the hanging indent of list items stay.
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

/// `line` broken to `width` columns, all lines but the first indented by `indent`; colour codes take no room.
pub(super) fn hanging(line: &str, indent: usize, width: usize) -> String {
    if width == 0 || visible(line) <= width || width < indent + NARROWEST {
        return line.to_owned();
    }
    let start = line.chars().take_while(|c| *c == ' ').count();
    let (mut broken, mut column) = (" ".repeat(start), start);
    let mut at_start = true;
    for word in line[start..].split(' ') {
        let length = visible(word);
        // Several spaces in a row are columns of a table: an empty word keeps them where they are.
        if !at_start && !word.is_empty() && column + 1 + length > width {
            broken.truncate(broken.trim_end_matches(' ').len());
            broken.push('\n');
            broken.push_str(&" ".repeat(indent));
            column = indent;
        } else if !at_start {
            broken.push(' ');
            column += 1;
        }
        broken.push_str(word);
        column += length;
        at_start = false;
    }
    broken
}

/// Columns of `text`, colour codes not counted; a character is taken for one column.
pub(super) fn visible(text: &str) -> usize {
    super::strip_ansi(text).chars().count()
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
}

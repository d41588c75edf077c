//! Rust text as words and marks, without comments, strings and characters.

/// A word or a mark, and the line it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word; one character for a mark, `::` for itself.
    pub(crate) text: String,
    /// Its line, counted from 1.
    pub(crate) line: usize,
}

impl Token {
    /// True for a name or a keyword.
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

/// The tokens of `text`.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut found = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        let length = match first {
            _ if reader.rest.starts_with("//") => {
                reader.rest.find('\n').unwrap_or(reader.rest.len())
            }
            _ if reader.rest.starts_with("/*") => block_comment(reader.rest),
            '"' => 1 + string(&reader.rest[1..]),
            '\'' => character(reader.rest),
            _ if first.is_alphanumeric() || first == '_' => {
                let word = word(reader.rest);
                match literal_after(&reader.rest[..word], &reader.rest[word..]) {
                    Some(length) => word + length,
                    None => {
                        found.push(Token { text: reader.rest[..word].to_owned(), line });
                        word
                    }
                }
            }
            _ => {
                let mark = if reader.rest.starts_with("::") { 2 } else { first.len_utf8() };
                if !first.is_whitespace() {
                    found.push(Token { text: reader.rest[..mark].to_owned(), line });
                }
                mark
            }
        };
        reader.skip(length);
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn skip(&mut self, length: usize) {
        let (before, after) = self.rest.split_at(length.min(self.rest.len()));
        self.line += before.matches('\n').count();
        self.rest = after;
    }
}

fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}

/// The length of a block comment, with those inside of it.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string whose opening quote is past, with its closing one.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or of the mark of a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            text[after..].find('\'').map_or(after, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of the string that the word before it makes a raw one or one of bytes, if it does.
fn literal_after(word: &str, rest: &str) -> Option<usize> {
    if !matches!(word, "r" | "b" | "c" | "br" | "cr") {
        return None;
    }
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest[hashes..].strip_prefix('"')?;
    if !word.contains('r') {
        return (hashes == 0).then(|| 1 + string(inside));
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(hashes + 1 + length)
}

//! Colour codes taken out of text.

use std::iter::Peekable;
use std::str::Chars;

const ESCAPE: char = '\u{1b}';

/// Returns `text` without terminal sequences: CSI (colours, cursor), OSC (titles, links) and the other escapes.
///
/// A truncated sequence ends at the first character that cannot be part of it, which is kept. A line break ends
/// any sequence, so that a broken one never swallows more than its line.
pub fn strip_ansi(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ESCAPE => escape(&mut rest),
            '\u{9b}' => control(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => string(&mut rest),
            _ => kept.push(c),
        }
    }
    kept
}

/// Skips what follows an escape character.
fn escape(rest: &mut Peekable<Chars>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            control(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            string(rest);
        }
        // Two characters, with others between them in the case of character sets.
        _ => {
            while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            rest.next_if(|c| matches!(c, '0'..='~'));
        }
    }
}

/// Skips parameters and the final character of a control sequence.
fn control(rest: &mut Peekable<Chars>) {
    while rest.next_if(|c| matches!(c, '0'..='?')).is_some() {}
    while rest.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    rest.next_if(|c| matches!(c, '@'..='~'));
}

/// Skips a string with its terminator: BEL, ST or another escape sequence.
fn string(rest: &mut Peekable<Chars>) {
    while let Some(c) = rest.next_if(|c| !matches!(c, '\n' | '\r')) {
        match c {
            '\u{7}' | '\u{9c}' => return,
            ESCAPE => return escape(rest),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_and_text_stays() {
        for (text, kept) in [
            ("plain ü 日本 🦀", "plain ü 日本 🦀"),
            ("\u{1b}[91mred\u{1b}[0m", "red"),
            ("\u{1b}[38;2;1;2;3mx\u{1b}[m", "x"),
            ("a\u{1b}[?25lb\u{1b}[2 qc", "abc"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\!", "link!"),
            ("\u{1b}(Bx\u{1b}=y\u{1b}7z", "xyz"),
            ("\u{1b}Pdevice\u{1b}\\x", "x"),
            ("\u{9b}31mred\u{9b}0m", "red"),
            ("\u{9d}title\u{9c}x", "x"),
        ] {
            assert_eq!(strip_ansi(text), kept, "{text:?}");
        }
    }

    #[test]
    fn a_broken_sequence_takes_nothing_that_it_could_not_contain() {
        for (text, kept) in [
            ("x\u{1b}", "x"),
            ("x\u{1b}[", "x"),
            ("x\u{1b}[31", "x"),
            ("\u{1b}[31ü", "ü"),
            ("\u{1b}[31\nx", "\nx"),
            ("\u{1b}\u{1b}[0mx", "x"),
            ("\u{1b}[3\u{1b}[0mx", "x"),
            ("\u{1b}üx", "üx"),
            ("\u{1b}]title", ""),
            ("\u{1b}]title\nnext", "\nnext"),
            ("\u{1b}]t\u{1b}[1mx", "x"),
            ("", ""),
        ] {
            assert_eq!(strip_ansi(text), kept, "{text:?}");
        }
    }
}

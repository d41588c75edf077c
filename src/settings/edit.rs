//! Changes of single values in the text of a TOML file; comments, order and line ends are kept.
//!
//! A value that is there is replaced in the text, and one that is removed goes with its line. Only a key that joins an
//! existing table goes through `toml_edit`. Nothing here knows which settings exist.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Item, Key, Table, TableLike, TomlError, Value};

use super::line_of;

/// The mark with which some editors begin a file.
const BOM: &str = "\u{feff}";

/// Splits a dotted key into its parts, quoted ones unquoted.
///
/// # Errors
/// It is no key; the message says where.
pub fn parts(key: &str) -> Result<Vec<String>, String> {
    let keys = Key::parse(key).map_err(|_| format!("`{key}` is not a key"))?;
    Ok(keys.iter().map(|key| key.get().to_owned()).collect())
}

/// Joins the parts of a key with dots, quoted where TOML needs it.
pub fn joined(parts: &[String]) -> String {
    let quoted =
        |part: &String| Key::new(part).default_repr().as_raw().as_str().unwrap_or(part).to_owned();
    parts.iter().map(quoted).collect::<Vec<_>>().join(".")
}

/// Returns the value that a text stands for: that of TOML if it is one, else the text itself.
pub fn value_of(text: &str) -> Value {
    let mut value = text.trim().parse::<Value>().unwrap_or_else(|_| Value::from(text));
    value.decor_mut().clear();
    value
}

/// Returns `text` with the value at `key`.
///
/// # Errors
/// The text is no TOML, or a part of the key is no table; the message names line or key.
pub fn set(text: &str, key: &[String], value: Value) -> Result<String, String> {
    let document = parsed(text)?;
    if let Some(found) = item_at(document.as_item(), key) {
        return match (found, found.span()) {
            (Item::Value(_), Some(span)) => Ok(spliced(text, span, &value.to_string())),
            _ => Err(format!("`{}` is a table: set its keys one by one", joined(key))),
        };
    }
    let root = document.as_table();
    let has_values = root.iter().any(|(_, item)| !is_section(item));
    let begins = key.first().is_some_and(|first| key.len() > 1 && !root.contains_key(first));
    if begins || root.is_empty() {
        return Ok(appended(text, &alone(key, value)?));
    }
    if key.len() == 1 && !has_values {
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let start = if text.starts_with(BOM) { BOM.len() } else { 0 };
        let line = alone(key, value)?;
        return Ok(spliced(text, start..start, &format!("{}{end}{end}", line.trim_end())));
    }
    let mut document = document.into_mut();
    insert(&mut document, key, value)?;
    Ok(like(text, &document.to_string()))
}

/// Returns `text` without the value or table at `key`; `None` if nothing is there.
///
/// # Errors
/// The text is no TOML; the message names the line.
pub fn unset(text: &str, key: &[String]) -> Result<Option<String>, String> {
    let document = parsed(text)?;
    let Some(found) = item_at(document.as_item(), key) else { return Ok(None) };
    let Some((last, sections)) = key.split_last() else { return Ok(None) };
    let is_inline = (1..=sections.len())
        .any(|length| item_at(document.as_item(), &sections[..length]).is_some_and(Item::is_value));
    if let (Item::Value(_), Some(value), false) = (found, found.span(), is_inline) {
        let name = item_at(document.as_item(), sections).and_then(Item::as_table_like);
        let name = name.and_then(|table| table.get_key_value(last)?.0.span());
        let start = name.map_or(value.start, |name| name.start);
        let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let start = if start == 0 && text.starts_with(BOM) { BOM.len() } else { start };
        let end = text[value.end..].find('\n').map_or(text.len(), |at| value.end + at + 1);
        return Ok(Some(spliced(text, start..end, "")));
    }
    let above = found.as_table().and_then(|table| above(text, table));
    let mut document = document.into_mut();
    let mut at: Option<&mut dyn TableLike> = Some(document.as_table_mut());
    for section in sections {
        at = at.and_then(|table| table.get_mut(section)?.as_table_like_mut());
    }
    at.and_then(|table| table.remove(last));
    let mut edited = like(text, &document.to_string());
    if let Some(kept) = above.filter(|kept| edited.starts_with(&text[..kept.start])) {
        edited.insert_str(kept.start, &text[kept]);
    }
    Ok(Some(edited))
}

/// The comments above a table that an empty line separates from those of its own: the head of the file, say.
fn above(text: &str, table: &Table) -> Option<Range<usize>> {
    let range = table.decor().prefix()?.span()?;
    let comments = &text[range.clone()];
    let end =
        ["\n\n", "\n\r\n"].iter().filter_map(|end| Some(comments.rfind(end)? + end.len())).max()?;
    comments[..end].contains('#').then_some(range.start..range.start + end)
}

fn parsed(text: &str) -> Result<Document<&str>, String> {
    let at = |error: TomlError| {
        format!("line {} is not TOML: {}", line_of(text, error.span()), error.message())
    };
    Document::parse(text).map_err(at)
}

fn item_at<'a>(root: &'a Item, key: &[String]) -> Option<&'a Item> {
    key.iter().try_fold(root, |item, part| item.as_table_like()?.get(part))
}

/// True for a table with a header of its own, or with such tables only.
fn is_section(item: &Item) -> bool {
    item.as_table().is_some_and(|table| !table.is_dotted()) || item.is_array_of_tables()
}

/// Returns a document with one value only.
fn alone(key: &[String], value: Value) -> Result<String, String> {
    let mut document = DocumentMut::new();
    insert(&mut document, key, value)?;
    Ok(document.to_string())
}

fn insert(document: &mut DocumentMut, key: &[String], value: Value) -> Result<(), String> {
    let Some((last, sections)) = key.split_last() else { return Err("the key is empty".into()) };
    let mut at: &mut dyn TableLike = document.as_table_mut();
    let mut is_one_line = false;
    for (depth, section) in sections.iter().enumerate() {
        if !at.contains_key(section) {
            let mut table = Table::new();
            table.set_implicit(depth + 1 < sections.len());
            table.set_dotted(depth > 0 && at.is_dotted());
            at.insert(section, Item::Table(table));
        }
        let is_no_table = || format!("`{}` is not a table", joined(&sections[..=depth]));
        let item = at.get_mut(section).ok_or_else(is_no_table)?;
        is_one_line = item.is_inline_table() && !item.to_string().contains('\n');
        at = item.as_table_like_mut().ok_or_else(is_no_table)?;
    }
    at.insert(last, Item::Value(value));
    if is_one_line {
        // Spaces before a comma would remain of what was the end.
        at.fmt();
    }
    Ok(())
}

/// Returns `text` with `more` after it and an empty line between them.
fn appended(text: &str, more: &str) -> String {
    let mut whole = text.to_owned();
    if !whole.trim_start_matches(BOM).is_empty() && !whole.ends_with('\n') {
        whole.push('\n');
    }
    if whole.lines().last().is_some_and(|last| !last.trim_matches([' ', '\u{feff}']).is_empty()) {
        whole.push('\n');
    }
    whole.push_str(more);
    like(text, &whole)
}

fn spliced(text: &str, place: Range<usize>, new: &str) -> String {
    [&text[..place.start], new, &text[place.end..]].concat()
}

/// Returns `edited` with the mark and the line ends of `text`.
fn like(text: &str, edited: &str) -> String {
    let lines = text.matches('\n').count();
    let mut edited = edited.to_owned();
    if lines > 0 && text.matches("\r\n").count() == lines {
        edited = edited.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if text.starts_with(BOM) && !edited.starts_with(BOM) {
        edited.insert_str(0, BOM);
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sets(text: &str, key: &str, value: &str, expected: &str) {
        let edited = set(text, &parts(key).unwrap(), value_of(value)).unwrap();
        assert_eq!(edited, expected);
        assert!(edited.parse::<toml::Table>().is_ok(), "{edited}");
    }

    #[track_caller]
    fn unsets(text: &str, key: &str, expected: &str) {
        let edited = unset(text, &parts(key).unwrap()).unwrap();
        assert_eq!(edited.as_deref(), Some(expected));
        assert!(expected.parse::<toml::Table>().is_ok(), "{expected}");
    }

    #[test]
    fn a_value_is_replaced_in_its_place() {
        sets("a = 1 # one\n\n# b\nb=2", "b", "x y", "a = 1 # one\n\n# b\nb=\"x y\"");
        sets("\u{feff}a = 1\r\nb = 2\r\n", "a", "[1, 2]", "\u{feff}a = [1, 2]\r\nb = 2\r\n");
        sets("[s]\nlist = [\n  1, # one\n]\n", "s.list", "[]", "[s]\nlist = []\n");
        sets("s = { a = 1, b = 2 }\n", "s.a", "true", "s = { a = true, b = 2 }\n");
        sets("s.a = 1\ns.b.c = 2\n", "s.b.c", "3", "s.a = 1\ns.b.c = 3\n");
        sets("['s t']\n\"a.b\" = 1\n", "\"s t\".'a.b'", "2", "['s t']\n\"a.b\" = 2\n");
    }

    #[test]
    fn a_new_value_joins_its_table() {
        sets("", "port", "1", "port = 1\n");
        sets("# mine\n", "port", "1", "# mine\n\nport = 1\n");
        sets("a = 1", "port", "1", "a = 1\nport = 1\n");
        sets("a = 1\r\n[s]\r\nx = 1\r\n", "port", "1", "a = 1\r\nport = 1\r\n[s]\r\nx = 1\r\n");
        sets("\u{feff}[s]\r\nx = 1\r\n", "port", "1", "\u{feff}port = 1\r\n\r\n[s]\r\nx = 1\r\n");
        sets("a = 1\n# end\n", "s.x", "yes", "a = 1\n# end\n\n[s]\nx = \"yes\"\n");
        sets("\u{feff}", "s.x", "1", "\u{feff}[s]\nx = 1\n");
        sets("[s]\nx = 1 # one\n\n[t]\n", "s.y", "2", "[s]\nx = 1 # one\ny = 2\n\n[t]\n");
        sets("s.x = 1\na = 2\n", "s.y", "2", "s.x = 1\ns.y = 2\na = 2\n");
        sets("s = {x = 1} # s\n", "s.y", "2", "s = { x = 1, y = 2 } # s\n");
        sets("[p.a]\nx = 1\n[q]\n", "p.b.x", "2", "[p.a]\nx = 1\n\n[p.b]\nx = 2\n[q]\n");
        sets("p.a.x = 1\n", "p.b.x", "2", "p.a.x = 1\np.b.x = 2\n");
        sets("", "p.'a b'.x", "2", "[p.\"a b\"]\nx = 2\n");
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let failure =
            |text: &str, key: &str| set(text, &parts(key).unwrap(), 1.into()).unwrap_err();
        assert_eq!(failure("s = 1", "s.x"), "`s` is not a table");
        assert_eq!(failure("[s]\nx = 1", "s"), "`s` is a table: set its keys one by one");
        assert!(failure("a = 1\nb =", "a").starts_with("line 2 is not TOML: "));
        assert_eq!(parts("a..b").unwrap_err(), "`a..b` is not a key");
    }

    #[test]
    fn a_value_goes_with_its_line_only() {
        unsets("# all\n\n# a\na = 1 # one\nb = 2\n", "a", "# all\n\n# a\nb = 2\n");
        unsets("\u{feff}a = 1\r\nb = 2\r\n", "a", "\u{feff}b = 2\r\n");
        unsets("b = 2\na = [\n 1,\n]", "a", "b = 2\n");
        unsets("s.a = 1\ns.b = 2\n", "s.b", "s.a = 1\n");
        unsets("[s]\nb = 1\n", "s.b", "[s]\n");
        unsets("s = {b = 1, c = 2}\n", "s.c", "s = {b = 1}\n");
        unsets("a = 1\n[p.x]\nb = 1\n[p.y]\nc = 1\n", "p.x", "a = 1\n[p.y]\nc = 1\n");
        unsets("# all\n\n# x\n[p.x]\nb = 1\n[q]\n", "p.x", "# all\n\n[q]\n");
        unsets("a = 1\r\n\r\n# s\r\n\r\n[s]\r\n", "s", "a = 1\r\n\r\n# s\r\n\r\n");
        unsets("\u{feff}# all\n\n[s]\nx = 1\n[t]\n", "s", "\u{feff}# all\n\n[t]\n");
        assert_eq!(unset("a = 1", &["b".into()]), Ok(None));
        assert_eq!(unset("a = 1", &["a".into(), "b".into()]), Ok(None));
    }

    #[test]
    fn a_text_is_toml_if_it_can_be() {
        for (text, value) in [
            ("1", "1"),
            ("true", "true"),
            ("['a']", "['a']"),
            ("127.0.0.1", "\"127.0.0.1\""),
            ("~/x y", "\"~/x y\""),
            ("'7'", "'7'"),
            ("", "\"\""),
            ("1\nb = 2", "\"\"\"\n1\nb = 2\"\"\""),
        ] {
            assert_eq!(value_of(text).to_string(), value);
        }
    }
}

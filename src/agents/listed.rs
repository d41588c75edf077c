//! The list of directories of skills in `config.toml`: `skills` in `[agents]`.

use toml::de::DeValue;

use super::server::Invalid;
use super::splice::{Splice, line_break, line_end, line_of, line_start, spliced};
use super::tables::{appended, block, checked, cut, is_header, list, parsed, quoted, text_of};

const TABLE: &str = "agents";
const KEY: &str = "skills";

/// Returns `text` with `directory` in the list, unless a directory there `is` it.
///
/// # Errors
/// The text is invalid, or the list is written in a form that is not edited.
pub fn with(text: &str, directory: &str, is: impl Fn(&str) -> bool) -> Result<String, Invalid> {
    let root = parsed(text)?;
    let value = list(&[directory.to_owned()]);
    let Some(table) = root.get(TABLE) else {
        return checked(appended(text, &[format!("[{TABLE}]"), format!("{KEY} = {value}")]));
    };
    let fields = match table.get_ref() {
        DeValue::Table(fields) => fields,
        _ => return Err(other_form(text, table.span().start, TABLE)),
    };
    let Some(found) = fields.get(KEY) else {
        if !is_header(text, table) {
            return Err(other_form(text, table.span().start, TABLE));
        }
        let at = line_end(text, table.span().end);
        let (before, after) = match text[..at].ends_with('\n') {
            true => ("", line_break(text)),
            false => (line_break(text), ""),
        };
        let line = format!("{before}{KEY} = {value}{after}");
        return checked(spliced(text, vec![Splice::insert(at, line)]));
    };
    let DeValue::Array(items) = found.get_ref() else {
        return Err(other_form(text, found.span().start, KEY));
    };
    if items.iter().filter_map(|item| text_of(item.get_ref())).any(is) {
        return Ok(text.to_owned());
    }
    let splice = match items.last() {
        Some(last) => Splice::insert(last.span().end, format!(", {}", quoted(directory))),
        None => Splice::insert(found.span().start + 1, quoted(directory)),
    };
    checked(spliced(text, vec![splice]))
}

/// Returns `text` without the directories in the list that `is` names; without list and table if nothing is left of them.
///
/// # Errors
/// The text is invalid.
pub fn without(text: &str, is: impl Fn(&str) -> bool) -> Result<String, Invalid> {
    let mut text = text.to_owned();
    while let Some(shorter) = without_one(&text, &is)? {
        text = shorter;
    }
    Ok(text)
}

fn without_one(text: &str, is: impl Fn(&str) -> bool) -> Result<Option<String>, Invalid> {
    let root = parsed(text)?;
    let Some(table) = root.get(TABLE) else { return Ok(None) };
    let DeValue::Table(fields) = table.get_ref() else { return Ok(None) };
    let Some((key, found)) = fields.get_key_value(KEY) else { return Ok(None) };
    let DeValue::Array(items) = found.get_ref() else { return Ok(None) };
    let is_it = |item: &toml::Spanned<DeValue>| text_of(item.get_ref()).is_some_and(&is);
    let Some(at) = items.iter().position(is_it) else { return Ok(None) };
    let own = items[at].span();
    let splice = match (at.checked_sub(1), items.get(at + 1)) {
        (_, Some(next)) => Splice::cut(own.start..next.span().start),
        (Some(before), None) => Splice::cut(items[before].span().end..own.end),
        (None, None) if is_header(text, table) && fields.len() == 1 => {
            let block = block(text, table);
            match text[block.clone()].contains('#') {
                true => Splice::cut(own),
                false => cut(text, block),
            }
        }
        (None, None) if is_header(text, table) => {
            Splice::cut(line_start(text, key.span().start)..line_end(text, found.span().end))
        }
        (None, None) => Splice::cut(own),
    };
    checked(spliced(text, vec![splice])).map(Some)
}

fn other_form(text: &str, at: usize, name: &str) -> Invalid {
    let message = format!("`{name}` is not written as `{KEY} = [\"DIRECTORY\"]` in `[{TABLE}]`");
    Invalid::new(line_of(text, at), message)
}

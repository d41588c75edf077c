//! MCP servers in TOML: a table `[mcp_servers.NAME]` each.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::server::{Invalid, Server, State, is_own};
use super::splice::{Splice, line_break, line_end, line_of, line_start, spliced};

/// The table of all servers.
const SERVERS: &str = "mcp_servers";

pub(super) fn state(text: &str, server: &Server) -> Result<State, Invalid> {
    let root = parsed(text)?;
    let found = servers(text, &root)?.and_then(|servers| servers.get(server.name.as_str()));
    Ok(found.map_or(State::Absent, |found| {
        let (command, arguments) = called(found.get_ref());
        server.compared(command, &arguments)
    }))
}

pub(super) fn own(text: &str) -> Result<Vec<Server>, Invalid> {
    let root = parsed(text)?;
    let all = servers(text, &root)?.into_iter().flatten();
    let own = all.filter_map(|(name, server)| {
        let (command, arguments) = called(server.get_ref());
        let command = command.filter(|command| is_own(command, &arguments))?.to_owned();
        Some(Server { name: name.get_ref().to_string(), command, arguments })
    });
    Ok(own.collect())
}

pub(super) fn with(text: &str, server: &Server) -> Result<String, Invalid> {
    let root = parsed(text)?;
    let Some(found) = servers(text, &root)?.and_then(|all| all.get(server.name.as_str())) else {
        let header = format!("[{SERVERS}.{}]", key(&server.name));
        let lines =
            [header, format!("command = {}", quoted(&server.command)), arguments_line(server)];
        return checked(appended(text, &lines));
    };
    let (command, arguments) = called(found.get_ref());
    let state = server.compared(command, &arguments);
    if state == State::Current {
        return Ok(text.to_owned());
    }
    if state == State::Stale
        && let DeValue::Table(table) = found.get_ref()
        && let (Some(command), Some(args)) = (table.get("command"), table.get("args"))
    {
        return checked(spliced(
            text,
            vec![
                Splice::replace(command.span(), quoted(&server.command)),
                Splice::replace(args.span(), list(&server.arguments)),
            ],
        ));
    }
    with(&without(text, &server.name)?, server)
}

pub(super) fn without(text: &str, name: &str) -> Result<String, Invalid> {
    let root = parsed(text)?;
    let Some((key, found)) = servers(text, &root)?.and_then(|all| all.get_key_value(name)) else {
        return Ok(text.to_owned());
    };
    let mut blocks = Vec::new();
    if is_header(text, found) {
        tables(text, found, &mut blocks);
        let cuts = blocks.into_iter().map(|block| cut(text, block)).collect();
        return checked(spliced(text, cuts));
    }
    let DeValue::Table(_) = found.get_ref() else { return Err(other_form(text, key.span())) };
    if !text[found.span()].starts_with('{') || !text[..key.span().start].ends_with(['\n']) {
        return Err(other_form(text, key.span()));
    }
    let line = line_start(text, key.span().start)..line_end(text, found.span().end);
    checked(spliced(text, vec![Splice::cut(line)]))
}

/// Returns the root table of `text`.
pub(super) fn parsed(text: &str) -> Result<DeTable<'_>, Invalid> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Invalid::new(line, format!("not TOML: {}", error.message()))
    })
}

/// Returns `text` if it is TOML: what its other parts allow is known only of the whole.
pub(super) fn checked(text: String) -> Result<String, Invalid> {
    parsed(&text)?;
    Ok(text)
}

/// True for a table with a header of its own.
pub(super) fn is_header(text: &str, table: &Spanned<DeValue>) -> bool {
    text[table.span()].starts_with('[') && matches!(table.get_ref(), DeValue::Table(_))
}

/// Returns `text` with `lines` as a table at its end, behind an empty line.
pub(super) fn appended(text: &str, lines: &[String]) -> String {
    let line_break = line_break(text);
    let new = lines.join(line_break);
    match text {
        "" => format!("{new}\n"),
        _ if text.ends_with('\n') => format!("{text}{line_break}{new}{line_break}"),
        _ => format!("{text}{line_break}{line_break}{new}"),
    }
}

/// Returns the lines of a table with a header, up to its last value.
pub(super) fn block(text: &str, table: &Spanned<DeValue>) -> Range<usize> {
    let start = line_start(text, table.span().start);
    let mut end = table.span().end;
    if let DeValue::Table(fields) = table.get_ref() {
        let own = fields.iter().filter(|(_, value)| !is_header(text, value));
        end = own.map(|(_, value)| last(value)).fold(end, usize::max);
    }
    start..line_end(text, end)
}

/// Returns the splice that undoes [`appended`].
pub(super) fn cut(text: &str, block: Range<usize>) -> Splice {
    let line_break = line_break(text);
    let shorter = |text: &'_ str| text.strip_suffix(line_break).map(str::len);
    let before = &text[..block.start];
    let once = shorter(before).unwrap_or(before.len());
    let twice = shorter(&before[..once]);
    let start = match text[block.clone()].ends_with('\n') {
        // Only an empty line.
        true => twice.map_or(before.len(), |_| once),
        false => twice.unwrap_or(once),
    };
    let mut end = block.end;
    if start == 0 && text[end..].starts_with(line_break) {
        end += line_break.len();
    }
    Splice::cut(start..end)
}

/// Returns the end of the last value in `value`, which may be a table of dotted keys.
fn last(value: &Spanned<DeValue>) -> usize {
    let end = value.span().end;
    match value.get_ref() {
        DeValue::Table(fields) => fields.iter().map(|(_, it)| last(it)).fold(end, usize::max),
        _ => end,
    }
}

/// Collects the blocks of a table with a header and of those below it.
fn tables(text: &str, table: &Spanned<DeValue>, blocks: &mut Vec<Range<usize>>) {
    if is_header(text, table) {
        blocks.push(block(text, table));
    }
    if let DeValue::Table(fields) = table.get_ref() {
        fields.iter().for_each(|(_, below)| tables(text, below, blocks));
    }
}

/// Returns the table of all servers.
fn servers<'a, 'b>(text: &str, root: &'b DeTable<'a>) -> Result<Option<&'b DeTable<'a>>, Invalid> {
    match root.get(SERVERS).map(|servers| (servers.get_ref(), servers.span())) {
        None => Ok(None),
        Some((DeValue::Table(servers), span)) if !text[span.clone()].starts_with('{') => {
            Ok(Some(servers))
        }
        Some((_, span)) => {
            let message = format!("`{SERVERS}` is not written as `[{SERVERS}.NAME]` tables");
            Err(Invalid::new(line_of(text, span.start), message))
        }
    }
}

fn other_form(text: &str, key: Range<usize>) -> Invalid {
    let name = &text[key.clone()];
    let message = format!("`{name}` is not written as `[{SERVERS}.{name}]`");
    Invalid::new(line_of(text, key.start), message)
}

/// Returns the command and the arguments of a server.
fn called<'a>(server: &'a DeValue) -> (Option<&'a str>, Vec<String>) {
    let DeValue::Table(server) = server else { return (None, Vec::new()) };
    let command = server.get("command").and_then(|command| text_of(command.get_ref()));
    let arguments = match server.get("args").map(Spanned::get_ref) {
        Some(DeValue::Array(items)) => {
            items.iter().filter_map(|item| Some(text_of(item.get_ref())?.to_owned())).collect()
        }
        _ => Vec::new(),
    };
    (command, arguments)
}

pub(super) fn text_of<'a>(value: &'a DeValue) -> Option<&'a str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

fn arguments_line(server: &Server) -> String {
    format!("args = {}", list(&server.arguments))
}

pub(super) fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Returns `text` as a basic string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Returns `name` as a part of a key.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

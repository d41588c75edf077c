//! Results that come piece by piece, each written when it is there.

use std::io::{BufRead, BufReader, Read};
use std::str;

use serde_json::Value;

use super::caller::Caller;
use super::out::Out;
use crate::failure::{Failure, Kind};
use crate::lifecycle::Response;
use crate::render::{self, Options, Rows};

/// Writes each line of JSON; as text, records as rows of a table on a terminal, with `renders`.
pub(super) fn lines(
    response: &mut Response,
    caller: &Caller,
    options: &Options,
    renders: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut rows = Rows::default();
    each_line(response, caller, |line| match serde_json::from_slice::<Value>(line) {
        Ok(item) if renders => {
            let text = rows.text(&item, options);
            out.print(&if out.colored() { text } else { render::strip_ansi(&text) })
        }
        _ => out.write(line),
    })
}

/// Writes the data of each server-sent event as one line of JSON.
pub(super) fn events(
    response: &mut Response,
    caller: &Caller,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut data: Option<String> = None;
    each_line(response, caller, |line| {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return data.take().map_or(Ok(()), |data| {
                let value = serde_json::from_str(&data).unwrap_or(Value::String(data));
                out.print(&value.to_string())
            });
        }
        if let Some(more) = line.strip_prefix("data:") {
            let more = more.strip_prefix(' ').unwrap_or(more);
            data = Some(data.take().map_or_else(|| more.to_owned(), |data| data + "\n" + more));
        }
        Ok(())
    })
}

fn each_line(
    response: &mut Response,
    caller: &Caller,
    mut act: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut reader = BufReader::new(response.reader());
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = reader.read_until(b'\n', &mut line);
        if count.map_err(|error| caller.failed(&error.into()))? == 0 {
            return Ok(());
        }
        act(&line)?;
    }
}

/// Writes a result other than JSON as it is; text without colours where they are not taken.
pub(super) fn copy(
    response: &mut Response,
    caller: &Caller,
    is_text: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = Vec::new();
    let mut last = b'\n';
    let strips = is_text && !out.colored();
    let mut is_first = true;
    loop {
        let read = response.reader().read(&mut buffer);
        let count = read.map_err(|error| caller.failed(&error.into()))?;
        let (piece, ended) = (buffer.get(..count).unwrap_or_default(), count == 0);
        if std::mem::take(&mut is_first) && !is_text && out.is_terminal() && is_binary(piece) {
            return Err(binary(response));
        }
        if !strips {
            out.write(piece)?;
            last = piece.last().copied().unwrap_or(last);
        } else {
            // Whole lines at a time: a colour code never spans two, and neither does a character.
            kept.extend_from_slice(piece);
            let whole = if ended {
                kept.len()
            } else {
                kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            let lines: Vec<u8> = kept.drain(..whole).collect();
            out.write(render::strip_ansi(&String::from_utf8_lossy(&lines)).as_bytes())?;
            last = lines.last().copied().unwrap_or(last);
        }
        if ended {
            break;
        }
    }
    if is_text && last != b'\n' {
        out.write(b"\n")?;
    }
    Ok(())
}

/// True for bytes that are no text; the last character may be cut off.
fn is_binary(piece: &[u8]) -> bool {
    let is_text = match str::from_utf8(piece) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    !is_text || piece.contains(&0)
}

/// The failure of a result that would only confuse the terminal.
fn binary(response: &Response) -> Failure {
    let kind = response.header("content-type").unwrap_or("bytes");
    Failure::new(
        Kind::Usage,
        format!("the result is binary ({kind}), which a terminal cannot show"),
    )
    .hint("Give `--output FILE`, or pipe it to another program.")
}

#[cfg(test)]
mod tests {
    use super::is_binary;

    #[test]
    fn text_is_told_from_other_bytes() {
        let text = "a line\n\u{e9}\u{1b}[1m".as_bytes();
        assert!(!is_binary(text) && !is_binary(b"") && !is_binary("é".as_bytes().split_at(1).0));
        assert!(is_binary(b"PNG\0") && is_binary(b"\xff\xfe text"));
    }
}

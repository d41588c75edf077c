//! `@file` and `-` as values of options: read here, where the caller's working directory and stdin are.
//!
//! The daemon decides which of them are used, because that depends on the options that take text. So an unreadable
//! file is no failure yet. `@word` that names no file is a text, as in `--assignee @me`; a text that looks like a
//! path, with a slash or a dot in its first word, is a mistake if it names no file.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};

use crate::failure::{Failure, Kind};
use crate::wire::Input;

/// The largest text, in bytes.
const LARGEST: u64 = 8 << 20;

/// Reads the files that `arguments` may refer to; stdin is left for [`read_stdin`].
pub(super) fn read(arguments: &[String]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for (argument, option, value) in candidates(arguments) {
        match value.strip_prefix('@') {
            None | Some("-") => inputs.push(Input { argument, read: None }),
            Some(file) => {
                let read = from_file(option, file);
                inputs.extend(read.map(|read| Input { argument, read: Some(read) }));
            }
        }
    }
    inputs
}

/// Reads the text on stdin for those of `inputs` that refer to it.
pub(super) fn read_stdin(arguments: &[String], inputs: &mut [Input]) {
    // Readable only once; a second reference gets the same text.
    let mut text = None;
    for (argument, option, _) in candidates(arguments) {
        let unread = |input: &&mut Input| input.argument == argument && input.read.is_none();
        if let Some(input) = inputs.iter_mut().find(unread) {
            input.read = Some(text.get_or_insert_with(|| from_stdin(option)).clone());
        }
    }
}

/// Opens a file that is sent in the place of stdin.
pub(super) fn open(file: &str) -> Result<File, Failure> {
    let failure = |why: &str| Failure::new(Kind::Usage, format!("`{file}` cannot be read: {why}"));
    let opened = File::open(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(Kind::Usage, format!("no such file: `{file}`")),
        _ => failure(&error.to_string()),
    })?;
    match opened.metadata() {
        Ok(it) if it.is_dir() => Err(failure("it is a directory")),
        _ => Ok(opened),
    }
}

/// Returns index, option and value of each option's value that is `-` or begins with one `@`.
fn candidates(arguments: &[String]) -> Vec<(usize, &str, &str)> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, argument) in arguments.iter().take_while(|argument| *argument != "--").enumerate() {
        let is_option = argument.len() > 1 && argument.starts_with('-');
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) if is_option => (Some(option), value),
            _ => (before, argument.as_str()),
        };
        before = Some(argument.as_str()).filter(|argument| is_option && !argument.contains('='));
        let is_file = value.len() > 1 && value.starts_with('@') && !value.starts_with("@@");
        if let Some(option) = option
            && (is_file || value == "-")
        {
            found.push((at, option, value));
        }
    }
    found
}

/// Reads the text on stdin, which must not be a terminal.
fn from_stdin(option: &str) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        let failure = format!("{option}: `-` reads stdin, which is a terminal");
        return Err(Failure::new(Kind::Usage, failure)
            .hint(format!("Pipe the text in, or write `{option} @FILE`.")));
    }
    text(io::stdin().lock())
        .map_err(|why| Failure::new(Kind::Usage, format!("{option}: stdin {why}")))
}

/// Reads `file`; none if no file but a text is meant.
fn from_file(option: &str, file: &str) -> Option<Result<String, Failure>> {
    let why = match File::open(file).map(text) {
        Ok(Ok(text)) => return Some(Ok(text)),
        Ok(Err(_))
            if !is_like_a_path(file) && std::fs::metadata(file).is_ok_and(|it| it.is_dir()) =>
        {
            return None;
        }
        Ok(Err(why)) => format!("`{file}` {why}"),
        Err(error) => {
            let missing = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename);
            if missing && !is_like_a_path(file) {
                return None;
            }
            match missing {
                true => format!("no such file: `{file}`"),
                false => format!("`{file}` cannot be read: {error}"),
            }
        }
    };
    let failure = Failure::new(Kind::Usage, format!("{option}: {why}"));
    Some(Err(failure.hint(format!("For the text itself, write `{option} @@{file}`."))))
}

/// True for `notes.md` and `./notes`, not for `me` and `bob: see a/b`.
fn is_like_a_path(file: &str) -> bool {
    file.split_whitespace().next().unwrap_or_default().contains(['/', '.'])
}

/// Reads all of `source`; the error is the predicate of a message.
fn text(source: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("is too large (limit {} MiB)", LARGEST >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("is not text (byte {} is not UTF-8)", error.utf8_error().valid_up_to() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &[&str]) -> Vec<String> {
        line.iter().map(|argument| (*argument).to_owned()).collect()
    }

    #[test]
    fn only_values_of_options_are_candidates() {
        for (line, found) in [
            (&["user", "@bob"][..], &[][..]),
            (&["x", "--text", "@a.md"], &[(2, "--text", "@a.md")]),
            (&["x", "--text=@a.md", "@b"], &[(1, "--text", "@a.md")]),
            (&["x", "-d", "@a"], &[(2, "-d", "@a")]),
            (&["x", "--text", "-"], &[(2, "--text", "-")]),
            (&["x", "--text=-"], &[(1, "--text", "-")]),
            (&["--a", "-", "--b", "@c"], &[(1, "--a", "-"), (3, "--b", "@c")]),
            (&["x", "-", "@", "a=@b"], &[]),
            (&["x", "--text", "@"], &[]),
            (&["x", "--text", "@@a.md", "--text=@@a"], &[]),
            (&["x", "--text", "a@b.c"], &[]),
            (&["--", "--text", "@a.md"], &[]),
            (&[], &[]),
        ] {
            assert_eq!(candidates(&typed(line)), found, "{line:?}");
        }
    }

    /// Result of `--text VALUE`: the text, the error, or none where the value is the text.
    fn given(value: &str) -> Option<Result<String, String>> {
        let input = read(&typed(&["x", "--text", value])).pop()?;
        assert_eq!(input.argument, 2);
        Some(input.read?.map_err(|failure| {
            assert_eq!(failure.kind, Kind::Usage);
            format!("{}\n{}", failure.error, failure.hint.unwrap_or_default())
        }))
    }

    #[test]
    fn files_are_read_and_words_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name).display().to_string();
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let notes = file("notes with spaces.md", "# ü\n日本\n".as_bytes());
        assert_eq!(given(&format!("@{notes}")), Some(Ok("# ü\n日本\n".into())));
        assert_eq!(given(&format!("@{}", file("empty", b""))), Some(Ok(String::new())));

        for text in ["@me", "@bob: see docs/a.md", "@src", &format!("@{}", "x".repeat(5000))] {
            assert_eq!(given(text), None, "{text}");
        }
        assert_eq!(
            given("@no-such.md"),
            Some(Err("--text: no such file: `no-such.md`\n\
                      For the text itself, write `--text @@no-such.md`."
                .into()))
        );
        let fails = |path: &str, why: &str| {
            let failure = given(&format!("@{path}")).unwrap().unwrap_err();
            assert!(failure.contains(why), "{failure}");
        };
        fails("/no/such", "no such file: `/no/such`");
        fails(&file("binary", b"abc\xff"), "binary` is not text (byte 4 is not UTF-8)");
        fails(&directory.path().display().to_string(), "cannot be read: Is a directory");
        fails(&format!("{notes}/x"), "cannot be read: Not a directory");
        let most = usize::try_from(LARGEST).unwrap();
        assert!(given(&format!("@{}", file("most", &vec![b'x'; most]))).unwrap().is_ok());
        fails(&file("more", &vec![b'x'; most + 1]), "more` is too large (limit 8 MiB)");
    }
}

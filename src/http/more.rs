//! What a client sends only if its command needs it: environment variables, and stdin.

use axum::http::HeaderValue;
use axum::response::Response;
use percent_encoding::utf8_percent_encode;

use crate::arguments::Stdin;
use crate::exchange::request::ENCODED;
use crate::wire::{self, Follows, Run};

/// The answer that makes the client repeat its call with what the command needs, variables that fit `patterns` among it;
/// `None` if it has all of it.
pub(super) fn lacking(run: &Run, patterns: &[String], stdin: &Stdin) -> Option<Response> {
    let reads = lacked(stdin);
    let lacks_stdin = reads.is_some() && (*stdin == Stdin::Text || run.follows != Follows::Stdin);
    let is_complete = run.caller.patterns == patterns && !lacks_stdin;
    (!is_complete).then(|| answer(patterns, reads))
}

/// What the client is asked to read, if the command reads stdin.
fn lacked(stdin: &Stdin) -> Option<String> {
    match stdin {
        Stdin::Nothing => None,
        Stdin::Text => Some(wire::STDIN_TEXT.to_owned()),
        Stdin::Stream => Some(wire::STDIN_STREAM.to_owned()),
        Stdin::File(file) => Some(format!("@{}", utf8_percent_encode(file, ENCODED))),
    }
}

fn answer(patterns: &[String], stdin: Option<String>) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(wire::ANSWER_HEADER, HeaderValue::from_static(wire::ANSWER_MORE));
    if let Some(Ok(stdin)) = stdin.map(HeaderValue::try_from) {
        headers.insert(wire::STDIN_HEADER, stdin);
    }
    if let Ok(patterns) = HeaderValue::from_str(&patterns.join(",")) {
        headers.insert(wire::ENV_HEADER, patterns);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(follows: Follows, patterns: &[&str], stdin: &Stdin) -> Option<(String, String)> {
        let own = |all: &[&str]| -> Vec<String> { all.iter().map(|it| (*it).to_owned()).collect() };
        let mut run: Run =
            serde_json::from_str(r#"{"client": "1", "plugin": "p", "arguments": []}"#).unwrap();
        run.follows = follows;
        run.caller.patterns = own(patterns);
        let answer = lacking(&run, &own(&["A_*", "B"]), stdin)?;
        let header = |name: &str| {
            let value = answer.headers().get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        assert_eq!(header(wire::ANSWER_HEADER), wire::ANSWER_MORE);
        Some((header(wire::ENV_HEADER), header(wire::STDIN_HEADER)))
    }

    #[test]
    fn a_client_is_asked_for_what_its_call_lacks() {
        let has = &["A_*", "B"][..];
        let more = |stdin: &str| Some(("A_*,B".to_owned(), stdin.to_owned()));
        let file = Stdin::File("a b".into());
        for (follows, patterns, stdin, answer) in [
            (Follows::Nothing, has, &Stdin::Nothing, None),
            (Follows::Replies, has, &Stdin::Nothing, None),
            (Follows::Nothing, &[][..], &Stdin::Nothing, more("")),
            (Follows::Nothing, &["A_*"], &Stdin::Nothing, more("")),
            (Follows::Nothing, has, &Stdin::Stream, more("stream")),
            (Follows::Replies, has, &Stdin::Stream, more("stream")),
            (Follows::Stdin, has, &Stdin::Stream, None),
            (Follows::Nothing, has, &file, more("@a%20b")),
            (Follows::Stdin, has, &file, None),
            (Follows::Stdin, has, &Stdin::Text, more("text")),
        ] {
            assert_eq!(asked(follows, patterns, stdin), answer, "{follows:?} {stdin:?}");
        }
    }
}

//! `--timeout`: an option of the command, or the limit of the call.

use std::time::Duration;

use super::*;

fn limit(description: &Description, line: &[&str]) -> (String, Option<Duration>) {
    let resolved = ok(description, line);
    assert!(resolved.warnings.is_empty(), "{:?}", resolved.warnings);
    (shown(&resolved), resolved.timeout)
}

#[test]
fn it_is_the_limit_of_a_call_whose_command_has_no_such_option() {
    let p = plugin("p", &["GET /x/{key} n:integer", "DELETE /x/{key}"]);
    let half = Some(Duration::from_millis(500));
    for line in [
        &["x", "a", "--timeout", "0.5"][..],
        &["--timeout", "0.5", "x", "a"],
        &["x", "--timeout=0.5", "a"],
        &["x", "a", "--timeout", "9", "--timeout", "0.5"],
    ] {
        assert_eq!(limit(&p, line), ("GET x/a".to_owned(), half), "{line:?}");
    }
    assert_eq!(limit(&p, &["x", "a", "--n", "1"]), ("GET x/a?n=1".to_owned(), None));
    assert_eq!(limit(&p, &["x", "--", "--timeout"]).1, None);
    // The only command there is, though it deletes.
    let p = plugin("p", &["DELETE /x/{key}"]);
    assert_eq!(limit(&p, &["x", "a", "--timeout", "0.5"]), ("DELETE x/a".to_owned(), half));
}

#[test]
fn it_is_the_option_of_a_command_that_has_it_or_takes_any_field() {
    let p = plugin("p", &["GET /x timeout:integer", "GET /x/{key}", "POST /any BODY"]);
    assert_eq!(limit(&p, &["x", "--timeout", "5"]), ("GET x?timeout=5".to_owned(), None));
    assert_eq!(limit(&p, &["x", "k", "--timeout", "5"]).1, Some(Duration::from_secs(5)));
    assert_eq!(ok(&p, &["any", "--timeout", "5"]).timeout, None);
    // Of two commands that fit, the one that has it.
    let p = plugin("p", &["GET /{key}", "POST /{key} timeout:integer"]);
    assert_eq!(limit(&p, &["a", "--timeout", "5"]), ("POST a?timeout=5".to_owned(), None));
}

#[test]
fn one_that_is_no_number_is_refused_before_the_call() {
    let p = plugin("p", &["GET /x"]);
    for line in [&["x", "--timeout", "soon"][..], &["x", "--timeout"], &["x", "--timeout", "0"]] {
        let arguments: Vec<String> = line.iter().map(ToString::to_string).collect();
        let failure = resolve(&p, &Line { arguments: &arguments, ..Line::default() }).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.error.starts_with("--timeout "), "{failure}");
    }
}

//! Values that stand for files.

use super::*;
use crate::wire::Input;

fn read(argument: usize, text: &str) -> Input {
    Input { argument, read: Some(Ok(text.to_owned())) }
}

fn resolved(line: &[&str], inputs: &[Input]) -> Result<Resolved, Failure> {
    let plugin = plugin(
        "p",
        &[
            "GET /get/{key} text list:string[] number:integer flag:boolean",
            "POST /post text!@body fields:object@body",
        ],
    );
    resolve(&plugin, &Line { arguments: &typed(line), inputs, ..Line::default() })
}

#[test]
fn text_and_json_options_take_files() {
    let sent = |line: &[&str], inputs: &[Input]| resolved(line, inputs).unwrap();
    let request = sent(&["get", "k", "--text", "@a.md"], &[read(3, "one\ntwo")]);
    assert_eq!(shown(&request), "GET get/k?text=one\ntwo");
    let request = sent(&["get", "k", "--text=-", "--list", "@a"], &[read(2, "one"), read(4, "b")]);
    assert_eq!(shown(&request), "GET get/k?text=one&list=b");
    let request =
        sent(&["post", "--text", "@a", "--fields=@b"], &[read(2, "7"), read(3, "{\"a\": [1]}")]);
    assert_eq!(body(&request), Some(serde_json::json!({"text": "7", "fields": {"a": [1]}})));
    assert_eq!(request.warnings, Vec::<String>::new());
    let request = sent(&["post", "x", "--fields={\"a\":"], &[]);
    assert_eq!(
        request.warnings,
        ["'--fields' is not JSON: EOF while parsing a value at line 1 column 5"]
    );
}

#[test]
fn what_is_no_file_stays_as_it_was_typed() {
    let request = resolved(&["get", "k", "--text", "@me"], &[]).unwrap();
    assert_eq!(shown(&request), "GET get/k?text=@me");
    let request = resolved(&["get", "k", "--text=@@a.md"], &[]).unwrap();
    assert_eq!(shown(&request), "GET get/k?text=@a.md");
    // Neither numbers nor positionals nor the path stand for anything.
    let all = |argument| Input { argument, read: Some(Err(Failure::new(Kind::Usage, "not read"))) };
    let request = resolved(&["get", "@k", "--number", "@a"], &[all(1), all(3)]).unwrap();
    assert_eq!(shown(&request), "GET get/@k?number=@a");
    let request = resolved(&["get", "--key", "@k"], &[all(2)]).unwrap();
    assert_eq!(shown(&request), "GET get/@k");
    let request = resolved(&["get", "--flag", "@k"], &[all(2)]).unwrap();
    assert_eq!(shown(&request), "GET get/@k?flag=True");
    let request = resolved(&["post", "@x"], &[]).unwrap();
    assert_eq!(body(&request), Some(serde_json::json!({"text": "@x"})));
}

#[test]
fn an_unreadable_file_fails_where_its_text_is_needed() {
    let failure = Failure::new(Kind::Usage, "--text: no such file: `a.md`");
    let input = Input { argument: 3, read: Some(Err(failure.clone())) };
    assert_eq!(resolved(&["get", "k", "--text", "@a.md"], &[input]).unwrap_err(), failure);
}

#[test]
fn a_body_without_declared_fields_takes_files_as_text() {
    let any = plugin("p", &["POST /any BODY"]);
    let line = typed(&["any", "--a", "@f", "--b", "7"]);
    let request =
        resolve(&any, &Line { arguments: &line, inputs: &[read(2, "7")], ..Line::default() })
            .unwrap();
    assert_eq!(body(&request), Some(serde_json::json!({"a": "7", "b": 7})));
}

#[test]
fn stdin_as_a_text_is_read_only_where_an_option_needs_it() {
    let unread = |argument| Input { argument, read: None };
    let stdin = |line: &[&str], inputs: &[Input]| resolved(line, inputs).unwrap().stdin;
    assert_eq!(stdin(&["get", "k", "--text", "-"], &[unread(3)]), Stdin::Text);
    assert_eq!(stdin(&["post", "--fields=-"], &[unread(1)]), Stdin::Text);
    assert_eq!(stdin(&["get", "k", "--text", "-"], &[read(3, "t")]), Stdin::Nothing);
    assert_eq!(stdin(&["get", "k", "--number=-"], &[unread(2)]), Stdin::Nothing);
}

#[test]
fn a_command_that_reads_stdin_takes_a_file_in_its_place() {
    let mut plugin = plugin("p", &["POST /sum upper:boolean name!", "POST /other text"]);
    plugin.commands[0].stdin = Some("raw_data".to_owned());
    let resolve =
        |line: &[&str]| resolve(&plugin, &Line { arguments: &typed(line), ..Line::default() });
    let file = |path: &str| Stdin::File(path.to_owned());
    for (line, stdin) in [
        (&["sum", "n"][..], Stdin::Stream),
        (&["sum", "n", "--raw-data", "@a.txt"], file("a.txt")),
        (&["sum", "n", "--raw_data=@/a b"], file("/a b")),
        (&["sum", "@a.txt", "n"], file("a.txt")),
        (&["sum", "n", "-"], Stdin::Stream),
        (&["sum", "n", "--raw-data", "-"], Stdin::Stream),
        (&["sum", "n", "--raw-data=@a", "--raw-data=@b"], file("b")),
        (&["other", "--text", "t"], Stdin::Nothing),
    ] {
        let resolved = resolve(line).unwrap();
        assert_eq!(resolved.stdin, stdin, "{line:?}");
        assert_eq!(resolved.warnings, Vec::<String>::new());
    }
    let refused = |line| resolve(line).unwrap_err();
    assert!(refused(&["sum", "n", "--raw-data", "a"]).hint.unwrap().contains("--raw-data @a"));
    assert!(refused(&["sum", "n", "--raw-data"]).error.contains("needs a file"));
}

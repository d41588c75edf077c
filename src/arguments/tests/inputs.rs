//! Values that stand for files.

use super::*;
use crate::wire::Input;

fn read(argument: usize, text: &str) -> Input {
    Input { argument, read: Ok(text.to_owned()) }
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
    let all = |argument| Input { argument, read: Err(Failure::new(Kind::Usage, "not read")) };
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
    let input = Input { argument: 3, read: Err(failure.clone()) };
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

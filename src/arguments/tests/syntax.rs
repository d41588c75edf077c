//! Options, positionals and where they are sent.

use super::*;

#[test]
fn an_option_is_found_in_any_spelling() {
    for spelling in ["--maxResults", "--max-results", "--max_results", "--MAXRESULTS"] {
        sends(&jira(), &["search", "--jql", "a", spelling, "5"], "GET search?jql=a&maxResults=5");
    }
    let exact = plugin("p", &["GET /x a_b aB"]);
    sends(&exact, &["x", "--aB", "1"], "GET x?aB=1");
    sends(&exact, &["x", "--a-b", "1"], "GET x?a_b=1");
    let letter = plugin("p", &["GET /x v:boolean f"]);
    sends(&letter, &["x", "-v", "-f", "a"], "GET x?v=True&f=a");
    assert_eq!(shown(&ok(&letter, &["x", "-f", "-v"])), "GET x?f=True&v=True");
}

#[test]
fn values_are_attached_next_or_absent() {
    sends(
        &jira(),
        &["search", "--jql=a = b", "--max-results=007"],
        "GET search?jql=a = b&maxResults=7",
    );
    sends(&jira(), &["search", "--jql", "-7d"], "GET search?jql=-7d");
    sends(&jira(), &["search", "--jql", "--x"], "GET search?jql=--x");
    sends(&jira(), &["search", "--jql=--format"], "GET search?jql=--format");
    sends(&jira(), &["search", "--jql", ""], "GET search?jql=");
    sends(&serena(), &["find", "x", "--depth", "-1"], "GET find?depth=-1&pattern=x");
    sends(&serena(), &["find", "--body", "Customer"], "GET find?body=True&pattern=Customer");
    sends(&serena(), &["find", "x", "--body", "no"], "GET find?body=False&pattern=x");
    sends(&serena(), &["find", "x", "--no-body"], "GET find?body=False&pattern=x");
    sends(&serena(), &["find", "--", "--body", "--"][..3], "GET find?pattern=--body");
    sends(&plugin("p", &["GET /add/{a}/{b}"]), &["add", "-5", "3"], "GET add/-5/3");
    // Text stays as it was typed; only numbers and truth values are normalized.
    sends(&jira(), &["search", "--jql", "007"], "GET search?jql=007");
    sends(&jira(), &["search", "--jql", "yes"], "GET search?jql=yes");
}

#[test]
fn a_forgotten_value_does_not_swallow_the_next_option() {
    let resolved = ok(&jira(), &["search", "--jql", "--format", "ai"]);
    assert_eq!(shown(&resolved), "GET search?jql=True&format=ai");
    assert_eq!(resolved.warnings, ["'--jql' has no value, 'True' is sent"]);
}

#[test]
fn lists_repeat_and_everything_else_is_set_once() {
    let list = plugin("p", &["GET /x tag:string[] id:integer[] one", "GET /y names!:string[]"]);
    sends(&list, &["x", "--tag", "a", "--id", "01", "--tag=b"], "GET x?tag=a&id=1&tag=b");
    sends(&list, &["x", "--one", "a", "--tag", "t", "--one", "b"], "GET x?one=b&tag=t");
    sends(&list, &["y", "a", "b", "c"], "GET y?names=a&names=b&names=c");
}

#[test]
fn unknown_options_are_sent_with_a_warning() {
    let resolved = ok(&jira(), &["create", "--proj", "T", "--type", "Story", "--summary", "s"]);
    assert_eq!(shown(&resolved), "POST create?proj=T&type=Story&summary=s");
    assert_eq!(resolved.warnings, ["Unknown parameter '--proj'. Did you mean '--project'?"]);
    let resolved = ok(&jira(), &["user", "--some-thing", "01", "--q", "--yes=yes", "--q=2"]);
    assert_eq!(shown(&resolved), "GET user?some_thing=1&q=2&yes=True");
    assert_eq!(
        resolved.warnings,
        [
            "Unknown parameter '--some-thing'",
            "Unknown parameter '--q'",
            "Unknown parameter '--yes'",
            "Unknown parameter '--q'"
        ]
    );
    assert_eq!(shown(&ok(&jira(), &["user", "-f", "01", "-n", "-5"])), "GET user?f=01&n=-5");
    let unnegated = ok(&serena(), &["find", "x", "--no-pattern"]);
    assert_eq!(shown(&unnegated), "GET find?no_pattern=True&pattern=x");
}

#[test]
fn a_body_is_typed_json() {
    let description = plugin(
        "p",
        &[
            "POST /new name!@body size:integer@body ratio:number@body on:boolean@body \
             tags:string[]@body ids:integer[]@body extra:object@body dry:boolean",
            "POST /free BODY",
            "GET /free q",
        ],
    );
    let sent = ok(
        &description,
        &[
            "new",
            "n",
            "--size",
            "007",
            "--ratio",
            "1.50",
            "--on",
            "yes",
            "--tags",
            "a",
            "--tags",
            "[1]",
            "--ids",
            "[1, 2]",
            "--ids",
            "3",
            "--extra",
            r#"{"a": null}"#,
            "--dry",
        ],
    );
    assert_eq!(shown(&sent), "POST new?dry=True");
    let body = r#"{"size":7,"ratio":1.50,"on":true,"tags":["a","[1]"],"ids":[1,2,3],"extra":{"a":null},"name":"n"}"#;
    assert_eq!(self::body(&sent).unwrap().to_string(), body);
    let wrong = ok(&description, &["new", "--size", "big", "--extra", "[", "--no-on"]);
    assert_eq!(self::body(&wrong), Some(json!({"size": "big", "extra": "[", "on": false})));
    assert_eq!(self::body(&ok(&description, &["new"])), Some(json!({})));
    let free = ok(&description, &["free", "--a-b", "01", "--c", "--d=x"]);
    assert_eq!((shown(&free).as_str(), free.warnings.len()), ("POST free", 0));
    assert_eq!(self::body(&free), Some(json!({"a_b": 1, "c": true, "d": "x"})));
    assert_eq!(shown(&ok(&description, &["free", "--q", "1"])), "GET free?q=1");
    assert_eq!(self::body(&ok(&description, &["free"])), None);
}

#[test]
fn headers_and_cookies_are_sent_where_they_are_declared() {
    let description = plugin("p", &["GET /x x-token!@header a@cookie b@cookie"]);
    let sent = ok(&description, &["x", "--x-token", "t", "--a", "1", "--b", "2"]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(sent.request.headers, [("x-token".parse().unwrap(), "t".parse().unwrap())]);
    assert_eq!(sent.request.cookies, [pair("a", "1"), pair("b", "2")]);
    assert_eq!(shown(&sent), "GET x");
}

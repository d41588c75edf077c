//! Answers as they are shown on a terminal.

use serde_json::{Value, json};

use super::super::wrap::visible;
use super::super::{Options, answer, strip_ansi};
use crate::console::Style;

fn shown(body: &Value, width: usize) -> String {
    answer(body, &Options { width, ..Options::default() })
}

fn people() -> Value {
    json!({"success": true, "data": [
        {"name": "Ada Lovelace", "age": 36, "tags": ["math", "engine"], "boss": null},
        {"name": "山田 太郎", "age": 7.5, "boss": {"name": "Ada", "id": 1}, "about": "👩\u{200d}👩\u{200d}👧 a long text that is wrapped where the terminal ends, and cut where it takes too many lines to be read in a table; nobody reads on here, and if somebody did there would be more and more of it to read"},
        {"name": "e\u{301}".repeat(5), "age": 1234},
    ]})
}

#[test]
fn records_are_a_table() {
    insta::assert_snapshot!(shown(&people(), 80), @"
    name           age  tags          boss                about
    Ada Lovelace    36  math, engine
    山田 太郎      7.5                {name: Ada, id: 1}  👩‍👩‍👧 a long text that is
                                                          wrapped where the terminal
                                                          ends, and cut where it…
    ééééé         1234
    ");
}

#[test]
fn a_table_that_does_not_fit_is_records() {
    insta::assert_snapshot!(shown(&people(), 40), @"
    name: Ada Lovelace
    age:  36
    tags: math, engine
    boss: None

    name:  山田 太郎
    age:   7.5
    boss:
      name: Ada
      id:   1
    about: 👩‍👩‍👧 a long text that is wrapped
           where the terminal ends, and cut
           where it takes too many lines to
           be read in a table; nobody reads
           on here, and if somebody did
           there would be more and more of
           it to read

    name: ééééé
    age:  1234
    ");
}

#[test]
fn no_table_is_wider_than_the_terminal() {
    let long = json!([{"a": "x".repeat(300), "b": "日本".repeat(99), "c": "y ".repeat(200), "d": 123456789}]);
    let mut bodies = vec![people(), long];
    // Every number of columns, their widths as mixed as they come.
    for columns in 1..12_usize {
        let cell = |row: usize, at: usize| "ab 日é".repeat((row * 7 + at * at * 5) % 23);
        let row = |row| {
            (0..columns)
                .map(move |at| (format!("h{at}{}", "x".repeat(at % 5)), json!(cell(row, at))))
        };
        bodies.push((0..5).map(|number| Value::Object(row(number).collect())).collect());
    }
    let mut tables = 0;
    for (at, body) in bodies.iter().enumerate() {
        for width in 1..200 {
            let text = shown(body, width);
            // A record begins with its first key.
            if text.lines().next().unwrap().contains(':') {
                continue;
            }
            tables += 1;
            let widest = text.lines().map(visible).max().unwrap();
            assert!(widest <= width, "{at} {width}: {widest}\n{text}");
        }
    }
    assert!(tables > 1000, "{tables}");
}

#[test]
fn a_record_is_aligned_and_nested_values_are_indented() {
    let body = json!({"data": {
        "key": "PROJ-1", "summary": "A summary that is too long for one line of this terminal, so it is wrapped",
        "description": "first line\nsecond line", "labels": ["a", "b"], "none": null, "empty": [], "done": false,
        "assignee": {"name": "bob", "mail": {"address": "bob@example.com", "verified": true}},
        "links": [{"type": "blocks", "key": "PROJ-2"}, {"type": "relates", "key": "PROJ-3"}],
        "matrix": [[1, 2], [3, 4]],
    }});
    insta::assert_snapshot!(shown(&body, 60), @"
    key:         PROJ-1
    summary:     A summary that is too long for one line of this
                 terminal, so it is wrapped
    description: first line
                 second line
    labels:      a, b
    none:        None
    empty:       -
    done:        False
    assignee:
      name: bob
      mail:
        address:  bob@example.com
        verified: True
    links:
      type     key
      blocks   PROJ-2
      relates  PROJ-3
    matrix:
      - 1, 2
      - 3, 4
    ");
}

#[test]
fn lists_in_a_list_are_tables_of_their_own() {
    let plugins = json!({"plugins": [
        {"name": "demo", "endpoints": [{"method": "GET", "path": "/a"}, {"method": "POST", "path": "/b"}]},
        {"name": "jira", "endpoints": []},
    ]});
    insta::assert_snapshot!(shown(&plugins, 80), @"
    plugins:
      name: demo
      endpoints:
        method  path
        GET     /a
        POST    /b

      name:      jira
      endpoints: -
    ");
    let named = json!([{"key": 1, "parts": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}]);
    assert_eq!(shown(&named, 80), "key  parts\n  1  {id: 1, name: a}, {id: 2, name: b}");
}

#[test]
fn issues_are_a_table_and_symbols_stay_lines() {
    let issues = json!({"success": true, "data": [
        {"key": "PROJ-1", "fields": {"summary": "Login fails", "status": {"name": "Open"}, "customfield_1": 5}},
        {"key": "PROJ-22", "fields": {"summary": "Logout fails, too", "status": {"name": "In Progress", "id": 3, "self": "http://x"}}},
        {"key": "PROJ-3", "fields": null},
    ]});
    insta::assert_snapshot!(shown(&issues, 80), @"
    key      status       summary
    PROJ-1   Open         Login fails
    PROJ-22  In Progress  Logout fails, too
    PROJ-3
    ");
    let symbols = json!([{"name_path": "a/b", "kind": 12, "relative_path": "x.py", "body_location": {"start_line": 3}}]);
    assert_eq!(shown(&symbols, 80), shown(&symbols, 0));
    let tools = json!([{"name": "find", "description": "Finds it"}]);
    assert_eq!(shown(&tools, 80), "name  description\nfind  Finds it");
}

#[test]
fn what_is_no_record_is_shown_as_everywhere() {
    for body in [
        json!(null),
        json!("text"),
        json!(5),
        json!([]),
        json!(["a", 1]),
        json!([{"a": 1}, 2]),
        json!({}),
        json!([{}, {}]),
        json!({"active_project": "x"}),
        json!([{}, {}]),
        json!({"recipes": ["a"]}),
        json!({"success": false, "error": "boom"}),
    ] {
        assert_eq!(shown(&body, 80), shown(&body, 0), "{body}");
    }
    let deep = (0..60).fold(json!(1), |inner, _| json!({"a": inner}));
    assert!(shown(&deep, 40).contains("a: {a: {a:"), "{}", shown(&deep, 40));
}

#[test]
fn colours_change_nothing_but_colours() {
    let colored = answer(&people(), &Options { width: 80, style: Style::COLORED, json: false });
    assert_eq!(strip_ansi(&colored), shown(&people(), 80));
    assert!(colored.starts_with("\u{1b}[1mname"), "{colored}");
}

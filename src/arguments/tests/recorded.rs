//! Calls recorded from the first client of these plugins.

use super::*;

#[test]
fn calls_that_worked_keep_working() {
    let recorded = plugin(
        "p",
        &[
            "GET /issue/{key} fields",
            "GET /search jql! maxResults:integer",
            "GET /user/me",
            "GET /find pattern exact:boolean body:boolean",
            "GET /find/{name} depth:integer",
            "GET /x max_results:integer v:number neg:integer",
            "POST /memory/write name! content!",
            "POST /edit/replace symbol! file! body!",
            "POST /create project! type! summary!",
            "POST /transition/{key} target!",
            "POST /link from! to! type!",
            "GET /link/types",
            "GET /workflow/{issue_type:path}",
            "POST /workflow/discover/{key}",
        ],
    );
    // These differ on purpose; the first column is the line as it was recorded.
    let better = [
        // A text option takes any text; it was sent as true, and its value became a part of the path.
        ("find --pattern -dash", "GET find?pattern=-dash"),
        // The route is a POST; the guess from words never reached it.
        ("workflow discover P-1", "POST workflow/discover/P-1"),
        // A negative number is a value; it was an option called 5.
        ("x --neg -5", "GET x?neg=-5"),
    ];
    let rows = include_str!("../../../tests/data/client_args.jsonl");
    let (mut same, mut different) = (0, 0);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let argv: Vec<String> = serde_json::from_value(row["argv"].clone()).unwrap();
        let params: Vec<String> = row["params"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| match value {
                Value::Bool(value) => format!("{name}={}", value::python_bool(*value)),
                Value::String(text) => format!("{name}={text}"),
                number => format!("{name}={number}"),
            })
            .collect();
        let mark = if params.is_empty() { "" } else { "?" };
        let (method, path) = (row["method"].as_str().unwrap(), row["path"].as_str().unwrap());
        let recorded_request = format!("{method} {path}{mark}{}", params.join("&"));
        let line = argv.join(" ");
        let request =
            shown(&resolve(&recorded, &Line { arguments: &argv, ..Line::default() }).unwrap());
        if let Some((_, wanted)) = better.iter().find(|(before, _)| *before == line) {
            assert_eq!(request, *wanted, "{line}");
            assert_ne!(request, recorded_request, "{line} is no exception");
            different += 1;
        } else {
            assert_eq!(request, recorded_request, "{line}");
            same += 1;
        }
    }
    assert_eq!((same, different), (18, better.len()));
}

#[test]
fn without_a_description_words_decide() {
    let nothing = plugin("p", &[]);
    for (line, request) in [
        (&["issue", "K", "--max-results", "007"][..], "GET issue/K?max_results=7"),
        (&["issue/K", "--a=yes", "--a", "-5"], "GET issue/K?a=-5"),
        (&["create", "--project", "P"], "POST create?project=P"),
        (&["link", "types"], "GET link/types"),
        (&["memory", "delete", "--name", "n"], "POST memory/delete?name=n"),
        (&["find", "--body"], "GET find?body=True"),
        (&["find", "--body", "code"], "POST find?body=code"),
        (&["x", "--content", "1"], "POST x?content=1"),
        (&["x", "-f", "007"], "GET x?f=007"),
    ] {
        sends(&nothing, line, request);
    }
    let by_hand = resolve(
        &nothing,
        &Line { arguments: &typed(&["create"]), method: Some("put"), ..Line::default() },
    )
    .unwrap();
    assert_eq!(shown(&by_hand), "PUT create");
    assert_eq!(err(&nothing, &["--x", "1"]).error, "No command for 'p'");
}

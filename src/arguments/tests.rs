//! The rules of the command line, and what was recorded from the first client of these plugins.

use serde_json::{Value, json};

use super::*;
use crate::description::{Command, Location, Parameter};
use crate::failure::Kind;

/// `METHOD /path name:type name!:type …`: `!` for required, a type after `:`, `@` before a place that is not
/// the query; path parameters are added from the path.
fn command(line: &str) -> Command {
    let mut parts = line.split_whitespace();
    let method = parts.next().unwrap().to_owned();
    let path = parts.next().unwrap().to_owned();
    let parameter = |name: &str, kind: &str, location, required| Parameter {
        name: name.to_owned(),
        location,
        required,
        schema: match kind.strip_suffix("[]") {
            Some(items) => json!({"type": "array", "items": {"type": items}}),
            None => json!({"anyOf": [{"type": "null"}, {"type": kind}]}),
        },
        description: String::new(),
    };
    let in_path = path
        .split('/')
        .filter_map(|part| part.split_once('{')?.1.split(['}', ':']).next())
        .map(|name| parameter(name, "string", Location::Path, true));
    let mut parameters: Vec<Parameter> = in_path.collect();
    for part in parts.filter(|part| *part != "BODY") {
        let (part, location) = match part.split_once('@') {
            Some((part, "body")) => (part, Location::Body),
            Some((part, "header")) => (part, Location::Header),
            Some((part, _)) => (part, Location::Cookie),
            None => (part, Location::Query),
        };
        let (name, kind) = part.split_once(':').unwrap_or((part, "string"));
        let (name, required) = match name.strip_suffix('!') {
            Some(name) => (name, true),
            None => (name, false),
        };
        parameters.push(parameter(name, kind, location, required));
    }
    let has_body = line.contains("@body") || line.contains("BODY");
    Command { path, method, parameters, has_body, ..Command::default() }
}

fn plugin(name: &str, lines: &[&str]) -> Description {
    Description {
        name: name.to_owned(),
        commands: lines.iter().map(|line| command(line)).collect(),
        ..Description::default()
    }
}

fn jira() -> Description {
    plugin(
        "jira",
        &[
            "GET /issue/{key} fields expand format",
            "POST /create project! summary! type! description priority labels",
            "PATCH /issue/{key} summary priority labels assignee",
            "GET /search jql! maxResults:integer startAt:integer fields format",
            "POST /comment/{key} text!",
            "GET /comments/{key} limit:integer format",
            "POST /link from! to! type!",
            "GET /link/types",
            "POST /weblink/{key} url! title",
            "GET /weblinks/{key}",
            "DELETE /weblink/{key}/{link_id}",
            "POST /attachment/{key} filename! content!",
            "DELETE /attachment/{attachment_id}",
            "POST /component project! name! description lead",
            "GET /component/{component_id} format",
            "DELETE /component/{component_id}",
            "GET /project/{key} format",
            "GET /project/{key}/components format",
            "GET /status/{name} format",
            "GET /user format",
            "GET /user/me format",
            "POST /watcher/{key} username!",
            "DELETE /watcher/{key}/{username}",
            "GET /workflow/{issue_type:path}",
            "POST /workflow/discover/{key}",
            "POST /transition/{key} target! comment",
        ],
    )
}

fn serena() -> Description {
    plugin(
        "serena",
        &[
            "GET /find pattern! kind path body:boolean depth:integer exact:boolean",
            "GET /memory/list folder",
            "GET /memory/read name!",
            "POST /memory/write name! content!",
            "POST /edit/replace symbol! file! body!",
            "GET /_debug",
        ],
    )
}

fn typed(line: &[&str]) -> Vec<String> {
    line.iter().map(|argument| (*argument).to_owned()).collect()
}

fn ok(description: &Description, line: &[&str]) -> Invocation {
    resolve(description, &typed(line), None).unwrap_or_else(|failure| panic!("{line:?}: {failure}"))
}

fn err(description: &Description, line: &[&str]) -> Failure {
    match resolve(description, &typed(line), None) {
        Ok(invocation) => panic!("{line:?}: {invocation:?}"),
        Err(failure) => failure,
    }
}

/// `METHOD path?name=value&…`, nothing encoded; segments with a slash in them are shown with `%2F`.
fn shown(invocation: &Invocation) -> String {
    let segments: Vec<String> =
        invocation.segments.iter().map(|segment| segment.replace('/', "%2F")).collect();
    let query: Vec<String> =
        invocation.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{} {}{mark}{}", invocation.method, segments.join("/"), query.join("&"))
}

#[track_caller]
fn sends(description: &Description, line: &[&str], request: &str) {
    let invocation = ok(description, line);
    assert_eq!(shown(&invocation), request, "{line:?}");
    assert_eq!(invocation.warnings, Vec::<String>::new(), "{line:?}");
}

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
        // The route says POST; the guess from words never reached it.
        ("workflow discover P-1", "POST workflow/discover/P-1"),
        // A negative number is a value; it was an option called 5.
        ("x --neg -5", "GET x?neg=-5"),
    ];
    let rows = include_str!("../../tests/data/client_args.jsonl");
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
        let request = shown(&resolve(&recorded, &argv, None).unwrap());
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
fn the_path_is_the_command_and_its_positionals() {
    sends(&jira(), &["issue", "PROJ-1"], "GET issue/PROJ-1");
    sends(&jira(), &["issue/PROJ-1"], "GET issue/PROJ-1");
    sends(&jira(), &["/issue/PROJ-1/"], "GET issue/PROJ-1");
    sends(&jira(), &["--format", "ai", "issue", "PROJ-1"], "GET issue/PROJ-1?format=ai");
    sends(&jira(), &["project", "P", "components"], "GET project/P/components");
    sends(&jira(), &["project", "P/components"], "GET project/P/components");
    sends(&jira(), &["user"], "GET user");
    sends(&jira(), &["workflow", "Technical task"], "GET workflow/Technical task");
    sends(&jira(), &["workflow", "a/b", "c"], "GET workflow/a/b/c");
    sends(&jira(), &["issue", "ü/ä", "--format", "ai"], "GET issue/ü%2Fä?format=ai");
}

#[test]
fn an_argument_that_fills_a_parameter_is_not_split() {
    sends(&jira(), &["status", "In/Progress"], "GET status/In%2FProgress");
    sends(&serena(), &["find", "src/a.py"], "GET find?pattern=src/a.py");
    sends(&serena(), &["memory/write", "a/b", "c/d"], "POST memory/write?name=a/b&content=c/d");
    // The URL is the parameter, not the last part of the path that deletes.
    sends(&jira(), &["weblink", "P-1", "https://x/y"], "POST weblink/P-1?url=https://x/y");
    sends(&jira(), &["comment", "P-1", "see /tmp"], "POST comment/P-1?text=see /tmp");
    sends(&jira(), &["comment", "P-1", ""], "POST comment/P-1?text=");
}

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
    let invocation = ok(&jira(), &["search", "--jql", "--format", "ai"]);
    assert_eq!(shown(&invocation), "GET search?jql=True&format=ai");
    assert_eq!(invocation.warnings, ["'--jql' has no value, 'True' is sent"]);
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
    let invocation = ok(&jira(), &["create", "--proj", "T", "--type", "Story", "--summary", "s"]);
    assert_eq!(shown(&invocation), "POST create?proj=T&type=Story&summary=s");
    assert_eq!(invocation.warnings, ["Unknown parameter '--proj'. Did you mean '--project'?"]);
    let invocation = ok(&jira(), &["user", "--some-thing", "01", "--q", "--yes=yes", "--q=2"]);
    assert_eq!(shown(&invocation), "GET user?some_thing=1&q=2&yes=True");
    assert_eq!(
        invocation.warnings,
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
fn positionals_that_no_path_takes_fill_required_parameters() {
    sends(&jira(), &["search", "project = X"], "GET search?jql=project = X");
    sends(&jira(), &["link", "A-1", "A-2", "Blocks"], "POST link?from=A-1&to=A-2&type=Blocks");
    sends(&jira(), &["link", "--to", "A-2", "A-1", "Is"], "POST link?to=A-2&from=A-1&type=Is");
    sends(&serena(), &["memory", "write", "n", "text"], "POST memory/write?name=n&content=text");
    let nested = plugin("p", &["GET /a x! y! z!", "GET /a/b y! z!", "GET /{any} x! y! z!"]);
    sends(&nested, &["a", "b", "1", "2"], "GET a/b?y=1&z=2");
    sends(&nested, &["a", "c", "1", "2"], "GET a?x=c&y=1&z=2");
    sends(&plugin("p", &["GET / name!"]), &["World"], "GET ?name=World");
}

#[test]
fn the_route_is_the_most_particular_that_fits_the_options() {
    sends(&jira(), &["issue", "K", "--summary", "x"], "PATCH issue/K?summary=x");
    sends(&jira(), &["issue", "K", "--fields", "x"], "GET issue/K?fields=x");
    sends(&jira(), &["component", "7"], "GET component/7");
    sends(&jira(), &["weblink", "P-1", "12345"], "DELETE weblink/P-1/12345");
    sends(&jira(), &["weblink", "P-1", "--url", "u"], "POST weblink/P-1?url=u");
    sends(&jira(), &["watcher", "P-1", "--username", "joe"], "POST watcher/P-1?username=joe");
    sends(&jira(), &["watcher", "P-1", "joe"], "DELETE watcher/P-1/joe");
    sends(&jira(), &["attachment", "12345"], "DELETE attachment/12345");
    sends(&jira(), &["workflow", "discover", "P-1"], "POST workflow/discover/P-1");
    let ambiguous = plugin(
        "p",
        &[
            "GET /user/{name} q",
            "PATCH /user/{name} email",
            "GET /user/me",
            "POST /user/create title!",
        ],
    );
    sends(&ambiguous, &["user", "me"], "GET user/me");
    sends(&ambiguous, &["user", "me", "--email", "x"], "PATCH user/me?email=x");
    sends(&ambiguous, &["user", "create"], "POST user/create");
    // The server would call /user/me, which does not know the option either.
    assert_eq!(ok(&ambiguous, &["user", "me", "--q", "1"]).warnings, ["Unknown parameter '--q'"]);
}

#[test]
fn where_nothing_fits_fully_the_nearest_is_taken() {
    let typo = ok(&jira(), &["issue", "K", "--sumary", "x"]);
    assert_eq!(shown(&typo), "GET issue/K?sumary=x");
    sends(&jira(), &["create", "--type", "Story"], "POST create?type=Story");
    sends(&jira(), &["attachment", "K", "--filename", "x"], "POST attachment/K?filename=x");
}

#[test]
fn nothing_is_deleted_by_a_typing_error() {
    let typo = ok(&jira(), &["attachment", "K", "--file-name", "x", "--cnotent", "y"]);
    assert_eq!(typo.method, "POST");
    let typo = ok(&jira(), &["watcher", "K", "joe", "--notfy"]);
    assert_eq!(shown(&typo), "POST watcher/K?notfy=True&username=joe");
    let meant = ok(&jira(), &["attachment", "12345", "--delete"]);
    assert_eq!(shown(&meant), "DELETE attachment/12345?delete=True");
}

#[test]
fn the_method_can_be_chosen_by_hand() {
    let by_hand =
        |line: &[&str], method| shown(&resolve(&jira(), &typed(line), Some(method)).unwrap());
    assert_eq!(by_hand(&["component", "7"], "delete"), "DELETE component/7");
    assert_eq!(by_hand(&["watcher", "P-1", "joe"], "POST"), "POST watcher/P-1?username=joe");
    assert_eq!(by_hand(&["user"], "PUT"), "PUT user");
    assert_eq!(by_hand(&["link", "a", "b", "c"], "GET"), "GET link?from=a&to=b&type=c");
}

#[test]
fn options_may_fill_the_path() {
    sends(&jira(), &["issue", "--key", "K", "--format", "ai"], "GET issue/K?format=ai");
    sends(&jira(), &["status", "--name=In/Progress"], "GET status/In%2FProgress");
    sends(&jira(), &["workflow", "--issue-type", "a/b"], "GET workflow/a/b");
    let both = plugin("p", &["PUT /item/{id} id@body"]);
    let invocation = ok(&both, &["item", "7", "--id", "8"]);
    assert_eq!(
        (shown(&invocation).as_str(), invocation.body),
        ("PUT item/7", Some(json!({"id": "8"})))
    );
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
    assert_eq!(sent.body.unwrap().to_string(), body);
    let wrong = ok(&description, &["new", "--size", "big", "--extra", "[", "--no-on"]);
    assert_eq!(wrong.body, Some(json!({"size": "big", "extra": "[", "on": false})));
    assert_eq!(ok(&description, &["new"]).body, Some(json!({})));
    let free = ok(&description, &["free", "--a-b", "01", "--c", "--d=x"]);
    assert_eq!((shown(&free).as_str(), free.warnings.len()), ("POST free", 0));
    assert_eq!(free.body, Some(json!({"a_b": 1, "c": true, "d": "x"})));
    assert_eq!(shown(&ok(&description, &["free", "--q", "1"])), "GET free?q=1");
    assert_eq!(ok(&description, &["free"]).body, None);
}

#[test]
fn headers_and_cookies_are_sent_where_they_are_declared() {
    let description = plugin("p", &["GET /x x-token!@header a@cookie b@cookie"]);
    let sent = ok(&description, &["x", "--x-token", "t", "--a", "1", "--b", "2"]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(sent.headers, [pair("x-token", "t"), pair("cookie", "a=1; b=2")]);
    assert_eq!(shown(&sent), "GET x");
}

#[test]
fn an_unknown_command_names_what_there_is() {
    let failure = err(&jira(), &["isue", "PROJ-1"]);
    assert_eq!((failure.kind, failure.error.as_str()), (Kind::NotFound, "Unknown command: isue"));
    assert_eq!(failure.hint.as_deref(), Some("Did you mean 'issue'?"));
    let failure = err(&serena(), &["nonexistent_command_12345/x"]);
    assert_eq!(failure.error, "Unknown command: nonexistent_command_12345");
    assert_eq!(failure.hint.as_deref(), Some("Run 'serena --help' to see its commands."));
    assert_eq!(failure.available.unwrap(), ["find", "memory", "edit"]);
    let failure = err(&serena(), &["memory", "wriet", "x"]);
    assert_eq!(failure.error, "Unknown command: memory wriet");
    assert_eq!(failure.hint.as_deref(), Some("Did you mean 'memory write'?"));
    assert_eq!(failure.available.unwrap(), ["memory list", "memory read", "memory write"]);
}

#[test]
fn no_command_at_all_is_a_question_of_usage() {
    for line in [&[][..], &["--format", "ai"], &["--"]] {
        let failure = err(&serena(), line);
        assert_eq!(
            (failure.kind, failure.error.as_str()),
            (Kind::Usage, "No command for 'serena'")
        );
        assert_eq!(failure.available.unwrap(), ["find", "memory", "edit"]);
    }
    sends(&plugin("p", &["GET /x", "GET / q"]), &["--q", "1"], "GET ?q=1");
    sends(&plugin("p", &["GET / q"]), &[], "GET ");
}

#[test]
fn a_path_that_does_not_fit_is_explained() {
    let told = |description: &Description, line: &[&str]| {
        let failure = err(description, line);
        assert_eq!(failure.kind, Kind::Usage);
        format!("{}\n{}", failure.error, failure.hint.unwrap_or_default())
    };
    assert_eq!(
        told(&jira(), &["issue"]),
        "'jira issue' needs KEY\nUsage: jira issue <key> [options]"
    );
    assert_eq!(told(&jira(), &["issue", ""]), told(&jira(), &["issue"]));
    let two = plugin("p", &["DELETE /w/{key}/{link_id}"]);
    assert_eq!(told(&two, &["w"]), "'p w' needs KEY and LINK_ID\nUsage: p w <key> <link_id>");
    assert_eq!(
        told(&jira(), &["user", "bob"]),
        "'jira user' does not take 'bob'\nUsage: jira user [options]"
    );
    assert_eq!(
        told(&jira(), &["user", "em"]),
        "'jira user' does not take 'em'\nUsage: jira user [options]"
    );
    assert_eq!(
        told(&jira(), &["search", "project = X", "y"]),
        "'jira search' does not take 'y'\nUsage: jira search --jql <value> [options]"
    );
    assert_eq!(
        told(&jira(), &["issue", "--key", "K", "L"]),
        "'jira issue' does not take 'L'\nUsage: jira issue <key> [options]"
    );
    assert_eq!(
        told(&serena(), &["memory"]),
        "'serena memory' needs a command\nRun 'serena memory --help' to see its commands."
    );
    assert_eq!(
        told(&plugin("p", &["GET /user", "GET /user/profile"]), &["user", "prof"]),
        "'p user' does not take 'prof'\nDid you mean 'user profile'?"
    );
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
    let by_hand = resolve(&nothing, &typed(&["create"]), Some("put")).unwrap();
    assert_eq!(shown(&by_hand), "PUT create");
    assert_eq!(err(&nothing, &["--x", "1"]).error, "No command for 'p'");
}

#[test]
fn nothing_that_can_be_typed_panics() {
    let arguments = [
        "",
        "/",
        "//",
        "-",
        "--",
        "---",
        "--=",
        "-=",
        "--=x",
        "-ü",
        "--ü=",
        "issue",
        "ü",
        "{key}",
        "\0",
        "\u{1b}[0m",
        "a/b",
        "/a",
        "-5",
        "-.",
        "--no-",
        "--no-body",
        "--key",
        "--body",
        "日本",
        "\u{202e}",
        "%2F",
        "..",
    ];
    let paths =
        ["GET", "GET /", "GET //{", "GET /}{", "GET /{a}{b}", "GET /{:path}/x", "GET /ü{é}ü"];
    let odd = Description {
        commands: paths
            .iter()
            .map(|line| {
                let (method, path) = line.split_once(' ').unwrap_or((line, ""));
                Command { path: path.into(), method: method.into(), ..Command::default() }
            })
            .collect(),
        ..Description::default()
    };
    for description in [jira(), serena(), odd, Description::default()] {
        for one in arguments {
            for two in arguments {
                for three in ["x", "--jql"] {
                    let line = typed(&[one, two, three]);
                    let _ = resolve(&description, &line, None);
                    let _ = resolve(&description, &line, Some(three));
                }
            }
        }
    }
    let long = vec!["a/".repeat(1000); 100];
    let _ = resolve(&jira(), &long, None);
    let _ = resolve(&jira(), &["x".repeat(1 << 20)], None);
}

//! Lines that fit no command, and lines out of the ordinary.

use super::*;

#[test]
fn an_unknown_command_names_the_available_ones() {
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
    let explained = |description: &Description, line: &[&str]| {
        let failure = err(description, line);
        assert_eq!(failure.kind, Kind::Usage);
        format!("{}\n{}", failure.error, failure.hint.unwrap_or_default())
    };
    assert_eq!(
        explained(&jira(), &["issue"]),
        "'jira issue' needs KEY\nUsage: jira issue <key> [options]"
    );
    assert_eq!(explained(&jira(), &["issue", ""]), explained(&jira(), &["issue"]));
    let two = plugin("p", &["DELETE /w/{key}/{link_id}"]);
    assert_eq!(explained(&two, &["w"]), "'p w' needs KEY and LINK_ID\nUsage: p w <key> <link_id>");
    assert_eq!(
        explained(&jira(), &["user", "bob"]),
        "'jira user' does not take 'bob'\nUsage: jira user [options]"
    );
    assert_eq!(
        explained(&jira(), &["user", "em"]),
        "'jira user' does not take 'em'\nUsage: jira user [options]"
    );
    assert_eq!(
        explained(&jira(), &["search", "project = X", "y"]),
        "'jira search' does not take 'y'\nUsage: jira search --jql <value> [options]"
    );
    assert_eq!(
        explained(&jira(), &["issue", "--key", "K", "L"]),
        "'jira issue' does not take 'L'\nUsage: jira issue <key> [options]"
    );
    assert_eq!(
        explained(&serena(), &["memory"]),
        "'serena memory' needs a command\nRun 'serena memory --help' to see its commands."
    );
    assert_eq!(
        explained(&plugin("p", &["GET /user", "GET /user/profile"]), &["user", "prof"]),
        "'p user' does not take 'prof'\nDid you mean 'user profile'?"
    );
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
                    let _ = resolve(&description, &Line { arguments: &line, ..Line::default() });
                    let _ = resolve(
                        &description,
                        &Line { arguments: &line, method: Some(three), ..Line::default() },
                    );
                }
            }
        }
    }
    let long = vec!["a/".repeat(1000); 100];
    let _ = resolve(&jira(), &Line { arguments: &long, ..Line::default() });
    let _ = resolve(&jira(), &Line { arguments: &["x".repeat(1 << 20)], ..Line::default() });
}

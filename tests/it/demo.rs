//! Answers of the bundled demo plugin: how the client prints them, and its exit status.

use serde_json::json;

use crate::harness::Home;

#[test]
fn parameters_of_every_kind_arrive() {
    let home = Home::new();
    let size = home.client(&["demo", "size", "1234567"]);
    assert_eq!(size.ok().quietly().stdout(), "1.2 MB\n");
    let size = home.client(&["demo", "size", "1234567", "--binary", "--json"]);
    assert_eq!(size.ok().stdout(), "\"1.2 MiB\"\n");

    let line = "demo kinds a/b --number 7 --ratio=0.25 --flag --color green --level high --tag a --tag b \
                --day 2026-01-02 --max-results 3 --x-demo h --session s";
    let arguments: Vec<&str> =
        line.split_whitespace().map(|word| if word == "a/b" { "a b&c" } else { word }).collect();
    let kinds = home.client(&arguments);
    insta::assert_snapshot!(kinds.ok().quietly().stdout(), @"
    word: a b&c
    number: 7
    ratio: 0.25
    flag: True
    color: green
    level: high
    tags: ['a', 'b']
    day: 2026-01-02
    maxResults: 3
    x-demo: h
    session: s
    ");
    let defaults = home.client(&["--json", "demo", "kinds", "w", "--number", "0"]);
    assert_eq!(
        defaults.ok().json(),
        json!({
            "word": "w", "number": 0, "ratio": 0.5, "flag": false, "color": "red", "level": "low",
            "tags": [], "day": null, "maxResults": 10, "x-demo": null, "session": null
        })
    );
}

#[test]
fn each_invalid_parameter_is_reported() {
    let home = Home::new();
    let missing = home.client(&["demo", "kinds", "word"]);
    insta::assert_snapshot!(missing.fails_with(1).quietly().stdout(), @"
    Error: Invalid parameters
      Missing required parameter: --number

    Hint: Use --help to see required parameters
    ");
    let wrong = ["demo", "kinds", "word", "--number", "x", "--color", "blue", "--ratio", "3"];
    insta::assert_snapshot!(home.client(&wrong).fails_with(1).quietly().stdout(), @"
    Error: Invalid parameters
      Invalid value for --number: expected integer
      --ratio: Input should be less than 1
      --color: Input should be 'red' or 'green'

    Hint: Use --help to see required parameters
    ");
    let unknown = home.client(&["demo", "hello", "--nmae", "Ada"]);
    unknown.ok().says("Hello, World!");
    assert_eq!(unknown.stderr(), "Warning: Unknown parameter '--nmae'. Did you mean '--name'?\n");
}

#[test]
fn a_body_is_made_of_options_and_checked() {
    let home = Home::new();
    let order =
        home.client(&["demo", "order", "--item", "tea", "--count", "2", "--gift", "--json"]);
    assert_eq!(order.ok().quietly().json(), json!({"item": "tea", "count": 2, "gift": true}));
    let order = home.client(&["demo", "order", "--count", "200"]);
    insta::assert_snapshot!(order.fails_with(1).quietly().stdout(), @"
    Error: Invalid parameters
      Missing required parameter: --item
      --count: Input should be less than or equal to 99

    Hint: Use --help to see required parameters
    ");
}

#[test]
fn a_stream_is_printed_while_it_is_made() {
    let home = Home::new();
    home.client(&["demo", "count", "--to", "3", "--delay", "0"]).ok().says("1\n2\n3\n");
    let mut counting = home.spawn_client(&["demo", "count", "--to", "2", "--delay", "10"]);
    assert_eq!(counting.line(), "1");
    // Other requests take their turn meanwhile, and the second line is still to come.
    home.client(&["demo", "hello"]).ok();
    assert!(counting.lives());
    assert_eq!(counting.line_if_any(), None);
}

#[test]
fn failures_of_a_plugin_and_of_the_command_line_have_a_status_and_a_hint() {
    let home = Home::new();
    let call = |arguments: &[&str], status| {
        let output = home.client(arguments);
        output.fails_with(status).quietly().stdout().to_owned()
    };
    insta::assert_snapshot!(call(&["demo", "fail"], 1), @"
    Error: failed as asked
    Hint: Check daemon logs for details
    ");
    insta::assert_snapshot!(
        call(&["demo", "fail", "--status", "404"], 1),
        @"detail: failed as asked, with 404"
    );
    insta::assert_snapshot!(call(&["demo", "fail", "--status", "404", "--json"], 1), @r#"
    {
      "detail": "failed as asked, with 404"
    }
    "#);
    insta::assert_snapshot!(call(&["demo", "helo"], 1), @"
    Error: Unknown command: helo
    Hint: Did you mean 'hello'?
    Available: hello, size, kinds, order, wait, count, fail
    ");
    insta::assert_snapshot!(call(&["demmo", "hello"], 1), @"
    Error: Unknown plugin: demmo
    Hint: Did you mean 'demo'?
    Available: demo
    ");
    insta::assert_snapshot!(call(&["demo"], 2), @"
    Error: No command for 'demo'
    Hint: Run 'demo --help' to see its commands.
    Available: hello, size, kinds, order, wait, count, fail
    ");
    let posted = home.client(&["demo", "hello", "-X", "POST"]);
    posted.fails_with(1).says("detail: Method Not Allowed\n").complains("which takes GET");
    home.client(&["demo", "hello", "-X"]).fails_with(2).complains("-X needs a method");
}

//! Edits of settings: fresh, beside what others wrote, and taken out again.

use super::listed;
use super::*;

const CLAUDE: Format = Format::Json { key: "mcpServers", typed: true };
const CURSOR: Format = Format::Json { key: "mcpServers", typed: false };

fn server(command: &str) -> Server {
    Server {
        name: "skills".into(),
        command: format!("/bin/{command}"),
        arguments: vec!["mcp".into()],
    }
}

fn names(format: Format, text: &str) -> Vec<String> {
    format.own(text).unwrap().into_iter().map(|server| server.name).collect()
}

/// Inserts two servers, checks them, and takes them out again in both orders; returns the text with the first one.
#[track_caller]
fn there_and_back(format: Format, text: &str) -> String {
    let one = server("skills-client");
    let two = Server {
        name: "skills-jira".into(),
        arguments: vec!["mcp".into(), "jira".into()],
        ..one.clone()
    };
    assert_eq!(format.state(text, &one), Ok(State::Absent));
    let with = format.with(text, &one).unwrap();
    assert_eq!(format.state(&with, &one), Ok(State::Current), "{with}");
    assert_eq!(format.with(&with, &one).unwrap(), with, "once more changes nothing");
    assert_eq!(format.without(&with, "skills").unwrap(), text, "{with}");
    let both = format.with(&with, &two).unwrap();
    assert_eq!(names(format, &both), ["skills", "skills-jira"], "{both}");
    for (first, second) in [("skills", "skills-jira"), ("skills-jira", "skills")] {
        let left = format.without(&both, first).unwrap();
        assert_eq!(names(format, &left), [second]);
        assert_eq!(format.without(&left, second).unwrap(), text, "{left}");
    }
    with
}

#[test]
fn a_new_file_is_plain() {
    assert_eq!(
        there_and_back(CLAUDE, ""),
        r#"{
  "mcpServers": {
    "skills": {
      "type": "stdio",
      "command": "/bin/skills-client",
      "args": ["mcp"]
    }
  }
}
"#
    );
    assert_eq!(
        there_and_back(Format::Toml, ""),
        "[mcp_servers.skills]\ncommand = \"/bin/skills-client\"\nargs = [\"mcp\"]\n"
    );
}

#[test]
fn json_of_others_is_kept_and_restored_byte_for_byte() {
    for text in [
        "{}",
        "{}\n",
        "{ }",
        "{\n}\n",
        "// comments only\n",
        "{\"mcpServers\":{}}",
        "{\"mcpServers\":{},\"a\":[1,{\"b\":2}]}\n",
        "{\"a\":1}",
        "{ \"a\": 1, }",
        "{ \"a\": 1 /* b */ }",
        "{\r\n\t\"a\": 1\r\n}\r\n",
        "{\n    \"a\": 1 // one\n    // the end\n}\n",
        "{\n  // nothing yet\n}",
        "{\n  \"mcpServers\": {\n    // nothing yet\n  }\n}\n",
        "{\n  \"mcpServers\": { /* none */ }\n}\n",
        "/* head */\n{\n\t\"b\": {\"x\": \"}\"}, // b\n\t\"mcpServers\": {\n\t\t\"o\": {\"command\": \"o\", \
         \"args\": [],},\n\t\t// last, \"quoted\"\n\t},\n\t\"c\": 0,\n}\n// tail\n",
        "{\n  \"mcpServers\": {\n    \"o\": {\"command\": \"o\"} // o, it is\n  }\n}",
        "{\n  \"mcpServers\": {\n    \"o\": {\"command\": \"\u{e4}\u{1f600}\"},\n\n  },\n\n}",
    ] {
        there_and_back(CLAUDE, text);
        there_and_back(CURSOR, text);
    }
}

#[test]
fn an_entry_follows_the_form_of_its_neighbours() {
    let text = "{\n\t\"mcpServers\": {\n\t\t\"o\": {} // o\n\t}\n}\n";
    assert_eq!(
        there_and_back(CURSOR, text),
        "{\n\t\"mcpServers\": {\n\t\t\"o\": {}, // o\n\t\t\"skills\": {\n\t\t\t\"command\": \
         \"/bin/skills-client\",\n\t\t\t\"args\": [\"mcp\"]\n\t\t}\n\t}\n}\n"
    );
    assert_eq!(
        there_and_back(CURSOR, "{\"a\":1}"),
        "{\"a\":1, \"mcpServers\": { \"skills\": { \"command\": \"/bin/skills-client\", \
         \"args\": [\"mcp\"] } }}"
    );
}

#[test]
fn an_entry_stands_directly_behind_the_brace_of_an_empty_object() {
    assert_eq!(
        there_and_back(CURSOR, "{\n\t\"mcpServers\": {},\n\t\"inputs\": []\n}"),
        "{\n\t\"mcpServers\": {\"skills\": {\n\t\t\"command\": \"/bin/skills-client\",\n\t\t\"args\": \
         [\"mcp\"]\n\t}},\n\t\"inputs\": []\n}"
    );
}

#[test]
fn what_an_agent_has_written_anew_is_taken_out_all_the_same() {
    let text = "{\n  \"a\": 1,\n  \"mcpServers\": {\n    \"skills\": {\n      \"command\": \"/x/skills-client\",\n      \
        \"args\": [\n        \"mcp\"\n      ],\n      \"env\": {}\n    },\n    \"o\": {}\n  }\n}";
    let left = CLAUDE.without(text, "skills").unwrap();
    assert_eq!(left, "{\n  \"a\": 1,\n  \"mcpServers\": {\n    \"o\": {}\n  }\n}");
    let text = text.replace(",\n    \"o\": {}", "");
    assert_eq!(CLAUDE.without(&text, "skills").unwrap(), "{\n  \"a\": 1\n}");
}

#[test]
fn toml_of_others_is_kept_and_restored_byte_for_byte() {
    for text in [
        "\n",
        "model = \"x\"",
        "model = \"x\"\n",
        "model = \"x\"\n\n\n",
        "# comment\r\nmodel = \"x\"\r\n",
        "# head\nmodel = \"x\" # why\n\n[mcp_servers.other]\ncommand = \"o\"\nargs = [\n  \"a\", # a\n]\n# tail\n",
        "[mcp_servers.o]\ncommand = \"\"\"\n[mcp_servers.skills]\n\"\"\"",
        "mcp_servers.o.command = 'o'\n",
    ] {
        there_and_back(Format::Toml, text);
    }
}

#[test]
fn a_server_of_this_program_is_updated_and_its_other_settings_are_kept() {
    let wanted = server("skills-client");
    for (format, text, updated) in [
        (
            CLAUDE,
            r#"{"mcpServers": {"skills": {"command": "/old/skills-client", "args": ["mcp"], "env": {"A": "1"}}}}"#,
            r#"{"mcpServers": {"skills": {"command": "/bin/skills-client", "args": ["mcp"], "env": {"A": "1"}}}}"#,
        ),
        (
            Format::Toml,
            "[mcp_servers.skills]\nargs = [\"mcp\"] # a\ncommand = '/old/skills-client'\n\n[mcp_servers.skills.env]\nA = \"1\"\n",
            "[mcp_servers.skills]\nargs = [\"mcp\"] # a\ncommand = \"/bin/skills-client\"\n\n[mcp_servers.skills.env]\nA = \"1\"\n",
        ),
    ] {
        assert_eq!(format.state(text, &wanted), Ok(State::Stale));
        assert_eq!(format.with(text, &wanted).unwrap(), updated);
        assert_eq!(names(format, text), ["skills"]);
    }
    // Tables below it go with it.
    let text = "[mcp_servers.skills]\ncommand = \"skills-client\"\n\n[mcp_servers.skills.env]\nA = \"1\"\n\n[z]\n";
    assert_eq!(Format::Toml.without(text, "skills").unwrap(), "\n[z]\n");
}

#[test]
fn a_server_of_another_program_is_replaced_whole() {
    let wanted = server("skills-client");
    for (format, text) in [
        (CURSOR, "{\"a\": 1, \"mcpServers\": {\"skills\": {\"url\": \"http://x\"}, \"b\": {}}}"),
        (CURSOR, "{\n\"mcpServers\": {\n\"skills\": {\n\"command\": \"npx\"\n}\n}\n}"),
        (
            Format::Toml,
            "[mcp_servers.skills]\nurl = \"http://x\"\n[mcp_servers.skills.headers]\nA = \"b\"\n",
        ),
        (
            Format::Toml,
            "[mcp_servers]\nskills = { command = \"npx\" }\nother = { command = \"o\" }\n",
        ),
    ] {
        let State::Foreign(_) = format.state(text, &wanted).unwrap() else { panic!("{text}") };
        assert!(format.own(text).unwrap().is_empty());
        let with = format.with(text, &wanted).unwrap();
        assert_eq!(format.state(&with, &wanted), Ok(State::Current), "{with}");
        assert!(!with.contains("http") && !with.contains("npx"), "{with}");
    }
}

#[test]
fn an_invalid_text_is_named_by_its_line() {
    let wanted = server("skills-client");
    let message = |format: Format, text: &str| format.with(text, &wanted).unwrap_err().to_string();
    assert_eq!(message(CLAUDE, "{\n  \"a\": 1\n  \"b\": 2\n}"), "line 2: not JSON: expected comma");
    assert_eq!(message(CLAUDE, "[]"), "line 1: the settings are not an object");
    assert_eq!(message(CLAUDE, "{\n\"mcpServers\": []}"), "line 2: `mcpServers` is not an object");
    assert_eq!(
        message(CLAUDE, "{'a': 1}"),
        "line 1: not JSON: single-quoted strings are not allowed"
    );
    assert!(message(Format::Toml, "a = 1\nb = \n").starts_with("line 2: not TOML: "));
    for text in ["mcp_servers = { a = { command = 'x' } }\n", "mcp_servers = 1"] {
        assert_eq!(
            message(Format::Toml, text),
            "line 1: `mcp_servers` is not written as `[mcp_servers.NAME]` tables"
        );
    }
}

#[test]
fn the_list_of_directories_keeps_its_neighbours() {
    let is = |text: &str| text == "~/s";
    for (text, with) in [
        ("", "[agents]\nskills = [\"~/s\"]\n"),
        ("port = 1 # one", "port = 1 # one\n\n[agents]\nskills = [\"~/s\"]"),
        ("port = 1\n", "port = 1\n\n[agents]\nskills = [\"~/s\"]\n"),
        (
            "[agents] # mine\nother = 1\n\n[plugins.a]\nx = 1\n",
            "[agents] # mine\nskills = [\"~/s\"]\nother = 1\n\n[plugins.a]\nx = 1\n",
        ),
        ("[agents]\nskills = ['~/a'] # a\n", "[agents]\nskills = ['~/a', \"~/s\"] # a\n"),
        (
            "[agents]\nskills = [\n  '~/a', # a\n]\n",
            "[agents]\nskills = [\n  '~/a', \"~/s\", # a\n]\n",
        ),
        ("agents.skills = ['~/a']\n", "agents.skills = ['~/a', \"~/s\"]\n"),
    ] {
        assert_eq!(listed::with(text, "~/s", is).unwrap(), with);
        assert_eq!(listed::with(with, "~/s", is).unwrap(), with);
        assert_eq!(listed::without(with, is).unwrap(), text);
        assert_eq!(listed::without(text, is).unwrap(), text);
    }
    let first = "[agents]\nskills = ['~/s', '~/b']\n";
    assert_eq!(listed::without(first, is).unwrap(), "[agents]\nskills = ['~/b']\n");
    let noted = "[agents]\n# why\nskills = ['~/s']\n";
    assert_eq!(listed::without(noted, is).unwrap(), "[agents]\n# why\nskills = []\n");
    for text in ["agents = 1", "agents = { a = 1 }", "[agents]\nskills = 'a'\n"] {
        assert!(listed::with(text, "~/s", is).is_err(), "{text}");
    }
}

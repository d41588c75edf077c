//! Commands that are programs: on the caller's terminal, in its directory and with its environment.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::harness::{CLIENT, Home, Output, plugin_code};

const CODE: &str = r#"
"""Notes."""

def show() -> str:
    return "shown"
"#;

const PROGRAMS: &str = r#"
"""Programs."""

import os, sys
from skills_daemon import caller


def repl():
    """Read, evaluate, print."""
    print(sys.argv, os.getcwd(), os.environ.get("TALK_A"), sys.stdout.isatty(), caller().is_shell)
    for line in sys.stdin:
        print(eval(line), flush=True)
    return 3


async def edit(name: str, times: int = 1, *, dry: bool = False) -> None:
    """Edit a note.

    Args:
        name: Which one.
        times: How often.
    """
    print(f"{name} {times} {dry} {os.getpid()}")


def classic(argv: list[str] | None = None):
    print(sys.argv[1:] if argv is None else argv)
"#;

const MANIFEST: &str = r#"{
    "name": "notes",
    "commands": {
        "repl": {"program": "programs:repl"},
        "edit": {"program": "skills_plugin.programs:edit", "summary": "Edit one"},
        "classic": {"program": "programs:classic"},
        "broken": {"program": "no_such_module:main"}
    }
}"#;

fn notes() -> Home {
    let home = Home::new().with("TALK_A", "here");
    home.write(&format!("{}/skills_plugin/programs.py", Home::scripts("notes")), PROGRAMS);
    home.plugin("notes", CODE, MANIFEST);
    home.client(&["notes", "show"]).ok();
    home
}

#[test]
fn they_are_run_by_the_client_where_it_is() {
    let home = notes();
    let mut command = home.command(CLIENT, &["notes", "repl", "-x", "--json", "a b", "--", "-h"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"1 + 1\n'a'.upper()\n").unwrap();
    let done = child.wait_with_output().unwrap();
    let directory = home.path().display();
    // `--json` is the client's, as everywhere before `--`.
    let first = format!("['notes repl', '-x', 'a b', '--', '-h'] {directory} here False True");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("{first}\n2\nA\n"));
    assert_eq!(done.status.code(), Some(3));
    let edited = home.client(&["notes", "edit", "--times", "2", "--dry", "todo"]);
    assert!(edited.ok().stdout().starts_with("todo 2 True "), "{edited:?}");
    home.client(&["notes", "edit", "todo", "--times", "often"])
        .fails_with(2)
        .complains("Error: --times:");
    assert_eq!(home.client(&["notes", "classic", "a", "-b"]).ok().stdout(), "['a', '-b']\n");
    home.client(&["notes", "broken"]).fails_with(1).complains("No module named 'no_such_module'");
    // The daemon calls what is no program, and nothing else over HTTP.
    assert_eq!(home.client(&["notes", "show"]).ok().stdout(), "shown\n");
    assert_eq!(home.http("POST", "/notes/edit", &[]).status, 404);
}

#[test]
fn they_have_the_terminal() {
    let home = notes();
    let typed = [("True True", "6 * 7\r"), ("42", "\u{4}")];
    home.in_dialog(&["notes", "repl"], &typed).fails_with(3).says("\r\n42\r\n");
}

#[test]
fn they_are_listed_helped_and_completed_like_others() {
    let home = notes();
    let help = home.client(&["notes", "--help"]);
    help.ok().says("repl").says("Read, evaluate, print.").says("Edit one").says("show");
    home.client(&["notes", "edit", "--help"])
        .ok()
        .says("Which one.")
        .says("A program that runs in your terminal");
    let words = home.client(&["--json", "notes", "--help"]).ok().json();
    let commands = words["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 5, "{words}");
}

#[test]
fn any_plugin_may_have_them() {
    let home = Home::new();
    let router = "\n@router.get('/seen')\ndef seen():\n    return {'seen': True}\n";
    let manifest = r#"{"commands": {"version": {"program": "platform:python_version"}}}"#;
    home.plugin("web", &plugin_code("web", router), manifest);
    assert_eq!(home.client(&["--json", "web", "seen"]).ok().json(), json!({"seen": true}));
    // As a console script's, a text that is returned is an error.
    home.client(&["web", "version"]).fails_with(1).complains("3.");
    home.write(
        ".config/skills-daemon/plugins/tool.json",
        r#"{"name": "tool", "commands": {
            "tree": {"program": "json.tool:main", "summary": "Format JSON"},
            "encode": {"call": "json:dumps"}}}"#,
    );
    home.control(&["reload"]).ok();
    let line = format!("echo '[1,2]' | '{CLIENT}' tool tree --compact");
    assert_eq!(Output::of(home.command("/bin/sh", &["-c", &line])).ok().stdout(), "[1,2]\n");
    home.client(&["tool", "--help"]).ok().says("Format JSON").says("encode");
}

//! Questions of commands, at the caller's terminal and without one.

use std::thread;

use serde_json::json;

use crate::harness::{Home, eventually, plugin_code};

const CODE: &str = r#"
import asyncio, os, time
from pathlib import Path
from skills_daemon import ask, choose, confirm, progress, secret


def order(name: str | None = None, yes: bool = False) -> dict:
    name = name or ask("Name", option="--name")
    size = choose("Size", ["small", "large", "huge"], "large")
    yes = yes or confirm("Order it?", option="--yes")
    return {"name": name, "size": size, "confirmed": yes}


def log_in() -> str:
    with progress(3, "Logging in") as task:
        task.advance()
        word = secret("Password", option="--password-file")
        return f"{len(word)} characters"


def after_go() -> str:
    home = Path.home()
    (home / "began").touch()
    while not (home / "go").exists():
        time.sleep(0.01)
    return f"answered by {ask('Who')} in {os.getpid()}"


async def both() -> str:
    try:
        confirm("Here?")
    except RuntimeError as error:
        print(error)
    first, second = await asyncio.gather(
        asyncio.to_thread(ask, "First", "1"), asyncio.to_thread(ask, "Second", "2")
    )
    return f"{first} {second}"
"#;

const ROUTER: &str = "
from skills_daemon import confirm, progress

@router.get('/drop')
def drop(count: int = 3):
    print('to the log')
    for _ in progress(range(count), 'Counting'):
        pass
    return {'dropped': confirm(f'Drop {count} rows?', False)}
";

fn shop() -> Home {
    let home = Home::new();
    home.plugin("shop", CODE, r#"{"name": "shop"}"#);
    home.client(&["shop", "both"]).ok();
    home
}

#[test]
fn they_are_asked_at_the_terminal_and_answered_there() {
    let home = shop();
    let typed = [("Name", "Ada\r"), ("Size", "\x1b[B\r"), ("Order it?", "y")];
    let ordered = home.in_dialog(&["--json", "shop", "order"], &typed);
    ordered.ok().says("\"name\": \"Ada\"").says("\"size\": \"huge\"").says("\"confirmed\": true");

    let hidden = home.in_dialog(&["shop", "log-in"], &[("Password", "xyzzy\r")]);
    hidden.ok().says("Logging in").says("5 characters");
    assert!(!hidden.stdout().contains("xyzzy"), "{hidden:?}");

    // Of two at once, one after the other.
    let both = home.in_dialog(&["shop", "both"], &[("[", "\r"), ("[", "\r")]);
    both.ok().says("confirm() blocks the event loop").says("1 2");
}

#[test]
fn ctrl_c_ends_the_command_and_leaves_the_terminal_as_it_was() {
    let home = shop();
    home.in_dialog(&["shop", "log-in"], &[("Password", "xy\u{3}")]).fails_with(254);
    home.in_dialog(&["shop", "order"], &[("Name", "A\u{3}")]).fails_with(254);
    home.in_dialog(&["shop", "order", "--name", "x"], &[("Size", "\u{3}")]).fails_with(254);
    home.client(&["shop", "both"]).ok();
}

#[test]
fn a_question_of_a_call_that_outlives_a_restart_is_answered() {
    let home = shop();
    let old = home.pid();
    thread::scope(|scope| {
        let dialog = scope.spawn(|| home.in_dialog(&["shop", "after-go"], &[("Who", "Ada\r")]));
        eventually("the begin of the call", || home.read("began"));
        home.control(&["restart"]).ok();
        assert_ne!(home.pid(), old);
        home.write("go", "");
        dialog.join().unwrap().ok().says(&format!("answered by Ada in {old}"));
    });
}

#[test]
fn without_a_terminal_they_take_the_default_or_name_the_option() {
    let home = shop();
    assert!(home.client(&["shop", "both"]).ok().stdout().ends_with("1 2\n"));
    home.client(&["shop", "order"])
        .fails_with(1)
        .complains("Error: Name: there is no terminal to ask at\nHint: Give --name.");
    home.client(&["shop", "order", "--name", "Ada"])
        .fails_with(1)
        .complains("Error: Order it: there is no terminal to ask at\nHint: Give --yes.");
    let ordered = home.client(&["--json", "shop", "order", "--name", "Ada", "--yes"]);
    assert_eq!(ordered.ok().json()["size"], "large");
    let answer = home.http("POST", "/shop/both", &[]);
    assert_eq!((answer.status, answer.text()), (200, "\"1 2\"".to_owned()));
}

#[test]
fn routers_ask_and_show_progress_too() {
    let home = Home::new();
    home.plugin("table", &plugin_code("table", ROUTER), "");
    assert_eq!(home.client(&["--json", "table", "drop"]).ok().json(), json!({"dropped": false}));
    let dropped = home.in_dialog(&["--json", "table", "drop"], &[("Drop 3 rows?", "y")]);
    dropped.ok().says("\"dropped\": true").says("Counting");
    assert!(!dropped.stdout().contains("to the log"), "{dropped:?}");
}

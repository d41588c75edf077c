//! Calls from several places at once: each gets its own surroundings and its own output.

use std::thread;

use serde_json::{Value, json};

use crate::harness::{CLIENT, Home, Output};

const CODE: &str = r#"
import asyncio, sys
from skills_daemon import caller


def _known() -> dict:
    it = caller()
    return {"in": str(it.directory), "language": it.language, "env": dict(it.env)}


def in_thread(tag: str) -> dict:
    print(f"out {tag}")
    print(f"err {tag}", file=sys.stderr)
    return _known()


async def on_loop(tag: str) -> dict:
    first = _known()
    print(f"out {tag}")
    await asyncio.sleep(0.001)
    print(f"err {tag}", file=sys.stderr)
    second = await asyncio.to_thread(_known)
    assert first == second, (first, second)
    return second
"#;

/// Calls from each of the two places; more by `SKILLS_CALLS`.
fn calls() -> usize {
    std::env::var("SKILLS_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

#[test]
fn nothing_leaks_from_one_call_to_another() {
    let home = Home::new();
    home.plugin("here", CODE, r#"{"name": "here", "env": ["HERE_*"]}"#);
    home.client(&["here", "on-loop", "first"]).ok();
    let places = [("one", "de_DE.UTF-8", "a"), ("two", "ja_JP.UTF-8", "b")];
    for (name, ..) in places {
        home.write(&format!("{name}/file"), "");
    }
    thread::scope(|scope| {
        for (name, language, value) in places {
            let home = &home;
            scope.spawn(move || {
                for number in 0..calls() / 2 {
                    for command in ["in-thread", "on-loop"] {
                        let tag = format!("{name}-{number}");
                        let mut client = home.command(CLIENT, &["--json", "here", command, &tag]);
                        client.current_dir(home.path().join(name));
                        client.env("LANG", language).env(format!("HERE_{name}"), value);
                        let output = Output::of(client);
                        let (first, known) = output.ok().stdout().split_once('\n').unwrap();
                        assert_eq!(first, format!("out {tag}"));
                        assert_eq!(output.stderr(), format!("err {tag}\n"));
                        let expected = json!({
                            "in": home.path().join(name),
                            "language": language,
                            "env": {format!("HERE_{name}"): value},
                        });
                        assert_eq!(serde_json::from_str::<Value>(known).unwrap(), expected);
                    }
                }
            });
        }
    });
}

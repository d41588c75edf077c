//! Plugins of plain functions: no class, no router, no framework.

use serde_json::{Value, json};

use crate::harness::{Answer, Home, Output, eventually};

const CODE: &str = r#""""Greetings for everybody."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Gt
from skills_daemon.commands import CommandError
from skills_daemon.logging import get_request_id


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Person:
    name: str
    born: date | None = None


def get_greeting(name: str, times: int = 1, loud: bool = False, tone: Tone = Tone.WARM) -> str:
    """Greet somebody.

    Args:
        name: Who is greeted.
        times: How often.
        loud: In capitals.

    Examples:
        greet get-greeting Ada --times 2
    """
    text = " ".join([f"Hello, {name}!"] * times)
    return (text.upper() if loud else text) + f" ({tone.value})"


def add_person(
    person: Person,
    tags: list[str] | None = None,
    weight: Annotated[float, "In kilograms", Gt(0)] = 1.0,
) -> dict:
    """Add a person."""
    return {"person": person, "tags": tags, "weight": weight}


async def find_sum(numbers: list[int]) -> int:
    """Add numbers.

    :param numbers: What is added.
    """
    return sum(numbers)


def read_file(path: Path, kind: Literal["text", "size"] = "size"):
    return path.read_text() if kind == "text" else path.stat().st_size


def list_squares(to: int) -> Iterator[int]:
    yield from (number * number for number in range(to))


def get_request() -> str:
    return get_request_id()


def is_imported(module: str) -> bool:
    return module in sys.modules


def refuse() -> None:
    raise CommandError("not today", hint="Try tomorrow.", status=409)


def get_nothing():
    raise KeyError("nothing")


def odd(value: type(sys.stdin)): ...


def startup():
    print("started by hand")


def _private(): ...
"#;

fn greet() -> Home {
    let home = Home::new();
    home.plugin("greet", CODE, r#"{"name": "greet"}"#);
    home
}

/// Waits until the log has `text`, which is written on a thread of its own.
fn logged(home: &Home, text: &str) {
    let is_there = |record: &Value| record.to_string().contains(text);
    eventually(text, || home.log().iter().any(is_there).then_some(()));
}

#[test]
fn public_functions_are_commands() {
    let home = greet();
    home.client(&["greet", "get-greeting", "Ada", "--times", "2"])
        .ok()
        .says("Hello, Ada! Hello, Ada! (warm)");
    home.client(&["greet", "get-greeting", "Ada", "--loud", "--tone", "cold"])
        .ok()
        .says("HELLO, ADA! (cold)");
    let person = r#"{"name": "Ada", "born": "1815-12-10"}"#;
    let words = ["--json", "greet", "add-person", "--person", person, "--tags", "a", "--tags", "b"];
    assert_eq!(
        home.client(&words).ok().json(),
        json!({"person": {"name": "Ada", "born": "1815-12-10"}, "tags": ["a", "b"], "weight": 1.0})
    );
    home.client(&["greet", "find-sum", "--numbers", "1", "--numbers", "2"]).ok().says("3");
    let path = home.write("five", "12345").display().to_string();
    home.client(&["greet", "read-file", &path]).ok().says("5");
    home.client(&["greet", "read-file", &path, "--kind", "text"]).ok().says("12345");
    let squares = home.client(&["--json", "greet", "list-squares", "3"]);
    assert_eq!(squares.ok().stdout(), "0\n1\n4\n");

    let help = home.client(&["greet", "--help"]);
    help.ok().says("Greetings for everybody.").says("get-greeting").says("[POST] Add a person.");
    for hidden in ["startup", "private", "odd"] {
        assert!(!help.stdout().contains(hidden), "{}", help.stdout());
    }
    let help = home.client(&["greet", "get-greeting", "--help"]);
    help.ok().says("Who is greeted.").says("warm, cold").says("greet get-greeting Ada --times 2");
    home.client(&["greet", "find-sum", "--help"]).ok().says("What is added.");
    logged(&home, "odd is no command");
    logged(&home, "started by hand");
}

#[test]
fn they_are_called_directly_and_without_fastapi() {
    let home = greet();
    home.client(&["greet", "get-greeting", "Ada"]).ok();
    let plugins = home.get("/plugins").json();
    let endpoints = plugins["plugins"][0]["endpoints"].as_array().unwrap();
    for endpoint in endpoints {
        assert!(endpoint["why_fastapi"].is_null(), "{endpoint}");
    }
    // All plugins share an interpreter, so this one must be alone in it.
    let home = greet();
    let python = home.paths().venv().join("bin/python");
    let script = "
import importlib.util, sys, types
sys.path.insert(0, sys.argv[1])
host = types.ModuleType('_skills_host')
host.Binder = lambda *parts: parts
sys.modules['_skills_host'] = host
from skills_host.loader import load
plugin = load(sys.argv[2], 'greet', None)
plugin.describe()
print(sorted({name.partition('.')[0] for name in sys.modules} & {'fastapi', 'starlette', 'pydantic'}))
";
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/python");
    let init = home.path().join(Home::scripts("greet")).join("skills_plugin/__init__.py");
    let load = home.command(python, &["-c", script, sdk, &init.display().to_string()]);
    Output::of(load).ok().says("[]");
}

#[test]
fn invalid_values_are_reported_as_by_fastapi() {
    let home = greet();
    home.control(&["start"]).ok();
    let port = home.port();
    let ask = |method: &str, target: &str, body: &str| {
        let json_type = ("content-type", "application/json");
        Answer::of(port, method, target, &[json_type], body.as_bytes())
    };
    let invalid = ask("GET", "/greet/get-greeting?times=x&tone=hot", "");
    assert_eq!(invalid.status, 422);
    let problems = invalid.json()["detail"].clone();
    let kinds: Vec<_> = problems.as_array().unwrap().iter().map(|p| p["type"].clone()).collect();
    assert_eq!(kinds, ["missing", "int_parsing", "enum"]);
    assert_eq!(problems[1]["loc"], json!(["query", "times"]));
    let invalid = ask("POST", "/greet/add-person", r#"{"person": {"nam": 1}, "weight": -1}"#);
    assert_eq!(invalid.json()["detail"].as_array().unwrap().len(), 2);
    assert_eq!(invalid.json()["detail"][0]["loc"], json!(["body", "person", "name"]));
    let broken = ask("POST", "/greet/add-person", "{");
    assert_eq!((broken.status, &broken.json()["detail"][0]["type"]), (422, &json!("json_invalid")));
    let list = ask("POST", "/greet/add-person", "[]");
    assert_eq!(list.json()["detail"][0]["type"], json!("dict_type"));

    let slash = ask("GET", "/greet/get-greeting/?name=x", "");
    let location = format!("http://localhost:{port}/greet/get-greeting?name=x");
    assert_eq!((slash.status, slash.header("location")), (307, Some(location.as_str())));
    assert_eq!(ask("GET", "/greet/nope", "").json(), json!({"detail": "Not Found"}));
    let method = ask("PUT", "/greet/get-greeting", "");
    assert_eq!((method.status, method.header("allow")), (405, Some("GET")));

    let refused = home.client(&["greet", "refuse"]);
    refused.fails_with(1).complains("Error: not today").complains("Hint: Try tomorrow.");
    assert_eq!(ask("POST", "/greet/refuse", "").status, 409);
    let failed = ask("GET", "/greet/get-nothing", "");
    assert_eq!((failed.status, failed.json()["error"].clone()), (500, json!("'nothing'")));
    let request = Answer::of(port, "GET", "/greet/get-request", &[("x-request-id", "mine")], b"");
    assert_eq!(request.json(), json!("mine"));
}

#[test]
fn a_module_without_functions_is_reported_with_what_is_missing() {
    let home = Home::new();
    home.plugin("empty", "import os\n", r#"{"name": "empty"}"#);
    home.client(&["empty", "x"])
        .fails_with(1)
        .says("has neither a plugin class")
        .says("nor public functions");
}

const MANIFEST: &str = r#"{
  "name": "text",
  "version": "2.1.0",
  "description": "Texts for URLs and people",
  "dependencies": ["python-slugify"],
  "commands": {
    "slugify": {"call": "slugify:slugify", "method": "GET", "summary": "A text as part of a URL"},
    "sqrt": {"call": "math:sqrt", "method": "GET"},
    "join": {"call": "os:path.join"},
    "max": {"call": "builtins:max"}
  }
}"#;

#[test]
fn a_manifest_alone_makes_commands_of_functions_of_packages() {
    let home = Home::new();
    let file = ".config/skills-daemon/plugins/text.json";
    home.write(file, MANIFEST);
    home.client(&["text", "slugify", "F\u{fc}\u{df}e & H\u{e4}nde", "--max-length", "9"])
        .ok()
        .says("fusse-han");
    // Without a signature of its own: positional only, and no annotation.
    home.client(&["text", "sqrt", "16"]).ok().says("4.0");
    let help = home.client(&["text", "--help"]);
    help.ok().says("Texts for URLs and people").says("2.1.0").says("A text as part of a URL");
    logged(&home, "max is no command");
    let document = home.get("/text/openapi.json").json();
    assert!(document["paths"]["/text/slugify"]["get"].is_object(), "{document}");
    assert_eq!(document["info"]["version"], json!("2.1.0"));

    for (wrong, message) in [
        (MANIFEST.replace("math:sqrt", "math"), "field `commands.sqrt.call`"),
        (MANIFEST.replace("math:sqrt", "math:root"), "commands.sqrt: math has no root"),
        (MANIFEST.replace("\"GET\"", "\"PUT\""), "is neither GET nor POST"),
        (MANIFEST.replace("\"commands\"", "\"comands\""), "names neither `commands` nor"),
    ] {
        home.write(file, &wrong);
        home.control(&["reload"]).fails_with(1).says(message);
    }
}

#[test]
fn the_manifests_that_ship_make_commands() {
    let home = Home::new();
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");
    for name in ["text", "dates"] {
        let manifest = std::fs::read_to_string(format!("{shipped}/{name}.json")).unwrap();
        home.write(&format!(".config/skills-daemon/plugins/{name}.json"), &manifest);
    }
    let prints = |line: &[&str], text: &str| {
        assert_eq!(home.client(line).ok().quietly().stdout().trim_end(), text, "{line:?}");
    };
    prints(&["text", "slugify", "F\u{fc}\u{df}e & H\u{e4}nde"], "fusse-hande");
    prints(&["text", "size", "1234567", "--binary"], "1.2 MiB");
    prints(&["text", "number", "12400000"], "12.4 million");
    prints(&["text", "duration", "93784"], "1 day, 2 hours, 3 minutes and 4 seconds");
    prints(&["text", "wrap", "abc def", "--width", "5"], "abc\ndef");
    prints(&["text", "escape", "<b>"], "&lt;b&gt;");
    prints(&["text", "unescape", "&lt;"], "<");
    prints(&["dates", "leap", "2024"], "True");
    home.client(&["dates", "month", "2026", "11"]).ok().says("Mo Tu We Th Fr Sa Su");
    home.client(&["dates", "parse", "2026-11-21"]).ok().says("2026-11-21T00:00:00");
    // Each command was made: none is missing for its signature.
    for name in ["text", "dates"] {
        let file = std::fs::read_to_string(format!("{shipped}/{name}.json")).unwrap();
        let manifest: Value = serde_json::from_str(&file).unwrap();
        let commands = home.get(&format!("/{name}/commands")).json();
        let wanted = manifest["commands"].as_object().unwrap().len();
        assert_eq!(commands.as_array().unwrap().len(), wanted, "{commands}");
    }
}

const PATHS: &str = r#"
from pathlib import Path

def get_size(file: Path, *, beside: list[Path] = []) -> int:
    return sum(len(each.read_text()) for each in [file, *beside])

def list_names(folder: Path = Path(".")) -> list[str]:
    return sorted(each.name for each in folder.iterdir())

def write_note(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)

def get_text(text: str = ".") -> str:
    return text
"#;

#[test]
fn relative_paths_of_a_shell_are_the_callers() {
    let home = Home::new();
    home.plugin("wc", PATHS, "");
    let folder = home.write("work/notes.md", "12345").parent().unwrap().to_owned();
    home.write("work/more.md", "678");
    let call = |line: &[&str]| {
        let mut command = home.command(crate::harness::CLIENT, line);
        command.current_dir(&folder);
        Output::of(command).ok().stdout().trim().to_owned()
    };
    assert_eq!(call(&["wc", "get-size", "notes.md"]), "5");
    assert_eq!(call(&["wc", "get-size", "--file", "./notes.md", "--beside", "more.md"]), "8");
    assert_eq!(
        call(&["--json", "wc", "list-names"]).split_whitespace().collect::<String>(),
        r#"["more.md","notes.md"]"#
    );
    assert_eq!(
        call(&["wc", "write-note", "new.md", "hi"]),
        folder.join("new.md").display().to_string()
    );
    assert_eq!(home.read("work/new.md").as_deref(), Some("hi"));
    assert_eq!(call(&["wc", "get-text"]), ".");
    // A request over HTTP has no directory: the path is resolved in the daemon's own.
    assert_eq!(home.get("/wc/get-size?file=notes.md").status, 500);
}

//! Values that are files or stdin: `--text @notes.md`, `--text -`.

use serde_json::json;

use crate::harness::{CLIENT, Home, Output, plugin_code};

const ROUTES: &str = "
from pydantic import BaseModel

class Note(BaseModel):
    text: str
    fields: dict = {}
    count: int = 0

@router.post('/note')
def note(note: Note):
    return {'success': True, 'data': note.model_dump()}

@router.get('/find/{name}')
def find(name: str, text: str = 'none', number: int = 0):
    return {'success': True, 'data': {'name': name, 'length': len(text), 'end': text[-9:]}}

@router.get('/through')
def through(request: fastapi.Request, text: str):
    return {'success': True, 'data': len(text)}
";

fn home() -> Home {
    let home = Home::new();
    home.plugin("notes", &plugin_code("notes", ROUTES), "");
    home
}

#[test]
fn files_and_stdin_are_values() {
    let home = home();
    home.write("notes.md", "# ü\n日本\n");
    home.write("fields.json", "{\"a\": [1, {\"b\": null}]}");
    let sent =
        home.client(&["notes", "note", "--text", "@notes.md", "--fields=@fields.json", "--json"]);
    assert_eq!(
        sent.ok().quietly().json(),
        json!({"text": "# ü\n日本\n", "fields": {"a": [1, {"b": null}]}, "count": 0})
    );
    let piped =
        |line: &str| Output::of(home.command("/bin/sh", &["-c", &line.replace("CLIENT", CLIENT)]));
    let sent = piped("printf 'a\\nb' | CLIENT notes note --json --text -");
    assert_eq!(sent.ok().quietly().json()["text"], "a\nb");
    let sent = piped("cd .local && CLIENT notes note --json --text @../notes.md < /dev/null");
    assert_eq!(sent.ok().json()["text"], "# ü\n日本\n", "by the caller's directory");

    for (typed, text) in [("@me", "@me"), ("@@notes.md", "@notes.md"), ("@@@x", "@@x")] {
        let sent = home.client(&["notes", "note", "--json", "--text", typed]);
        assert_eq!(sent.ok().json()["text"], text);
    }
    let positional = home.client(&["notes", "find", "@notes.md", "--json"]);
    assert_eq!(positional.ok().json()["name"], "@notes.md");
    home.client(&["notes", "find", "x", "--number", "@notes.md"]).fails_with(1).says("--number");
}

#[test]
fn a_value_may_be_long_wherever_it_travels() {
    let home = home();
    let mebibyte = format!("{}日本 & the=end", "x ü\n".repeat((1 << 20) / 5));
    home.write("long.txt", &mebibyte);
    let characters = mebibyte.chars().count();
    let query = home.client(&["notes", "find", "x", "--json", "--text", "@long.txt"]);
    let answer = query.ok().quietly().json();
    assert_eq!(
        (answer["length"].as_u64(), answer["end"].as_str()),
        (Some(characters as u64), Some("& the=end"))
    );
    let fastapi = home.client(&["notes", "through", "--json", "--text", "@long.txt"]);
    assert_eq!(fastapi.ok().quietly().json(), json!(characters));
    home.write("most.txt", &"x".repeat(8 << 20));
    let query = home.client(&["notes", "find", "x", "--json", "--text", "@most.txt"]);
    assert_eq!(query.ok().json()["length"], 8 << 20);
    let body = home.client(&["notes", "note", "--json", "--text", "@most.txt"]);
    assert_eq!(body.ok().json()["text"].as_str().unwrap().len(), 8 << 20);
    let mut many = vec!["notes", "note"];
    many.extend(["--text", "@most.txt"].repeat(8));
    home.client(&many).fails_with(1).says("Error: request body too large (65 MiB, limit 64 MiB)");
}

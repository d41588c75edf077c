//! The same functions as commands and as a plain script: stdout, stderr and exit status, byte by byte.
//!
//! `tests/alike/cases.json` has the lines; where they differ, it has the reason.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::harness::{CLIENT, Home, shared};

#[derive(Deserialize)]
struct Case {
    /// A line of bash, in which `run` is the program.
    line: String,
    /// Why command and script differ.
    differs: Option<String>,
}

const MANIFEST: &str = r#"{
    "name": "alike",
    "dependencies": ["click>=8", "rich>=13"],
    "env": ["ALIKE_*"]
}"#;

#[test]
fn a_command_does_what_a_script_does() {
    let alike = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alike");
    let text = std::fs::read_to_string(alike.join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let code = std::fs::read_to_string(alike.join("commands.py")).unwrap();
    let home = Home::new();
    home.plugin("alike", &code, MANIFEST);
    home.write("work/file.txt", "first\nsecond\n");
    home.write("work/sub/other.txt", "");
    home.client(&["alike", "hello"]).ok();
    let script = alike.join("script.py").display().to_string();
    let python = shared::sdk_venv().join("bin/python").display().to_string();
    let programs = [format!("'{CLIENT}' alike"), format!("'{python}' '{script}'")];
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let done = |program: &str, line: &str| {
        let whole = format!("run() {{ {program} \"$@\"; }}; {line}");
        let mut command: Command = home.command("/bin/bash", &["-c", &whole]);
        command.current_dir(home.path().join("work"));
        command.env("PYTHONPATH", &sdk).env("PYTHONDONTWRITEBYTECODE", "1");
        command.output().unwrap()
    };
    let mut wrong = Vec::new();
    for Case { line, differs } in &cases {
        let [own, script] = [done(&programs[0], line), done(&programs[1], line)];
        let alike = (own.status.code(), &own.stdout, &own.stderr)
            == (script.status.code(), &script.stdout, &script.stderr);
        match (alike, differs) {
            (true, None) => println!("alike   {line}"),
            (false, Some(reason)) => println!("differs {line}: {reason}"),
            _ => wrong.push(format!("{line}: alike: {alike}\n{own:?}\n{script:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

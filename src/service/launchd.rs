//! An agent of launchd, for macOS: started at login, and again after a crash.
//!
//! launchd has no report of readiness, no watchdog, and hands sockets over only to programs that ask it for them, so
//! the daemon listens itself, and a program that starts the agent waits until it does.

use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::Definition;
use super::program::{PATIENT, PROMPT, Program};
use super::state::State;
use crate::failure::Failure;

/// The directory of the user's own agents.
pub(super) fn directory(home: &Path) -> PathBuf {
    home.join("Library/LaunchAgents")
}

/// The file of the agent `name`.
pub(super) fn file_name(name: &str) -> String {
    format!("{name}.plist")
}

/// The domain of the login's agents.
fn domain() -> String {
    format!("gui/{}", geteuid())
}

fn target(name: &str) -> String {
    format!("{}/{name}", domain())
}

/// The file of the agent `name`: its name and text.
///
/// # Errors
/// A path or a variable has a character that no such file can have.
pub(super) fn text(name: &str, definition: &Definition) -> Result<(String, String), Failure> {
    let program = definition.program.to_string_lossy().into_owned();
    let mut arguments = String::new();
    for argument in std::iter::once(&program).chain(&definition.arguments) {
        arguments.push_str(&format!("    <string>{}</string>\n", escaped(argument)?));
    }
    let mut variables = String::new();
    for (name, value) in &definition.variables {
        let (name, value) = (escaped(name)?, escaped(value)?);
        variables.push_str(&format!("    <key>{name}</key>\n    <string>{value}</string>\n"));
    }
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- {mark} -->
<!-- Written by `skills-daemon install-service`, which replaces it; `uninstall-service` removes it. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{label}</string>
  <key>ProgramArguments</key>
  <array>
{arguments}  </array>
  <key>EnvironmentVariables</key>
  <dict>
{variables}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>30</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>StandardErrorPath</key>
  <string>{output}</string>
</dict>
</plist>
"#,
        mark = definition.mark,
        label = escaped(name)?,
        output = escaped(&definition.output.to_string_lossy())?,
    );
    Ok((file_name(name), text))
}

/// Returns `text` as the content of an element.
fn escaped(text: &str) -> Result<String, Failure> {
    if text.contains(char::is_control) {
        let error = format!("{text:?} has a control character, which no agent of launchd can have");
        return Err(Failure::environment(error));
    }
    Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// Loads the agent of `file`, as it is now, which starts it; each login does so from then on.
pub(super) fn load(program: &Program, name: &str, file: &Path) -> Result<(), Failure> {
    // Fails if it is not loaded.
    let _ = program.run(&["bootout", &target(name)], PATIENT);
    // It may have been switched off by hand.
    let _ = program.run(&["enable", &target(name)], PROMPT);
    program.done(&["bootstrap", &domain(), &file.to_string_lossy()], PROMPT)
}

/// Ends the agent until the next login.
pub(super) fn unload(program: &Program, name: &str) -> Result<(), Failure> {
    match is_loaded(program, name)? {
        true => program.done(&["bootout", &target(name)], PATIENT),
        false => Ok(()),
    }
}

/// Starts the agent unless it runs.
pub(super) fn start(program: &Program, name: &str, file: &Path) -> Result<(), Failure> {
    match is_loaded(program, name)? {
        true => program.done(&["kickstart", &target(name)], PROMPT),
        false => load(program, name, file),
    }
}

/// Ends the agent, if it runs, and starts it.
pub(super) fn restart(program: &Program, name: &str, file: &Path) -> Result<(), Failure> {
    match is_loaded(program, name)? {
        true => program.done(&["kickstart", "-k", &target(name)], PATIENT),
        false => load(program, name, file),
    }
}

fn is_loaded(program: &Program, name: &str) -> Result<bool, Failure> {
    Ok(program.run(&["print", &target(name)], PROMPT)?.success)
}

/// Asks for the state of the agent.
pub(super) fn state(program: &Program, name: &str, file: &Path) -> Result<State, Failure> {
    let output = program.run(&["print", &target(name)], PROMPT)?;
    let text = if output.success { output.stdout } else { String::new() };
    Ok(State { at_login: file.exists(), ..parse(&text) })
}

fn parse(text: &str) -> State {
    // Only the agent's own lines: those of its parts are indented further.
    let value = |key: &str| {
        let line = format!("\t{key} = ");
        text.lines().find_map(|it| it.strip_prefix(&line)).map(str::trim)
    };
    let word = value("state").unwrap_or("not loaded");
    State {
        active: word == "running",
        word: word.to_owned(),
        pid: value("pid").and_then(|pid| pid.parse().ok()),
        failure: value("last exit code")
            .filter(|code| !matches!(*code, "0" | "(never exited)"))
            .map(|code| format!("exit status {code}")),
        ..State::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::mark::Mark;

    #[test]
    fn a_plist_is_one_for_a_real_parser() {
        let definition = Definition {
            program: "/o p/a&b<c>/skills-daemon".into(),
            arguments: ["start", "--service"].map(str::to_owned).into(),
            variables: vec![("PATH".to_owned(), "/a b:/c\"d&&e".to_owned())],
            description: "Skills daemon".to_owned(),
            socket: "/r/daemon.sock".into(),
            output: "/r/logs/service.stderr".into(),
            mark: Mark::new(Path::new("/r--s"), Path::new("/p")),
        };
        let (name, text) = text("skills-daemon-office", &definition).unwrap();
        assert_eq!(name, "skills-daemon-office.plist");
        assert_eq!(Mark::find(&text), Some(definition.mark.clone()));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, &text).unwrap();
        let script = "import json, plistlib, sys\n\
                      print(json.dumps(plistlib.load(open(sys.argv[1], 'rb')), sort_keys=True))";
        let parsed =
            std::process::Command::new("python3").arg("-c").arg(script).arg(&file).output();
        let Ok(parsed) = parsed else { return };
        assert!(parsed.status.success(), "{parsed:?}");
        let parsed: serde_json::Value = serde_json::from_slice(&parsed.stdout).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!({
                "EnvironmentVariables": {"PATH": "/a b:/c\"d&&e"},
                "ExitTimeOut": 30,
                "KeepAlive": {"SuccessfulExit": false},
                "Label": "skills-daemon-office",
                "ProcessType": "Interactive",
                "ProgramArguments": ["/o p/a&b<c>/skills-daemon", "start", "--service"],
                "RunAtLoad": true,
                "StandardErrorPath": "/r/logs/service.stderr",
                "ThrottleInterval": 10,
            })
        );
    }

    #[test]
    fn what_launchctl_prints_is_read() {
        let state = parse(
            "gui/501/skills-daemon = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 42\n\
             \tlast exit code = (never exited)\n\tendpoints = {\n\t\tstate = x\n\t}\n}\n",
        );
        assert_eq!((state.active, state.pid, state.failure), (true, Some(42), None));
        let ended = parse("x = {\n\tstate = not running\n\tlast exit code = 3\n}\n");
        assert_eq!((ended.active, ended.failure.as_deref()), (false, Some("exit status 3")));
        assert_eq!(parse("").word, "not loaded");
    }
}

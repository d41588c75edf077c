//! Completion in shells: plugins, commands, options, values; and its installation.

use std::fs;

use crate::harness::{CONTROL, Home, Output, plugin_code};

const ROUTES: &str = r#"
from typing import Literal
from fastapi import Query

@router.get("/search")
def search(jql: str, style: str = Query("json", description="Output: json, human"), limit: int = 5):
    """Search issues."""

@router.get("/issue/{key}")
def issue(key: str, fields: str = ""):
    """Show an issue."""

@router.patch("/issue/{key}")
def change(key: str, summary: str = "", notify: bool = True):
    """Change an issue."""

@router.get("/issue/{key}/comments")
def comments(key: str, order: Literal["old", "new"] = "new"):
    """List comments."""

@router.get("/memory/read")
def read(name: str, kinds: list[Literal["a", "b"]] = Query([])):
    """Read."""

@router.get("/memory/write")
def write(name: str, force: bool = False):
    """Write."""

@router.get("/_debug")
def debug():
    """Hidden."""
"#;

/// A real bash, the script that it is given, and the key pressed at the end of `line`.
fn bash(home: &Home, line: &str) -> Vec<String> {
    let script = format!(
        r#"eval "$('{CONTROL}' completion bash)"
        line={line:?}; read -ra COMP_WORDS <<< "$line"; [[ $line == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_TYPE=9
        program=${{COMP_WORDS[0]}}
        function=$(complete -p "$program" | sed 's/.*-F \([^ ]*\).*/\1/')
        "$function" "$program" "${{COMP_WORDS[COMP_CWORD]}}" ''
        printf "%s\n" "${{COMPREPLY[@]}}""#
    );
    let output = Output::of(home.command("/bin/bash", &["-c", &script]));
    let lines = output.ok().quietly().stdout().lines();
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A HOME in which the plugin `jira` was loaded once; no daemon runs.
fn home() -> Home {
    let home = Home::new();
    home.plugin("jira", &plugin_code("jira", ROUTES), "");
    home.client(&["plugins"]).ok();
    home.control(&["stop"]).ok();
    home
}

#[test]
fn bash_completes_plugins_commands_options_and_values() {
    let home = home();
    let own = ["--json", "--help", "-X", "--timeout", "--output"];
    assert_eq!(bash(&home, "skills-client j"), ["jira"]);
    let all = bash(&home, "skills-client ");
    assert!(["jira", "demo", "health", "plugins"].iter().all(|name| all.contains(&(*name).into())));
    // The wrapper, and the client with the plugin's name, are the same.
    for jira in ["jira", "skills-client jira"] {
        let at = |rest: &str| bash(&home, &format!("{jira} {rest}"));
        assert_eq!(at(""), [&["search", "issue", "memory"], &own[..]].concat());
        assert_eq!(at("me"), ["memory"]);
        assert_eq!(at("memory "), [&["read", "write"], &own[..]].concat());
        assert_eq!(at("memory write --f"), ["--force"]);
        assert_eq!(
            at("search --"),
            ["--jql", "--style", "--limit", "--json", "--help", "--timeout", "--output"]
        );
        assert_eq!(at("search --style "), ["json", "human"]);
        assert_eq!(at("search --style=h"), ["--style=human"]);
        assert_eq!(at("search --limit "), [""; 0]);
        assert_eq!(at("memory read --kinds "), ["a", "b"]);
        // Of all routes that begin like this; the one of a pair that changes something.
        assert_eq!(at("issue K --n"), ["--no-notify"]);
        assert_eq!(at("issue K com"), ["comments"]);
        assert_eq!(at("issue K comments --order o"), ["old"]);
        assert_eq!(at("issue -X D"), ["DELETE"]);
        assert_eq!(at("_"), [""; 0]);
    }
    assert_eq!(bash(&home, "skills-daemon re"), ["restart", "reload"]);
    assert_eq!(bash(&home, "skills-daemon plugins --r"), ["--routes"]);
    assert_eq!(
        bash(&home, "skills-daemon config set agents.to"),
        ["agents.tools", "agents.tools_max"]
    );
}

#[test]
fn other_shells_get_words_with_their_descriptions() {
    let home = home();
    let ask = |shell: &str, words: &[&str]| {
        let mut command = home.command(CONTROL, &[]);
        command.arg("--").args(words).env("SKILLS_COMPLETE", shell);
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        Output::of(command)
    };
    let fish = ask("fish", &["jira", "sea"]);
    assert_eq!(fish.ok().quietly().stdout(), "search\tSearch issues.\n");
    assert_eq!(ask("zsh", &["jira", "sea"]).ok().stdout(), "search:Search issues.");
    // A prompt is no place for errors.
    for (shell, words) in [("fish", ["nope", ""]), ("csh", ["jira", ""])] {
        let output = ask(shell, &words);
        assert_eq!((output.stdout(), output.stderr()), ("", ""));
    }
    for shell in ["zsh", "fish"] {
        home.control(&["completion", shell]).ok().quietly().says("jira").says("skills-daemon");
    }
}

#[test]
fn installing_adds_one_line_and_removing_takes_it_back() {
    let home = Home::bare();
    let rc = home.write("dotfiles/bashrc", "alias ll='ls -l'");
    std::os::unix::fs::symlink(&rc, home.path().join(".bashrc")).unwrap();
    home.control(&["completion", "bash", "--install"]).ok().says("now loads");
    home.control(&["completion", "bash", "--install"]).ok().says("already loads");
    let text = fs::read_to_string(&rc).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    // It works in a new shell.
    let shell =
        Output::of(home.command("/bin/bash", &["-c", ". ~/.bashrc; complete -p skills-client"]));
    shell.ok().quietly().says("_clap_complete_skills_client");
    home.control(&["completion", "bash", "--remove"]).ok().says("no longer loads");
    home.control(&["completion", "bash", "--remove"]).ok().says("does not load");
    assert_eq!(fs::read_to_string(&rc).unwrap(), "alias ll='ls -l'\n");
    assert!(home.path().join(".bashrc").is_symlink());

    let home = home.with("SHELL", "/usr/bin/fish");
    home.control(&["completion", "--install"]).ok().says("fish/conf.d/skills-daemon.fish");
    let home = home.with("SHELL", "/bin/tcsh");
    home.control(&["completion"]).fails_with(2).complains("no shell given");
}

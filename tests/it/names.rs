//! Names that would lead elsewhere as paths: of plugins, profiles, pages, sessions.

use std::fs;
use std::path::Path;

use serde_json::json;
use skills_daemon::lifecycle::tcp::Tcp;

use crate::harness::{Answer, Home};

/// Names that are none: of other directories, hidden, with control characters, in letters that look like others, too long.
fn tricks() -> Vec<String> {
    let mut tricks: Vec<String> = [
        "../x",
        "..",
        ".hidden",
        "-x",
        "a/b",
        "/tmp/x",
        "a\\b",
        "..%2fx",
        "a%00b",
        "a\nb",
        "a\u{1b}[2Jb",
        "a\u{202e}b",
        // Cyrillic, and wide letters.
        "dem\u{43e}",
        "\u{ff44}emo",
        "a b",
        "a;b",
        "$(x)",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    tricks.push("x".repeat(65));
    tricks
}

/// All files below `directory`, links not followed.
fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path().display().to_string());
        }
    }
    found.sort();
    found
}

#[test]
fn a_plugin_gets_no_file_under_a_name_that_is_none() {
    let home = Home::new();
    let config = home.path().join(".config");
    for name in tricks() {
        let manifest = json!({"name": name, "commands": {"size": {"call": "os:getpid"}}});
        let file = home.write("new/words.json", &manifest.to_string());
        let added = home.control(&["plugin", "add", &file.display().to_string()]);
        assert!(!added.status().success(), "{name:?}");
        added.complains("cannot be a plugin's name");
        for arguments in [&["plugin", "remove", "--", &name][..], &["unlink", "--", &name]] {
            let refused = home.control(arguments);
            assert!(!refused.status().success(), "{arguments:?}");
        }
        let client = home.client(&[&name, "hello"]);
        assert!(!client.status().success(), "{name:?}");
    }
    assert_eq!(files(&config), Vec::<String>::new());
    assert_eq!(files(&home.path().join(".local/bin")), Vec::<String>::new());
}

#[test]
fn a_profile_has_no_directory_under_a_name_that_is_none() {
    let home = Home::bare();
    for name in tricks().iter().filter(|name| !name.is_empty()) {
        for command in ["start", "status"] {
            let refused = home.control(&[&format!("--profile={name}"), command]);
            refused.complains("cannot be a profile's name");
            assert!(!refused.status().success(), "{name:?}");
        }
    }
    assert!(!home.runtime().exists(), "{:?}", files(&home.runtime()));
}

#[test]
fn secrets_and_packages_have_no_such_names() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    for name in tricks() {
        let refused = home.control(&["secret", "set", "--", &name, "token"]);
        refused.fails_with(2).complains("cannot be a plugin's name");
        for command in ["upgrade", "why"] {
            let refused = home.control(&["deps", command, "--", &name]);
            assert!(!refused.status().success(), "{command} {name:?}");
            // A terminal would follow what it is shown.
            assert!(!refused.stderr().contains(['\u{1b}', '\u{202e}']), "{refused:?}");
        }
        let tool = name.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let kind = [("content-type", "application/json")];
        let answer = Answer::of(home.port(), "POST", &format!("/tools/{tool}"), &kind, b"{}");
        assert!(matches!(answer.status, 404 | 405), "{name:?}: {}", answer.status);
    }
    for name in ["", "a\nb", "a\u{1b}[2J"] {
        let refused = home.control(&["secret", "set", "demo", "--", name]);
        refused.fails_with(2).complains("cannot be a secret's name");
    }
    assert_eq!(files(&home.path().join(".config")), Vec::<String>::new());
}

#[test]
fn no_path_of_a_url_leads_to_a_file() {
    let home = Home::new();
    home.client(&["demo", "hello"]).ok();
    let token = Tcp::read(&home.paths()).unwrap().token;
    for target in [
        "/docs/../state/tcp.json",
        "/docs/..%2f..%2fstate%2ftcp.json",
        "/docs/%2e%2e/%2e%2e/state/tcp.json",
        "/docs/%2fetc%2fpasswd",
        "/docs/swagger-ui.css%00.json",
        "/docs//etc/passwd",
        "//etc/passwd",
        "/..%2fstate%2ftcp.json",
        "/%2e%2e/state/tcp.json",
        "/..%2f..%2fetc%2fpasswd/help",
        "/..%2fcache%2fdescriptions%2fdemo/openapi.json",
        "/demo/..%2f..%2fstate%2ftcp.json",
        "/demo%00/help",
        "/demo%2fhelp",
        "/Demo/help",
        "/dem%D0%BE/help",
    ] {
        let answer = home.get(target);
        let text = answer.text();
        // Help of what is unknown has the status of help.
        let is_help = target.ends_with("/help") && answer.json()["error"].is_string();
        assert!(
            matches!(answer.status, 400 | 404) || is_help,
            "{target}: {} {text}",
            answer.status
        );
        assert!(!text.contains(&token) && !text.contains("root:"), "{target}: {text}");
    }
    // The session of an agent is a file of its name.
    let secret = home.write("precious.json", "{}");
    let path = format!("../../../../..{}", home.path().join("precious").display());
    for session in [path.as_str(), "../tcp", "..%2ftcp", &"x".repeat(5000)] {
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
        for method in ["GET", "DELETE"] {
            let answer = Answer::of(home.port(), method, "/mcp", &headers, b"");
            // What is no session is as good as deleted.
            let is_nothing = answer.status >= 400 || (method, answer.status) == ("DELETE", 204);
            assert!(is_nothing, "{method} {session}: {}", answer.status);
        }
    }
    assert!(secret.exists() && Tcp::read(&home.paths()).is_some());
}

//! `skills-daemon agent setup`: settings of coding agents before, after, and without a trace again; skills that follow
//! the plugins.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{CLIENT, CONTROL, Home, Output, eventually};

const AGENTS: [(&str, &str); 4] = [
    ("claude", ".claude.json"),
    ("codex", ".codex/config.toml"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code/User/mcp.json"),
];

const CODE: &str = r#"
"""Notes."""


def search(text: str, limit: int = 5) -> dict:
    """Search notes."""
    return {}
"#;

fn setup(home: &Home, arguments: &[&str]) -> Output {
    home.control(&[&["agent", "setup"], arguments].concat())
}

/// Where a user of Linux has the file.
fn path(file: &str) -> String {
    match cfg!(target_os = "macos") {
        true => file.replace(".config/", "Library/Application Support/"),
        false => file.to_owned(),
    }
}

#[test]
fn a_fresh_home_is_set_up_and_left_without_a_trace() {
    let home = Home::bare();
    for (agent, file) in AGENTS {
        let file = path(file);
        setup(&home, &[agent, "--print"]).ok().quietly().says(&format!("{file}\n")).says(CLIENT);
        let refused = setup(&home, &[agent]);
        refused.fails_with(2).complains("no terminal to ask at").complains("Give --yes");
        assert_eq!(home.read(&file), None);
        setup(&home, &[agent, "--yes"]).ok().quietly().says("takes effect");
        let text = home.read(&file).unwrap();
        assert!(text.contains(CLIENT) && text.contains(r#"["mcp"]"#), "{text}");
        setup(&home, &[agent, "--yes"]).ok().says("Nothing to do.");
        setup(&home, &[agent, "--remove", "--yes"]).ok().quietly();
        let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|it| it.unwrap()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn existing_settings_are_kept_and_restored_byte_for_byte() {
    let home = Home::bare();
    let json = "{\n\t// of the team\n\t\"mcpServers\": {\n\t\t\"docs\": {\"command\": \"npx\"}, // docs\n\t},\n}\n";
    let toml = "# mine\nmodel = \"x\"\n\n[mcp_servers.docs]\ncommand = \"npx\" # docs\n";
    for (agent, file, before) in
        [("cursor", ".cursor/mcp.json", json), ("codex", ".codex/config.toml", toml)]
    {
        let real = home.write(&format!("dotfiles/{agent}"), before);
        let link = home.write(file, "");
        fs::remove_file(&link).unwrap();
        symlink(&real, &link).unwrap();
        let question = format!("Change {}?", link.display());
        let dialog = |answer| {
            home.in_dialog_with(CONTROL, &["agent", "setup", agent], &[(&question, answer)])
        };
        dialog("n").fails_with(1);
        assert_eq!(home.read(file).as_deref(), Some(before));
        dialog("y").ok();
        let after = home.read(file).unwrap();
        assert!(after.contains(CLIENT) && after.contains("docs"), "{after}");
        setup(&home, &[agent, "--remove", "--yes"]).ok();
        assert_eq!(home.read(file).as_deref(), Some(before));
        assert!(link.is_symlink());
    }
    home.write(".cursor/mcp.json", "{\n  \"mcpServers\": }\n");
    let invalid = setup(&home, &["cursor", "--yes"]);
    invalid.fails_with(3).complains("mcp.json line 2: not JSON").complains("unchanged");
    let foreign = "{\"mcpServers\": {\"skills\": {\"command\": \"npx\"}}}";
    home.write(".cursor/mcp.json", foreign);
    setup(&home, &["cursor", "--yes"]).fails_with(2).complains("of another program (npx)");
    setup(&home, &["cursor", "--remove", "--yes"]).ok().says("Nothing to do.");
    assert_eq!(home.read(".cursor/mcp.json").as_deref(), Some(foreign));
}

#[test]
fn skills_follow_the_plugins_until_they_are_removed() {
    let home = Home::new();
    home.plugin("notes", CODE, r#"{"name": "notes"}"#);
    home.client(&["notes", "search", "x"]).ok();
    home.write(".config/skills-daemon/config.toml", "# mine\n");
    setup(&home, &["claude", "--skills", "--yes"]).ok().says("+ notes/SKILL.md");
    let file = ".claude/skills/notes/SKILL.md";
    let text = home.read(file).unwrap();
    assert!(text.starts_with("---\nname: notes\ndescription: \"Notes. "), "{text}");
    assert!(
        text.contains("\nnotes search --text <text> [--limit <integer>]  # Search notes.\n"),
        "{text}"
    );
    setup(&home, &["claude", "--skills", "--yes"]).ok().says("Nothing to do.");

    home.plugin("notes", &CODE.replace("Search", "Find"), r#"{"name": "notes"}"#);
    eventually("the new skill", || home.read(file).filter(|text| text.contains("# Find notes.")));
    home.plugin("more", CODE, r#"{"name": "more"}"#);
    eventually("another skill", || home.read(".claude/skills/more/SKILL.md"));
    fs::remove_dir_all(home.path().join(Home::scripts("more"))).unwrap();
    let more = home.path().join(".claude/skills/more");
    eventually("the end of that skill", || (!more.exists()).then_some(()));

    setup(&home, &["claude", "--remove", "--yes"]).ok().says("- notes/SKILL.md");
    assert_eq!(home.read(".config/skills-daemon/config.toml").as_deref(), Some("# mine\n"));
    // A daemon that has not read the settings yet may write them once more.
    home.control(&["reload"]).ok();
    let notes = home.path().join(".claude/skills/notes");
    eventually("the end of the skills", || {
        let has_settings = home.log().iter().any(|line| {
            line["message"] == "settings changed"
                && line["applied"].to_string().contains("[agents]")
        });
        (has_settings && !notes.exists()).then_some(())
    });
}

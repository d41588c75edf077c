//! Skills of agents follow the plugins.

use std::fs;

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn skills_are_those_of_the_plugins_that_have_commands_for_agents() {
    let directory = tempfile::tempdir().unwrap();
    let skills = directory.path().join("agent/skills");
    let lost = directory.path().join("lost/agent/skills");
    let config = format!("[agents]\nskills = ['{}', '{}']", lost.display(), skills.display());
    let operation = json!({"get": {"operationId": "x", "summary": "Do it", "responses": {}}});
    let script = |name| Script { paths: json!({"/do": operation.clone()}), ..Script::of(name) };
    let plugins = [
        ("jira", script("jira"), "{}"),
        ("kept", script("kept"), r#"{"agents": false}"#),
        ("gone", script("gone"), "{}"),
    ];
    let daemon = Daemon::configured(directory, &config, &plugins).await;
    daemon.post("/reload-plugins").await;
    let names = || {
        let entries = fs::read_dir(&skills).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["gone", "jira"]);
    assert!(!lost.exists());
    let file = skills.join("jira/SKILL.md");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nskills-client jira do  # Do it\n"), "{text}");
    let by_hand = text.replace("Made by", "Once made by");
    fs::write(&file, &by_hand).unwrap();
    daemon.remove("jira");
    daemon.remove("gone");
    daemon.post("/reload-plugins").await;
    assert_eq!(names(), ["jira"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), by_hand);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_taken_out_of_the_settings_loses_its_skills() {
    let directory = tempfile::tempdir().unwrap();
    let skills = directory.path().join("agent/skills");
    let config = format!("[agents]\nskills = ['{}']", skills.display());
    let operation = json!({"get": {"operationId": "x", "summary": "Do it", "responses": {}}});
    let script = Script { paths: json!({"/do": operation}), ..Script::of("jira") };
    let daemon = Daemon::configured(directory, &config, &[("jira", script, "{}")]).await;
    daemon.post("/reload-plugins").await;
    fs::create_dir(skills.join("own")).unwrap();
    assert!(skills.join("jira/SKILL.md").exists());
    let parts = &daemon.supervisor.shared.parts;
    let table = toml::Table::new();
    let settings = Settings::resolve(table, &parts.paths.config_file(), &parts.env).unwrap();
    parts.settings.replace(settings);
    daemon.post("/reload-plugins").await;
    assert!(!skills.join("jira").exists() && skills.join("own").exists());
}

//! Plugins that cannot serve: each is named, with the reason and the place, and the others keep working.

use std::fs;

use crate::harness::{Home, plugin_code};

const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

/// Calls the plugin `name`, which cannot serve, and returns what is printed; the others do.
#[track_caller]
fn fails(home: &Home, name: &str, command: &str) -> String {
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    let output = home.client(&[name, command]);
    output.fails_with(1).quietly().says("Error: ").says("Hint: ");
    home.control(&["status"]).ok().says(&format!("failed   {name}"));
    home.redact(output.stdout())
}

#[test]
fn code_that_does_not_load_is_named_with_its_line() {
    let home = Home::new();
    home.plugin("aa-syntax", "import sys\ndef f(:\n    pass\n", "");
    home.plugin("bb-raises", "def f():\n    return 1 / 0\n\nf()\n", "");
    home.plugin("cc-import", "import no_such_module_xyz\n", "");
    home.plugin("dd-none", "X = 1\n", "");
    home.plugin("ee-router", "class APlugin:\n    name = 'ee'\n", "");
    home.plugin("ff-exit", "import sys\nsys.exit(3)\n", "");
    home.plugin("gg-ok", &plugin_code("gg", OK), "");
    home.client(&["gg", "ok"]).ok().quietly().says("fine");

    let text = fails(&home, "aa-syntax", "x");
    assert!(text.contains("aa-syntax/scripts/skills_plugin/__init__.py line 2"), "{text}");
    assert!(text.contains("SyntaxError"), "{text}");
    let text = fails(&home, "bb-raises", "x");
    assert!(text.contains("__init__.py line 2: ZeroDivisionError: division by zero"), "{text}");
    let text = fails(&home, "cc-import", "x");
    assert!(text.contains("line 1: ModuleNotFoundError"), "{text}");
    for none in ["dd-none", "ee-router"] {
        let text = fails(&home, none, "x");
        assert!(text.contains("has neither a plugin class"), "{text}");
    }
    let text = fails(&home, "ff-exit", "x");
    assert!(text.contains("line 2: SystemExit"), "{text}");
    home.control(&["doctor"]).fails_with(1).says("failed   plugin aa-syntax").says("line 2");
    home.control(&["plugins"]).ok().says("gg 1.0.0").says("Error: aa-syntax does not serve");
}

#[test]
fn a_plugin_that_failed_before_its_name_was_read_is_named_by_its_folder() {
    let home = Home::new();
    let folder = ".claude/plugins/marketplaces/m/plugins/tickets/skills/tickets-communication";
    home.write(
        &format!("{folder}/scripts/skills_plugin/__init__.py"),
        &format!("1 / 0\n{}", plugin_code("tickets", OK)),
    );
    // The command has the name in the code, which was not read yet.
    let output = home.client(&["tickets", "ok"]);
    output.fails_with(1).says("tickets-communication").says("ZeroDivisionError");
}

#[test]
fn an_invalid_manifest_is_named_with_field_or_line() {
    let home = Home::new();
    let code = |name| plugin_code(name, OK);
    home.plugin("json", &code("json"), "{\"name\": \"json\",\n oops}");
    home.plugin("type", &code("type"), r#"{"name": "type", "dependencies": "httpx"}"#);
    home.plugin("pep508", &code("pep508"), r#"{"dependencies": ["httpx >>> 1"]}"#);
    home.plugin("list", &code("list"), "[]");
    home.plugin("reserved", &code("reserved"), r#"{"name": "health"}"#);
    home.plugin("extra", &code("extra"), r#"{"name": "extra", "dependencys": []}"#);

    let text = fails(&home, "json", "ok");
    assert!(text.contains("manifest.json is not JSON") && text.contains("line 2"), "{text}");
    let text = fails(&home, "type", "ok");
    assert!(
        text.contains("field `dependencies`") && text.contains("expected a sequence"),
        "{text}"
    );
    let text = fails(&home, "pep508", "ok");
    assert!(text.contains("dependencies[0]") && text.contains("httpx >>> 1"), "{text}");
    let text = fails(&home, "list", "ok");
    assert!(text.contains("manifest.json must hold a JSON object"), "{text}");
    let text = fails(&home, "reserved", "ok");
    assert!(text.contains("field `name`") && text.contains("health"), "{text}");
    // An unknown field is a warning.
    home.client(&["extra", "ok"]).ok().quietly();
    home.control(&["logs"]).ok().says("unknown field").says("dependencys");

    // Corrected, all of them serve.
    for name in ["json", "type", "pep508", "list", "reserved"] {
        home.plugin(name, &code(name), "{}");
    }
    home.control(&["reload"]).ok().says("7 plugins loaded.");
    home.client(&["json", "ok"]).ok().quietly();
}

#[test]
fn of_two_plugins_of_one_name_the_first_serves() {
    let home = Home::new();
    let routes = |n| format!("@router.get('/n')\ndef n():\n    return {{'n': {n}}}\n");
    home.plugin("aa", &plugin_code("twin", &routes(1)), "");
    home.plugin("bb", &plugin_code("twin", &routes(2)), "");
    let answer = || home.client(&["--json", "twin", "n"]).ok().stdout().to_owned();
    home.control(&["plugins"]).ok();
    assert!(answer().contains('1'));
    let text = home.control(&["status"]).ok().stdout().to_owned();
    assert!(text.contains("another plugin is called 'twin'"), "{text}");
    assert!(text.contains("plugins/aa/skills/aa"), "{text}");
    for _ in 0..3 {
        home.control(&["reload"]).fails_with(1);
        assert!(answer().contains('1'), "whichever loads faster");
    }
}

#[test]
fn a_plugin_may_not_take_the_demos_name_from_a_user_nor_a_route_from_the_daemon() {
    let home = Home::new();
    // A user's plugin comes before the bundled one of the same name.
    home.plugin("mine", &plugin_code("demo", OK), "");
    home.client(&["demo", "ok"]).ok().says("fine");
    home.plugin("evil", &plugin_code("health", OK), "");
    home.control(&["reload"]).fails_with(1).says("evil");
    assert_eq!(home.get("/health").json()["status"], serde_json::json!("running"));
}

#[test]
fn a_path_that_does_not_exist_is_named() {
    let home = Home::new();
    let home = home.with("SKILLS_DAEMON_PLUGINS", "~/nowhere/missing:~/one.py");
    home.write("one.py", &plugin_code("one", OK));
    home.client(&["one", "ok"]).ok().quietly();
    let text = fails(&home, "missing", "x");
    insta::assert_snapshot!(text, @"
    Error: there is no plugin at [HOME]/nowhere/missing/__init__.py: no such file
    Hint: Correct SKILLS_DAEMON_PLUGINS or plugins.conf, whichever names it.
    ");
    fs::create_dir_all(home.path().join("nowhere/missing")).unwrap();
    home.control(&["reload"]).fails_with(1).says("there is no plugin at");
}

#[test]
fn a_plugin_for_another_daemon_is_not_loaded_and_the_required_version_shown() {
    let home = Home::new();
    let code = plugin_code("later", OK);
    home.plugin("later", &code, r#"{"name": "later", "daemon_version": ">=99, <100"}"#);
    let text = fails(&home, "later", "ok");
    insta::assert_snapshot!(text.replace(skills_daemon::VERSION, "[VERSION]"), @"
    Error: [HOME]/.claude/plugins/marketplaces/m/plugins/later/skills/later/scripts/skills_plugin/manifest.json: the plugin needs skills-daemon >=99, <100, and this one is [VERSION]
    Hint: Install a skills-daemon of that version, or a version of the plugin for this one.
    ");
    home.plugin("later", &code, r#"{"name": "later", "daemon_version": "ninety"}"#);
    home.control(&["reload"]).fails_with(1).says("field `daemon_version`").says("ninety");
    home.control(&["plugin", "validate", &Home::scripts("later")])
        .fails_with(1)
        .says("field `daemon_version`");
    home.plugin("later", &code, r#"{"name": "later", "daemon_version": ">=1.0.0"}"#);
    home.control(&["reload"]).ok();
    home.client(&["later", "ok"]).ok().quietly().says("fine");
}

//! Discovery of plugins.

use std::os::unix::fs::symlink;

use serde_json::json;

use crate::harness::{Home, plugin_code};

fn code(name: &str, answer: &str) -> String {
    let route = "@router.get('/say')\ndef say():\n    return {'success': True, 'data': '";
    plugin_code(name, &format!("{route}{answer}'}}\n"))
}

fn names(home: &Home) -> Vec<String> {
    let plugins = home.client(&["--json", "plugins"]).ok().json();
    let plugins = plugins["plugins"].as_array().unwrap().iter();
    plugins.map(|plugin| plugin["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn plugins_of_claude_are_found_unless_they_are_switched_off() {
    let home = Home::new();
    home.plugin("on", &code("on", "market"), "");
    home.plugin("off", &code("off", "market"), "");
    let settings = json!({"enabledPlugins": {"off@m": false, "on@m": true}});
    home.write(".claude/settings.json", &settings.to_string());
    // The cache has older copies of what the marketplace has, and two versions of something else.
    for (name, version) in
        [("on", "9.0.0"), ("off", "1.0.0"), ("only", "1.9.0"), ("only", "1.10.0")]
    {
        let place = format!(".claude/plugins/cache/m/{name}/{version}/scripts/skills_plugin");
        home.write(&format!("{place}/__init__.py"), &code(name, version));
    }
    // One that lies elsewhere and is linked to; and one that only looks like one.
    home.write("src/linked/skills_plugin/__init__.py", &code("linked", "here"));
    symlink(home.path().join("src/linked"), home.path().join(".claude/plugins/linked")).unwrap();
    home.write(".claude/plugins/x/skills_plugin/readme.txt", "no __init__.py");
    home.write(".claude/plugins/x/node_modules/y/skills_plugin/__init__.py", &code("no", "no"));

    assert_eq!(names(&home), ["on", "only", "linked", "demo"]);
    for (name, answer) in [("on", "market\n"), ("only", "1.10.0\n"), ("linked", "here\n")] {
        assert_eq!(home.client(&[name, "say"]).ok().quietly().stdout(), answer);
    }
    home.client(&["off", "say"]).fails_with(1).says("Unknown plugin: off");

    home.write(".claude/settings.json", "{}");
    home.control(&["reload"]).ok();
    home.client(&["off", "say"]).ok().says("market");
}

#[test]
fn paths_that_are_named_replace_the_search() {
    let home = Home::new();
    home.plugin("found", &code("found", "x"), "");
    home.write("own/one.py", &code("one", "a single file"));
    home.write("own/two/__init__.py", &code("two", "a package"));
    home.write(".config/skills-daemon/plugins.conf", "# mine\n\n  ~/own/two  \n");
    assert_eq!(names(&home), ["two", "demo"]);
    home.client(&["two", "say"]).ok().says("a package");
    home.control(&["stop"]).ok();

    let home = home.with("SKILLS_DAEMON_PLUGINS", "~/own/one.py");
    assert_eq!(names(&home), ["one", "two", "demo"]);
    home.client(&["one", "say"]).ok().says("a single file");
}

#[test]
fn a_plugin_of_the_later_generation_names_its_class() {
    let home = Home::new();
    let scripts = Home::scripts("bridge");
    home.plugin("bridge", "", r#"{"name": "bridge", "entry_point": "skills_plugin.main:Bridge"}"#);
    let class = "
from fastapi import APIRouter
class Bridge:
    def __init__(self, context):
        self.context = context
    @property
    def name(self):
        return 'bridge'
    @property
    def router(self):
        router = APIRouter()
        @router.get('/say')
        def say():
            return {'success': True, 'data': f'context {self.context}'}
        return router
";
    home.write(&format!("{scripts}/skills_plugin/main.py"), class);
    home.client(&["bridge", "say"]).ok().quietly().says("context None");

    home.plugin("bridge", "", r#"{"name": "bridge", "entry_point": "skills_plugin.main:Missing"}"#);
    home.control(&["reload"]).fails_with(1).says("entry_point: ").says("Missing");
}

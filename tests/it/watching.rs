//! Changed files and settings take effect by themselves.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Home, eventually, plugin_code};

fn code(name: &str, word: &str) -> String {
    let route = "@router.get('/say')\ndef say():\n    return {'success': True, 'data': '";
    plugin_code(name, &format!("{route}{word}'}}\n"))
}

/// Code that also notes that it is imported.
fn counted(name: &str, word: &str) -> String {
    let count =
        "import os\nwith open(os.environ['HOME'] + '/loads', 'a') as loads:\n    loads.write('";
    format!("{count}{word} ')\n{}", code(name, word))
}

/// Waits until `say` of the plugin `name` answers `word`; no call may fail meanwhile.
fn says(home: &Home, name: &str, word: &str) {
    eventually(word, || {
        let answer = home.get(&format!("/{name}/say")).json();
        assert_eq!(answer["success"], json!(true), "{answer}");
        (answer["data"] == json!(word)).then_some(())
    });
}

/// Waits until the daemon serves exactly these plugins, and its `demo`.
fn serves(home: &Home, names: &[&str]) {
    let mut wanted: Vec<&str> = names.to_vec();
    wanted.push("demo");
    wanted.sort_unstable();
    eventually(&wanted.join(" "), || {
        let health = home.get("/health").json();
        let serving = health["plugins"].as_array().unwrap().iter();
        let mut serving: Vec<&str> = serving.map(|name| name.as_str().unwrap()).collect();
        serving.sort_unstable();
        (serving == wanted).then_some(())
    });
}

/// Waits until `status` has a notice of the daemon with `text`, or with `None` no notice at all.
fn notices(home: &Home, text: Option<&str>) {
    eventually(text.unwrap_or("no notice"), || {
        let notices = home.status()["notices"].as_array().cloned().unwrap_or_default();
        let has = |text: &str| notices.iter().any(|notice| notice.as_str().unwrap().contains(text));
        text.map_or(notices.is_empty(), has).then_some(())
    });
}

/// The directory of the package of the plugin `name`.
fn package(home: &Home, name: &str) -> PathBuf {
    home.path().join(Home::scripts(name)).join("skills_plugin")
}

/// A home whose daemon serves the plugin `aa`, which says `one`.
fn started() -> Home {
    let home = Home::new();
    home.plugin("aa", &counted("aa", "one"), "");
    home.control(&["start"]).ok();
    says(&home, "aa", "one");
    home
}

#[test]
fn an_edit_takes_effect_and_a_touch_or_a_foreign_file_does_nothing() {
    let home = started();
    let init = package(&home, "aa").join("__init__.py");
    // Written again without a change, and files that are not the plugin's.
    fs::write(&init, counted("aa", "one")).unwrap();
    for foreign in [".__init__.py.swp", "__init__.py~", "4913", "log.log", "__pycache__/x.py"] {
        home.write(&format!("{}/skills_plugin/{foreign}", Home::scripts("aa")), "x");
    }
    // A later change has taken effect, so those were looked at: a look that meets the next write would see half a file.
    home.plugin("bb", &code("bb", "here"), "");
    serves(&home, &["aa", "bb"]);
    assert_eq!(home.read("loads").as_deref(), Some("one "));
    fs::write(&init, counted("aa", "two")).unwrap();
    says(&home, "aa", "two");
    // As editors save: a new file that is moved to the old one's place.
    let new = init.with_extension("py.tmp.12");
    fs::write(&new, counted("aa", "three")).unwrap();
    fs::rename(new, &init).unwrap();
    says(&home, "aa", "three");
    assert_eq!(home.read("loads").as_deref(), Some("one two three "));
    // Help follows, as do data files and modules of their own.
    fs::write(&init, format!("from .sub import lib\n{}", code("aa", "' + lib.WORD + '"))).unwrap();
    home.write(&format!("{}/skills_plugin/sub/lib.py", Home::scripts("aa")), "WORD = 'four'\n");
    says(&home, "aa", "four");
    home.write(&format!("{}/skills_plugin/sub/lib.py", Home::scripts("aa")), "WORD = 'five'\n");
    says(&home, "aa", "five");
}

#[test]
fn a_file_that_is_written_in_pieces_is_read_when_it_is_whole() {
    let home = started();
    let text = counted("aa", "two");
    let (first, rest) = text.split_at(text.len() / 2);
    let path = package(&home, "aa").join("__init__.py");
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    // Another plugin's change, which comes later, has taken effect meanwhile.
    home.plugin("bb", &code("bb", "here"), "");
    serves(&home, &["aa", "bb"]);
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    says(&home, "aa", "two");
    assert_eq!(home.read("loads").as_deref(), Some("one two "));
    assert!(!home.log().iter().any(|record| record["level"] == json!("ERROR")));
}

/// Code that imports `lib.client` from its `scripts/` and `common` from the HOME, and says the words of both; `late` is
/// imported by the first call.
fn importing(name: &str) -> String {
    let head = "import os, sys\nfrom pathlib import Path\n\
        sys.path[:0] = [str(Path(__file__).parents[1]), os.environ['HOME'] + '/shared']\n\
        import lib.client, common\n";
    let note =
        counted(name, name).replace("'data': '", "'data': lib.client.word() + common.WORD + '");
    format!("{head}{note}")
}

#[test]
fn modules_outside_of_a_plugins_directory_are_followed() {
    let home = started();
    let lib = |name: &str, word: &str| {
        home.write(
            &format!("{}/lib/client.py", Home::scripts(name)),
            &format!("def word():\n    from lib import late\n    return '{word} ' + late.WORD\n"),
        );
    };
    let late = |name: &str, word: &str| {
        home.write(&format!("{}/lib/late.py", Home::scripts(name)), &format!("WORD = '{word} '\n"));
    };
    let common = |word: &str| home.write("shared/common.py", &format!("WORD = '{word} '\n"));
    common("c1");
    for name in ["bb", "cc"] {
        lib(name, "l1");
        late(name, "x1");
        home.plugin(name, &importing(name), "");
    }
    serves(&home, &["aa", "bb", "cc"]);
    says(&home, "bb", "l1 x1 c1 bb");
    says(&home, "cc", "l1 x1 c1 cc");
    // One plugin's own, one that only a call has imported, and one that both import.
    lib("bb", "l2");
    says(&home, "bb", "l2 x1 c1 bb");
    late("bb", "x2");
    says(&home, "bb", "l2 x2 c1 bb");
    let loads = || home.read("loads").unwrap();
    assert_eq!(loads().matches("cc").count(), 1, "{}", loads());
    common("c2");
    says(&home, "bb", "l2 x2 c2 bb");
    says(&home, "cc", "l1 x1 c2 cc");
    // The description on disk is old as soon as one of them changes without a daemon.
    home.control(&["stop"]).ok();
    home.client(&["cc", "--help"]).ok();
    home.control(&["start"]).ok();
    says(&home, "cc", "l1 x1 c2 cc");
    // A touch, and a module that is gone: the old version goes on, until it is back.
    common("c2");
    let before = loads();
    fs::remove_file(home.path().join("shared/common.py")).unwrap();
    for name in ["bb", "cc"] {
        eventually("the failure", || {
            home.plugin_status(name)["detail"].as_str()?.contains("common").then_some(())
        });
    }
    assert_eq!(loads(), before);
    says(&home, "cc", "l1 x1 c2 cc");
    common("c3");
    says(&home, "cc", "l1 x1 c3 cc");
    says(&home, "bb", "l2 x2 c3 bb");
    // A plugin that never served because of such a module, and the mend there.
    common("c4 +");
    home.write(&format!("{}/lib/client.py", Home::scripts("dd")), "broken(\n");
    home.write(&format!("{}/lib/late.py", Home::scripts("dd")), "WORD = 'x1 '\n");
    home.plugin("dd", &importing("dd"), r#"{"name": "dd"}"#);
    eventually("the syntax error", || {
        let status = home.status();
        let mut plugins = status["plugins"].as_array().unwrap().iter();
        let detail = plugins.find(|it| it["name"] == "dd")?["detail"].as_str()?.to_owned();
        detail.contains("client.py").then_some(())
    });
    lib("dd", "mended");
    serves(&home, &["aa", "bb", "cc", "dd"]);
    says(&home, "dd", "mended x1 c4 + dd");
}

#[test]
fn a_broken_edit_leaves_the_old_version_and_its_place_is_shown_until_it_is_mended() {
    let home = started();
    home.plugin("aa", "from . import helper\n", "");
    home.write(
        &format!("{}/skills_plugin/helper.py", Home::scripts("aa")),
        "import os\n\nos.missing\n",
    );
    let detail = eventually("the failure", || {
        let status = home.plugin_status("aa");
        status["detail"].as_str().filter(|text| text.contains("helper.py")).map(str::to_owned)
    });
    assert!(detail.contains("AttributeError") && detail.contains("line 3"), "{detail}");
    says(&home, "aa", "one");
    home.control(&["status"]).ok().says("helper.py");
    let health = home.get("/health").json();
    let error = health["plugin_health"]["aa"]["reload_error"].as_str().unwrap().to_owned();
    assert!(error.contains("helper.py") && error.contains("line 3"), "{error}");
    home.control(&["plugins"]).ok().says("helper.py");
    home.plugin("aa", "def broken(:\n", "");
    eventually("the syntax error", || {
        let detail = home.plugin_status("aa")["detail"].clone();
        let detail = detail.as_str().unwrap_or_default();
        (detail.contains("SyntaxError") && detail.contains("__init__.py")).then_some(())
    });
    home.plugin("aa", &code("aa", "mended"), "");
    says(&home, "aa", "mended");
    eventually("no failure", || home.plugin_status("aa").get("detail").is_none().then_some(()));
    // The same for one that never served.
    home.plugin("bb", "1 / 0\n", r#"{"name": "bb"}"#);
    eventually("a failure", || {
        let status = home.status();
        let plugins = status["plugins"].as_array().unwrap().clone();
        plugins.iter().any(|it| it["name"] == "bb" && it["state"] == "failed").then_some(())
    });
    home.plugin("bb", &code("bb", "works"), r#"{"name": "bb"}"#);
    serves(&home, &["aa", "bb"]);
}

#[test]
fn plugins_come_and_go_with_their_directories_and_commands() {
    let home = started();
    let wrapper = |name: &str| home.path().join(".local/bin").join(name).exists();
    home.plugin("bb", &code("bb", "new"), "");
    serves(&home, &["aa", "bb"]);
    eventually("its command", || wrapper("bb").then_some(()));
    home.client(&["bb", "say"]).ok().says("new");
    // A directory that is moved in, one that is linked, and one that is only a manifest.
    home.write("src/cc/skills_plugin/__init__.py", &code("cc", "moved"));
    fs::rename(home.path().join("src/cc"), home.path().join(".claude/plugins/cc")).unwrap();
    home.write("src/dd/skills_plugin/__init__.py", &code("dd", "linked"));
    symlink(home.path().join("src/dd"), home.path().join(".claude/plugins/dd")).unwrap();
    home.write("src/ee/__init__.py", &code("ee", "added"));
    fs::create_dir_all(home.path().join(".config/skills-daemon/plugins")).unwrap();
    symlink(home.path().join("src/ee"), home.path().join(".config/skills-daemon/plugins/ee"))
        .unwrap();
    serves(&home, &["aa", "bb", "cc", "dd", "ee"]);
    home.write("src/dd/skills_plugin/__init__.py", &code("dd", "edited"));
    says(&home, "dd", "edited");
    home.write("src/ee/__init__.py", &code("ee", "edited too"));
    says(&home, "ee", "edited too");
    fs::remove_dir_all(home.path().join(".claude/plugins/marketplaces/m/plugins/bb")).unwrap();
    fs::remove_file(home.path().join(".claude/plugins/dd")).unwrap();
    fs::remove_file(home.path().join(".config/skills-daemon/plugins/ee")).unwrap();
    serves(&home, &["aa", "cc"]);
    eventually("no command", || (!wrapper("bb")).then_some(()));
    // Removed and made again.
    home.plugin("bb", &code("bb", "again"), "");
    serves(&home, &["aa", "bb", "cc"]);
    says(&home, "bb", "again");
    fs::remove_dir_all(home.path().join(".claude/plugins")).unwrap();
    serves(&home, &[]);
    home.plugin("aa", &code("aa", "back"), "");
    serves(&home, &["aa"]);
    assert_eq!(home.read("loads").as_deref(), Some("one "));
}

#[test]
fn the_files_that_name_plugins_and_switch_them_off_are_followed() {
    let home = started();
    home.write(".claude/settings.json", r#"{"enabledPlugins": {"aa@m": false}}"#);
    serves(&home, &[]);
    home.write(".claude/settings.json", "{}");
    serves(&home, &["aa"]);
    home.write("own/two/__init__.py", &code("two", "named"));
    home.write(".config/skills-daemon/plugins.conf", "~/own/two\n~/own/three\n");
    serves(&home, &["two"]);
    home.write("own/two/__init__.py", &code("two", "edited"));
    says(&home, "two", "edited");
    home.write("own/three/__init__.py", &code("three", "late"));
    serves(&home, &["two", "three"]);
    fs::remove_file(home.path().join(".config/skills-daemon/plugins.conf")).unwrap();
    serves(&home, &["aa"]);
    home.write(
        &format!("{}/skills_plugin/manifest.json", Home::scripts("aa")),
        r#"{"daemon_version": ">=99.0"}"#,
    );
    eventually("the manifest's failure", || {
        home.plugin_status("aa")["detail"].as_str()?.contains("99.0").then_some(())
    });
    says(&home, "aa", "one");
}

#[test]
fn settings_apply_to_the_running_daemon_or_status_says_that_a_restart_does() {
    let home = started();
    let config = ".config/skills-daemon/config.toml";
    home.write(config, "log_level = 'debug'\n");
    let requests = |record: &Value| record["level"] == json!("DEBUG");
    eventually("records of requests", || {
        home.get("/aa/say");
        home.log().iter().any(requests).then_some(())
    });
    home.write(config, "log_level = 'error'\nwrappers = false\npython = '/else/where'\n");
    notices(&home, Some("`python` in config.toml changed from the default to /else/where"));
    home.plugin("bb", &code("bb", "x"), "");
    serves(&home, &["aa", "bb"]);
    assert!(!home.path().join(".local/bin/bb").exists());
    home.write(config, "wrappers = maybe\n");
    notices(&home, Some("config.toml line 1 is not TOML"));
    home.control(&["doctor"]).says("config.toml line 1");
    home.write(config, "[plugins.aa]\nenv.WORD = 'set'\n");
    notices(&home, None);
    eventually("a new command", || home.path().join(".local/bin/bb").exists().then_some(()));
    eventually("one more load", || (home.read("loads")? == "one one ").then_some(()));
    home.write(config, "timeout = 1\n");
    home.wait_for_end();
}

#[test]
fn a_plugin_that_writes_beside_its_code_is_not_loaded_for_ever() {
    let home = started();
    let write = "import pathlib, time\n\
        pathlib.Path(__file__).with_name('state.json').write_text(str(time.time_ns()))\n";
    home.plugin("bb", &format!("{write}{}", counted("bb", "bb")), "");
    serves(&home, &["aa", "bb"]);
    let notice = eventually("the notice", || {
        let notices = home.plugin_status("bb")["notices"].as_array().cloned().unwrap_or_default();
        notices.first().map(|notice| notice.as_str().unwrap().to_owned())
    });
    assert!(notice.starts_with("it writes state.json in its own directory"), "{notice}");
    home.control(&["doctor"]).says("skills_daemon.data_dir()");
    let loads = || home.read("loads").unwrap().matches("bb").count();
    let before = loads();
    assert!((4..=5).contains(&before), "{before}");
    // An edit still takes effect.
    home.plugin("bb", &format!("{write}{}", counted("bb", "two")), "");
    says(&home, "bb", "two");
    assert_eq!(loads(), before);
}

//! Plugins whose requirements cannot be satisfied together: the later one is set aside, with the reason, until that is
//! gone.

use serde_json::{Value, json};

use crate::harness::{Home, eventually, plugin_code};

/// A route that answers with the version of `package`.
fn version_of(package: &str) -> String {
    format!(
        "import {package}\n@router.get('/version')\ndef version():\n    return {package}.VERSION\n"
    )
}

/// Puts a plugin with one requirement in place, which answers with the version of `package`.
fn plugin(home: &Home, name: &str, package: &str, requirement: &str) {
    let manifest = json!({"name": name, "dependencies": [requirement]}).to_string();
    home.plugin(name, &plugin_code(name, &version_of(package)), &manifest);
}

/// Waits until a command answers, without any other command meanwhile.
fn serves(home: &Home, name: &str, version: &str) {
    let serves = || {
        let state = &home.plugin_status(name)["state"];
        (*state == json!("ready")).then_some(())
    };
    eventually("the plugin", serves);
    home.client(&[name, "version"]).ok().says(version);
}

fn health(home: &Home, name: &str) -> Value {
    home.client(&["--json", "health"]).json()["plugin_health"][name].clone()
}

#[test]
fn of_two_that_conflict_the_later_one_is_set_aside_everywhere_and_comes_back_by_itself() {
    let home = Home::new().with_wheels(&[("skx", "1", &[]), ("skx", "2", &[])]);
    plugin(&home, "zz", "skx", "skx<2");
    home.client(&["zz", "version"]).ok().says("1");
    // It came later, though its name is first.
    plugin(&home, "aa", "skx", "skx>=2");
    let why = "zz needs skx<2; aa needs skx>=2";
    let refused = eventually("the reason", || {
        let output = home.client(&["aa", "version"]);
        output.stdout().contains(why).then_some(output)
    });
    refused.fails_with(1).says("aa does not serve").says("Hint: ").says("by itself");
    home.client(&["zz", "version"]).ok().says("1");

    let status = home.plugin_status("aa");
    assert!(status["detail"].as_str().unwrap().contains(why), "{status}");
    assert!(health(&home, "aa")["error"].as_str().unwrap().contains(why));
    home.client(&["aa", "--help"]).fails_with(1).says(why);
    home.control(&["doctor"]).says("set aside: aa").says(why);
    home.control(&["deps", "list"]).fails_with(1).says("set aside").says(why);
    home.control(&["deps", "sync"]).fails_with(1).says("Nothing was changed.").says(why);
    let report = home.control(&["deps", "list", "--json"]).fails_with(1).json();
    let party = |name: &str| {
        let parties = report["wanted"].as_array().unwrap();
        parties.iter().find(|party| party["owner"] == name).unwrap().clone()
    };
    assert_eq!(party("zz")["standing"], "satisfied");
    assert_eq!(party("aa")["standing"], "set-aside");

    // Kept over a restart, without another resolution.
    home.control(&["restart"]).ok();
    home.client(&["zz", "version"]).ok().says("1");
    home.client(&["aa", "version"]).fails_with(1).says(why);

    plugin(&home, "zz", "skx", "skx");
    serves(&home, "aa", "2");
    serves(&home, "zz", "2");
}

#[test]
fn of_three_of_which_any_two_fit_the_last_one_is_set_aside() {
    let wheels = ["1", "2", "3"].map(|version| ("skw", version, &[] as &[&str]));
    let home = Home::new().with_wheels(&wheels);
    plugin(&home, "aa", "skw", "skw!=1");
    plugin(&home, "bb", "skw", "skw!=2");
    plugin(&home, "cc", "skw", "skw!=3");
    for name in ["aa", "bb"] {
        home.client(&[name, "version"]).ok().quietly().says("3");
    }
    let refused = home.client(&["cc", "version"]);
    refused.fails_with(1).says("aa needs skw!=1; bb needs skw!=2; cc needs skw!=3");
    std::fs::remove_dir_all(home.path().join(Home::scripts("bb"))).unwrap();
    serves(&home, "cc", "2");
}

#[test]
fn a_transitive_conflict_is_explained_with_its_path() {
    let home =
        Home::new().with_wheels(&[("skx", "1", &[]), ("skx", "2", &[]), ("skp", "1", &["skx<2"])]);
    plugin(&home, "aa", "skx", "skp");
    plugin(&home, "bb", "skx", "skx>=2");
    home.client(&["aa", "version"]).ok().quietly().says("1");
    let refused = home.client(&["bb", "version"]);
    refused.fails_with(1).says("aa needs skp, which needs skx<2; bb needs skx>=2");
    home.add_wheels(&[("skp", "1.1", &["skx"])]);
    home.control(&["deps", "sync"]).ok().says("skp 1 -> 1.1");
    serves(&home, "bb", "2");
    home.control(&["deps", "why", "skx"]).ok().says("aa: skp -> skx").says("bb: skx>=2");
}

#[test]
fn a_plugin_that_would_be_set_aside_is_not_added_and_with_force_it_is() {
    let home = Home::new().with_wheels(&[("skx", "1", &[]), ("skx", "2", &[])]);
    plugin(&home, "aa", "skx", "skx<2");
    home.client(&["aa", "version"]).ok();
    let manifest = json!({"name": "bb", "dependencies": ["skx>=2"]}).to_string();
    home.write("new/bb/manifest.json", &manifest);
    home.write("new/bb/__init__.py", &plugin_code("bb", &version_of("skx")));
    let why = "aa needs skx<2; bb needs skx>=2";
    let refused = home.control(&["plugin", "add", "new/bb"]);
    refused.fails_with(1).complains("bb was not added").complains(why).complains("--force");
    assert!(!home.status().to_string().contains("\"bb\""), "nothing changed");
    let added = home.control(&["plugin", "add", "--force", "new/bb"]);
    added.fails_with(1).complains("bb is set aside").says("added").says(why);
    plugin(&home, "aa", "skx", "skx");
    serves(&home, "bb", "2");
}

//! Plugins that are one `.py` file with inline metadata (PEP 723), and requirements that name a path.

use std::fs;

use serde_json::json;

use crate::harness::{Home, eventually};

/// A script with a requirement that nothing else has.
const WORDS: &str = r#"# /// script
# requires-python = ">=3.9"
# dependencies = ["python-slugify>=8"]
#
# [tool.skills-daemon]
# description = "Words of all kinds"
# version = "3.1"
# ///
from slugify import slugify


def slug(text: str) -> str:
    """Make a word for a URL."""
    return slugify(text)
"#;

/// A build backend without requirements of its own, for the package `tinylib` in the same directory.
const BACKEND: &str = r#"import os, zipfile

INFO = "tinylib-1.0.dist-info"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {
        "tinylib.py": "WORD = 'tiny'\n",
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: tinylib\nVersion: 1.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    names = [*files, f"{INFO}/RECORD"]
    files[f"{INFO}/RECORD"] = "".join(f"{name},,\n" for name in names)
    with zipfile.ZipFile(os.path.join(wheel_directory, "tinylib-1.0-py3-none-any.whl"), "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
    return "tinylib-1.0-py3-none-any.whl"
"#;
const PYPROJECT: &str = r#"[project]
name = "tinylib"
version = "1.0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"#;

fn package(home: &Home, directory: &str) {
    home.write(&format!("{directory}/pyproject.toml"), PYPROJECT);
    home.write(&format!("{directory}/backend.py"), BACKEND);
}

#[test]
fn a_script_with_requirements_is_added_changed_and_removed() {
    let home = Home::new();
    let file = home.write("tools/words.py", WORDS);
    let valid = home.control(&["plugin", "validate", "tools/words.py"]);
    valid.ok().says("words 3.1 - Words of all kinds").says("It can be served.");
    home.control(&["plugin", "add", "tools/words.py"]).ok().says("added: words (");
    home.client(&["words", "slug", "A b c"]).ok().says("a-b-c");
    let plugins = home.client(&["--json", "plugins"]).ok().json()["plugins"].clone();
    let words = plugins.as_array().unwrap().iter().find(|it| it["name"] == "words").unwrap();
    assert_eq!(
        (&words["version"], &words["description"]),
        (&json!("3.1"), &json!("Words of all kinds"))
    );

    // What is wrong in the block is named with its line; the version before keeps serving.
    fs::write(&file, WORDS.replace("python = ", "python = = ")).unwrap();
    home.control(&["reload", "words"])
        .fails_with(1)
        .says("tools/words.py line 2: the `script` block is not TOML: ");
    home.client(&["words", "slug", "A b"]).ok().says("a-b");
    fs::write(&file, WORDS.replace("[\"python", "[\"--index-url https://h\", \"python")).unwrap();
    home.control(&["plugin", "validate", "tools/words.py"])
        .fails_with(1)
        .says("words.py: field `dependencies[0]`: `--index-url` is an option, not a requirement");
    // A saved change of the block takes effect by itself.
    fs::write(&file, WORDS.replace("3.1", "3.2")).unwrap();
    eventually("the new version", || {
        let plugins = home.client(&["--json", "plugins"]).ok().json()["plugins"].clone();
        let is_new = |it: &serde_json::Value| it["name"] == "words" && it["version"] == "3.2";
        plugins.as_array().unwrap().iter().any(is_new).then_some(())
    });

    home.control(&["plugin", "remove", "words"]).ok();
    assert!(file.is_file() && home.read(".config/skills-daemon/plugins/words.py").is_none());
    home.client(&["words", "slug", "x"]).fails_with(1);
}

#[test]
fn a_script_is_found_where_plugins_are_and_needs_its_python() {
    let home = Home::new();
    let plain = "def word() -> str:\n    \"\"\"Say it.\"\"\"\n    return 'plain'\n";
    home.write(".config/skills-daemon/plugins/one.py", plain);
    let block = "# /// script\n# requires-python = '>=4'\n# dependencies = ['nothing-of-the-kind-xyz']\n# ///\n";
    let named = home.write("else/two.py", &format!("{block}{plain}"));
    home.write(".config/skills-daemon/plugins.conf", &format!("{}\n", named.display()));
    home.client(&["one", "word"]).ok().says("plain");
    let refused = home.client(&["two", "word"]);
    refused.fails_with(1).says("two.py: the plugin needs Python >=4, and the daemon's is 3.");
    // A script that is put there while the daemon runs.
    home.write(".config/skills-daemon/plugins/three.py", plain);
    eventually("the script", || home.client(&["three", "word"]).status().success().then_some(()));
}

#[test]
fn a_path_outside_of_the_folder_is_refused_until_the_user_allows_it() {
    let home = Home::new();
    let code =
        "import tinylib\n\ndef word() -> str:\n    \"\"\"Say it.\"\"\"\n    return tinylib.WORD\n";
    let plugin = |name: &str, requirement: &str| {
        home.write(&format!("{name}/__init__.py"), code);
        let manifest = json!({"name": name, "dependencies": [requirement]}).to_string();
        home.write(&format!("{name}/manifest.json"), &manifest);
    };
    // Within the folder it counts from the manifest, wherever the daemon was started.
    package(&home, "inner/lib");
    plugin("inner", "tinylib @ file:lib");
    let added = home.control(&["plugin", "add", "inner"]);
    added.ok().says("added: inner");
    assert!(!added.stderr().contains("installs tinylib"), "{added:?}");
    home.client(&["inner", "word"]).ok().says("tiny");
    home.control(&["plugin", "remove", "inner"]).ok();

    package(&home, "shared/lib");
    plugin("outer", "tinylib @ file:../shared/lib");
    home.control(&["plugin", "add", "outer"])
        .fails_with(1)
        .complains("outer/manifest.json: field `dependencies[0]`: `tinylib @ file:../shared/lib`: ")
        .complains("add its directory to `paths` in `[dependencies]` of config.toml");
    let setting = format!("[dependencies]\npaths = ['{}/shared']\n", home.path().display());
    home.write(".config/skills-daemon/config.toml", &setting);
    // A running daemon may notice it only after the next command.
    home.control(&["restart"]).ok();
    home.control(&["plugin", "add", "outer"])
        .ok()
        .complains("Warning: `dependencies[0]` installs tinylib from ")
        .complains("/shared/lib, outside of the plugin's folder");
    home.client(&["outer", "word"]).ok().says("tiny");
    // What is not allowed any more is refused, while the version that was loaded serves.
    home.write(".config/skills-daemon/config.toml", "");
    eventually("the refusal", || {
        let text = home.plugin_status("outer").to_string();
        text.contains("is outside of").then_some(())
    });
    home.client(&["outer", "word"]).ok().says("tiny");
}

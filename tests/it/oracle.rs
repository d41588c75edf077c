//! The live oracle: FastAPI under uvicorn, in the daemon's own venv, gets the same requests as the daemon.
//!
//! `tests/oracle/compare.py` makes the requests and compares; here are the homes, one for each FastAPI. For a long
//! run, raise [`COUNT`], and set [`SEED`] for other requests:
//!
//! ```sh
//! SKILLS_ORACLE_COUNT=100000 SKILLS_ORACLE_SEED=7 cargo test --test it oracle -- --nocapture
//! ```

use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::Home;

/// Approximate number of requests that are compared for each FastAPI.
const COUNT: &str = "SKILLS_ORACLE_COUNT";
const COUNT_DEFAULT: &str = "3000";
/// The same seed and count make the same requests.
const SEED: &str = "SKILLS_ORACLE_SEED";
const SEED_DEFAULT: &str = "1";

#[test]
fn answers_are_those_of_the_oldest_fastapi() {
    compare("==0.109.0");
}

#[test]
fn answers_are_those_of_a_fastapi_in_between() {
    compare("==0.118.0");
}

#[test]
fn answers_are_those_of_the_newest_fastapi() {
    compare("");
}

/// Serves the plugin with FastAPI of that version and compares.
fn compare(version: &str) {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let home = Home::new();
    let plugin = install(&home, &oracle.join("plugin/skills_plugin"), version);
    home.control(&["start"]).ok();
    // Answers when no plugin is loading any more.
    let plugins = home.get("/plugins").json();
    let routes = routes(&plugins);
    let direct = routes.iter().filter(|route| route["why_fastapi"].is_null()).count();

    let (count, seed) = (setting(COUNT, COUNT_DEFAULT), setting(SEED, SEED_DEFAULT));
    let script = oracle.join("compare.py").display().to_string();
    let url = format!("http://127.0.0.1:{}", home.port());
    let arguments = ["-B", &script, &url, "--plugin", &plugin, "--count", &count, "--seed", &seed];
    // Not `Output::of`, which takes a long run for one that hangs.
    let output = home.command(home.paths().venv().join("bin/python"), &arguments).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    println!("{direct} of {} routes are called directly\n{stdout}{stderr}", routes.len());
    // Its log would be as long as the run and adds nothing to the differences.
    drop(home);
    assert!(output.status.success(), "the oracle disagrees: {}", output.status);
}

/// Installs the plugin and returns its directory.
fn install(home: &Home, from: &Path, version: &str) -> String {
    let to = format!("{}/skills_plugin", Home::scripts("oracle"));
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap();
            home.write(&format!("{to}/{name}"), &fs::read_to_string(&path).unwrap());
        }
    }
    let manifest = home.read(&format!("{to}/manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    for dependency in manifest["dependencies"].as_array_mut().unwrap() {
        if dependency.as_str().unwrap().starts_with("fastapi") {
            *dependency = json!(format!("fastapi{version}"));
        }
    }
    home.write(&format!("{to}/manifest.json"), &manifest.to_string());
    home.path().join(to).display().to_string()
}

/// The routes of the plugin in `/plugins`.
fn routes(plugins: &Value) -> &[Value] {
    let all = plugins["plugins"].as_array().unwrap();
    let own = all.iter().find(|plugin| plugin["name"] == json!("oracle"));
    own.unwrap_or_else(|| panic!("not served: {plugins:#}"))["endpoints"].as_array().unwrap()
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

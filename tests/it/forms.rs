//! Forms that the host parses are those that Starlette parses, in all supported versions.
//!
//! `tests/forms/plugin.py` compares them in the daemon; here are the versions. For a long run, raise [`COUNT`], and set
//! [`SEED`] for other bodies.

use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::Home;

/// Number of bodies that are compared for each version.
const COUNT: &str = "SKILLS_FORMS_COUNT";
const COUNT_DEFAULT: u64 = 3000;
/// The same seed and count make the same bodies.
const SEED: &str = "SKILLS_FORMS_SEED";

#[test]
fn forms_are_those_of_the_oldest_starlette() {
    compare("==0.109.0", "==0.0.7");
}

#[test]
fn forms_are_those_of_a_starlette_in_between() {
    compare("==0.118.0", "==0.0.20");
}

#[test]
fn forms_are_those_of_the_newest_starlette() {
    compare("", "");
}

fn compare(fastapi: &str, multipart: &str) {
    let home = Home::new();
    install(&home, fastapi, multipart);
    home.control(&["start"]).ok();
    let (seed, count) = (setting(SEED, 1), setting(COUNT, COUNT_DEFAULT));
    let compared = home.get(&format!("/forms/compare?seed={seed}&count={count}")).json();
    println!("{compared:#}");
    assert_eq!(compared["differences"], json!([]));
    // Otherwise the comparison shows nothing.
    let number = |key: &str| compared[key].as_u64().unwrap();
    assert!(number("certain") > count / 3, "{compared}");
    assert!(number("with_files") > count / 6, "{compared}");

    let read = home.get(&format!("/forms/read?seed={}&count={}", seed + 1, count / 5)).json();
    assert_eq!(read, json!([]));
    let limits = home.get("/forms/limits").json();
    assert_eq!(limits, json!([1000, null, 1001, null, null, 1000, null, null]));
}

fn install(home: &Home, fastapi: &str, multipart: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let read = |name: &str| fs::read_to_string(from.join(name)).unwrap();
    let manifest: Value = json!({
        "name": "forms",
        "dependencies": [format!("fastapi{fastapi}"), format!("python-multipart{multipart}")],
    });
    home.plugin("forms", &read("plugin.py"), &manifest.to_string());
    let folder = format!("{}/skills_plugin", Home::scripts("forms"));
    home.write(&format!("{folder}/bodies.py"), &read("bodies.py"));
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

//! The conformance suite of the Model Context Protocol against a plugin of plain functions.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::mcp::Agent;
use crate::harness::{Home, Output};

/// Names a directory in which npm has installed the suite and Node.js 22; `.ci/run` sets it.
const SUITE: &str = "SKILLS_CONFORMANCE";
/// The plugin.
const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/plugin");
/// Each revision, and how many scenarios of it are scored.
const REVISIONS: [(&str, usize); 2] = [("2025-11-25", 30), ("2026-07-28", 37)];

#[test]
fn the_conformance_suite_passes_in_both_eras() {
    let Some(suite) = std::env::var_os(SUITE).map(PathBuf::from) else {
        eprintln!("skipped: {SUITE} names no installed suite");
        return;
    };
    let home = Home::new();
    let read = |file: &str| std::fs::read_to_string(Path::new(PLUGIN).join(file)).unwrap();
    home.plugin("conformance", &read("__init__.py"), &read("manifest.json"));
    home.client(&["conformance", "test_simple_text"]).ok();
    every_fixture_is_listed(&home, &read("__init__.py"));
    let modules = suite.join("node_modules");
    let package = modules.join("@modelcontextprotocol/conformance");
    for (revision, count) in REVISIONS {
        let list = package.join(format!("requirements/{revision}.yaml"));
        let scored = scored(&std::fs::read_to_string(list).unwrap());
        assert_eq!(scored.len(), count, "{scored:?}");
        let url = format!("http://127.0.0.1:{}/mcp/conformance", home.port());
        let mut command = Command::new(modules.join(".bin/node"));
        command.arg(package.join("dist/index.js")).arg("server");
        command.args(["--url", &url, "--requirements", revision, "-o"]);
        command.arg(home.path().join(revision)).env("HOME", home.path());
        let output = Output::of_suite(command);
        let passed = |scenario: &&String| {
            let mut lines = output.stdout().lines();
            lines.any(|line| line.starts_with(&format!("✓ {scenario}: ")))
        };
        let passed = scored.iter().filter(passed).count();
        println!("{revision}: {passed} of {count} scored scenarios pass");
        assert_eq!(passed, count, "{}", output.ok().stdout());
    }
}

/// A server without the fixtures would pass some scenarios, too.
fn every_fixture_is_listed(home: &Home, code: &str) {
    let agent = Agent::without_session(home, "/mcp/conformance", json!({}));
    let listed = agent.names("tools");
    let names = code.lines().filter_map(|line| line.strip_prefix("@command(name=\""));
    let names: Vec<&str> = names.filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(listed.iter().any(|own| own == name), "{name}: {listed:?}");
    }
}

/// The scenarios of a server that are scored.
fn scored(requirements: &str) -> Vec<String> {
    let server = requirements.lines().skip_while(|line| *line != "server:").skip(1);
    let items = server.take_while(|line| line.is_empty() || line.starts_with(' '));
    let names = items.filter_map(|line| line.trim().strip_prefix("- "));
    names.map(str::to_owned).collect()
}

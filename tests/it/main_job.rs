//! The first command in a fresh HOME: no `uv`, no venv, no daemon.

use crate::harness::{Home, plugin_code};

#[test]
fn the_first_command_in_a_fresh_home_answers_and_the_second_finds_all_of_it_warm() {
    let home = Home::bare().without_uv();
    let output = home.client(&["demo", "hello", "--name", "Ada"]);
    output.ok().quietly().says("Hello, Ada! Python 3.");
    let uv = home.runtime().join("tools/uv/bin/uv");
    assert!(uv.is_file(), "no uv on PATH, so it was fetched into tools/");

    let pid = home.pid();
    home.client(&["demo", "hello"]).ok().quietly().says("Hello, World!");
    assert_eq!(home.pid(), pid);
}

#[test]
fn everything_moves_with_the_runtime_directory() {
    let home = Home::bare();
    let moved = home.path().join("moved/here");
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", moved.to_str().unwrap());
    home.write("moved/here/config/plugins.conf", "~/one.py\n");
    home.write("one.py", &plugin_code("one", "@router.get('/n')\ndef n():\n    return 1\n"));
    assert_eq!(home.client(&["--json", "one", "n"]).ok().quietly().stdout(), "1\n");
    assert!(home.paths().venv_python().is_file() && home.paths().socket().exists());
    assert!(!home.path().join(".local/share").exists());
    home.control(&["stop"]).ok();
}

#[test]
fn a_home_with_blanks_quotes_and_accents_is_a_home() {
    let home = Home::called("sk é 'b\" $c;#%41");
    home.plugin("one", &plugin_code("one", "@router.get('/n')\ndef n():\n    return 1\n"), "{}");
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    assert_eq!(home.client(&["--json", "one", "n"]).ok().quietly().stdout(), "1\n");
    home.control(&["reload"]).ok().says("2 plugins loaded.");
    home.control(&["doctor"]).ok().says("Nothing is broken.");
    home.control(&["stop"]).ok();
}

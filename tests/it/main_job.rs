//! The main job, from nothing: a fresh HOME, no `uv`, no venv, no daemon, one command, an answer.

use crate::harness::Home;

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

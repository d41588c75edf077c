//! Commands of their own names: a script that execs the client, and a link to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::{CLIENT, Home, Output};

#[test]
fn a_wrapper_script_and_a_link_are_the_plugin() {
    let home = Home::new();
    let script = home.write("bin/wrapped", &format!("#!/bin/sh\nexec '{CLIENT}' demo \"$@\"\n"));
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let link = home.path().join("bin/demo");
    symlink(CLIENT, &link).unwrap();

    for program in [script, link] {
        let call = |arguments: &[&str]| Output::of(home.command(&program, arguments));
        call(&["hello", "--name", "a  'b' \"c\" $d *"])
            .ok()
            .quietly()
            .says("Hello, a  'b' \"c\" $d *!");
        call(&["--help"]).ok().says("demo - A tour of what a plugin can do");
        call(&["size", "--help"]).ok().says("Usage: demo size <bytes>");
        call(&["fail"]).fails_with(1);
        call(&["--json", "size", "1000"]).ok().says("\"1.0 kB\"");
    }
}

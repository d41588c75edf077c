//! Only the host needs Python's library.

use std::process::Command;

use crate::harness::{CLIENT, CONTROL, Output};

#[cfg(target_os = "linux")]
#[test]
fn client_and_control_program_link_no_python() {
    let libraries = |program: &str| {
        let mut ldd = Command::new("ldd");
        ldd.arg(program);
        Output::of(ldd).ok().stdout().to_owned()
    };
    for program in [CLIENT, CONTROL] {
        assert!(!libraries(program).contains("libpython"), "{}", libraries(program));
    }
    let host = libraries(env!("CARGO_BIN_EXE_skills-host"));
    assert!(host.contains("libpython3"), "the check sees what it looks for: {host}");
}

//! The tests of the Python SDK, so that `cargo test` runs everything.

use std::path::Path;
use std::process::Command;

use crate::harness::{Output, shared};

#[test]
fn the_python_tests_pass() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = shared::sdk_venv();
    let mut command = Command::new(venv.join("bin/python"));
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/python"])
        .current_dir(project)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = Output::of_suite(command);
    assert!(output.status().success(), "{}\n{}", output.stdout(), output.stderr());
    output.says(" passed");
}

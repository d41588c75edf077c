//! The control program. See [`skills_daemon::cli::control`].

use std::process::ExitCode;

fn main() -> ExitCode {
    skills_daemon::cli::control::main()
}

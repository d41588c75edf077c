//! The thin client that wrappers exec. See [`skills_daemon::cli::client`].

use std::process::ExitCode;

fn main() -> ExitCode {
    skills_daemon::cli::client::main()
}

//! What may be completed on a command line of the client or of a wrapper.
//!
//! Asked by the scripts of `skills-daemon completion`, with the words of the line after `--`. Answers from the
//! descriptions on disk, and rather says nothing than something about an error into somebody's prompt.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::OWN_NAME;
use crate::completion;
use crate::description::Description;
use crate::environment::Environment;
use crate::paths::Paths;
use crate::store::{Record, Store};

/// Prints what `shell` may complete.
pub(super) fn answer(shell: &str, env: &Environment) -> ExitCode {
    let words: Vec<OsString> =
        std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let Ok(paths) = Paths::resolve(env) else { return ExitCode::FAILURE };
    let store = Store::at(paths.descriptions());
    let program = words.first().map(Path::new).and_then(Path::file_name);
    let command = match program.and_then(|name| name.to_str()) {
        Some(OWN_NAME) => {
            let records = store.all();
            let descriptions: Vec<&Description> =
                records.iter().map(|record: &Record| &*record.description).collect();
            completion::client(&descriptions)
        }
        Some(plugin) => match store.read(plugin) {
            Some(record) => completion::plugin(&record.description),
            None => return ExitCode::FAILURE,
        },
        None => return ExitCode::FAILURE,
    };
    match completion::complete(shell, command, words, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

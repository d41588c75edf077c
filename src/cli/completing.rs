//! Completion of command lines of the client, of a wrapper, or of the control program.
//!
//! The control program answers for all of them, because clap would slow down the start of the client. The scripts
//! of `skills-daemon completion` call it with the words of the line after `--`. Answers come from the descriptions
//! on disk; errors are silent, because stderr is the user's prompt.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::completion;
use crate::description::Description;
use crate::environment::{self, Environment};
use crate::paths::Paths;
use crate::store::Store;
use crate::wrappers::{self, CLIENT};

/// Prints the candidates for `shell`; `control` is the command line of the control program.
pub(super) fn answer(shell: &str, env: &Environment, control: clap::Command) -> ExitCode {
    let words: Vec<OsString> =
        environment::arguments().skip_while(|word| word != "--").skip(1).collect();
    let answered = command(&words, env, control).and_then(|command| {
        completion::complete(shell, command, words, &mut std::io::stdout()).ok()
    });
    if answered.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the command line of the program that the first of `words` names.
fn command(words: &[OsString], env: &Environment, control: clap::Command) -> Option<clap::Command> {
    let program = Path::new(words.first()?).file_name()?.to_str()?;
    if program == control.get_name() {
        return Some(control);
    }
    let (program, profile) = wrappers::parts(program);
    let with_profile = profile.map(|profile| env.clone().with(environment::PROFILE, profile));
    let paths = Paths::resolve(with_profile.as_ref().unwrap_or(env)).ok()?;
    let store = Store::at(paths.descriptions());
    if program == CLIENT {
        let records = store.all();
        let descriptions: Vec<&Description> =
            records.iter().map(|record| &*record.description).collect();
        return Some(completion::client(&descriptions));
    }
    store.read(program).map(|record| completion::plugin(&record.description))
}

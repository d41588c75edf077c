//! `skills-daemon config edit`: the editor works on a copy, which takes the file's place once it is valid.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::super::Context;
use super::change::MODE;
use super::checked;
use crate::agents::file;
use crate::durable;
use crate::environment::{EDITOR, VISUAL};
use crate::failure::{Failure, Kind};
use crate::paths::unwritable;
use crate::reports::{Asks, Question, YES};
use crate::settings::{read, template};

/// A copy of the file, removed with the value.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // It is in the directory of the user's settings, where it is only in the way.
        let _ = fs::remove_file(&self.0);
    }
}

/// Opens the editor until the file is valid or discarded; exit status 1 if it is discarded.
pub(super) fn run(context: &Context) -> Result<ExitCode, Failure> {
    let editor = editor(context)?;
    let path = context.paths.config_file();
    let before = read(&path)?;
    let begin = if before.is_empty() { template::text() } else { before.clone() };
    let copy = Copy(path.with_file_name(format!("config.{}.edit.toml", std::process::id())));
    let written = fs::create_dir_all(&context.paths.config)
        .and_then(|()| durable::write_as(&copy.0, begin.as_bytes(), 0o600));
    written.map_err(|error| unwritable(&copy.0, &error))?;
    loop {
        open(&editor, &copy.0)?;
        let after = fs::read_to_string(&copy.0).map_err(|error| {
            Failure::environment(format!("cannot read the edited copy of config.toml: {error}"))
        })?;
        if after == begin {
            context.print("Nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
        let settings = match checked(context, &after) {
            Ok(settings) => settings,
            Err(failure) => {
                context.console.failure(&failure);
                if is_edited_again(context)? {
                    continue;
                }
                context.print(&format!("Discarded: {} is as it was.", path.display()));
                return Ok(ExitCode::FAILURE);
            }
        };
        if read(&path)? != before {
            let error = format!("{} has been changed meanwhile", path.display());
            return Err(Failure::new(Kind::Unavailable, error).hint("Run it again."));
        }
        file::write(&path, &after, MODE)?;
        for unknown in &settings.unknown {
            context.console.warning(&unknown.to_string());
        }
        context.print(&format!("Written: {}", path.display()));
        return Ok(ExitCode::SUCCESS);
    }
}

/// Returns the program and the arguments of the user's editor.
fn editor(context: &Context) -> Result<Vec<String>, Failure> {
    let path = context.paths.config_file();
    let by_hand = format!("Edit {} by hand, or use `skills-daemon config set`.", path.display());
    let failed = |error: String| Failure::new(Kind::Usage, error).hint(by_hand.clone());
    if !context.console.watched || !io::stdin().is_terminal() {
        return Err(failed("there is no terminal for an editor".into()));
    }
    let set = |name| context.env.get(name).map(|text| (name, text));
    let Some((name, text)) = set(VISUAL).or_else(|| set(EDITOR)) else {
        return Err(failed("no editor: neither VISUAL nor EDITOR is set".into()));
    };
    let words = shlex::split(text).filter(|words| !words.is_empty());
    words
        .ok_or_else(|| failed(format!("{name} is `{text}`, which is not a program with arguments")))
}

/// Has the editor change the file at `copy`.
fn open(editor: &[String], copy: &Path) -> Result<(), Failure> {
    let (program, arguments) = editor.split_first().expect("an editor has a program");
    let hint = "Set VISUAL or EDITOR to another editor.";
    match Command::new(program).args(arguments).arg(copy).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let error = format!("the editor `{program}` failed ({status}); nothing was changed");
            Err(Failure::environment(error).hint(hint))
        }
        Err(error) => {
            let error = format!("cannot run the editor `{program}`: {error}");
            Err(Failure::environment(error).hint(hint))
        }
    }
}

fn is_edited_again(context: &Context) -> Result<bool, Failure> {
    let question = Question {
        number: 0,
        prompt: "Edit it again?".to_owned(),
        asks: Asks::Confirmation,
        default: Some(YES.to_owned()),
        key: None,
        more: false,
    };
    let answer = context.console.ask(&question);
    let answer = answer.map_err(|error| Failure::environment(format!("cannot ask: {error}")))?;
    Ok(answer.as_deref() == Some(YES))
}

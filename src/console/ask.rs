//! Questions at the terminal, on stderr.

use std::io;
use std::sync::OnceLock;

use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, Input, Password, Select};
use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};

use super::Style;
use crate::reports::{Asks, NO, Question, YES};

/// Asks a question; `None` once the input has ended.
pub(super) fn ask(question: &Question, style: Style) -> io::Result<Option<String>> {
    let (colored, plain) = (ColorfulTheme::default(), SimpleTheme);
    let theme: &dyn Theme = if style == Style::PLAIN { &plain } else { &colored };
    let guard = Guard::new();
    let answer = asked(question, theme);
    drop(guard);
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ok(None)
        }
        Err(dialoguer::Error::IO(error)) => Err(error),
    }
}

fn asked(question: &Question, theme: &dyn Theme) -> dialoguer::Result<String> {
    let Question { prompt, asks, default, .. } = question;
    match asks {
        Asks::Text => {
            let input = Input::<String>::with_theme(theme).with_prompt(prompt).allow_empty(true);
            match default {
                Some(default) => input.default(default.clone()).interact_text(),
                None => input.interact_text(),
            }
        }
        Asks::Secret => {
            Password::with_theme(theme).with_prompt(prompt).allow_empty_password(true).interact()
        }
        Asks::Confirmation => {
            let confirm = Confirm::with_theme(theme).with_prompt(prompt);
            let confirmed = match default {
                Some(default) => confirm.default(default == YES).interact(),
                None => confirm.interact(),
            };
            Ok(if confirmed? { YES } else { NO }.to_owned())
        }
        Asks::Choice(choices) => {
            let first = choices.iter().position(|choice| Some(choice) == default.as_ref());
            let select = Select::with_theme(theme).with_prompt(prompt).items(choices);
            let chosen = select.default(first.unwrap_or_default()).interact()?;
            choices.get(chosen).cloned().ok_or_else(|| io::Error::other("no choice").into())
        }
    }
}

/// The terminal as it was before the first question.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// Ctrl-C during a question leaves the terminal as it was: with a cursor, and showing what is typed.
struct Guard {
    old: Option<SigAction>,
}

impl Guard {
    fn new() -> Guard {
        let Some(before) = attributes() else { return Guard { old: None } };
        BEFORE.get_or_init(|| before);
        let handler = SigHandler::Handler(restore);
        let action = SigAction::new(handler, SaFlags::SA_RESETHAND, SigSet::empty());
        // SAFETY: `restore` calls only functions that are safe in a signal handler.
        Guard { old: unsafe { signal::sigaction(Signal::SIGINT, &action) }.ok() }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(old) = &self.old {
            // SAFETY: it is the action from before.
            let _ = unsafe { signal::sigaction(Signal::SIGINT, old) };
        }
    }
}

fn attributes() -> Option<libc::termios> {
    let mut termios = std::mem::MaybeUninit::uninit();
    // SAFETY: it is written if the call succeeds, and read only then.
    unsafe {
        match libc::tcgetattr(libc::STDIN_FILENO, termios.as_mut_ptr()) {
            0 => Some(termios.assume_init()),
            _ => None,
        }
    }
}

/// Restores the terminal and ends the program as the signal does.
extern "C" fn restore(number: libc::c_int) {
    const SHOW_CURSOR: &[u8] = b"\x1b[?25h\n";
    if let Some(before) = BEFORE.get() {
        // SAFETY: these are safe in a signal handler, and the data lives as long as the program. The action was reset
        // to the default when the handler was entered, so the signal that is raised ends the program.
        unsafe {
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, before);
            libc::write(libc::STDERR_FILENO, SHOW_CURSOR.as_ptr().cast(), SHOW_CURSOR.len());
            libc::raise(number);
        }
    }
}

//! Questions at the terminal, on stderr.

mod form;

use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, Input, Select};
use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};

use super::Style;
use crate::reports::{Asks, NO, Question, YES};

/// Asks a question; `None` once the input has ended.
pub(super) fn ask(question: &Question, style: Style) -> io::Result<Option<String>> {
    let (colored, plain) = (ColorfulTheme::default(), SimpleTheme);
    let theme: &dyn Theme = if style == Style::PLAIN { &plain } else { &colored };
    if !is_for_people(&question.asks) {
        return Ok(None);
    }
    let guard = Guard::new();
    let answer = match &question.asks {
        Asks::Form(schema) => form::ask(&question.prompt, schema, theme),
        _ => asked(question, theme),
    };
    drop(guard);
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ok(None)
        }
        Err(dialoguer::Error::IO(error)) => Err(error),
    }
}

/// True for what a person can answer.
fn is_for_people(asks: &Asks) -> bool {
    !matches!(asks, Asks::Sample(_) | Asks::Roots)
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
        Asks::Secret => Ok(secret(prompt, theme)?),
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
        Asks::Form(_) | Asks::Sample(_) | Asks::Roots => {
            Err(io::Error::other("no question for a person").into())
        }
    }
}

/// Reads a line that is not shown; `dialoguer` would throw away what is typed before it is ready to read.
fn secret(prompt: &str, theme: &dyn Theme) -> io::Result<String> {
    let mut shown = String::new();
    let written = theme.format_password_prompt(&mut shown, prompt);
    put(&shown, written)?;
    let mut line = String::new();
    let count = io::stdin().read_line(&mut line)?;
    let mut shown = String::from("\r\x1b[2K");
    let written = theme.format_password_prompt_selection(&mut shown, prompt);
    shown.push('\n');
    put(&shown, written)?;
    match count {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

fn put(text: &str, written: fmt::Result) -> io::Result<()> {
    written.map_err(io::Error::other)?;
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}

/// The terminal as it was before the first question.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// A question shows by itself what is typed; a signal during one leaves the terminal as it was, with a cursor and echo.
struct Guard {
    before: Option<libc::termios>,
    actions: Vec<(Signal, SigAction)>,
}

impl Guard {
    fn new() -> Guard {
        let Some(before) = attributes() else { return Guard { before: None, actions: Vec::new() } };
        BEFORE.get_or_init(|| before);
        let handler = SigHandler::Handler(restore);
        let action = SigAction::new(handler, SaFlags::SA_RESETHAND, SigSet::empty());
        let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter();
        let replaced = signals.filter_map(|signal| {
            // SAFETY: `restore` calls only functions that are safe in a signal handler.
            let old = unsafe { signal::sigaction(signal, &action) };
            Some((signal, old.ok()?))
        });
        let actions = replaced.collect();
        let mut quiet = before;
        quiet.c_lflag &= !libc::ECHO;
        set(&quiet);
        Guard { before: Some(before), actions }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.before.as_ref().map(set);
        for (signal, old) in &self.actions {
            // SAFETY: it is the action from before.
            let _ = unsafe { signal::sigaction(*signal, old) };
        }
    }
}

/// Leaves the terminal as it was before the first question, for a program that ends in the middle of one.
pub(super) fn leave() {
    BEFORE.get().map(set);
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

/// Sets the attributes of the terminal; what was typed already stays.
fn set(attributes: &libc::termios) {
    // SAFETY: it only reads the attributes. It fails only for what is no terminal.
    unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, attributes) };
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

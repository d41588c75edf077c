//! A wait at the terminal: the step in progress with a spinner and its duration, those before as lines.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Style;

/// Time between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(100);

/// The wait of this process, which has one terminal.
static WAIT: Mutex<Option<Wait>> = Mutex::new(None);

struct Wait {
    spinner: ProgressBar,
    step: String,
    style: Style,
}

/// Shows `step`, which ends the one before.
pub(super) fn step(step: &str, style: Style) {
    let mut wait = lock();
    match wait.as_mut() {
        Some(wait) if wait.step == step => {}
        Some(wait) => {
            wait.keep();
            step.clone_into(&mut wait.step);
            wait.spinner.set_message(wait.step.clone());
            wait.spinner.reset_elapsed();
        }
        None => *wait = Some(Wait::begin(step, style)),
    }
}

/// Ends the wait, if there is one: its last step becomes a line, and the terminal is free.
pub(super) fn end() {
    if let Some(wait) = lock().take() {
        wait.keep();
        wait.spinner.finish_and_clear();
    }
}

fn lock() -> MutexGuard<'static, Option<Wait>> {
    WAIT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wait {
    fn begin(step: &str, style: Style) -> Wait {
        let color = if style == Style::PLAIN { "" } else { ":.dim" };
        let elapsed = color.replace(':', "");
        let template = format!("{{spinner{color}}} {{wide_msg{color}}} {{elapsed:>4{elapsed}}}");
        let spinner = ProgressBar::new_spinner();
        if let Ok(template) = ProgressStyle::with_template(&template) {
            spinner.set_style(template);
        }
        spinner.set_message(step.to_owned());
        spinner.enable_steady_tick(TICK);
        Wait { spinner, step: step.to_owned(), style }
    }

    /// Leaves the step as a line above the spinner.
    fn keep(&self) {
        self.spinner.println(format!("{}{}{}", self.style.dim, self.step, self.style.reset));
    }
}

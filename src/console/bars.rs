//! Bars of the tasks of a call, below whatever else is written.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::Style;
use crate::reports::Task;

/// A task whose size is known: `Copying ━━━━━━━━━╸  42 % 120/s 3s`.
const BAR: &str = "{msg} {wide_bar} {percent:>3} % {rate} {eta}";
/// A task of unknown size.
const SPINNER: &str = "{spinner} {wide_msg} {pos} {rate} {elapsed}";
/// The bars of this process, which has one terminal.
static BARS: Mutex<Option<Bars>> = Mutex::new(None);

#[derive(Default)]
struct Bars {
    all: MultiProgress,
    tasks: BTreeMap<u64, ProgressBar>,
    /// What was written to stdout and to stderr without an end of line: a bar begins at the begin of one.
    begun: [Vec<u8>; 2],
}

fn lock() -> MutexGuard<'static, Option<Bars>> {
    BARS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows a task as it is now; one that is complete is removed.
pub(super) fn show(task: &Task, style: Style) {
    let mut bars = lock();
    let Bars { all, tasks, .. } = bars.get_or_insert_default();
    if task.is_complete {
        if let Some(bar) = tasks.remove(&task.number) {
            bar.finish_and_clear();
            all.remove(&bar);
        }
        return;
    }
    let bar = tasks.entry(task.number).or_insert_with(|| all.add(begun(task, style)));
    if let Some(total) = task.total {
        bar.set_length(units(total));
    }
    bar.set_message(task.description.clone());
    bar.set_position(units(task.done));
}

/// Removes all bars; returns what of a line to stdout and of one to stderr is still to be written.
pub(super) fn end() -> [Vec<u8>; 2] {
    let Some(bars) = lock().take() else { return Default::default() };
    bars.tasks.values().for_each(ProgressBar::finish_and_clear);
    bars.begun
}

/// Does something while no bars are drawn.
pub(super) fn without<T>(act: impl FnOnce() -> T) -> T {
    // Not locked meanwhile: a limit of time may have something to write.
    let Some(bars) = lock().take() else { return act() };
    let outcome = bars.all.suspend(act);
    *lock() = Some(bars);
    outcome
}

/// Has `bytes` written to the terminal as `stream`: 0 for stdout, 1 for stderr. While bars are drawn, whole lines only.
pub(super) fn written(
    stream: usize,
    bytes: &[u8],
    write: impl FnOnce(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut bars = lock();
    let Some(Bars { all, tasks, begun }) = bars.as_mut() else { return write(bytes) };
    let begun = &mut begun[stream];
    begun.extend_from_slice(bytes);
    let end = match tasks.is_empty() {
        true => begun.len(),
        false => begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1),
    };
    let lines: Vec<u8> = begun.drain(..end).collect();
    match lines.is_empty() {
        true => Ok(()),
        false => all.suspend(|| write(&lines)),
    }
}

fn begun(task: &Task, style: Style) -> ProgressBar {
    let bar =
        task.total.map_or_else(ProgressBar::no_length, |total| ProgressBar::new(units(total)));
    let template = if task.total.is_some() { BAR } else { SPINNER };
    let template = match style == Style::PLAIN {
        true => template.to_owned(),
        false => template.replace("{wide_bar}", "{wide_bar:.cyan/dim}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
            let per_second = state.per_sec();
            // Fails never: it is a text in memory.
            let _ = match per_second < 10.0 {
                true => write!(text, "{per_second:.1}/s"),
                false => write!(text, "{per_second:.0}/s"),
            };
        };
        bar.set_style(style.with_key("rate", rate).progress_chars("━╸─"));
    }
    bar
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is limited first")]
fn units(amount: f64) -> u64 {
    amount.round().clamp(0.0, 1e15) as u64
}

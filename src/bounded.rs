//! Programs that are run for their output, with a limit of time and of size.
//!
//! A check must end whatever it looks at: an interpreter on a dead network file system, a script that waits for ever.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The most bytes that are read of each of stdout and stderr; a program that writes more gets a broken pipe.
const OUTPUT_MAX: u64 = 1 << 20;

/// Runs a program without stdin and returns its output.
///
/// # Errors
/// It cannot be started, or has not ended after `limit`: then it and its children were killed.
pub fn output(command: &mut Command, limit: Duration) -> io::Result<Output> {
    let begun = Instant::now();
    let left = || limit.saturating_sub(begun.elapsed());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A shim of the program may leave children behind that hold the pipes.
    let mut child = command.process_group(0).spawn()?;
    let group = Pid::from_raw(child.id().cast_signed());
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait()));
    let outcome = (|| {
        let status = ended.recv_timeout(left()).ok()?;
        let (stdout, stderr) = (out.recv_timeout(left()).ok()?, err.recv_timeout(left()).ok()?);
        Some(status.map(|status| Output { status, stdout, stderr }))
    })();
    outcome.unwrap_or_else(|| {
        // Fails only if all of them have ended meanwhile.
        let _ = killpg(group, Signal::SIGKILL);
        let error = format!("it has not ended after {} s", limit.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, error))
    })
}

/// Reads a pipe on a thread of its own.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error counts.
        let _ = pipe.map(|pipe| pipe.take(OUTPUT_MAX).read_to_end(&mut bytes));
        sender.send(bytes)
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> io::Result<Output> {
        output(Command::new("/bin/sh").args(["-c", script]), limit)
    }

    #[test]
    fn output_and_status_are_those_of_the_program() {
        let output = shell("echo out; echo err >&2; exit 3", Duration::from_secs(60)).unwrap();
        assert_eq!(
            (output.stdout.as_slice(), output.stderr.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(output.status.code(), Some(3));
        assert!(output_of_nothing().is_err());
    }

    fn output_of_nothing() -> io::Result<Output> {
        output(&mut Command::new("/nonexistent/program"), Duration::from_secs(60))
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let error = shell("sleep 1000 & wait", Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn output_without_an_end_is_cut() {
        let output = shell("yes", Duration::from_secs(60)).unwrap();
        assert_eq!(output.stdout.len() as u64, OUTPUT_MAX);
    }
}

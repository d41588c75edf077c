//! Programs: their exit status and output, and running ones.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{self, SigHandler, Signal};
use nix::unistd::Pid;
use serde_json::Value;

use super::{LIMIT, SUITE_LIMIT};

/// Exit status and output of a program.
pub(crate) struct Output {
    line: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { line, status, stdout, stderr } = self;
        write!(f, "{line}: {status}\n--- stdout ---\n{stdout}\n--- stderr ---\n{stderr}\n---")
    }
}

impl Output {
    /// Runs `command` to its end; kills it and fails the test if it hangs.
    pub(crate) fn of(command: Command) -> Output {
        Running::start(command).end()
    }

    /// The same for a program that runs a whole suite of tests.
    pub(crate) fn of_suite(command: Command) -> Output {
        Running::start(command).end_within(SUITE_LIMIT)
    }

    /// Asserts success.
    #[track_caller]
    pub(crate) fn ok(&self) -> &Output {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// Asserts the exit status `code`.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32) -> &Output {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        self
    }

    /// Asserts that stdout has `text`.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Output {
        assert!(self.stdout.contains(text), "{text:?} is not in stdout of {self:?}");
        self
    }

    /// Asserts that stderr has `text`.
    #[track_caller]
    pub(crate) fn complains(&self, text: &str) -> &Output {
        assert!(self.stderr.contains(text), "{text:?} is not in stderr of {self:?}");
        self
    }

    /// Asserts that stderr is empty.
    #[track_caller]
    pub(crate) fn quietly(&self) -> &Output {
        assert!(self.stderr.is_empty(), "{self:?}");
        self
    }

    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    pub(crate) fn status(&self) -> ExitStatus {
        self.status
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON ({error}): {self:?}"))
    }
}

/// A program that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    line: String,
    child: Option<Child>,
    lines: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts `command`, with nothing to read from stdin.
    pub(crate) fn start(mut command: Command) -> Running {
        command.stdin(Stdio::null());
        Running::begin(command)
    }

    /// Starts `command`, whose stdin is returned, too.
    pub(crate) fn fed(mut command: Command) -> (Running, ChildStdin) {
        command.stdin(Stdio::piped());
        let mut running = Running::begin(command);
        let stdin = running.child().stdin.take().expect("stdin is piped");
        (running, stdin)
    }

    fn begin(mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let line = format!("{command:?}").split(" \"").skip(1).collect::<Vec<_>>().join(" \"");
        // A shell has its background jobs ignore SIGINT, and what the tests start would inherit that.
        let interruptible = || {
            // SAFETY: sets no handler, only the default action.
            unsafe { signal::signal(Signal::SIGINT, SigHandler::SigDfl) }
                .map(drop)
                .map_err(Into::into)
        };
        // SAFETY: between fork and exec only `sigaction` is called, which is async-signal-safe.
        unsafe { command.pre_exec(interruptible) };
        let mut child = command.spawn().expect("a program of the product can be started");
        let lines = drain(child.stdout.take().expect("stdout is piped"));
        let stderr = drain(child.stderr.take().expect("stderr is piped"));
        Running { line, child: Some(child), lines, stderr }
    }

    /// The next line of stdout, without its end.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(LIMIT).expect("another line on stdout");
        line.trim_end_matches('\n').to_owned()
    }

    /// The next line of stdout that has `text`.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The next line of stdout with each of `texts`, in whatever order they come.
    #[track_caller]
    pub(crate) fn lines_with(&self, texts: &[&str]) -> Vec<String> {
        let mut found = vec![None; texts.len()];
        while found.iter().any(Option::is_none) {
            let line = self.line();
            let at = (0..texts.len()).find(|at| found[*at].is_none() && line.contains(texts[*at]));
            if let Some(at) = at {
                found[at] = Some(line);
            }
        }
        found.into_iter().flatten().collect()
    }

    /// The next line of stdout, if it is there already.
    pub(crate) fn line_if_any(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// The next line of stderr that has `text`.
    #[track_caller]
    pub(crate) fn stderr_line(&self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(LIMIT).expect("another line on stderr");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// True while the process lives.
    pub(crate) fn lives(&mut self) -> bool {
        self.child().try_wait().expect("a child can be asked for").is_none()
    }

    /// True while the process waits for a lock on a file.
    #[cfg(target_os = "linux")]
    pub(crate) fn waits_for_a_lock(&mut self) -> bool {
        let pid = self.child().id().to_string();
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let mut waiting = locks.lines().filter(|line| line.contains("->"));
        waiting.any(|line| line.split_whitespace().any(|word| word == pid))
    }

    /// True while the process has a socket open.
    #[cfg(target_os = "linux")]
    pub(crate) fn has_a_socket(&mut self) -> bool {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child().id()));
        let mut targets =
            files.into_iter().flatten().flatten().map(|file| fs::read_link(file.path()));
        targets.any(|target| target.is_ok_and(|it| it.to_string_lossy().starts_with("socket:")))
    }

    /// Returns its process id.
    pub(crate) fn id(&mut self) -> u32 {
        self.child().id()
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        let pid = Pid::from_raw(self.child().id() as i32);
        signal::kill(pid, signal).expect("a child that was not waited for has its id");
    }

    /// Waits for the end; stdout and stderr are what was not read yet.
    #[track_caller]
    pub(crate) fn end(self) -> Output {
        self.end_within(LIMIT)
    }

    #[track_caller]
    fn end_within(mut self, limit: Duration) -> Output {
        let mut child = self.child.take().expect("only `end` and `drop` take it");
        let pid = Pid::from_raw(child.id() as i32);
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait()));
        let status = match ended.recv_timeout(limit) {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => {
                // The thread above reaps it.
                let _ = signal::kill(pid, Signal::SIGKILL);
                ended.recv().expect("a killed child ends").expect("a child can be waited for")
            }
        };
        let output = Output {
            line: self.line.clone(),
            status,
            stdout: rest(&self.lines),
            stderr: rest(&self.stderr),
        };
        assert_ne!(output.status.signal(), Some(9), "it hung and was killed: {output:?}");
        output
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("only `end` and `drop` take it")
    }
}

/// Stops a process by SIGSTOP, and returns when none of its threads runs any more.
#[track_caller]
pub(crate) fn freeze(pid: Pid) {
    signal::kill(pid, Signal::SIGSTOP).expect("the process runs");
    if cfg!(target_os = "linux") {
        let is_stopped = |thread: fs::DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
        };
        super::eventually("the stop of all threads", || {
            let mut threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
            threads.all(is_stopped).then_some(())
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails if it has ended, which is as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads `pipe` line by line on a thread of its own, so that nothing blocks on a full pipe.
fn drain(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}

/// Reads up to the end of the pipe, which only the program may hold open.
#[track_caller]
fn rest(lines: &Receiver<String>) -> String {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(LIMIT) {
            Ok(line) => text.push_str(&line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("the program ended, but something holds its output open: {text}")
            }
        }
    }
}

//! A HOME of its own for each test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use skills_daemon::lifecycle::locks;
use skills_daemon::paths::Paths;
use tempfile::TempDir;

use super::{Answer, CLIENT, CONTROL, LIMIT, Output, Running, shared};

/// A temporary HOME, the plugins in it, and its daemon, which is stopped when it is dropped.
pub(crate) struct Home {
    directory: TempDir,
    variables: Vec<(String, String)>,
    path: Vec<PathBuf>,
}

impl Home {
    /// A HOME in which the daemon has run before, so that its venv is there.
    pub(crate) fn new() -> Home {
        let home = Home::bare();
        shared::copy_runtime(home.path(), &home.runtime());
        home
    }

    /// An empty HOME.
    pub(crate) fn bare() -> Home {
        Home::called("sk")
    }

    /// An empty HOME whose path has `prefix` in it.
    pub(crate) fn called(prefix: &str) -> Home {
        // Short, because the path of a Unix socket has to be; hence not below `target` either.
        let directory = tempfile::Builder::new().prefix(prefix).tempdir_in("/tmp").unwrap();
        let mut path = vec![shared::uv_directory()];
        path.extend(shared::path_without_uv());
        let home = Home { directory, variables: shared::variables().collect(), path };
        home.with("SKILLS_DAEMON_PORT", "0")
            .with("UV_CACHE_DIR", shared::uv_cache().to_str().unwrap())
    }

    /// Sets a variable for all programs.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Home {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes `uv` from PATH, and the directories of any other.
    pub(crate) fn without_uv(mut self) -> Home {
        self.path = shared::path_without_uv();
        self
    }

    /// Puts the directory of wrappers on PATH.
    pub(crate) fn with_bin_on_path(mut self) -> Home {
        self.path.insert(0, self.paths().bin);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        let moved = self.variables.iter().find(|(name, _)| name == "SKILLS_DAEMON_RUNTIME_DIR");
        match moved {
            Some((_, path)) => path.into(),
            None => self.path().join(".local/share/skills-daemon"),
        }
    }

    /// The paths of the product's files.
    pub(crate) fn paths(&self) -> Paths {
        Paths {
            profile: None,
            home: self.path().to_owned(),
            runtime: self.runtime(),
            config: self.path().join(".config/skills-daemon"),
            bin: self.path().join(".local/bin"),
        }
    }

    /// Writes `text` to `relative` below the HOME, making its directories.
    pub(crate) fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Reads `relative` below the HOME.
    pub(crate) fn read(&self, relative: &str) -> Option<String> {
        fs::read_to_string(self.path().join(relative)).ok()
    }

    /// Where the plugin `name` of the marketplace `m` lies: its `scripts/`, relative to the HOME.
    pub(crate) fn scripts(name: &str) -> String {
        format!(".claude/plugins/marketplaces/m/plugins/{name}/skills/{name}/scripts")
    }

    /// Puts a plugin in place; an empty `manifest` is none.
    pub(crate) fn plugin(&self, name: &str, code: &str, manifest: &str) {
        let folder = format!("{}/skills_plugin", Home::scripts(name));
        self.write(&format!("{folder}/__init__.py"), code);
        if !manifest.is_empty() {
            self.write(&format!("{folder}/manifest.json"), manifest);
        }
    }

    /// A program with the environment of this HOME and nothing else.
    pub(crate) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("HOME", self.path())
            .env("PATH", std::env::join_paths(&self.path).unwrap());
        command
    }

    pub(crate) fn client(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(CLIENT, arguments))
    }

    pub(crate) fn control(&self, arguments: &[&str]) -> Output {
        Output::of(self.command(CONTROL, arguments))
    }

    pub(crate) fn spawn_client(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(CLIENT, arguments))
    }

    /// Returns the output of `skills-daemon status --json`.
    pub(crate) fn status(&self) -> Value {
        self.control(&["status", "--json"]).json()
    }

    /// Returns the entry of the plugin `name` in the status.
    #[track_caller]
    pub(crate) fn plugin_status(&self, name: &str) -> Value {
        let status = self.status();
        let plugins = status["plugins"].as_array().cloned().unwrap_or_default();
        let found = plugins.into_iter().find(|plugin| plugin["name"] == json!(name));
        found.unwrap_or_else(|| panic!("no plugin {name} in {status:#}"))
    }

    /// The running daemon's process id.
    #[track_caller]
    pub(crate) fn pid(&self) -> i32 {
        let status = self.status();
        status["pid"].as_i64().unwrap_or_else(|| panic!("no daemon runs: {status}")) as i32
    }

    /// The running daemon's TCP port.
    #[track_caller]
    pub(crate) fn port(&self) -> u16 {
        let status = self.status();
        status["port"].as_u64().unwrap_or_else(|| panic!("no daemon runs: {status}")) as u16
    }

    /// One request over TCP.
    #[track_caller]
    pub(crate) fn http(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        Answer::of(self.port(), method, target, headers, b"")
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.http("GET", target, &[])
    }

    /// Sends the daemon a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits until no daemon process lives, by its lock.
    #[track_caller]
    pub(crate) fn wait_for_end(&self) {
        let (sender, ended) = mpsc::channel();
        let paths = self.paths();
        thread::spawn(move || sender.send(locks::wait_for_end(&paths).is_ok()));
        assert!(ended.recv_timeout(LIMIT).expect("the daemon ends"));
    }

    /// The daemon's log, a JSON record each; whole only once the daemon has ended.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.paths().log_file()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Replaces the parts of `text` that differ from run to run: this HOME, the daemon's process id and port.
    pub(crate) fn redact(&self, text: &str) -> String {
        let text = text.replace(self.path().to_str().unwrap(), "[HOME]");
        let status = self.control(&["status", "--json"]);
        // Without a status there is nothing to replace.
        let status: Value = serde_json::from_str(status.stdout()).unwrap_or_default();
        let mut redacted = text;
        for (key, name) in [("pid", "[PID]"), ("port", "[PORT]"), ("python", "[PYTHON]")] {
            if let Some(value) = status.get(key) {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                redacted = redacted.replace(&value, name);
            }
        }
        redacted
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let paths = self.paths();
        // Without a daemon `stop` would only make directories.
        if !locks::hosts(&paths).is_empty() {
            let mut stop = self.command(CONTROL, &["stop"]);
            // Hangs at most twice this and its grace.
            let stopped = stop.env("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "5").output();
            for pid in locks::hosts(&paths) {
                eprintln!("the daemon did not stop and is killed: {stopped:?}");
                let _ = kill(pid, Signal::SIGKILL);
            }
            self.wait_for_end();
        }
        if !thread::panicking() {
            // Fails if something that should have ended still writes.
            fs::remove_dir_all(self.path()).expect("a HOME without a daemon can be removed");
        } else {
            for file in [paths.log_file(), paths.host_stderr()] {
                let text = fs::read_to_string(&file).unwrap_or_default();
                eprintln!("--- {} ---\n{text}", file.display());
            }
        }
    }
}

//! Resources of all tests of a run, made once and kept below `target/tmp` for the next run: `uv`, its cache, and a
//! runtime directory that the product itself has made in a fresh HOME.
//!
//! Copying that directory instead of making a venv and compiling FastAPI for each test is what makes the tests
//! fast. The tests that are about making it start from nothing: [`Home::bare`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};
use skills_daemon::interpreter::BUILD_PYTHON;

use super::{Home, Output, eventually};

/// Variables of the caller by which package indexes and certificates are found on this machine.
const PASSED_ON: [&str; 12] = [
    "PIP_",
    "UV_",
    "SSL_",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NETRC",
    "LANG",
    "LC_ALL",
];

static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| made_once("tools", "1", install_uv));
static TEMPLATE: LazyLock<PathBuf> =
    LazyLock::new(|| made_once("template", &fingerprint(), make_template));

/// The base interpreter that the host embeds.
pub(crate) fn python() -> &'static str {
    BUILD_PYTHON.expect("the tests need the `python` feature")
}

/// The directory of the `uv` executable.
pub(crate) fn uv_directory() -> PathBuf {
    TOOLS.join("bin")
}

/// The package cache of all tests.
pub(crate) fn uv_cache() -> PathBuf {
    root().join("uv-cache")
}

/// The caller's PATH without the directories that have a `uv`.
pub(crate) fn path_without_uv() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|directory| !directory.join("uv").exists()).collect()
}

/// The caller's variables that every program of a test gets.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| {
        let name = name.to_uppercase();
        name != "UV_CACHE_DIR" && PASSED_ON.iter().any(|prefix| name.starts_with(prefix))
    })
}

/// A venv with the SDK's test requirements.
pub(crate) fn sdk_venv() -> PathBuf {
    venv_with("test")
}

/// A venv with the checkers of the OpenAPI document.
pub(crate) fn api_venv() -> PathBuf {
    venv_with("test-api")
}

/// A venv with the parsers of Prometheus.
pub(crate) fn metrics_venv() -> PathBuf {
    venv_with("test-metrics")
}

/// A venv with the messages of OTLP.
pub(crate) fn traces_venv() -> PathBuf {
    venv_with("test-traces")
}

/// A venv with the driver of a browser.
pub(crate) fn browser_venv() -> PathBuf {
    venv_with("test-browser")
}

/// A venv with an extra of `pyproject.toml`.
fn venv_with(extra: &str) -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("pyproject.toml");
    let stamp = format!("{} {}", python(), fs::read_to_string(&project).unwrap());
    let made = made_once(extra, &stamp, |directory| {
        let uv = |arguments: &[&str]| {
            let mut command = Command::new(uv_directory().join("uv"));
            command.args(arguments).env("UV_CACHE_DIR", uv_cache()).env_remove("VIRTUAL_ENV");
            Output::of(command).ok();
        };
        let venv = directory.join("venv").display().to_string();
        uv(&["venv", "--no-project", "--python", python(), &venv]);
        let project = project.display().to_string();
        uv(&["pip", "install", "--python", &venv, "-r", &project, "--extra", extra]);
    });
    made.join("venv")
}

/// Copies the ready runtime directory into the HOME at `home`.
pub(crate) fn copy_runtime(home: &Path, runtime: &Path) {
    copy_tree(&TEMPLATE.join("runtime"), runtime).expect("a runtime directory can be copied");
    // Not a link to that of the others: tests write to it.
    let lock = runtime.join("pylock.toml");
    let text = fs::read(&lock).unwrap();
    fs::remove_file(&lock).unwrap();
    fs::write(lock, text).unwrap();
    for generation in fs::read_dir(runtime.join("venvs")).unwrap() {
        settle(&generation.unwrap().path());
    }
    // Bytecode lies under the path of its source, which is another one here.
    let bytecode = runtime.join("cache/pycache").join(home.strip_prefix("/").unwrap());
    fs::create_dir_all(&bytecode).unwrap();
    copy_tree(&TEMPLATE.join("bytecode"), &bytecode).expect("bytecode can be copied");
}

/// Lets a copy of a generation be one of its own: its stamp has its path, and its lock is not that of the others.
fn settle(generation: &Path) {
    let _ = fs::remove_file(generation.join(".in-use"));
    let file = generation.join(".skills-daemon.json");
    let mut stamp: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    stamp["directory"] = json!(generation);
    fs::remove_file(&file).unwrap();
    fs::write(file, stamp.to_string()).unwrap();
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("it")
}

/// The directory `name`, made by `make` unless an earlier run made it for the same `stamp`.
fn made_once(name: &str, stamp: &str, make: impl FnOnce(&Path)) -> PathBuf {
    fs::create_dir_all(root()).unwrap();
    let lock = File::create(root().join(format!("{name}.lock"))).unwrap();
    // Another run of the tests may make it right now.
    lock.lock().unwrap();
    let directory = root().join(name);
    let stamp_file = directory.join("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
        return directory;
    }
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    make(&directory);
    fs::write(stamp_file, stamp).unwrap();
    directory
}

fn install_uv(directory: &Path) {
    let mut command = Command::new(python());
    command
        .args(["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target"])
        .arg(directory)
        .arg("uv");
    Output::of(command).ok();
}

fn make_template(directory: &Path) {
    let home = Home::bare();
    home.client(&["demo", "hello"]).ok();
    home.control(&["stop"]).ok();
    let own = home.runtime().join("cache/pycache").join(home.path().strip_prefix("/").unwrap());
    // The process that compiles ahead ends after the daemon, with the file that it is at, under another name until it is
    // whole.
    let bytecode = directory.join("bytecode");
    eventually("the end of compiling", || {
        let _ = fs::remove_dir_all(&bytecode);
        copy_tree(&own, &bytecode).and_then(|()| fs::remove_dir_all(&own)).ok()
    });
    fs::remove_dir_all(home.runtime().join("logs")).unwrap();
    // That the demo was called is part of what the daemon has found.
    let called = home.paths().called();
    for left in fs::read_dir(home.paths().state()).unwrap().flatten().map(|left| left.path()) {
        if left != called {
            fs::remove_file(left).unwrap();
        }
    }
    copy_tree(&home.runtime(), &directory.join("runtime")).unwrap();
}

/// Returns a stamp of this build of the host.
fn fingerprint() -> String {
    let metadata = fs::metadata(env!("CARGO_BIN_EXE_skills-host")).unwrap();
    let modified = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{} {}", metadata.len(), modified.as_nanos())
}

/// Copies a tree with modes, links and times; files are hard links where that is possible, because nothing
/// changes one in place.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(source)?, target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
            // Bytecode is good only for a source of the same time.
            File::options()
                .write(true)
                .open(target)?
                .set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

//! The venv is built in generations from a lock: repaired, moved, adopted, cut off and killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use skills_daemon::installed::{Depth, Installed, damaged};
use skills_daemon::interpreter::Interpreter;
use skills_daemon::lockfile::Lock;
use skills_daemon::venv::{Base, State, Venv};

use crate::harness::{Home, SmallDisk, plugin_code, shared};

fn base() -> Base {
    let interpreter = Interpreter::inspect(Path::new(shared::python())).unwrap();
    Base { executable: interpreter.executable, version: interpreter.version }
}

/// Fails unless the live generation is whole, every file of it is as it was installed, and it is that of the lock.
#[track_caller]
fn assert_consistent(home: &Home) {
    let venv = Venv::at(&home.paths());
    assert_eq!(venv.state(&base()), State::Whole);
    let live = venv.live().unwrap();
    assert_eq!(damaged(live.site_packages(), Depth::Hash).unwrap(), []);
    let lock = venv.lock().unwrap().unwrap();
    assert_eq!(live.lock(), Some(&*lock.digest()));
    assert_eq!(versions(live.site_packages()), locked(&lock));
}

fn versions(site_packages: &Path) -> Vec<String> {
    let installed = Installed::read(site_packages).unwrap();
    assert_eq!(installed.broken, []);
    installed.packages.values().map(|it| format!("{} {}", it.name, it.version)).collect()
}

fn locked(lock: &Lock) -> Vec<String> {
    lock.packages.iter().map(|(name, it)| format!("{name} {}", it.shown())).collect()
}

fn site_packages(home: &Home) -> PathBuf {
    Venv::at(&home.paths()).site_packages().unwrap()
}

/// A daemon that has installed everything, and was stopped.
fn settled() -> Home {
    let home = Home::new();
    home.client(&["demo", "size", "1000"]).ok();
    home.control(&["stop"]).ok();
    home.with("UV_OFFLINE", "1")
}

#[test]
fn what_is_damaged_is_installed_again_from_the_lock_without_a_network() {
    let home = settled();
    let before = versions(&site_packages(&home));
    let harms: [fn(&Path); 3] = [
        |site| fs::remove_file(site.join("fastapi/routing.py")).unwrap(),
        |site| fs::remove_dir_all(site.join("starlette")).unwrap(),
        |site| {
            let file = site.join("idna/core.py");
            // Not in place: it is a link to the cache.
            fs::remove_file(&file).unwrap();
            fs::write(file, "broken").unwrap();
        },
    ];
    for harm in harms {
        let site = site_packages(&home);
        harm(&site);
        assert_ne!(damaged(&site, Depth::Size).unwrap(), []);
        home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
        home.control(&["stop"]).ok();
        assert_consistent(&home);
        assert_eq!(versions(&site_packages(&home)), before);
        assert!(!site.exists(), "the damaged generation is removed");
    }
}

#[test]
fn doctor_finds_and_sync_repairs_a_file_that_was_changed_without_changing_its_size() {
    let home = settled();
    let file = site_packages(&home).join("idna/core.py");
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(file, text.replacen("def ", "def\t", 1)).unwrap();
    let doctor = home.control(&["doctor"]);
    doctor.fails_with(1).says("damaged packages: idna (idna/core.py was changed)");
    home.control(&["deps", "sync"]).ok().says("Installed again, because files were damaged: idna.");
    assert_consistent(&home);
}

#[test]
fn a_lock_in_a_fresh_home_gives_the_same_versions_without_a_network() {
    let old = settled();
    let home = Home::bare().with("UV_OFFLINE", "1");
    fs::create_dir_all(home.runtime()).unwrap();
    fs::copy(old.paths().pylock(), home.paths().pylock()).unwrap();
    home.client(&["demo", "size", "1000"]).ok().says("1.0 kB");
    assert_consistent(&home);
    assert_eq!(versions(&site_packages(&home)), versions(&site_packages(&old)));
}

#[test]
fn a_lock_that_cannot_be_installed_stays_and_is_named() {
    let old = settled();
    let home = Home::bare().with("UV_OFFLINE", "1");
    let empty = home.path().join("empty");
    let home = home.with("UV_CACHE_DIR", empty.to_str().unwrap());
    fs::create_dir_all(home.runtime()).unwrap();
    fs::copy(old.paths().pylock(), home.paths().pylock()).unwrap();
    let output = home.control(&["start"]);
    output.fails_with(3).complains("installing the locked packages failed");
    let lock = |home: &Home| fs::read_to_string(home.paths().pylock()).unwrap();
    assert_eq!(lock(&home), lock(&old));
    let left: Vec<_> = fs::read_dir(home.paths().venvs()).unwrap().collect();
    assert!(left.is_empty(), "nothing half done is left: {left:?}");
}

#[test]
fn a_file_with_another_hash_than_the_locked_one_is_not_installed() {
    let home = settled();
    let lock = fs::read_to_string(home.paths().pylock()).unwrap();
    let forged = lock.replace("sha256 = \"", "sha256 = \"0000");
    let forged: String = forged
        .split("sha256 = \"0000")
        .enumerate()
        .map(|(at, part)| match at {
            0 => part.to_owned(),
            // Of the same length.
            _ => format!("sha256 = \"0000{}", &part[4..]),
        })
        .collect();
    fs::write(home.paths().pylock(), forged).unwrap();
    let home = home.with("UV_OFFLINE", "0");
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    home.control(&["stop"]).ok();
    let log = home.log();
    let behind = log.iter().find(|record| {
        record["message"] == json!("continuing with the packages that are installed")
    });
    assert!(behind.unwrap()["error"].as_str().unwrap().contains("Hash mismatch"), "{behind:?}");
    assert_eq!(fs::read_dir(home.paths().venvs()).unwrap().count(), 1);
}

#[test]
fn a_runtime_directory_that_was_moved_is_made_right() {
    let home = settled();
    let moved = home.path().join("moved");
    fs::rename(home.runtime(), &moved).unwrap();
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", moved.to_str().unwrap());
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    assert_consistent(&home);
    let script = fs::read_to_string(home.paths().venv().join("bin/pygmentize")).unwrap();
    let python = Venv::at(&home.paths()).live().unwrap().python();
    assert!(script.starts_with(&format!("#!{}\n", python.display())), "{script}");
}

#[test]
fn the_environment_of_an_earlier_release_becomes_a_generation() {
    let home = settled();
    let (link, live) = (home.paths().venv(), Venv::at(&home.paths()).live().unwrap());
    fs::remove_file(&link).unwrap();
    fs::rename(live.directory(), &link).unwrap();
    fs::remove_file(home.paths().pylock()).unwrap();
    let stamp = json!({"executable": base().executable, "version": base().version});
    fs::write(link.join(".skills-daemon.json"), stamp.to_string()).unwrap();
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Venv::at(&home.paths()).state(&base()), State::Whole);
    let entries = fs::read_dir(home.paths().venvs()).unwrap().flatten();
    let adopted = entries.map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.to_str().unwrap().starts_with("adopted-"))
    });
    let stamp = fs::read_to_string(adopted.unwrap().join(".skills-daemon.json")).unwrap();
    assert!(stamp.contains("\"python_full_version\""), "{stamp}");
}

#[test]
fn a_change_builds_beside_the_live_generation_which_its_process_follows() {
    let home = Home::new();
    home.client(&["demo", "size", "1000"]).ok();
    let (pid, old) = (home.pid(), site_packages(&home));
    let code = "
import humanize
import slugify
@router.get('/file')
def file():
    return [humanize.__file__, slugify.__file__]
";
    let manifest = json!({"name": "new", "dependencies": ["python-slugify"]}).to_string();
    home.plugin("new", &plugin_code("new", code), &manifest);
    home.control(&["reload"]).ok();
    let files = home.client(&["--json", "new", "file"]).ok().json();
    let new = site_packages(&home);
    assert_ne!(new, old);
    assert_eq!(home.pid(), pid);
    // What was imported before stays; it is the same in both.
    assert!(files[0].as_str().unwrap().starts_with(old.to_str().unwrap()), "{files}");
    assert!(files[1].as_str().unwrap().starts_with(new.to_str().unwrap()), "{files}");
    assert!(old.is_dir(), "a process uses it");
    assert_consistent(&home);
    home.control(&["restart"]).ok();
    home.client(&["new", "file"]).ok();
    home.control(&["stop"]).ok();
    home.client(&["demo", "size", "1000"]).ok();
    assert!(!old.exists());
}

/// How often a change is killed; more with `SKILLS_KILLS`.
fn rounds() -> u64 {
    std::env::var("SKILLS_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(4)
}

/// A sequence of numbers that is the same at each run (xorshift64).
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

fn children_of(parent: i32) -> Vec<Pid> {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(is_child).map(Pid::from_raw).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_change_that_is_killed_at_any_moment_leaves_a_consistent_venv() {
    let home = Home::new();
    let demands = ["idna>=3.7", "idna==3.7", "idna<3.7", "idna>=3.8"];
    home.client(&["demo", "size", "1000"]).ok();
    let mut seed = 20_261_127;
    for round in 0..rounds() {
        let demand = demands[usize::try_from(round).unwrap() % demands.len()];
        let manifest = json!({"name": "kill", "dependencies": [demand, "python-slugify"]});
        let code =
            plugin_code("kill", "import idna\n@router.get('/ok')\ndef ok():\n    return 1\n");
        let pid = home.pid();
        home.plugin("kill", &code, &manifest.to_string());
        let waiting = home.spawn_client(&["kill", "ok"]);
        // The chance moment itself: nothing is waited for.
        thread::sleep(Duration::from_millis(next(&mut seed) % 1500));
        let children = children_of(pid);
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        for child in children {
            // It may have ended by itself.
            let _ = kill(child, Signal::SIGKILL);
        }
        drop(waiting.end());
        let log = || home.log().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let served = home.client(&["demo", "size", "1000"]);
        assert!(served.status().success(), "round {round}: {served:?}\n{}", log());
        home.client(&["kill", "ok"]).ok();
        assert_consistent(&home);
    }
    home.control(&["restart"]).ok();
    home.control(&["stop"]).ok();
    home.client(&["demo", "size", "1000"]).ok();
    assert_eq!(fs::read_dir(home.paths().venvs()).unwrap().count(), 1, "leftovers are removed");
}

/// Writes a wheel of the package `big` with 64 MB that cannot be compressed.
fn write_big_wheel(directory: &Path) -> PathBuf {
    const SCRIPT: &str = "
import base64, hashlib, os, sys, zipfile
files = {
    'big/__init__.py': b'',
    'big/data.bin': os.urandom(64_000_000),
    'big-1.dist-info/METADATA': b'Metadata-Version: 2.1\\nName: big\\nVersion: 1\\n',
    'big-1.dist-info/WHEEL': b'Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
}
def line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
    return f'{name},sha256={digest},{len(data)}'
record = [line(*item) for item in files.items()] + ['big-1.dist-info/RECORD,,']
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    for name, data in {**files, 'big-1.dist-info/RECORD': '\\n'.join(record)}.items():
        wheel.writestr(name, data)
";
    let wheel = directory.join("big-1-py3-none-any.whl");
    let mut command = Command::new(shared::python());
    let status = command.args(["-c", SCRIPT]).arg(&wheel).status().unwrap();
    assert!(status.success());
    wheel
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_full_disk_what_is_installed_stays_and_the_disk_is_named() {
    let home = Home::bare();
    let runtime = home.path().join("small");
    let Some(disk) = SmallDisk::mount(&runtime, "96m") else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let home = home.with("SKILLS_DAEMON_RUNTIME_DIR", runtime.to_str().unwrap());
    home.client(&["demo", "size", "1000"]).ok();
    let before = versions(&site_packages(&home));
    let generations = || fs::read_dir(home.paths().venvs()).unwrap().count();
    let count = generations();
    let folder = home.path().join(Home::scripts("big")).join("skills_plugin");
    fs::create_dir_all(&folder).unwrap();
    let wheel = write_big_wheel(&folder);
    let dependency = format!("big @ file://{}", wheel.display());
    let manifest = json!({"name": "big", "dependencies": [dependency]}).to_string();
    home.plugin("big", &plugin_code("big", "import big\n"), &manifest);
    let output = home.client(&["big", "--help"]);
    let reload = home.control(&["reload"]);
    reload.fails_with(1).says("no space left on the file system of").says("MiB free");
    home.client(&["demo", "size", "1000"]).ok().says("1.0 kB");
    assert_consistent(&home);
    assert_eq!(versions(&site_packages(&home)), before, "{output:?}");
    assert_eq!(generations(), count, "nothing is left of it");
    home.control(&["restart"]).ok();
    home.client(&["demo", "size", "1000"]).ok().says("1.0 kB");
    assert_consistent(&home);
    home.control(&["stop"]).ok();
    // The HOME is removed after it.
    drop(disk);
}

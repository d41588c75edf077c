//! Long-lived work: background tasks, what holds off the idle end, a plugin's own folder and settings.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Home, eventually, plugin_code};

const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

/// The first lines of a plugin that notes what happens in the HOME.
const NOTES: &str = "
import asyncio, os, pathlib, threading
import skills_daemon
from skills_daemon import background
home = pathlib.Path(os.environ['HOME'])
def note(what):
    with open(home / 'notes', 'a') as notes:
        notes.write(what + ' ')
";

fn plugin(home: &Home, name: &str, code: &str, hooks: &str, manifest: &str) {
    home.plugin(name, &format!("{NOTES}{}{hooks}", plugin_code(name, code)), manifest);
}

/// Returns the only background task of the plugin `name`.
fn task(home: &Home, name: &str) -> Value {
    home.plugin_status(name)["background"][0].clone()
}

#[test]
fn a_task_is_restarted_after_a_failure_and_status_shows_it() {
    let home = Home::new();
    let code = "
async def poll():
    note('poll')
    while not (home / 'mended').exists():
        raise OSError('no route')
    await asyncio.Event().wait()
background(poll)
";
    plugin(&home, "news", &format!("{OK}{code}"), "", r#"{"name": "news"}"#);
    home.client(&["news", "ok"]).ok();
    let failing = eventually("a failure", || {
        let task = task(&home, "news");
        (task["state"] == "waiting").then_some(task)
    });
    assert_eq!(
        (&failing["name"], &failing["error"]),
        (&json!("poll"), &json!("OSError: no route"))
    );
    home.control(&["status"]).ok().says("1 background task: poll (").says("OSError: no route");
    home.control(&["doctor"]).ok().says("background task poll failed: OSError: no route");
    home.write("mended", "");
    eventually("a restart", || (task(&home, "news")["state"] == "running").then_some(()));
    assert!(home.read("notes").unwrap().starts_with("poll poll"));
    home.control(&["stop"]).ok();
    let logged = home.log().into_iter().find(|record| {
        record["message"].as_str().is_some_and(|it| it.starts_with("background task poll failed"))
    });
    let logged = logged.expect("a record of the failure");
    assert_eq!(logged["plugin"], json!("news"), "{logged}");
    assert!(logged["exception"].as_str().unwrap().contains("in poll"), "{logged}");
}

#[test]
fn a_task_ends_before_shutdown_at_a_reload_and_at_a_stop() {
    let home = Home::new();
    let code = "
async def work():
    note('begin')
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        note('finally')
";
    let hooks = "
    def startup(self):
        note('startup')
        background(work)
    def shutdown(self):
        note('shutdown')
";
    plugin(&home, "aa", &format!("{OK}{code}"), hooks, "");
    home.client(&["aa", "ok"]).ok();
    home.control(&["reload", "aa"]).ok();
    let one = "startup begin startup begin finally shutdown ";
    eventually("the old version's end", || (home.read("notes")? == one).then_some(()));
    home.control(&["stop"]).ok();
    assert_eq!(home.read("notes"), Some(format!("{one}finally shutdown ")));
}

#[test]
fn a_task_starts_from_every_kind_of_code_in_the_context_of_its_plugin() {
    let home = Home::new();
    let code = "
async def tell(where):
    from skills_daemon.logging import get_request_id
    note(f'{where}:{skills_daemon.data_dir().name}:{get_request_id()}')
from functools import partial
background(partial(tell, 'import'))
@router.get('/on-loop')
async def on_loop():
    background(partial(tell, 'loop'))
    return 1
@router.get('/in-pool')
def in_pool():
    background(tell('pool'), name='pool')
    return 2
";
    plugin(&home, "aa", code, "", r#"{"name": "aa"}"#);
    home.client(&["aa", "on-loop"]).ok();
    home.client(&["aa", "in-pool"]).ok();
    let expected = ["import:aa:None", "loop:aa:None", "pool:aa:None"];
    eventually("all three", || {
        let notes = home.read("notes")?;
        expected.iter().all(|one| notes.contains(one)).then_some(())
    });
    eventually("their end", || home.plugin_status("aa").get("background").is_none().then_some(()));
}

#[test]
fn a_task_that_says_so_and_a_resident_plugin_hold_off_the_idle_end() {
    let home = Home::new().with("SKILLS_DAEMON_TIMEOUT", "1");
    // Twice the idle timeout passes without a request.
    let work = "
async def work():
    await asyncio.sleep(2)
    note('outlasted')
    while not (home / 'done').exists():
        await asyncio.sleep(0.01)
    note('returned')
";
    let outlasted = |count: usize| {
        eventually("the idle timeout", || {
            (home.read("notes")?.matches("outlasted").count() == count).then_some(())
        });
    };
    let awake = format!("{OK}{work}background(work, keeps_awake=True)\n");
    plugin(&home, "aa", &awake, "", "");
    home.client(&["aa", "ok"]).ok();
    let pid = home.pid();
    outlasted(1);
    assert_eq!(home.pid(), pid);
    home.write("done", "");
    home.wait_for_end();
    assert_eq!(home.read("notes").as_deref(), Some("outlasted returned "));
    let quiet = format!("{OK}{work}background(work)\n");
    plugin(&home, "aa", &quiet, "", r#"{"daemon": {"resident": true}}"#);
    home.client(&["aa", "ok"]).ok();
    let pid = home.pid();
    outlasted(2);
    assert_eq!(home.pid(), pid);
    plugin(&home, "aa", OK, "", "{}");
    home.control(&["reload"]).ok();
    home.wait_for_end();
}

#[test]
fn the_folder_of_a_plugin_is_private_and_kept() {
    let home = Home::new();
    let code = "
@router.get('/count')
def count():
    file = skills_daemon.data_dir() / 'count'
    number = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(number))
    return number
";
    plugin(&home, "aa", code, "", "");
    home.client(&["aa", "count"]).ok().says("1");
    let folder = home.runtime().join("data/aa");
    for private in [folder.as_path(), folder.parent().unwrap()] {
        assert_eq!(fs::metadata(private).unwrap().permissions().mode() & 0o777, 0o700);
    }
    home.control(&["reload", "aa"]).ok();
    home.client(&["aa", "count"]).ok().says("2");
    home.control(&["stop"]).ok();
    home.client(&["aa", "count"]).ok().says("3");
}

#[test]
fn a_plugin_has_its_own_settings_variables_and_loops() {
    let home = Home::new();
    let file = "
[plugins.aa]
loops = 2
url = 'https://example.org'
nested = { names = ['a', 'b'] }
env = { AA_TOKEN = 'secret-of-aa', SHARED = 'of-aa' }
[plugins.bb]
env = { SHARED = 'of-bb' }
";
    home.write(".config/skills-daemon/config.toml", file);
    let code = "
seen = os.environ.get('AA_TOKEN')
at_import = skills_daemon.settings().get('url')
@router.get('/seen')
def see():
    own = skills_daemon.settings()
    return {'url': own['url'], 'names': own['nested']['names'], 'seen': seen, 'at_import': at_import}
@router.get('/threads')
async def threads():
    return sorted(thread.name for thread in threading.enumerate())
";
    plugin(&home, "aa", code, "", r#"{"name": "aa"}"#);
    plugin(&home, "bb", &format!("{OK}assert not skills_daemon.settings().get('url')\n"), "", "");
    let seen = home.client(&["--json", "aa", "seen"]).ok().json();
    let url = "https://example.org";
    assert_eq!(
        seen,
        json!({"url": url, "names": ["a", "b"], "seen": "secret-of-aa", "at_import": url})
    );
    // The thread of its second loop.
    home.client(&["aa", "threads"]).ok().says("plugin-aa-2");
    home.client(&["bb", "ok"]).ok();
    home.control(&["stop"]).ok();
    let log = fs::read_to_string(home.paths().log_file()).unwrap();
    assert!(log.contains("the variable SHARED of"), "{log}");
    for value in ["secret-of-aa", "of-bb"] {
        assert!(!log.contains(value), "a value is in the log: {log}");
    }
}

#[test]
fn a_plugin_that_is_switched_off_is_not_loaded_and_says_why() {
    let home = Home::new();
    let config = ".config/skills-daemon/config.toml";
    home.write(config, "[plugins.aa]\nenabled = false\n[plugins.demmo]\nloops = 2\n");
    home.plugin(
        "aa",
        &format!("{NOTES}note('loaded')\n{}", plugin_code("aa", OK)),
        r#"{"name": "aa"}"#,
    );
    home.client(&["aa", "ok"]).fails_with(1).says("aa is switched off in config.toml");
    home.client(&["demo", "hello"]).ok();
    assert!(!home.status().to_string().contains("\"aa\""));
    home.control(&["doctor"]).ok().says("no plugin is called `demmo` (did you mean `demo`?)");
    home.write(config, "");
    eventually("the plugin", || home.client(&["aa", "ok"]).status().success().then_some(()));
    assert_eq!(home.read("notes").as_deref(), Some("loaded "));
    home.write(config, "[plugins.aa]\nenabled = false\n");
    let is_off = || (!home.client(&["aa", "ok"]).status().success()).then_some(());
    eventually("the end of the plugin", is_off);
    // Its name is known from now on, without the manifest.
    home.plugin("aa", &format!("{NOTES}note('loaded')\n{}", plugin_code("aa", OK)), "{}");
    home.control(&["restart"]).ok();
    home.client(&["aa", "ok"]).fails_with(1).says("aa is switched off in config.toml");
    assert_eq!(home.read("notes").as_deref(), Some("loaded "));
}

#[test]
fn a_plugin_whose_name_only_its_code_has_is_switched_off_by_that_name() {
    let home = Home::new();
    home.write(".config/skills-daemon/config.toml", "[plugins.real]\nenabled = false\n");
    home.plugin("guess", &plugin_code("real", OK), "");
    home.client(&["real", "ok"]).fails_with(1).says("real is switched off in config.toml");
    let status = home.status().to_string();
    assert!(!status.contains("guess") && !status.contains("\"real\""), "{status}");
}

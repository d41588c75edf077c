//! `startup()`, `connect()`, `shutdown()` and `health_check()`: their order, their failures, their deadlines.

use serde_json::json;

use crate::harness::{Home, eventually, plugin_code};

const OK: &str = "@router.get('/ok')\ndef ok():\n    return {'success': True, 'data': 'fine'}\n";

fn with_hooks(name: &str, hooks: &str) -> String {
    format!("import asyncio, os, time\n{}{hooks}", plugin_code(name, OK))
}

#[test]
fn hooks_run_in_order_and_failing_ones_are_reported_and_stop_nothing() {
    let home = Home::new();
    let hooks = "
    def note(self, what):
        with open(os.environ['HOME'] + '/notes', 'a') as notes:
            notes.write(what + '\\n')
    async def startup(self):
        self.note('startup')
        raise ValueError('no luck today')
    async def connect(self):
        self.note('connect')
    async def shutdown(self):
        self.note('shutdown')
        raise ValueError('not even now')
    def health_check(self):
        return {'status': 'degraded', 'why': 'tests'}
";
    home.plugin("noted", &with_hooks("noted", hooks), "");
    home.client(&["noted", "ok"]).ok().says("fine");
    let status = home.plugin_status("noted");
    assert_eq!(status["state"], json!("ready"));
    let detail = status["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("startup() failed: /"), "{detail}");
    assert!(detail.ends_with("/__init__.py line 17: ValueError: no luck today"), "{detail}");
    let health = eventually("the health check's answer", || {
        let health = home.get("/health").json()["plugin_health"]["noted"].clone();
        (health["status"] != "checking").then_some(health)
    });
    assert_eq!(health, json!({"status": "degraded", "why": "tests"}));
    home.control(&["reload"]).ok();
    // The new version is ready before the old one ends.
    let notes = "startup\nconnect\nstartup\nconnect\nshutdown\n";
    eventually("the old version's end", || (home.read("notes")? == notes).then_some(()));
    home.control(&["stop"]).ok();
    assert_eq!(home.read("notes"), Some(format!("{notes}shutdown\n")));
}

#[test]
fn a_startup_that_waits_for_ever_is_cut_off_and_its_plugin_serves() {
    let home = Home::new().with("SKILLS_DAEMON_HOOK_TIMEOUT", "1");
    let hooks = "    async def startup(self):\n        await asyncio.sleep(1e9)\n";
    home.plugin("sleepy", &with_hooks("sleepy", hooks), "");
    home.client(&["sleepy", "ok"]).ok().quietly().says("fine");
    let status = home.plugin_status("sleepy");
    assert_eq!(status["state"], json!("ready"));
    assert_eq!(status["detail"], json!("startup() did not return in 1 s"));
    home.control(&["doctor"]).ok().says("warning  plugin sleepy: startup() did not return in 1 s");
}

#[test]
fn a_startup_that_blocks_for_ever_fails_alone() {
    let home = Home::new()
        .with("SKILLS_DAEMON_HOOK_TIMEOUT", "1")
        .with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "1");
    let hooks = "    async def startup(self):\n        while True:\n            time.sleep(1)\n";
    home.plugin("blocker", &with_hooks("blocker", hooks), "");
    home.client(&["demo", "size", "1000"]).ok().quietly().says("1.0 kB");
    assert_eq!(home.get("/health").json()["plugins"], json!(["demo"]));
    let output = home.client(&["blocker", "ok"]);
    output.fails_with(1).says("blocks the plugin's thread").says("Hint: ");
    assert_eq!(home.plugin_status("blocker")["state"], json!("failed"));
    assert_eq!(home.get("/health").json()["plugin_health"]["blocker"]["status"], json!("failed"));
    home.control(&["reload"]).fails_with(1).says("blocks the plugin's thread");
    home.client(&["demo", "size", "1000"]).ok();
    let stopped = home.control(&["stop"]);
    stopped.ok().says("The daemon has stopped; blocked threads were left behind: blocker.");
}

#[test]
fn a_health_check_that_hangs_delays_nothing() {
    let home = Home::new();
    let hooks = "    def health_check(self):\n        time.sleep(1e6)\n";
    home.plugin("ill", &with_hooks("ill", hooks), "");
    home.client(&["ill", "ok"]).ok();
    let health = home.get("/health");
    assert_eq!(health.json()["plugin_health"]["ill"], json!({"status": "checking"}));
    home.client(&["ill", "ok"]).ok().says("fine");
    home.control(&["stop"]).ok().says("The daemon has stopped.");
}

//! What remains of a version of a plugin that was replaced, and what a failed reload shows.

use std::fs;

use serde_json::json;

use crate::harness::{Home, eventually, plugin_code};

/// Numbers of open descriptors and of threads of the daemon.
fn counts(home: &Home) -> (usize, usize) {
    let of = |what: &str| fs::read_dir(format!("/proc/{}/{what}", home.pid())).unwrap().count();
    (of("fd"), of("task"))
}

const ROUTER: &str = "
from pydantic import BaseModel
class Order(BaseModel):
    item: str
def given(item: str = 'tea'):
    return Order(item=item)
@router.get('/ok')
async def ok(order: Order = fastapi.Depends(given)) -> Order:
    return order
";
const FUNCTIONS: &str = "def ok(count: int = 1) -> int:\n    return count\n";

#[test]
#[cfg(target_os = "linux")]
fn descriptors_and_threads_are_equal_after_thirty_reloads() {
    let home = Home::new();
    home.plugin("router", &plugin_code("router", ROUTER), "");
    home.plugin("functions", FUNCTIONS, r#"{"name": "functions"}"#);
    let call = || {
        home.client(&["router", "ok"]).ok();
        home.client(&["functions", "ok"]).ok();
    };
    let reload = |times: usize| {
        for _ in 0..times {
            home.control(&["reload", "router", "functions"]).ok();
            call();
        }
    };
    call();
    reload(3);
    let low = |wanted: (usize, usize)| {
        eventually("the end of old versions", || {
            let now = counts(&home);
            (now.0 <= wanted.0 && now.1 <= wanted.1).then_some(())
        });
    };
    // What the warm-up leaves once its versions have ended: five descriptors each.
    let warm = eventually("the end of the warm-up", || {
        let (one, two) = (counts(&home), counts(&home));
        (one == two).then_some(one)
    });
    reload(30);
    low(warm);
}

#[test]
fn a_thread_that_outlives_its_version_is_named_in_the_log() {
    let home = Home::new();
    let code = "
import threading, time
def linger():
    while True:
        time.sleep(0.05)
threading.Thread(target=linger, name='lingerer', daemon=True).start()
def ok() -> int:
    return 1
";
    home.plugin("thready", code, r#"{"name": "thready"}"#);
    home.client(&["thready", "ok"]).ok();
    home.control(&["reload", "thready"]).ok();
    let message = eventually("the line in the log", || {
        let log = home.log();
        let messages = log.iter().filter_map(|record| record["message"].as_str());
        messages.map(str::to_owned).find(|message| message.contains("left a thread behind"))
    });
    assert!(message.starts_with("thready left a thread behind"), "{message}");
    assert!(message.contains("'lingerer'") && message.contains("linger()"), "{message}");
    assert!(message.contains("skills_plugin/__init__.py line 3"), "{message}");
}

#[test]
fn a_failed_reload_is_shown_by_the_next_shell_call_and_by_no_other() {
    let home = Home::new();
    home.plugin("jira", &plugin_code("jira", ROUTER), "");
    let client = format!("{}/lib/client.py", Home::scripts("jira"));
    home.write(&client, "");
    home.client(&["jira", "ok"]).ok().quietly();
    let imports = "import os, sys
sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))
import lib.client
";
    home.write(&client, "\n\nmissing\n");
    home.plugin("jira", &format!("{imports}{}", plugin_code("jira", ROUTER)), "");
    for _ in 0..2 {
        home.control(&["reload", "jira"]);
        home.client(&["jira", "ok"])
            .ok()
            .complains("jira serves its previous version: ")
            .complains("lib/client.py line 3: NameError: name 'missing' is not defined");
        home.client(&["jira", "ok"]).ok().quietly();
    }
    let error = home.get("/health").json()["plugin_health"]["jira"]["reload_error"].to_string();
    assert!(error.contains("lib/client.py line 3: NameError"), "{error}");
    home.write(&client, "\ndef broken(:\n");
    home.control(&["reload", "jira"]);
    home.client(&["jira", "ok"]).ok().complains("lib/client.py line 2: SyntaxError");
}

#[test]
fn an_exclusive_plugin_binds_its_port_again() {
    let home = Home::new();
    let code = "
import os, socket
server = socket.create_server(('127.0.0.1', int(open(os.environ['HOME'] + '/port').read())))
def version() -> int:
    return 1
def shutdown():
    server.close()
";
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    home.write("port", &free.local_addr().unwrap().port().to_string());
    drop(free);
    home.plugin("port", code, r#"{"name": "port", "daemon": {"exclusive": true}}"#);
    home.client(&["port", "version"]).ok().says("1");
    home.write(
        &format!("{}/skills_plugin/__init__.py", Home::scripts("port")),
        &code.replace("return 1", "return 2"),
    );
    home.control(&["reload", "port"]).ok().says("port");
    home.client(&["port", "version"]).ok().quietly().says("2");
    // The port is not given up for files that do not compile.
    home.plugin("port", &code.replace("return 1", "return (1"), "");
    let failure = eventually("the failure", || {
        home.plugin_status("port")["detail"].as_str().map(str::to_owned)
    });
    assert!(failure.contains("__init__.py line 5: SyntaxError"), "{failure}");
    assert!(failure.starts_with("port serves its previous version"), "{failure}");
    home.client(&["port", "version"]).ok().says("2");
    let unloads = home.log().iter().filter(|it| it["message"] == json!("plugin unloaded")).count();
    assert_eq!(unloads, 1);
    home.plugin("port", &code.replace("return 1", "return 3"), "");
    eventually("the mend", || {
        home.client(&["port", "version"]).ok().stdout().contains('3').then_some(())
    });
}

//! Plugins whose modules have the same names: each imports its own, at any time and in any way.

use serde_json::json;

use crate::harness::{Home, plugin_code};

/// Two plugins like those of the original daemon: `scripts/` in front of `sys.path`, then absolute imports.
fn plugin(home: &Home, name: &str, version: &str) {
    let scripts = Home::scripts(name);
    let routes = r#"
@router.get("/loaded")
def loaded():
    return {"helpers": WHO, "client": Client().who}

@router.get("/lazy")
def lazy():
    import lib.late
    import skills_plugin.helpers as again
    from lib import late
    from skills_plugin.late import WHO as late_who
    return {"lib": lib.late.WHO, "from": late.WHO, "plugin": late_who, "same": again.WHO is WHO}

@router.get("/tools")
async def tools():
    import importlib, inspect, pickle, sys
    client = importlib.import_module("lib.client")
    there_and_back = pickle.loads(pickle.dumps(Client()))
    return {
        "import_module": client.Client().who,
        "same class": client.Client is Client and type(there_and_back) is Client,
        "pickle": there_and_back.who,
        "source": inspect.getsource(Client).startswith("class Client"),
        "modules": sys.modules["lib.client"] is client,
    }
"#;
    let head = "import sys\nfrom pathlib import Path\n\
                sys.path.insert(0, str(Path(__file__).resolve().parent.parent))\n\
                from lib.client import Client\nfrom skills_plugin.helpers import WHO\n";
    home.plugin(name, &format!("{head}{}", plugin_code(name, routes)), "");
    let who = format!("WHO = '{name} {version}'\n");
    home.write(&format!("{scripts}/skills_plugin/helpers.py"), &who);
    home.write(&format!("{scripts}/skills_plugin/late.py"), &who);
    home.write(&format!("{scripts}/lib/__init__.py"), "");
    home.write(&format!("{scripts}/lib/late.py"), &who);
    let client = format!("{who}\nclass Client:\n    def __init__(self):\n        self.who = WHO\n");
    home.write(&format!("{scripts}/lib/client.py"), &client);
}

fn check(home: &Home, name: &str, version: &str) {
    let who = format!("{name} {version}");
    let ask = |command: &str| home.client(&["--json", name, command]).ok().json();
    assert_eq!(ask("loaded"), json!({"helpers": who, "client": who}));
    assert_eq!(ask("lazy"), json!({"lib": who, "from": who, "plugin": who, "same": true}));
    let tools = json!({
        "import_module": who, "same class": true, "pickle": who, "source": true, "modules": true
    });
    assert_eq!(ask("tools"), tools);
}

#[test]
fn two_plugins_with_modules_of_the_same_names_see_their_own_also_after_a_reload() {
    let home = Home::new();
    for name in ["aa", "bb"] {
        plugin(&home, name, "1");
    }
    for name in ["aa", "bb"] {
        check(&home, name, "1");
    }
    for (name, version) in [("aa", "22"), ("bb", "333")] {
        plugin(&home, name, version);
    }
    home.control(&["reload"]).ok().says("3 plugins loaded.");
    for (name, version) in [("bb", "333"), ("aa", "22")] {
        check(&home, name, version);
    }
}

#[test]
fn a_reload_sees_a_change_that_size_and_second_do_not_show() {
    let home = Home::new();
    let write = |number: u32| {
        home.write(
            &format!("{}/skills_plugin/number.py", Home::scripts("quick")),
            &format!("N = {number}\n"),
        );
    };
    let routes = "from .number import N\n@router.get('/n')\ndef n():\n    return {'n': N}\n";
    home.plugin("quick", &plugin_code("quick", routes), "");
    write(0);
    home.control(&["start"]).ok();
    for number in 1..5 {
        write(number);
        home.control(&["reload"]).ok();
        assert_eq!(home.client(&["--json", "quick", "n"]).ok().json(), json!({"n": number}));
    }
}

#[test]
fn what_a_plugin_has_imported_stays_imported_whatever_it_adds_to_its_path() {
    let home = Home::new();
    let vendored = home.write("vendored/fastapi/__init__.py", "MINE = True\n");
    home.write("vendored/pydantic/__init__.py", "MINE = True\n");
    home.write("vendored/private/__init__.py", "import private.part\nMINE = True\n");
    home.write("vendored/private/part.py", "import private\n");
    let folder = vendored.parent().unwrap().parent().unwrap().display().to_string();
    let routes = format!(
        r#"
import importlib, sys
first = fastapi
sys.path.insert(0, {folder:?})
import fastapi
import fastapi.responses
from pydantic import BaseModel
import private

@router.get("/kept")
def kept():
    again = importlib.import_module("fastapi")
    from fastapi import APIRouter
    return {{
        "fastapi": first is fastapi is again,
        "router": isinstance(router, APIRouter),
        "pydantic": issubclass(BaseModel, fastapi.encoders.BaseModel),
        "private": private.MINE and private.part.private is private,
    }}
"#
    );
    home.plugin("keeper", &plugin_code("keeper", &routes), "");
    let kept = home.client(&["--json", "keeper", "kept"]).ok().json();
    assert_eq!(kept, json!({"fastapi": true, "router": true, "pydantic": true, "private": true}));
}

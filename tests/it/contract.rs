//! The stub of `_skills_host` declares what the module has, and its settings are the daemon's.

use serde_json::json;

use crate::harness::{Home, plugin_code};

/// Compares names and parameters; types are left to the type checker.
const COMPARE: &str = r#"
import ast, inspect, sys
import _skills_host


def parameters(function):
    names = [each.name for each in inspect.signature(function).parameters.values()]
    return [name for name in names if name != "self"]


def surface_of_class(cls):
    own = {name: value for name, value in vars(cls).items() if not name.startswith("__")}
    surface = {
        name: parameters(value) if callable(value) else "attribute" for name, value in own.items()
    }
    if "__new__" in vars(cls):
        surface["__new__"] = parameters(cls)
    return surface


def of_module():
    public = {n: v for n, v in vars(_skills_host).items() if not n.startswith("__")}
    surface = {}
    for name, value in public.items():
        if isinstance(value, type):
            surface[name] = surface_of_class(value)
        elif callable(value):
            surface[name] = parameters(value)
        else:
            surface[name] = sorted(value)
    return surface


def declared(function):
    decorators = [each.id for each in function.decorator_list if isinstance(each, ast.Name)]
    if "property" in decorators:
        return "attribute"
    own = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    return [name for name in own if name not in ("self", "cls")]


def of_stub(path):
    tree = ast.parse(open(path).read())
    classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    surface = {}
    for each in tree.body:
        if isinstance(each, ast.FunctionDef):
            surface[each.name] = declared(each)
        elif isinstance(each, ast.ClassDef) and each.decorator_list:
            methods = [one for one in each.body if isinstance(one, ast.FunctionDef)]
            surface[each.name] = {one.name: declared(one) for one in methods}
        elif isinstance(each, ast.AnnAssign) and not each.value:
            fields = classes[each.annotation.id].body
            surface[each.target.id] = sorted(
                one.target.id for one in fields if isinstance(one, ast.AnnAssign)
            )
    return surface


@router.get("/surfaces")
def surfaces(stub: str):
    return {"module": of_module(), "stub": of_stub(stub)}


@router.get("/config")
def config():
    import skills_daemon
    from skills_daemon.config import DaemonConfig, config
    return {
        "url": config.daemon_url, "host": config.host, "port": config.port,
        "default": skills_daemon.DEFAULT_PORT, "idle": config.idle_timeout,
        "shutdown": config.shutdown_timeout, "level": config.log_level,
        "runtime": str(config.runtime_dir), "same": DaemonConfig() == config,
    }
"#;

#[test]
fn the_stub_is_the_module() {
    let home = Home::new();
    home.plugin("contract", &plugin_code("contract", COMPARE), "");
    let stub = concat!(env!("CARGO_MANIFEST_DIR"), "/python/_skills_host.pyi");
    let surfaces =
        home.client(&["--json", "contract", "surfaces", "--stub", stub]).ok().quietly().json();
    assert_eq!(surfaces["module"], surfaces["stub"]);
    assert_eq!(surfaces["module"]["Call"]["write"], json!(["body", "more"]));
    assert_eq!(surfaces["module"]["Call"]["id"], json!("attribute"));
}

#[test]
fn the_config_of_plugins_is_the_daemons_own() {
    let home = Home::new().with("SKILLS_DAEMON_SHUTDOWN_TIMEOUT", "8");
    let file =
        "timeout = 77\nshutdown_timeout = 9\nlog_level = \"warning\"\nhost = \"127.0.0.1\"\n";
    home.write(".config/skills-daemon/config.toml", file);
    home.plugin("contract", &plugin_code("contract", COMPARE), "");
    let config = home.client(&["--json", "contract", "config"]).ok().json();
    let port = home.port();
    assert_eq!(
        config,
        json!({
            "url": format!("http://localhost:{port}"), "host": "127.0.0.1", "port": port,
            "default": port, "idle": 77, "shutdown": 8, "level": "WARNING",
            "runtime": home.runtime(), "same": true,
        })
    );
}

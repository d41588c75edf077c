//! The OpenAPI documents of all that is served, and Swagger UI.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Home, Output, plugin_code, shared};

const ROUTES: &str = r#"
from enum import Enum
from fastapi import APIRouter
from pydantic import BaseModel

class Issue(BaseModel):
    title: str

class Colour(str, Enum):
    RED = "red"

nested = APIRouter(prefix="/deep", tags=["Deep"])

@nested.get("/files/{path:path}")
def file(path: str, colour: Colour = Colour.RED):
    """Give a file."""
    return path

@router.post("/issues", status_code=201)
def create(issue: Issue) -> Issue:
    """Create an issue."""
    return issue

router.include_router(nested)
"#;

/// Generates FastAPI's own document for the router of a plugin.
const REFERENCE: &str = "
import importlib.util, json, sys
from fastapi import FastAPI
spec = importlib.util.spec_from_file_location('skills_plugin', sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
plugin = next(v for n, v in vars(module).items() if n.endswith('Plugin') and n != 'SkillPlugin')()
app = FastAPI(title=plugin.name, version='1.0.0', description='')
app.include_router(plugin.router, prefix='/' + plugin.name, tags=[plugin.name.capitalize()])
print(json.dumps(app.openapi()))
";

#[test]
fn the_document_of_a_plugin_is_that_of_the_oldest_fastapi() {
    same_as_fastapi("fastapi==0.109.0");
}

#[test]
fn the_document_of_a_plugin_is_that_of_the_newest_fastapi() {
    same_as_fastapi("fastapi");
}

fn same_as_fastapi(fastapi: &str) {
    let home = Home::new();
    let manifest = json!({"name": "tracker", "dependencies": [fastapi]}).to_string();
    home.plugin("tracker", &plugin_code("tracker", ROUTES), &manifest);
    home.control(&["start"]).ok();
    let document = home.get("/tracker/openapi.json");
    assert_eq!(document.status, 200, "{}", document.text());
    let init = home.path().join(Home::scripts("tracker")).join("skills_plugin/__init__.py");
    let python = home.paths().venv().join("bin/python");
    let mut command = home.command(python, &["-c", REFERENCE, &init.display().to_string()]);
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/python"));
    let expected: Value = Output::of(command).ok().json();
    assert_eq!(document.json(), expected);
    let whole = home.get("/openapi.json").json();
    for (path, item) in expected["paths"].as_object().unwrap() {
        assert_eq!(&whole["paths"][path], item, "{path}");
    }
}

#[test]
fn one_document_of_all_plugins_changes_with_them() {
    let home = Home::new();
    home.plugin("one", &plugin_code("one", ROUTES), "");
    let other = ROUTES.replace("title: str", "headline: str");
    home.plugin("two", &plugin_code("two", &other), "");
    home.plugin("broken", "import", r#"{"name": "broken"}"#);
    home.control(&["start"]).ok();
    let whole = home.get("/openapi.json").json();
    let schemas = &whole["components"]["schemas"];
    assert!(schemas["Issue"]["properties"]["title"].is_object(), "{schemas}");
    assert!(schemas["two-Issue"]["properties"]["headline"].is_object(), "{schemas}");
    let body = &whole["paths"]["/two/issues"]["post"]["requestBody"];
    let reference = &body["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(*reference, json!("#/components/schemas/two-Issue"));
    assert!(whole["info"]["description"].as_str().unwrap().contains("`broken` does not serve"));
    let tag = |name: &str| {
        let tags = whole["tags"].as_array().unwrap();
        tags.iter().any(|tag| tag["name"] == json!(name))
    };
    assert!(["daemon", "One", "Two", "Demo"].into_iter().all(tag), "{}", whole["tags"]);

    home.plugin("two", &plugin_code("two", ""), "");
    home.control(&["reload"]).fails_with(1);
    let whole = home.get("/openapi.json").json();
    assert!(whole["paths"]["/two/issues"].is_null());
}

#[test]
fn swagger_ui_comes_from_the_binary() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let page = home.get("/docs");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    let text = page.text();
    let links: Vec<&str> = text
        .split(['"', '\''])
        .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.ends_with(".png"))
        .collect();
    assert!(links.len() >= 5, "{text}");
    for link in links {
        assert!(link.starts_with("/docs/"), "{link}");
        let file = home.get(link);
        assert_eq!(file.status, 200, "{link}");
        let tag = file.header("etag").unwrap();
        assert_eq!(home.http("GET", link, &[("if-none-match", tag)]).status, 304, "{link}");
    }
    let config = home.get("/docs/swagger-initializer.js").text();
    assert!(config.contains("\"/openapi.json\"") && config.contains("\"/demo/openapi.json\""));
    assert_eq!(home.get("/docs/nope.js").status, 404);
    // A page of the daemon's own may ask it, one of another site may not.
    let own = format!("http://localhost:{}", home.port());
    let from = |site: &str| home.http("GET", "/openapi.json", &[("origin", site)]).status;
    assert_eq!((from(&own), from("http://elsewhere.example")), (200, 403));
}

#[test]
fn validators_and_fuzzers_find_nothing() {
    let home = Home::new();
    home.control(&["start"]).ok();
    let bin = shared::api_venv().join("bin");
    let url = format!("http://localhost:{}/openapi.json", home.port());
    let document = home.write("openapi.json", &home.get("/openapi.json").text());
    let mut validate = Command::new(bin.join("openapi-spec-validator"));
    validate.args(["--schema", "3.1"]).arg(document);
    Output::of(validate).ok().says("OK");

    // Those three take long, or fail, as they are asked.
    let mut fuzz = Command::new(bin.join("schemathesis"));
    fuzz.args([
        "run",
        &url,
        "--seed",
        "1",
        "--max-examples",
        "20",
        "--include-path-regex",
        "^/demo/",
    ])
    .args(["--exclude-operation-id-regex", "wait|count|fail"])
    .args(["--checks", "not_a_server_error,status_code_conformance,response_schema_conformance"])
    .args(["--checks", "content_type_conformance", "--no-color"])
    .current_dir(home.path());
    let output = Output::of(fuzz);
    assert!(output.status().success(), "{}\n{}", output.stdout(), output.stderr());
}

//! Reports of a runtime, and the descriptions made of them.

use super::*;
use serde_json::json;

fn described(openapi: Value, routes: Value) -> Description {
    let report = Report {
        name: "p".into(),
        openapi: Some(openapi),
        routes: serde_json::from_value(routes).unwrap(),
        declared: [("/p/files/{path}".into(), "/p/files/{path:path}".into())].into(),
        ..Report::default()
    };
    report.into_description(Vec::new())
}

#[test]
fn one_command_per_method_and_path_with_its_parameters() {
    let description = described(
        json!({
            "paths": {"/p/issue/{key}": {
                "get": {"operationId": "get_issue", "summary": "Issue",
                    "description": "Get an issue.\n\nLong text.\n\nExamples:\n    p issue A-1  \n",
                    "parameters": [
                        {"name": "key", "in": "path", "required": true, "schema": {"type": "string"}},
                        {"name": "maxResults", "in": "query", "required": false, "description": "how many",
                         "schema": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 5}}]},
                "patch": {"operationId": "p", "summary": "Patch", "requestBody": {"content": {"application/json":
                    {"schema": {"$ref": "#/components/schemas/Body"}}}},
                    "responses": {"201": {"content": {"application/json":
                        {"schema": {"$ref": "#/components/schemas/Body"}}}}}}
            }},
            "components": {"schemas": {
                "Body": {"type": "object", "required": ["colour"], "properties": {
                    "colour": {"$ref": "#/components/schemas/Colour"},
                    "below": {"type": "array", "items": {"$ref": "#/components/schemas/Body"}}}},
                "Colour": {"type": "string", "enum": ["red"]}}}
        }),
        json!([]),
    );
    let [get, patch] = description.commands.as_slice() else { panic!("{description:?}") };
    assert_eq!((get.method.as_str(), get.name().as_str()), ("GET", "issue"));
    assert_eq!(get.summary, "Get an issue.");
    assert_eq!(get.description, "Long text.");
    assert_eq!(get.examples, ["p issue A-1"]);
    assert_eq!(get.parameters[1].json_type(), "integer");
    assert_eq!(get.parameters[1].default(), Some(&json!(5)));
    assert_eq!(get.output, None);
    assert!(patch.has_body);
    assert_eq!(patch.parameters[0].location, Location::Body);
    assert!(patch.parameters[0].required);
    assert_eq!(patch.parameters[0].schema["enum"], json!(["red"]));
    assert_eq!(patch.parameters[1].schema["items"]["$ref"], "#/$defs/Body");
    assert_eq!(patch.parameters[1].schema["$defs"]["Body"]["type"], "object");
    assert_eq!(patch.output.as_ref().unwrap()["$defs"]["Colour"]["enum"], json!(["red"]));
}

#[test]
fn a_command_and_the_plan_of_its_route_are_one() {
    let operation =
        |parameters: Value| json!({"operationId": "o", "summary": "S", "parameters": parameters});
    let q = json!([{"name": "q", "in": "query", "required": true, "schema": {"type": "number"}}]);
    let openapi =
        json!({"paths": {"/p/a": {"get": operation(q)}, "/p": {"get": operation(json!([]))}}});
    let slot = |name: &str| json!({"name": name, "in": "query", "required": true, "kind": {"float": {"gt": 0, "lt": 10.5}}});
    let plan = |slots: Value| json!({"number": 3, "begins_on_loop": true, "parameters": slots});
    let description = described(
        openapi,
        json!([
            {"path": "/secret", "methods": ["GET", "POST"], "plan": plan(json!([slot("token")]))},
            {"path": "/a", "methods": ["GET"], "plan": plan(json!([slot("q"), slot("debug"), slot("q")]))},
            {"path": "", "methods": ["GET"], "why": "it reads a request body"},
        ]),
    );
    let [a, root] = description.commands.as_slice() else { panic!("{description:?}") };
    let plan = a.plan().unwrap();
    assert_eq!((plan.number, a.route), (3, 1));
    let names: Vec<&str> =
        plan.slots.iter().map(|slot| a.parameter_of(slot).unwrap().name.as_str()).collect();
    assert_eq!(names, ["q", "debug", "q"]);
    assert_eq!((a.parameters.len(), a.hidden.len()), (1, 1));
    assert_eq!(root.why_fastapi(), Some("it reads a request body"));
    let hidden: Vec<&str> = description.hidden.iter().map(|each| &*each.method).collect();
    assert_eq!(hidden, ["GET", "POST"]);
    assert!(description.hidden[0].plan().is_some());
    let path = |text: &str| vec![text.to_owned()];
    assert!(description.reaches(a, &path("a")) && !description.reaches(a, &path("b")));
}

#[test]
fn paths_are_as_declared_and_below_the_prefix() {
    let get = json!({"get": {"operationId": "g", "summary": "G"}});
    let description = described(json!({"paths": {"/p/files/{path}": get, "/p": get}}), json!([]));
    let paths: Vec<_> = description.commands.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["/files/{path:path}", "/"]);
}

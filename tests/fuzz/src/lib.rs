//! What the targets share: a description with every kind of parameter and route, and checks of what was bound.
//!
//! `tests/fuzz/run` builds all targets on a stable compiler and runs them; `cargo fuzz run --fuzz-dir tests/fuzz NAME` works
//! as well. To add one: a file in `targets/`, a `[[bin]]` in `Cargo.toml`, its seeds in `run`.

use serde_json::{Value, json};
use skills_daemon::command::{
    BODY, Calling, Command, Kind, Location, Parameter, Plan, Range, Slot,
};
use skills_daemon::description::{Description, Route, Style};
use skills_daemon::routes::Argument;

/// The name of the described plugin.
pub const PLUGIN: &str = "p";

/// Returns the description, its handlers being of `style`.
pub fn description(style: Style) -> Description {
    let mut description = Description { name: PLUGIN.to_owned(), style, ..Description::default() };
    let text = || Kind::Str { min_len: 0, max_len: None };
    let short = || Kind::Str { min_len: 1, max_len: Some(8) };
    let page = Range { ge: Some(1.0), le: Some(100.0), ..Range::default() };
    let share = Range { gt: Some(0.0), lt: Some(1.0), ..Range::default() };
    let colours = || Kind::Choice(vec!["red".to_owned(), "dark blue".to_owned()]);
    use Location::{Body, Cookie, Header, Path, Query};
    let list = [
        ("q", Query, "string", true, text()),
        ("page", Query, "integer", false, Kind::Int(page)),
        ("share", Query, "number", false, Kind::Float(share)),
        ("exact", Query, "boolean", false, Kind::Bool),
        ("colour", Query, "string", false, colours()),
        ("when", Query, "string", false, Kind::Text),
        ("tags", Query, "string[]", false, Kind::Texts),
        ("x-trace", Header, "string", false, short()),
        ("x-each", Header, "string[]", false, Kind::Texts),
        ("session", Cookie, "string", false, text()),
    ];
    let body = [
        ("key", Path, "string", true, text()),
        ("title", Body, "string", true, short()),
        ("colour", Body, "string", false, colours()),
        ("count", Body, "integer", false, Kind::Json),
        ("labels", Body, "string[]", false, Kind::Json),
        ("options", Body, "object", false, Kind::Json),
        ("raw", Query, "string", false, Kind::Unbound),
    ];
    let key = [("key", Path, "string", true, text()), ("depth", Query, "integer", false, Kind::Int(Range::default()))];
    let file = [("file", Path, "string", true, text()), ("exact", Query, "boolean", false, Kind::Bool)];
    let number = [("id", Path, "integer", true, Kind::Int(page))];
    let strict = [("timeout", Query, "integer", false, Kind::Int(page)), ("output", Query, "string", false, text())];
    for (method, path, parameters, is_complete) in [
        ("GET", "/search", &list[..], true),
        ("GET", "/search/strict", &list[..3], false),
        ("POST", "/issue/{key}", &body[..], true),
        ("GET", "/issue/{key}", &key[..], true),
        ("DELETE", "/issue/{key}", &key[..1], false),
        ("GET", "/issue/new", &strict[..], true),
        ("GET", "/issue/{key}/links", &key[..], true),
        ("GET", "/files/{file:path}", &file[..], true),
        ("GET", "/number/{id:int}", &number[..], true),
        ("GET", "/v{id}.json", &number[..], false),
        ("GET", "/", &strict[..], true),
        ("POST", "/edit/", &body[1..], true),
    ] {
        add(&mut description, method, path, parameters, is_complete);
    }
    // Takes everything below it, whatever the method.
    description.routes.push(Route { path: Some("/mounted".into()), methods: None });
    add(&mut description, "GET", "/mounted/own", &strict, true);
    add(&mut description, "GET", "/after", &strict, true);
    let whole = Command {
        path: "/whole".into(),
        method: "PUT".to_owned(),
        has_body: true,
        body: Some(Box::new(parameter(BODY, Location::Body, "array", true))),
        route: description.routes.len(),
        ..Command::default()
    };
    let any = Command { path: "/any".into(), body: None, route: whole.route + 1, ..whole.clone() };
    let stdin = Command { path: "/stdin".into(), stdin: Some("input".to_owned()), route: any.route + 1, ..any.clone() };
    for command in [whole, any, stdin] {
        let methods = Some(vec![command.method.clone()]);
        description.routes.push(Route { path: Some(command.path.clone()), methods });
        description.commands.push(command);
    }
    description
}

fn add(
    description: &mut Description,
    method: &str,
    path: &str,
    parameters: &[(&str, Location, &str, bool, Kind)],
    is_complete: bool,
) {
    let slots = parameters.iter().enumerate().map(|(parameter, (.., required, kind))| Slot {
        parameter,
        required: *required,
        kind: kind.clone(),
    });
    let plan = Plan {
        number: description.commands.len(),
        is_complete,
        slots: slots.collect(),
        ..Plan::default()
    };
    let parameters = parameters.iter();
    let parameters = parameters
        .map(|(name, location, kind, required, _)| parameter(name, *location, kind, *required));
    let parameters: Vec<Parameter> = parameters.collect();
    description.commands.push(Command {
        path: path.into(),
        method: method.to_owned(),
        has_body: parameters.iter().any(|parameter| parameter.location == Location::Body),
        parameters,
        route: description.routes.len(),
        calling: Calling::Direct(plan),
        ..Command::default()
    });
    let methods = Some(vec![method.to_owned()]);
    description.routes.push(Route { path: Some(path.into()), methods });
}

fn parameter(name: &str, location: Location, kind: &str, required: bool) -> Parameter {
    let schema = match kind.strip_suffix("[]") {
        Some(items) => json!({"type": "array", "items": {"type": items}}),
        None => json!({"type": kind}),
    };
    Parameter { name: name.to_owned(), location, required, schema, description: String::new() }
}

/// The command that a request is certain to be for, found as Starlette does: one route after the other.
pub fn first_that_fits(description: &Description, method: &str, path: &str) -> Option<usize> {
    if path.contains('\n') {
        return None;
    }
    for (index, route) in description.routes.iter().enumerate() {
        let (Some(template), Some(methods)) = (&route.path, &route.methods) else {
            let prefix = route.path.as_ref().map_or("", |path| path.as_str());
            let is_below = path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            match is_below {
                true => return None,
                false => continue,
            }
        };
        let fits = || template.expression().is_some_and(|expression| expression.is_match(path));
        if methods.iter().any(|own| own == method) && fits() {
            let is_of = |command: &Command| command.route == index && command.plan().is_some();
            return description.commands.iter().position(is_of);
        }
    }
    None
}

/// Checks that each argument is one that its slot takes.
pub fn check_bound(command: &Command, plan: &Plan, bound: &[Argument]) {
    assert_eq!(bound.len(), plan.slots.len());
    for (slot, argument) in plan.slots.iter().zip(bound) {
        match (&slot.kind, argument) {
            (_, Argument::Unbound) => assert!(plan.is_complete),
            (_, Argument::Default) => assert!(!slot.required),
            (Kind::Str { min_len, max_len }, Argument::Str(text)) => {
                let length = text.chars().count();
                assert!(length >= *min_len && max_len.is_none_or(|max| length <= max));
            }
            (Kind::Int(range), Argument::Int(number)) => assert!(range.holds(*number as f64)),
            (Kind::Float(range), Argument::Float(number)) => assert!(range.holds(*number)),
            (Kind::Choice(choices), Argument::Choice(index)) => assert!(*index < choices.len()),
            (Kind::Json, Argument::Json(json)) => {
                assert!(serde_json::from_str::<Value>(json).is_ok(), "{json}");
            }
            (Kind::Bool, Argument::Bool(_)) | (Kind::Text, Argument::Text(_)) => {}
            (Kind::Texts, Argument::Texts(texts)) => assert!(!texts.is_empty()),
            (kind, argument) => panic!("{}: {kind:?} is {argument:?}", command.path.as_str()),
        }
    }
}

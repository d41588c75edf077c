//! Manifests that are read, and those that are refused.

use super::*;
use crate::requirements::Owner;

fn error(text: &str) -> String {
    Manifest::parse(text, Path::new("/p/manifest.json")).unwrap_err().to_string()
}

#[test]
fn a_full_manifest_is_read() {
    let manifest = Manifest::parse(
        r#"{"name": "jira", "version": "1.0.0", "description": "d", "dependencies": ["httpx>=0.25"],
            "daemon_version": ">=1.0.0", "cli": {"examples": ["jira search x"], "colour": 1}, "speed": 2}"#,
        Path::new("m"),
    )
    .unwrap();
    assert_eq!(manifest.dependencies, ["httpx>=0.25"]);
    assert_eq!(manifest.cli.examples, ["jira search x"]);
    assert_eq!(manifest.unknown, ["cli.colour", "speed"]);
}

#[test]
fn an_unknown_field_is_a_warning_with_the_field_that_was_meant() {
    let text = r#"{"depends": [], "speed": 2, "cli": {"exampels": []}, "daemon": {"lops": 1},
        "commands": {"a.b": {"call": "m:f", "sumary": "x"}}}"#;
    let manifest = Manifest::parse(text, Path::new("m")).unwrap();
    assert_eq!(
        manifest.warnings(Path::new("/p/manifest.json")),
        [
            "unknown field `cli.exampels` in manifest.json (did you mean `cli.examples`?)",
            "unknown field `commands.a.b.sumary` in manifest.json (did you mean `commands.a.b.summary`?)",
            "unknown field `daemon.lops` in manifest.json (did you mean `daemon.loops`?)",
            "unknown field `depends` in manifest.json (did you mean `dependencies`?)",
            "unknown field `speed` in manifest.json",
        ]
    );
}

#[test]
fn the_table_of_fields_is_that_of_the_types() {
    let schema = serde_json::to_value(schemars::schema_for!(Manifest)).unwrap();
    let places = ["", "/$defs/Cli", "/$defs/Daemon", "/$defs/NamedFunction"];
    for ((section, fields), place) in fields::FIELDS.iter().zip(places) {
        let properties = schema.pointer(&format!("{place}/properties")).unwrap();
        let mut declared: Vec<&str> =
            properties.as_object().unwrap().keys().map(String::as_str).collect();
        let mut listed = fields.to_vec();
        declared.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, declared, "{section:?}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let text = r#"{
        "name": "a/b", "version": 1, "dependencies": ["httpx", "x >> 1", 5], "daemon": {"loops": 0},
        "commands": {"a": {"call": "m"}, "b": {"call": "m:f"}, "c": {"call": "m:f", "method": "PUT"}}
    }"#;
    let problems = Manifest::problems(text, Path::new("/m"));
    let fields: Vec<&str> = problems
        .iter()
        .map(|problem| match problem {
            ManifestError::Field { field, message, .. } => {
                assert!(!message.contains("line"), "{message}");
                field.as_str()
            }
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        fields,
        [
            "name",
            "version",
            "dependencies[1]",
            "dependencies[2]",
            "daemon.loops",
            "commands.a.call",
            "commands.c.method"
        ]
    );
    assert!(Manifest::problems("{}", Path::new("/m")).is_empty());
    assert_eq!(Manifest::problems("[", Path::new("/m")).len(), 1);
}

#[test]
fn a_field_that_is_there_twice_is_named() {
    for (text, message) in [
        (r#"{"version": "1", "version": "2"}"#, "/m: duplicate field `version` at line 1 column "),
        (r#" {"daemon": {"loops": 1, "loops": 2}}"#, "/m: field `daemon`: duplicate field `loops`"),
    ] {
        let error = Manifest::parse(text, Path::new("/m")).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        let problems = Manifest::problems(text, Path::new("/m"));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().starts_with(message), "{}", problems[0]);
    }
}

#[test]
fn a_daemon_version_admits_this_daemon_or_names_the_one_it_needs() {
    let check = |wanted: &str, version: &str| {
        let text = json!({"daemon_version": wanted}).to_string();
        Manifest::parse(&text, Path::new("/m")).unwrap().check_daemon(version)
    };
    for wanted in [">=1.0.0", "", "~=2.0", ">=1, <3", "!=2.0.1", "==2.*"] {
        assert_eq!(check(wanted, "2.0.0"), Ok(()), "{wanted}");
    }
    assert_eq!(
        check("<2,>=1.5", "2.0.0"),
        Err("the plugin needs skills-daemon >=1.5, <2, and this one is 2.0.0".into())
    );
    let text = error(r#"{"daemon_version": "ninety"}"#);
    assert!(text.starts_with("/p/manifest.json: field `daemon_version`: "), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn errors_name_file_and_field() {
    assert!(error("{]").starts_with("/p/manifest.json is not JSON: "), "{}", error("{]"));
    assert!(error("{} {}").contains("is not JSON: trailing characters"));
    let text = error(r#"{"dependencies": ["a", 5]}"#);
    assert!(
        text.starts_with("/p/manifest.json: field `dependencies[1]`: invalid type: "),
        "{text}"
    );
    let text = error(r#"{"dependencies": ["httpx >> 1"]}"#);
    assert!(text.starts_with("/p/manifest.json: field `dependencies[0]`: "), "{text}");
    assert_eq!(
        error(r#"{"daemon": {"loops": 0}}"#),
        "/p/manifest.json: field `daemon.loops`: 0 is not from 1 to 32"
    );
    assert!(error(r#"{"entry_point": "module"}"#).contains("`package.module:Class`"));
    assert!(error(r#"{"name": "a/b"}"#).contains("field `name`"));
    assert!(error(r#"{"name": "health"}"#).contains("reserved for the daemon"));
    assert_eq!(error("[]"), "/p/manifest.json must hold a JSON object");
}

#[test]
fn requirements_are_refused_with_their_field() {
    for (dependencies, message) in [
        (
            json!(["httpx", "--index-url https://h/simple"]),
            "field `dependencies[1]`: `--index-url` is an option",
        ),
        (
            json!(["httpx >> 1"]),
            "field `dependencies[0]`: `httpx >> 1` is not a requirement: no such comparison",
        ),
        (
            json!(vec!["httpx"; 2_500]),
            "field `dependencies`: 2500 requirements are too many (limit 2000)",
        ),
    ] {
        let text = error(&json!({"dependencies": dependencies}).to_string());
        assert!(text.starts_with(&format!("/p/manifest.json: {message}")), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    let thousand: Vec<String> = (0..1_000).map(|number| format!("a{number}[x]>=1")).collect();
    let text = json!({"dependencies": thousand}).to_string();
    let manifest = Manifest::parse(&text, Path::new("/m")).unwrap();
    let owner = Owner::Plugin { name: "a".into(), path: "/".into() };
    let party = manifest.party(owner, Path::new("/m"), &[]).unwrap();
    assert_eq!(party.requirements.len(), 1_000);
}

#[test]
fn requirements_of_a_manifest_are_canonical_and_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    fs::create_dir(folder.join("lib")).unwrap();
    let file = folder.join("manifest.json");
    let owner = Owner::Plugin { name: "a".into(), path: folder.clone() };
    let party = |dependencies: &[&str]| {
        let text = json!({"dependencies": dependencies, "requires-python": ">=3.9"}).to_string();
        Manifest::parse(&text, &file).unwrap().party(owner.clone(), &file, &[])
    };
    let found = party(&["Py_YAML>=5", "py.yaml >= 5", "lib @ file:lib"]).unwrap();
    let requirements: Vec<(&str, &str)> =
        found.requirements.iter().map(|it| (it.text.as_str(), it.field.as_str())).collect();
    let lib = format!("lib @ file://{}/lib", folder.display());
    assert_eq!(requirements, [("py-yaml>=5", "dependencies[0]"), (&lib, "dependencies[2]")]);
    assert_eq!(found.requires_python.unwrap().to_string(), ">=3.9");
    let error = party(&["httpx", "lib @ file:.."]).unwrap_err().to_string();
    let start = format!("{}: field `dependencies[1]`: `lib @ file:..`: ", file.display());
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn a_python_version_admits_this_python_or_names_the_one_it_needs() {
    let check = |wanted: &str| {
        let text = json!({"requires-python": wanted}).to_string();
        Manifest::parse(&text, Path::new("/m")).unwrap().check_python("3.11.7")
    };
    for wanted in [">=3.9", "", "~=3.10", "==3.11.*", ">=3.9,<4"] {
        assert_eq!(check(wanted), Ok(()), "{wanted}");
    }
    assert_eq!(
        check(">=3.13"),
        Err("the plugin needs Python >=3.13, and the daemon's is 3.11.7".into())
    );
    let text = error(r#"{"requires-python": "three"}"#);
    assert!(
        text.starts_with(
            "/p/manifest.json: field `requires-python`: `three` is not a version specifier: "
        ),
        "{text}"
    );
    let manifest = Manifest::parse(r#"{"requires_python": ">=3"}"#, Path::new("m")).unwrap();
    assert_eq!(
        manifest.warnings(Path::new("/m.json")),
        ["unknown field `requires_python` in m.json (did you mean `requires-python`?)"]
    );
}

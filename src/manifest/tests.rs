//! Manifests that are read, and those that are refused.

use super::*;

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

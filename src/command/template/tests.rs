//! Templates as every reader sees them.

use super::*;

fn captured(template: &str, text: &str) -> Option<Vec<String>> {
    let template = PathTemplate::new(template);
    let pairs = template.segments()[0].capture(text)?;
    Some(pairs.iter().map(|(name, value)| format!("{name}={value}")).collect())
}

#[test]
fn every_reader_sees_the_same_segments() {
    let template = PathTemplate::new("/v{major}/issue/{key}/{rest:path}");
    assert_eq!(template.fixed_prefix().count(), 0);
    assert_eq!(template.without_convertors(), "/v{major}/issue/{key}/{rest}");
    let shown: Vec<String> = template.segments().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["v{major}", "issue", "{key}", "{rest:path}"]);
    let prefix = PathTemplate::new("/memory/write/{name}");
    assert_eq!(prefix.fixed_prefix().collect::<Vec<_>>(), ["memory", "write"]);
    assert!(PathTemplate::new("").segments().is_empty());
    assert_eq!(PathTemplate::new("/items/").segments().len(), 2);
    assert_eq!(PathTemplate::new("/items/").named_segments().count(), 1);
}

#[test]
fn braces_that_enclose_no_name_are_text() {
    for text in ["{", "a{b-c}", "{1}", "{}", "{a:b:c}", "}{"] {
        let template = PathTemplate::new(format!("/{text}"));
        assert_eq!(template.segments()[0].fixed(), Some(text));
    }
    assert_eq!(captured("/{{a}", "{x"), Some(vec!["a=x".into()]));
}

#[test]
fn a_mixed_segment_captures_as_its_expression_does() {
    for (template, text) in [
        ("/v{major}", "v2"),
        ("/v{major}", "v"),
        ("/{a}-{b}.json", "1-2-3.json"),
        ("/{a}{b}", "xyz"),
        ("/x-{a}.json", "x-ü.json"),
        ("/x-{a}.json", "x-.json"),
    ] {
        let parsed = PathTemplate::new(template);
        let expression = parsed.expression().unwrap();
        let path = format!("/{text}");
        let expected = expression.captures(&path).map(|captures| {
            let names = expression.capture_names().flatten();
            names.map(|name| format!("{name}={}", &captures[name])).collect()
        });
        assert_eq!(captured(template, text), expected, "{template} {text}");
    }
}

#[test]
fn a_decoded_path_matches_as_the_server_matches_it() {
    let matches = |template: &str, path: &[&str]| {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        PathTemplate::new(template).matches(&path)
    };
    assert_eq!(matches("/a/{x}", &["a", "b"]), Some(true));
    assert_eq!(matches("/a/{x}", &["a", "b/c"]), Some(false));
    assert_eq!(matches("/a/{x}", &["a", ""]), Some(false));
    assert_eq!(matches("/a/{x:path}", &["a", "b", "c"]), Some(true));
    assert_eq!(matches("/n/{i:int}", &["n", "x"]), Some(false));
    assert_eq!(matches("/n/{i:mine}", &["n", "x"]), None);
    assert_eq!(matches("/items/", &["items", ""]), Some(true));
}

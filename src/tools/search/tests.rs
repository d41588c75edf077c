//! What is found, and in which order.

use serde_json::{Map, json};

use super::*;
use crate::tools::Effect;

fn tool(name: &str, title: &str, description: &str, arguments: &[(&str, &str)]) -> Tool {
    let property = |&(name, text): &(&str, &str)| {
        (name.to_owned(), json!({"type": "string", "description": text}))
    };
    let properties: Map<String, Value> = arguments.iter().map(property).collect();
    Tool {
        name: name.into(),
        command: 0,
        title: title.into(),
        description: format!("{title}\n\n{description}"),
        input: json!({"type": "object", "properties": properties}),
        output: None,
        effect: Effect { reads_only: true, destroys: false, is_idempotent: true },
    }
}

/// Tools of several plugins, each with the name and the description of its plugin.
fn tools() -> Vec<(&'static str, &'static str, Tool)> {
    let jira = "Issues and boards";
    let github = "Code hosting on GitHub";
    vec![
        ("jira", jira, tool("jira_issue_create", "Create an issue", "", &[])),
        ("jira", jira, tool("jira_issue", "Show an issue", "", &[("key", "Such as OPS-12")])),
        ("jira", jira, tool("jira_search", "Run a query", "", &[("maxResults", "")])),
        ("jira", jira, tool("jira_transition", "Move an issue", "Sets the status: Won't Do", &[])),
        ("github", github, tool("github_issue_list", "List issues", "", &[("milestone", "")])),
        ("flags", "", tool("flags_on", "Switch a flag", "", &[])),
        ("flags", "", tool("flags_off", "Switch a flag", "", &[])),
        ("wetter", "", tool("wetter_böen", "Böen in Größe und Richtung", "", &[("ort", "Straße")])),
        ("pdf", "", tool("pdf_merge", "Join files", "Copies all categories", &[])),
        ("certs", "", tool("certs_renew", "Renew certificates", "They expire", &[])),
    ]
}

/// The names of the tools that `query` finds.
fn found(query: &str, limit: usize) -> Vec<String> {
    let tools = tools();
    let documents = tools.iter().map(|&(plugin, about, ref tool)| Document { plugin, about, tool });
    let index = Index::new(documents);
    index.find(query, limit).into_iter().map(|at| tools[at].2.name.clone()).collect()
}

#[test]
fn a_name_finds_its_tool_first() {
    for (_, _, tool) in tools() {
        assert_eq!(found(&tool.name, 1), [tool.name.as_str()]);
        assert_eq!(found(&tool.name.replace('_', " ").to_uppercase(), 1), [tool.name.as_str()]);
    }
}

#[test]
fn the_name_of_the_plugin_decides() {
    assert_eq!(found("list github issues", 1), ["github_issue_list"]);
    assert_eq!(found("issues on GitHub", 1), ["github_issue_list"]);
    assert_eq!(found("the issue in jira", 1), ["jira_issue"]);
    assert_eq!(found("code hosting", 9), ["github_issue_list"]);
}

#[test]
fn arguments_are_found_by_name_and_description() {
    assert_eq!(found("milestone", 9), ["github_issue_list"]);
    assert_eq!(found("OPS", 9), ["jira_issue"]);
    for name in ["maxResults", "max results", "MAX_RESULTS", "maxresult"] {
        assert_eq!(found(name, 9), ["jira_search"], "{name}");
    }
}

#[test]
fn forms_synonyms_and_typing_errors_are_found() {
    for (query, name) in [
        ("renewing", "certs_renew"),
        ("category", "pdf_merge"),
        ("cert", "certs_renew"),
        ("combine", "pdf_merge"),
        ("expiration", "certs_renew"),
        ("milesotne", "github_issue_list"),
        ("new ticket", "jira_issue_create"),
        ("won’t do it", "jira_transition"),
    ] {
        assert_eq!(found(query, 1), [name], "{query}");
    }
}

#[test]
fn unknown_words_find_nothing() {
    for query in ["", "   ", "?!", "xylophone", "the xylophone of a flute", "日本語"] {
        assert_eq!(found(query, 9), [""; 0], "{query}");
    }
    assert_eq!(found(&format!("{} issue", "flute ".repeat(300)), 9), [""; 0]);
    assert!(Index::new([]).find("issue", 9).is_empty());
}

#[test]
fn equal_documents_are_in_order_of_position() {
    assert_eq!(found("switch a flag", 9), ["flags_on", "flags_off"]);
}

#[test]
fn letters_of_any_language_are_lower_cased() {
    for query in ["BÖEN", "grösse größe", "GRÖßE", "straße", "Ort"] {
        assert_eq!(found(query, 9), ["wetter_böen"], "{query}");
    }
}

#[test]
fn no_more_than_the_limit() {
    assert_eq!(found("issue", 0), [""; 0]);
    assert_eq!(found("issue", 2).len(), 2);
    assert_eq!(found("issue", 99).len(), 5);
}

#[test]
fn common_words_are_sorted() {
    assert!(words::is_common("about") && words::is_common("your") && words::is_common("x"));
    assert!(!words::is_common("show") && !words::is_common("é"));
}

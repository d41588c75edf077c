//! Which of the tools a client is shown.

use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::settings::agents::Choice;

/// Path of the endpoint for all plugins; below it is that of each.
pub const PATH: &str = "/mcp";
/// The query parameter with the tools.
pub const TOOLS: &str = "tools";

/// Which tools a client is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The one plugin, whose tools have their names alone; `None` for all.
    pub plugin: Option<String>,
    /// Which of them.
    pub choice: Choice,
}

impl Scope {
    /// The scope of a request over HTTP; of what its query leaves open, `default` is the choice.
    pub fn of(parts: &Parts, default: &Choice) -> Scope {
        let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default().trim_matches('/');
        let plugin = Some(decoded(below)).filter(|name| !name.is_empty());
        let query = parts.uri.query().unwrap_or_default().split('&');
        let mut values = query.filter_map(|pair| pair.split_once('='));
        let choice = match values.find(|(key, _)| *key == TOOLS) {
            Some((_, value)) => Choice::of(&decoded(value)),
            None => default.clone(),
        };
        Scope { plugin, choice }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(uri: &str) -> Scope {
        let (parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        Scope::of(&parts, &Choice::Search)
    }

    #[test]
    fn path_and_query_say_what_is_shown() {
        let of = |plugin: Option<&str>, choice| Scope { plugin: plugin.map(Into::into), choice };
        assert_eq!(scope("/mcp"), of(None, Choice::Search));
        assert_eq!(scope("/mcp/jira?tools=all"), of(Some("jira"), Choice::All));
        let names = Choice::Some(vec!["jira".to_owned(), "git".to_owned()]);
        assert_eq!(
            scope("/mcp/?x=1&tools=jira%2C+,git"),
            of(None, Choice::Some(vec!["jira".to_owned(), "+".to_owned(), "git".to_owned(),]))
        );
        assert_eq!(scope("/mcp?tools=jira,git"), of(None, names));
    }
}

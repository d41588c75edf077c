//! Resources and prompts of plugins.

use std::collections::HashSet;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use regex::Regex;
use rmcp::model::{Prompt, PromptArgument, Resource, ResourceTemplate};
use serde_json::{Map, Value};

use crate::command::{Command, Purpose};
use crate::description::Description;

/// A resource or a prompt.
#[derive(Clone)]
pub(super) struct Offered {
    /// Its plugin.
    pub(super) plugin: Arc<Description>,
    /// Index of its command in the description.
    pub(super) command: usize,
    /// Its name.
    pub(super) name: String,
    /// Of a resource, what its URIs look like.
    pub(super) template: Option<Template>,
}

/// Which URIs a resource has.
#[derive(Clone)]
pub(super) struct Template {
    text: String,
    pattern: Regex,
    names: Vec<String>,
}

/// The resources and prompts of plugins; names are behind that of the plugin unless they are `bare`.
pub(super) fn of<'a>(
    plugins: impl IntoIterator<Item = &'a Arc<Description>>,
    bare: bool,
) -> Vec<Offered> {
    let mut known = HashSet::new();
    let all = plugins.into_iter().flat_map(|plugin| {
        plugin.offered().filter(|(_, command)| !command.kept_from_agents).filter_map(
            move |(index, command)| {
                let last = command.path.as_str().rsplit('/').next().unwrap_or_default();
                let name = last.replace('-', "_");
                let name = if bare { name } else { format!("{}_{name}", plugin.name) };
                let template = match &command.purpose {
                    Purpose::Resource { uri, .. } => Some(Template::new(uri)?),
                    _ => None,
                };
                Some(Offered { plugin: plugin.clone(), command: index, name, template })
            },
        )
    });
    // Of two with the same URI or name, the first counts.
    all.filter(|offered| known.insert(offered.identity())).collect()
}

impl Offered {
    fn identity(&self) -> (bool, String) {
        match &self.template {
            Some(template) => (true, template.text.clone()),
            None => (false, self.name.clone()),
        }
    }

    /// Its command.
    pub(super) fn its(&self) -> Option<&Command> {
        self.plugin.command(self.command)
    }

    /// The arguments in a URI, if it is a resource there.
    pub(super) fn arguments(&self, uri: &str) -> Option<Map<String, Value>> {
        self.template.as_ref()?.arguments(uri)
    }

    /// Its media type, if it is a resource that has one.
    pub(super) fn mime_type(&self) -> Option<&str> {
        match &self.its()?.purpose {
            Purpose::Resource { mime_type, .. } => mime_type.as_deref(),
            _ => None,
        }
    }

    /// It as a resource of one URI.
    pub(super) fn resource(&self) -> Option<Resource> {
        let template = self.template.as_ref().filter(|template| template.names.is_empty())?;
        let mut resource = Resource::new(&template.text, &self.name);
        (resource.title, resource.description) = self.texts();
        resource.mime_type = self.mime_type().map(str::to_owned);
        Some(resource)
    }

    /// It as a resource of many URIs.
    pub(super) fn resource_template(&self) -> Option<ResourceTemplate> {
        let template = self.template.as_ref().filter(|template| !template.names.is_empty())?;
        let mut resource = ResourceTemplate::new(&template.text, &self.name);
        (resource.title, resource.description) = self.texts();
        resource.mime_type = self.mime_type().map(str::to_owned);
        Some(resource)
    }

    /// It as a prompt.
    pub(super) fn prompt(&self) -> Option<Prompt> {
        if self.template.is_some() {
            return None;
        }
        let arguments = self.its()?.parameters.iter().map(|parameter| {
            let mut argument = PromptArgument::new(&parameter.name);
            argument.description =
                Some(parameter.description.clone()).filter(|text| !text.is_empty());
            argument.required = Some(parameter.required);
            argument
        });
        let arguments: Vec<PromptArgument> = arguments.collect();
        let mut prompt = Prompt::new(&self.name, None::<String>, Some(arguments));
        (prompt.title, prompt.description) = self.texts();
        Some(prompt)
    }

    /// The values that an argument may have and that begin with `begun`.
    pub(super) fn completions(&self, argument: &str, begun: &str) -> Vec<String> {
        let parameters = self.its().into_iter().flat_map(|command| &command.parameters);
        let schema = parameters.filter(|it| it.name == argument).map(|it| it.effective_schema());
        let choices = schema.filter_map(|schema| schema.get("enum")?.as_array()).flatten();
        let texts = choices.filter_map(Value::as_str).filter(|text| text.starts_with(begun));
        texts.map(str::to_owned).collect()
    }

    /// Title and description.
    fn texts(&self) -> (Option<String>, Option<String>) {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        match self.its() {
            None => (None, None),
            Some(command) => match some(&command.description) {
                None => (None, some(&command.summary)),
                text => (some(&command.summary), text),
            },
        }
    }
}

impl Template {
    /// The template that `text` is: `{name}` stands for a segment, `{name*}` and `{+name}` for several; `None` for none.
    fn new(text: &str) -> Option<Template> {
        let (mut pattern, mut names, mut rest) = (String::from("^"), Vec::new(), text);
        while let Some((before, (inner, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            pattern.push_str(&regex::escape(before));
            let name = inner.trim_start_matches('+').trim_end_matches('*');
            pattern.push_str(if name == inner { "([^/]+)" } else { "(.+)" });
            names.push(name.to_owned());
            rest = after;
        }
        pattern.push_str(&regex::escape(rest));
        pattern.push('$');
        Some(Template { text: text.to_owned(), pattern: Regex::new(&pattern).ok()?, names })
    }

    /// The arguments in a URI; `None` if it is none of these.
    pub(super) fn arguments(&self, uri: &str) -> Option<Map<String, Value>> {
        let found = self.pattern.captures(uri)?;
        let values = found.iter().skip(1).flatten().map(|value| {
            percent_decode_str(value.as_str()).decode_utf8_lossy().into_owned().into()
        });
        Some(self.names.iter().cloned().zip(values).collect())
    }

    /// True for the template of that text.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_takes_the_arguments_out_of_a_uri() {
        let of = |template: &str, uri: &str| {
            Template::new(template).unwrap().arguments(uri).map(Value::Object)
        };
        assert_eq!(of("notes://{name}", "notes://a%20b"), Some(json!({"name": "a b"})));
        assert_eq!(of("notes://{name}", "notes://a/b"), None);
        assert_eq!(of("f://{+path}", "f://a/b"), Some(json!({"path": "a/b"})));
        assert_eq!(of("f://{x}/{path*}", "f://a/b/c"), Some(json!({"x": "a", "path": "b/c"})));
        assert_eq!(of("a.b://c", "a.b://c"), Some(json!({})));
        assert_eq!(of("a.b://c", "axb://c"), None);
    }
}

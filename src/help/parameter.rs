//! The help of a parameter.

use serde_json::{Map, Value};

use crate::command::Parameter;

/// The keywords of a parameter's JSON Schema in its help, besides type and default.
const KEYWORDS: [&str; 12] = [
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "items",
    "examples",
];
/// The longest choice in a list, in characters: a longer text is part of a sentence.
const LONGEST_CHOICE: usize = 19;

/// Returns name, location, type and constraints of `parameter`.
pub(super) fn help(parameter: &Parameter) -> Value {
    let mut help = Map::new();
    help.insert("name".to_owned(), parameter.name.clone().into());
    help.insert("in".to_owned(), parameter.location.as_str().into());
    help.insert("required".to_owned(), parameter.required.into());
    help.insert("type".to_owned(), parameter.json_type().into());
    if !parameter.description.is_empty() {
        help.insert("description".to_owned(), parameter.description.clone().into());
    }
    if let Some(default) = parameter.default() {
        help.insert("default".to_owned(), default.clone());
    }
    for keyword in KEYWORDS {
        let value = [parameter.effective_schema(), &parameter.schema]
            .into_iter()
            .find_map(|schema| schema.get(keyword));
        if let Some(value) = value {
            help.insert(keyword.to_owned(), value.clone());
        }
    }
    if !help.contains_key("enum")
        && let Some(choices) = described_choices(parameter)
    {
        help.insert("enum".to_owned(), choices.into());
    }
    Value::Object(help)
}

/// Returns the choices for `parameter`, or for each of its items; none if any value is allowed.
pub fn choices(parameter: &Parameter) -> Option<Vec<String>> {
    let schema = parameter.effective_schema();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [Some(schema), schema.get("items")]
        .into_iter()
        .flatten()
        .find_map(|schema| {
            let one = || schema.get("const").map(|only| vec![text(only)]);
            let many = schema.get("enum").and_then(Value::as_array);
            many.map(|choices| choices.iter().map(text).collect()).or_else(one)
        })
        .or_else(|| described_choices(parameter))
}

/// Returns the choices that the description of `parameter` lists.
fn described_choices(parameter: &Parameter) -> Option<Vec<String>> {
    if parameter.json_type() == "string" { listed(&parameter.description) } else { None }
}

/// Returns the choices in a text of the form `Output format: json, human`.
fn listed(text: &str) -> Option<Vec<String>> {
    let (_, list) = text.split_once(':')?;
    let choices: Vec<&str> = list.split(',').map(str::trim).collect();
    let is_choice = |choice: &&str| {
        (1..=LONGEST_CHOICE).contains(&choice.chars().count()) && !choice.contains([' ', ':'])
    };
    let is_list = choices.len() > 1 && choices.iter().all(is_choice);
    is_list.then(|| choices.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_choices_is_not_a_sentence() {
        assert_eq!(listed("Format: a, b").unwrap(), ["a", "b"]);
        for text in ["a, b", "Type: Bug, 'Technical task'", "Time: 10:00, 11:00", "One: a", "X: a,"]
        {
            assert_eq!(listed(text), None, "{text}");
        }
    }
}

//! What help tells of a parameter.

use serde_json::{Map, Value};

use crate::command::Parameter;

/// What help tells of a parameter's JSON Schema, besides type and default.
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
/// A longer text among others is no choice but part of a sentence; in characters.
const LONGEST_CHOICE: usize = 19;

/// Name, place, type and constraints of `parameter`.
pub(super) fn help(parameter: &Parameter) -> Value {
    let mut told = Map::new();
    told.insert("name".to_owned(), parameter.name.clone().into());
    told.insert("in".to_owned(), parameter.location.as_str().into());
    told.insert("required".to_owned(), parameter.required.into());
    told.insert("type".to_owned(), parameter.json_type().into());
    if !parameter.description.is_empty() {
        told.insert("description".to_owned(), parameter.description.clone().into());
    }
    if let Some(default) = parameter.default() {
        told.insert("default".to_owned(), default.clone());
    }
    for keyword in KEYWORDS {
        let value = [parameter.effective_schema(), &parameter.schema]
            .into_iter()
            .find_map(|schema| schema.get(keyword));
        if let Some(value) = value {
            told.insert(keyword.to_owned(), value.clone());
        }
    }
    if !told.contains_key("enum")
        && let Some(choices) = told_choices(parameter)
    {
        told.insert("enum".to_owned(), choices.into());
    }
    Value::Object(told)
}

/// The texts of which `parameter`, or each of its items, is to be one.
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
        .or_else(|| told_choices(parameter))
}

/// The choices that only the help text of `parameter` knows.
fn told_choices(parameter: &Parameter) -> Option<Vec<String>> {
    if parameter.json_type() == "string" { listed(&parameter.description) } else { None }
}

/// The choices that a help text lists, `Output format: json, human`; plugins tell them this way.
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
    fn choices_are_listed_not_told_in_a_sentence() {
        assert_eq!(listed("Format: a, b").unwrap(), ["a", "b"]);
        for text in ["a, b", "Type: Bug, 'Technical task'", "Time: 10:00, 11:00", "One: a", "X: a,"]
        {
            assert_eq!(listed(text), None, "{text}");
        }
    }
}

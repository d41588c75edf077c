//! A form at the terminal: one question for each of its fields.

use dialoguer::MultiSelect;
use dialoguer::theme::Theme;
use serde_json::{Map, Value};

use crate::reports::{Asks, NO, Question, YES};

/// Asks for the fields of a form; returns the object as JSON.
pub(super) fn asked_for(
    schema: &Value,
    mut ask: impl FnMut(Field) -> dialoguer::Result<Value>,
) -> dialoguer::Result<String> {
    let mut object = Map::new();
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let value = ask(Field { name, schema })?;
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object).to_string())
}

/// A field of a form.
pub(super) struct Field<'a> {
    name: &'a str,
    schema: &'a Value,
}

/// The same at the terminal.
pub(super) fn ask(prompt: &str, schema: &Value, theme: &dyn Theme) -> dialoguer::Result<String> {
    eprintln!("{prompt}");
    asked_for(schema, |field| field.ask(theme))
}

impl Field<'_> {
    fn ask(&self, theme: &dyn Theme) -> dialoguer::Result<Value> {
        if self.kind() == "array" {
            let choices = choices(self.schema.get("items").unwrap_or(&Value::Null));
            let titles: Vec<&str> = choices.iter().map(|(_, title)| title.as_str()).collect();
            let select = MultiSelect::with_theme(theme).with_prompt(self.title()).items(&titles);
            let chosen = select.interact()?.into_iter();
            return Ok(chosen.filter_map(|at| choices.get(at)).map(|(it, _)| it.clone()).collect());
        }
        loop {
            let answer = super::asked(&self.question(), theme)?;
            match self.value(&answer) {
                Some(value) => return Ok(value),
                None => eprintln!("{}: {answer:?} is no {}", self.title(), self.kind()),
            }
        }
    }

    fn kind(&self) -> &str {
        self.schema.get("type").and_then(Value::as_str).unwrap_or("string")
    }

    fn title(&self) -> String {
        let text = |key| self.schema.get(key).and_then(Value::as_str);
        text("title").or(text("description")).unwrap_or(self.name).to_owned()
    }

    fn question(&self) -> Question {
        let choices = choices(self.schema);
        let asks = match self.kind() {
            "boolean" => Asks::Confirmation,
            _ if !choices.is_empty() => {
                Asks::Choice(choices.iter().map(|(_, title)| title.clone()).collect())
            }
            _ => Asks::Text,
        };
        let default = self.schema.get("default").map(|default| match default {
            Value::Bool(yes) => if *yes { YES } else { NO }.to_owned(),
            Value::String(text) => titled(&choices, text).unwrap_or(text).to_owned(),
            other => other.to_string(),
        });
        Question { number: 0, prompt: self.title(), asks, default, key: None, more: false }
    }

    /// The value that an answer stands for; `None` if it is none of the type.
    fn value(&self, answer: &str) -> Option<Value> {
        match self.kind() {
            "boolean" => Some(Value::Bool(answer == YES)),
            "integer" => answer.trim().parse::<i64>().ok().map(Value::from),
            "number" => serde_json::from_str(answer.trim()).ok().filter(Value::is_number),
            _ => {
                let choices = choices(self.schema).into_iter();
                let mut chosen = choices.filter(|(_, title)| title == answer);
                Some(chosen.next().map_or_else(|| Value::from(answer), |(value, _)| value))
            }
        }
    }
}

/// The choices of a schema, each with its title.
fn choices(schema: &Value) -> Vec<(Value, String)> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let title = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(values) = list("enum") {
        let titles = list("enumNames");
        let named = |at: usize| titles.and_then(|titles| titles.get(at)).map(title);
        let each = values.iter().enumerate();
        return each.map(|(at, it)| (it.clone(), named(at).unwrap_or_else(|| title(it)))).collect();
    }
    let options = list("oneOf").or(list("anyOf")).into_iter().flatten();
    let each = options.filter_map(|option| {
        let value = option.get("const")?;
        Some((value.clone(), option.get("title").map_or_else(|| title(value), title)))
    });
    each.collect()
}

fn titled<'a>(choices: &'a [(Value, String)], value: &str) -> Option<&'a str> {
    choices.iter().find(|(own, _)| own == value).map(|(_, title)| title.as_str())
}

#[cfg(test)]
mod tests {
    use std::io;

    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_is_a_question_whose_answer_has_the_type_of_the_field() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": "string", "default": "Jo", "title": "Your name"},
            "age": {"type": "integer", "default": 30},
            "ok": {"type": "boolean", "default": true},
            "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}], "default": "s"},
        }});
        let mut asked = Vec::new();
        let answers = ["Al", "31", "no", "Small"];
        let object = asked_for(&schema, |field| {
            let question = field.question();
            let value = field.value(answers[asked.len()]);
            asked.push((question.prompt, question.asks, question.default.unwrap_or_default()));
            value.ok_or_else(|| io::Error::other("none").into())
        });
        assert_eq!(object.unwrap(), r#"{"name":"Al","age":31,"ok":false,"size":"s"}"#);
        let choice = Asks::Choice(vec!["Small".to_owned()]);
        let expected = [
            ("Your name", Asks::Text, "Jo"),
            ("age", Asks::Text, "30"),
            ("ok", Asks::Confirmation, YES),
            ("size", choice, "Small"),
        ];
        let expected = expected.map(|(name, asks, text)| (name.to_owned(), asks, text.to_owned()));
        assert_eq!(asked, expected);
        let age = Field { name: "age", schema: &json!({"type": "integer"}) };
        assert_eq!(age.value("old"), None);
    }
}

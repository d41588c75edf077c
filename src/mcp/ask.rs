//! Questions of a call as requests of the protocol, and their answers.

use rmcp::model::{ClientCapabilities, InputRequest};
use serde_json::{Map, Value, json};

use crate::exchange::events::Reply;
use crate::reports::{Asks, NO, Question, YES};

/// The field of a form that has one.
const ANSWER: &str = "answer";

/// A question and what it is in the protocol.
pub(super) struct Asked {
    /// Its name among those that are asked together.
    pub(super) key: String,
    pub(super) question: Question,
}

/// What a client can be asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    pub(super) elicits: bool,
    pub(super) samples: bool,
    pub(super) has_roots: bool,
}

impl Abilities {
    pub(super) fn of(capabilities: Option<&ClientCapabilities>) -> Abilities {
        let Some(capabilities) = capabilities else { return Abilities::default() };
        // Without any mode, a client takes forms.
        let elicitation = capabilities.elicitation.as_ref();
        Abilities {
            elicits: elicitation.is_some_and(|it| it.form.is_some() || it.url.is_none()),
            samples: capabilities.sampling.is_some(),
            has_roots: capabilities.roots.is_some(),
        }
    }

    /// True if the client can be asked this; what a secret is must not be asked over the protocol.
    pub(super) fn answer(self, asks: &Asks) -> bool {
        match asks {
            Asks::Secret => false,
            Asks::Text | Asks::Confirmation | Asks::Choice(_) | Asks::Form(_) => self.elicits,
            Asks::Sample(_) => self.samples,
            Asks::Roots => self.has_roots,
        }
    }
}

/// The capability that a question needs and that nothing else can stand for.
pub(super) fn needed(asks: &Asks) -> Option<ClientCapabilities> {
    let capabilities = match asks {
        Asks::Sample(_) => json!({"sampling": {}}),
        Asks::Roots => json!({"roots": {}}),
        _ => return None,
    };
    serde_json::from_value(capabilities).ok()
}

impl Asked {
    /// A question that is the `number`th of its call.
    pub(super) fn new(question: Question, number: usize) -> Asked {
        let key = question.key.clone().unwrap_or_else(|| format!("question-{number}"));
        Asked { key, question }
    }

    /// The request; `None` if the protocol has none for it.
    pub(super) fn request(&self) -> Option<InputRequest> {
        let request = match &self.question.asks {
            Asks::Sample(parameters) => {
                json!({"method": "sampling/createMessage", "params": parameters})
            }
            Asks::Roots => json!({"method": "roots/list", "params": {}}),
            _ => json!({"method": "elicitation/create", "params": {
                "mode": "form",
                "message": self.question.prompt,
                "requestedSchema": self.schema(),
            }}),
        };
        serde_json::from_value(request).ok()
    }

    fn schema(&self) -> Value {
        let Question { prompt, asks, default, .. } = &self.question;
        let mut field = match asks {
            Asks::Form(schema) => return schema.clone(),
            Asks::Confirmation => json!({"type": "boolean"}),
            Asks::Choice(choices) => json!({"type": "string", "enum": choices}),
            _ => json!({"type": "string"}),
        };
        field["title"] = json!(prompt);
        if let Some(default) = default {
            field["default"] = match asks {
                Asks::Confirmation => json!(default == YES),
                _ => json!(default),
            };
        }
        json!({"type": "object", "properties": {ANSWER: field}, "required": [ANSWER]})
    }

    /// The reply that the client's result is; `None` if it is none.
    pub(super) fn reply(&self, result: &Value) -> Option<Reply> {
        match &self.question.asks {
            Asks::Sample(_) => {
                let is_message = result.get("content").is_some() && result.get("role").is_some();
                is_message.then(|| Some(result.to_string()))
            }
            Asks::Roots => {
                result.get("roots").filter(|it| it.is_array()).map(|it| Some(it.to_string()))
            }
            asks => match result.get("action").and_then(Value::as_str)? {
                "accept" => self.accepted(asks, result.get("content")?.as_object()?).map(Some),
                "decline" | "cancel" => Some(None),
                _ => None,
            },
        }
    }

    fn accepted(&self, asks: &Asks, content: &Map<String, Value>) -> Option<String> {
        let answer = content.get(ANSWER);
        match asks {
            Asks::Form(schema) => filled(schema, content),
            Asks::Confirmation => {
                answer?.as_bool().map(|yes| if yes { YES } else { NO }.to_owned())
            }
            Asks::Choice(choices) => {
                let chosen = answer?.as_str()?;
                choices.iter().find(|choice| *choice == chosen).cloned()
            }
            _ => answer?.as_str().map(str::to_owned),
        }
    }
}

/// The fields of a form, as JSON; `None` if one is missing or does not fit.
fn filled(schema: &Value, content: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let mut names = required.filter_map(Value::as_str);
    if !names.all(|name| content.contains_key(name)) {
        return None;
    }
    let fields = schema.get("properties").and_then(Value::as_object);
    let field = |name: &str| fields.and_then(|fields| fields.get(name));
    // What was not asked for is left out.
    let known = content.iter().filter(|(name, _)| field(name).is_some());
    let known: Map<String, Value> = known.map(|(name, it)| (name.clone(), it.clone())).collect();
    let all_fit = known.iter().all(|(name, value)| field(name).is_some_and(|it| fits(it, value)));
    all_fit.then(|| Value::Object(known).to_string())
}

/// True for a value of the field's type, and one of its choices.
fn fits(field: &Value, value: &Value) -> bool {
    let list = |key: &str| field.get(key).and_then(Value::as_array);
    let is_chosen = match (list("enum"), list("oneOf").or(list("anyOf"))) {
        (Some(choices), _) => choices.contains(value),
        (None, Some(choices)) => choices.iter().any(|choice| choice.get("const") == Some(value)),
        (None, None) => true,
    };
    let is_typed = match field.get("type").and_then(Value::as_str) {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.as_array().is_some_and(|items| {
            field.get("items").is_none_or(|field| items.iter().all(|item| fits(field, item)))
        }),
        _ => true,
    };
    is_typed && is_chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(asks: Asks, default: Option<&str>) -> Asked {
        let default = default.map(str::to_owned);
        let question =
            Question { number: 7, prompt: "Go?".into(), asks, default, key: None, more: false };
        Asked::new(question, 2)
    }

    #[test]
    fn a_question_is_a_form_of_one_field() {
        let confirm = asked(Asks::Confirmation, Some(YES));
        assert_eq!(confirm.key, "question-2");
        let request = serde_json::to_value(confirm.request().unwrap()).unwrap();
        assert_eq!(request["method"], "elicitation/create");
        assert_eq!(
            request["params"]["requestedSchema"],
            json!({"type": "object", "required": ["answer"],
                "properties": {"answer": {"type": "boolean", "title": "Go?", "default": true}}})
        );
        let accept = |answer: Value| json!({"action": "accept", "content": {"answer": answer}});
        assert_eq!(confirm.reply(&accept(json!(false))), Some(Some(NO.to_owned())));
        assert_eq!(confirm.reply(&accept(json!("no"))), None);
        assert_eq!(confirm.reply(&json!({"action": "decline"})), Some(None));
        assert_eq!(confirm.reply(&json!(5)), None);
        let choose = asked(Asks::Choice(vec!["a".into()]), None);
        assert_eq!(choose.reply(&accept(json!("a"))), Some(Some("a".to_owned())));
        assert_eq!(choose.reply(&accept(json!("b"))), None);
    }

    #[test]
    fn forms_messages_and_folders_are_passed_on() {
        let schema =
            json!({"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]});
        let form = asked(Asks::Form(schema), None);
        let content = |content: Value| json!({"action": "accept", "content": content});
        assert_eq!(form.reply(&content(json!({"n": "x"}))), Some(Some(r#"{"n":"x"}"#.to_owned())));
        assert_eq!(form.reply(&content(json!({}))), None);
        assert_eq!(form.reply(&content(json!({"n": 5}))), None);
        let more = form.reply(&content(json!({"n": "x", "other": 1})));
        assert_eq!(more, Some(Some(r#"{"n":"x"}"#.to_owned())));
        let roots = asked(Asks::Roots, None);
        assert_eq!(serde_json::to_value(roots.request().unwrap()).unwrap()["method"], "roots/list");
        assert_eq!(roots.reply(&json!({"roots": []})), Some(Some("[]".to_owned())));
        let sample = asked(Asks::Sample(json!({"messages": [], "maxTokens": 5})), None);
        assert_eq!(
            serde_json::to_value(sample.request().unwrap()).unwrap()["params"]["maxTokens"],
            json!(5)
        );
        assert_eq!(sample.reply(&json!({"roots": []})), None);
    }

    #[test]
    fn a_value_of_a_form_has_the_type_of_its_field_and_is_one_of_its_choices() {
        let titled = json!({"type": "string", "oneOf": [{"const": "a", "title": "A"}]});
        let several = json!({"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}});
        for (field, right, wrong) in [
            (json!({"type": "string", "enum": ["a"]}), json!("a"), json!("b")),
            (titled, json!("a"), json!("A")),
            (several, json!(["a", "a"]), json!(["b"])),
            (json!({"type": "integer"}), json!(5), json!(5.5)),
            (json!({"type": "number"}), json!(5.5), json!("5")),
            (json!({"type": "boolean"}), json!(false), json!(0)),
        ] {
            assert!(fits(&field, &right) && !fits(&field, &wrong), "{field}");
        }
    }

    #[test]
    fn a_secret_is_never_asked_for() {
        let all = Abilities { elicits: true, samples: true, has_roots: true };
        assert!(all.answer(&Asks::Text) && !all.answer(&Asks::Secret));
        let of = |json: Value| Abilities::of(Some(&serde_json::from_value(json).unwrap()));
        assert!(of(json!({"elicitation": {}})).elicits && !of(json!({})).elicits);
        assert!(!of(json!({"elicitation": {"url": {}}})).elicits);
        assert!(needed(&Asks::Text).is_none() && needed(&Asks::Roots).is_some());
    }
}

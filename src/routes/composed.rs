//! The values of a composed request, bound without a URL in between.

use std::borrow::Cow;

use serde_json::Value;

use super::bind::{Field, Uncertain, Values, plain_header};
use crate::command::Location;
use crate::exchange::request::Composed;

impl Values for Composed {
    fn one(&self, location: Location, name: &str) -> Result<Option<Cow<'_, str>>, Uncertain> {
        let last = |values: &'_ [(String, String)]| values.iter().rposition(|(own, _)| own == name);
        Ok(match location {
            Location::Path => last(&self.path).map(|at| self.path[at].1.as_str().into()),
            Location::Query => last(&self.query).map(|at| self.query[at].1.as_str().into()),
            Location::Header => match self.headers.iter().find(|(own, _)| own == name) {
                None => None,
                Some((_, value)) => Some(plain_header(value.as_bytes())?.into()),
            },
            Location::Cookie => match last(&self.cookies) {
                None => None,
                Some(at) => Some(plain_cookie(&self.cookies[at].1)?.into()),
            },
            Location::Body => return Err(Uncertain),
        })
    }

    fn all(&self, location: Location, name: &str) -> Result<Vec<String>, Uncertain> {
        match location {
            Location::Query => {
                let all = self.query.iter().filter(|(own, _)| own == name);
                Ok(all.map(|(_, value)| value.clone()).collect())
            }
            Location::Header => {
                let all = self.headers.iter().filter(|(own, _)| own == name);
                all.map(|(_, value)| plain_header(value.as_bytes()).map(str::to_owned)).collect()
            }
            Location::Path | Location::Cookie | Location::Body => Err(Uncertain),
        }
    }

    fn field(&self, name: &str) -> Result<Option<Field<'_>>, Uncertain> {
        Ok(match self.body.as_ref().and_then(|body| body.get(name)) {
            None => None,
            Some(Value::String(text)) => Some(Field::Text(text.into())),
            Some(value) => Some(Field::Json(value.to_string().into())),
        })
    }
}

/// A cookie's value, if FastAPI is certain to parse the same.
fn plain_cookie(value: &str) -> Result<&str, Uncertain> {
    let is_plain = value.is_ascii() && !value.contains(['"', '\\', ';']) && value.trim() == value;
    if is_plain { Ok(value) } else { Err(Uncertain) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_where_they_were_put_and_odd_ones_left_to_fastapi() {
        let composed = Composed {
            path: vec![("key".into(), "a b/ü".into())],
            query: vec![("q".into(), "1".into()), ("q".into(), "2".into())],
            headers: vec![("x-a".parse().unwrap(), "ü".try_into().unwrap())],
            cookies: vec![("c".into(), "1".into()), ("odd".into(), "a;b".into())],
            body: json!({"text": "t", "list": [1, 2]}).as_object().cloned(),
            ..Composed::default()
        };
        let one =
            |location, name| composed.one(location, name).map(|text| text.map(Cow::into_owned));
        assert_eq!(one(Location::Path, "key"), Ok(Some("a b/ü".into())));
        assert_eq!(one(Location::Query, "q"), Ok(Some("2".into())));
        assert_eq!(composed.all(Location::Query, "q"), Ok(vec!["1".into(), "2".into()]));
        assert_eq!(one(Location::Header, "X-A"), Err(Uncertain));
        assert_eq!(one(Location::Cookie, "c"), Ok(Some("1".into())));
        assert_eq!(one(Location::Cookie, "odd"), Err(Uncertain));
        assert_eq!(composed.field("text"), Ok(Some(Field::Text("t".into()))));
        assert_eq!(composed.field("list"), Ok(Some(Field::Json("[1,2]".into()))));
        assert_eq!(composed.field("none"), Ok(None));
    }
}

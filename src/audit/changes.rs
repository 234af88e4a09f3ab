//! What a change changed: members of a record with their old and new values. Each rule names the members it may tell
//! of; secrets are never among them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::base::Moment;

/// The longest value that is repeated in a row, in bytes of JSON.
const LONGEST: usize = 1_000;

/// One changed member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The value before; `null` where there was none.
    pub old: Value,
    /// The value after; `null` where there is none.
    pub new: Value,
}

/// The members that changed, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes(BTreeMap<String, Change>);

impl Changes {
    /// What differs between two states of a record, of the members with these names. A name with a dot goes one level
    /// down: `profile.name`. A value of more than 1,000 bytes is not repeated, only its length is.
    pub fn between<T: Serialize>(old: &T, new: &T, members: &[&str]) -> Self {
        let (old, new) = (serde_json::to_value(old).unwrap_or_default(), serde_json::to_value(new).unwrap_or_default());
        let changed = members.iter().filter_map(|name| {
            let (old, new) = (member(&old, name), member(&new, name));
            let short = name.rsplit('.').next().unwrap_or(name);
            let shown = |value: &Value| bounded(&moment(short, value).unwrap_or_else(|| value.clone()));
            (old != new).then(|| (short.to_owned(), Change { old: shown(old), new: shown(new) }))
        });
        Self(changed.collect())
    }

    /// The change of one member.
    pub fn of(name: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        let change = Change { old: bounded(&old.into()), new: bounded(&new.into()) };
        Self(BTreeMap::from([(name.to_owned(), change)]))
    }

    /// The changed members with their values, or nothing when there are none.
    pub fn some(self) -> Option<Self> {
        (!self.0.is_empty()).then_some(self)
    }
}

fn member<'v>(record: &'v Value, name: &str) -> &'v Value {
    name.split('.').fold(record, |value, part| value.get(part).unwrap_or(&Value::Null))
}

/// A moment as the APIs write it.
fn moment(name: &str, value: &Value) -> Option<Value> {
    let millis = value.as_i64().filter(|_| name.ends_with("_at"))?;
    Some(Value::String(Moment::from_millis(millis).rfc3339()))
}

fn bounded(value: &Value) -> Value {
    let length = value.to_string().len();
    if length <= LONGEST { value.clone() } else { Value::String(format!("({length} bytes)")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_named_members_that_differ_are_told_with_both_values() {
        let old = json!({"name": "a", "secret": "x", "profile": {"name": "Ann"}, "same": 1});
        let new = json!({"name": "b", "secret": "y", "profile": {"name": null, "zip": 1}, "same": 1});
        let changes = Changes::between(&old, &new, &["name", "profile.name", "same", "absent"]);
        assert_eq!(serde_json::to_value(changes).unwrap().to_string().matches("secret").count(), 0);
        let changes = Changes::between(&old, &new, &["name", "profile.zip", "same", "absent"]);
        let wanted = json!({"name": {"old": "a", "new": "b"}, "zip": {"old": null, "new": 1}});
        assert_eq!(serde_json::to_value(&changes).unwrap(), wanted);
        let ends = Changes::between(&json!({"expires_at": null}), &json!({"expires_at": 0}), &["expires_at"]);
        let wanted = json!({"expires_at": {"old": null, "new": "1970-01-01T00:00:00.000Z"}});
        assert_eq!(serde_json::to_value(ends).unwrap(), wanted);
        assert!(changes.some().is_some() && Changes::between(&old, &old, &["name"]).some().is_none());
    }

    #[test]
    fn a_long_value_is_not_repeated() {
        let changes = serde_json::to_value(Changes::of("condition", "a", "b".repeat(2_000))).unwrap();
        assert_eq!(changes, json!({"condition": {"old": "a", "new": "(2002 bytes)"}}));
    }
}

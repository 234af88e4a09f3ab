//! Tuples as text: our own as JSON lines, those of OpenFGA, and the two short notations.
//!
//! * `{"entity_type":"doc","entity_id":"1","relation":"viewer","subject_type":"user","subject_id":"ann"}`, with
//!   `subject_relation`, `condition` and `expires_at` where there are any; names in camelCase are read too.
//! * `{"user":"user:ann","relation":"viewer","object":"doc:1"}`, also within `key`, and many of them within `tuples`.
//! * `(client_abc:deployment, *, editor, apikey, key_1)`
//! * `client_abc:invoice:inv_1#owner@user:ann`

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::openfga::{local, unwritten};
use crate::access::error::Mistake;
use crate::access::model::names::{NAME_RULE, TYPE_RULE, is_entity_type, is_name, quoted};
use crate::base::Moment;
use crate::base::strict_json::{self, Bounds};
use crate::base::text::is_steering;
use crate::records::tuple::{TypeEnd, parse_object};
use crate::records::{SubjectRef, TupleKey};

/// Longest identifier of an object or a subject, in bytes.
const MAX_ID: usize = 256;
/// What a text may hold as one document: tuples have five to ten members.
const JSON: Bounds = Bounds { depth: 16, values: 200_000 };
/// Mistakes after which reading stops.
const MAX_MISTAKES: usize = 100;

/// A tuple that somebody wants to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub key: TupleKey,
    /// Lua that must agree.
    pub condition: Option<String>,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// Whether it is written as OpenFGA does, and so names its types.
    pub is_foreign: bool,
}

/// Auther's own members. What only an export has (`id`, times) is ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    #[serde(alias = "entityType")]
    entity_type: String,
    #[serde(alias = "entityId")]
    entity_id: String,
    relation: String,
    #[serde(alias = "subjectType")]
    subject_type: String,
    #[serde(alias = "subjectId")]
    subject_id: String,
    #[serde(alias = "subjectRelation")]
    subject_relation: Option<String>,
    condition: Option<String>,
    #[serde(default, alias = "expiresAt", deserialize_with = "time")]
    expires_at: Option<Moment>,
    #[serde(rename = "id")]
    _id: Option<String>,
    #[serde(default, rename = "created_at", alias = "createdAt", deserialize_with = "time")]
    _created_at: Option<Moment>,
    #[serde(default, rename = "updated_at", alias = "updatedAt", deserialize_with = "time")]
    _updated_at: Option<Moment>,
}

/// A time as the API writes it, or as a record has it.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Moment>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::Number(millis) if millis.is_i64() => Ok(millis.as_i64().map(Moment::from_millis)),
        Value::String(text) if Moment::parse_rfc3339(&text).is_some() => Ok(Moment::parse_rfc3339(&text)),
        _ => Err(serde::de::Error::custom("a time is written as RFC 3339 says: 2026-01-31T12:00:00Z")),
    }
}

/// Reads many: JSON lines or short notations, one on each line, or one JSON value that holds them. Blank lines and
/// lines that begin with `//` are passed over. `first` is the number of the text's first line, for mistakes: it may be
/// a part of a longer text. Errors: every mistake with its line or its index, up to a hundred.
pub fn read_tuples(text: &str, first: usize) -> Result<Vec<Incoming>, Vec<Mistake>> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(items) = whole(text) {
        return collected(items.iter().enumerate().map(|(index, item)| (format!("[{index}]"), from_json(item))));
    }
    let lines = text.lines().enumerate().map(|(index, line)| (index.saturating_add(first), line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"));
    collected(lines.map(|(number, line)| (format!("line {number}"), read_tuple(line))))
}

/// Reads one in any notation. Errors: what is wrong, for people.
fn read_tuple(text: &str) -> Result<Incoming, String> {
    let text = text.trim();
    if text.starts_with('{') {
        let read =
            strict_json::read(text.as_bytes(), JSON).map_err(|error| format!("is not accepted as JSON: {error}"))?;
        return from_json(&read.value);
    }
    let parts = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let key = match parts {
        Some(parts) => from_parts(&parts.split(',').map(str::trim).collect::<Vec<_>>())?,
        None => TupleKey::parse(text)
            .ok_or_else(|| format!("{} is no tuple: write type:id#relation@type:id, or JSON", quoted(text)))?,
    };
    Ok(Incoming { key: checked(key)?, condition: None, expires_at: None, is_foreign: false })
}

/// The items of a text that is one JSON value: a list, or an object with `tuples`.
fn whole(text: &str) -> Option<Vec<Value>> {
    match strict_json::read(text.as_bytes(), JSON).ok()?.value {
        Value::Array(items) => Some(items),
        Value::Object(mut members) => match members.remove("tuples").or_else(|| members.remove("tuple_keys")) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

fn collected(read: impl Iterator<Item = (String, Result<Incoming, String>)>) -> Result<Vec<Incoming>, Vec<Mistake>> {
    let (mut tuples, mut mistakes) = (Vec::new(), Vec::new());
    for (at, result) in read {
        match result {
            Ok(tuple) => tuples.push(tuple),
            Err(problem) => mistakes.push(Mistake::new(at, problem)),
        }
        if mistakes.len() == MAX_MISTAKES {
            break;
        }
    }
    if mistakes.is_empty() { Ok(tuples) } else { Err(mistakes) }
}

fn from_json(value: &Value) -> Result<Incoming, String> {
    let Some(members) = value.as_object() else { return Err(String::from("must be an object")) };
    if let Some(Value::Object(key)) = members.get("key") {
        return from_openfga(key);
    }
    if members.contains_key("user") || members.contains_key("object") {
        return from_openfga(members);
    }
    let own = Own::deserialize(value).map_err(|error| error.to_string())?;
    let subject = SubjectRef { kind: own.subject_type, id: own.subject_id, relation: own.subject_relation };
    let key = TupleKey { entity_type: own.entity_type, entity_id: own.entity_id, relation: own.relation, subject };
    Ok(Incoming { key: checked(key)?, condition: own.condition, expires_at: own.expires_at, is_foreign: false })
}

fn from_openfga(members: &Map<String, Value>) -> Result<Incoming, String> {
    let condition = match members.get("condition").filter(|condition| !condition.is_null()) {
        None => None,
        Some(condition) => {
            let name = condition.get("name").and_then(Value::as_str).map(local).filter(|name| is_name(name));
            let name = name.ok_or_else(|| String::from("has a condition without a name"))?;
            Some(unwritten(&name))
        }
    };
    if let Some(name) =
        members.keys().find(|name| !matches!(name.as_str(), "user" | "relation" | "object" | "condition"))
    {
        return Err(format!("{} is not known: a tuple of OpenFGA has `user`, `relation` and `object`", quoted(name)));
    }
    let text =
        |name: &str| members.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is missing or no text"));
    let (user, relation, object) = (text("user")?, text("relation")?, text("object")?);
    let (entity_type, entity_id) = parse_object(object, TypeEnd::FirstColon)
        .ok_or_else(|| format!("`object` is {}, not `type:id`", quoted(object)))?;
    let subject = SubjectRef::parse(user, TypeEnd::FirstColon)
        .ok_or_else(|| format!("`user` is {}, not `type:id` or `type:id#relation`", quoted(user)))?;
    let subject = SubjectRef {
        kind: local(&subject.kind),
        id: subject.id,
        relation: subject.relation.map(|relation| local(&relation)),
    };
    let (entity_type, entity_id) = (local(entity_type), entity_id.to_owned());
    let key = TupleKey { entity_type, entity_id, relation: local(relation), subject };
    Ok(Incoming { key: checked(key)?, condition, expires_at: None, is_foreign: true })
}

fn from_parts(parts: &[&str]) -> Result<TupleKey, String> {
    let (entity_type, entity_id, relation, kind, id, held) = match parts {
        [entity_type, entity_id, relation, kind, id] => (entity_type, entity_id, relation, kind, id, None),
        [entity_type, entity_id, relation, kind, id, held] => {
            (entity_type, entity_id, relation, kind, id, Some((*held).to_owned()))
        }
        _ => return Err(String::from("must have five parts: (entity type, entity, relation, subject type, subject)")),
    };
    let subject = SubjectRef { kind: (*kind).to_owned(), id: (*id).to_owned(), relation: held };
    Ok(TupleKey {
        entity_type: (*entity_type).to_owned(),
        entity_id: (*entity_id).to_owned(),
        relation: (*relation).to_owned(),
        subject,
    })
}

/// Each part has the form of its kind. Whether the model knows them is found when the tuple is written.
fn checked(key: TupleKey) -> Result<TupleKey, String> {
    for kind in [&key.entity_type, &key.subject.kind] {
        if !is_entity_type(kind) {
            return Err(format!("{} is no type: {TYPE_RULE}", quoted(kind)));
        }
    }
    for relation in [Some(&key.relation), key.subject.relation.as_ref()].into_iter().flatten() {
        if !is_name(relation) {
            return Err(format!("{} is no relation: {NAME_RULE}", quoted(relation)));
        }
    }
    for id in [&key.entity_id, &key.subject.id] {
        let is_fit = !id.is_empty() && id.len() <= MAX_ID && !id.chars().any(|c| is_steering(c) || c.is_whitespace());
        if !is_fit {
            return Err(format!("{} is no identifier: 1 to {MAX_ID} bytes without spaces", quoted(id)));
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Tuple;
    use crate::testing::START;

    fn shown(text: &str) -> Vec<String> {
        read_tuples(text, 1).unwrap().into_iter().map(|tuple| tuple.key.to_string()).collect()
    }

    #[test]
    fn a_tuple_survives_its_line() {
        let subject = SubjectRef::set("group", "eng", "member");
        let key = TupleKey { entity_type: "a:doc".into(), entity_id: "x:1".into(), relation: "viewer".into(), subject };
        let tuple = Tuple {
            key,
            condition: Some(String::from("return true\n")),
            expires_at: Some(START),
            created_at: START,
            updated_at: START,
        };
        let line = serde_json::to_string(&tuple).unwrap();
        assert!(!line.contains('\n'));
        let read = read_tuples(&format!("{line}\n\n// a remark\n{line}"), 1).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[1],
            Incoming { key: tuple.key, condition: tuple.condition, expires_at: tuple.expires_at, is_foreign: false }
        );
    }

    #[test]
    fn times_are_read_as_the_api_writes_them() {
        let line = |end: &str| {
            let told = r#""created_at":"2026-01-31T12:00:00.000Z","updated_at":null"#;
            let parts =
                r#""entity_type":"doc","entity_id":"1","relation":"viewer","subject_type":"user","subject_id":"ann""#;
            format!("{{{parts},{told},\"expires_at\":{end}}}")
        };
        let read = |end: &str| read_tuple(&line(end)).map(|tuple| tuple.expires_at);
        assert_eq!(read(&format!("\"{}\"", START.rfc3339())), Ok(Some(START)));
        assert_eq!(read("null"), Ok(None));
        assert!(read("\"tomorrow\"").unwrap_err().contains("RFC 3339"));
    }

    #[test]
    fn every_notation_is_read() {
        let lines = [
            r#"{"user":"user:ann","relation":"viewer","object":"doc:1:2"}"#,
            r#"{"key":{"user":"group:eng#member","relation":"viewer","object":"doc:1"},"timestamp":"2026-01-01T00:00:00Z"}"#,
            "(client_abc:deployment, *, editor, apikey, key_1)",
            "(doc, 1, viewer, group, eng, member)",
            "client_abc:invoice:inv_1#owner@user:alice",
            "doc:1#viewer@user:*",
            r#"{"entityType":"doc","entityId":"1","relation":"viewer","subjectType":"user","subjectId":"ann"}"#,
        ];
        let expected = [
            "doc:1:2#viewer@user:ann",
            "doc:1#viewer@group:eng#member",
            "client_abc:deployment:*#editor@apikey:key_1",
            "doc:1#viewer@group:eng#member",
            "client_abc:invoice:inv_1#owner@user:alice",
            "doc:1#viewer@user:*",
            "doc:1#viewer@user:ann",
        ];
        assert_eq!(shown(&lines.join("\n")), expected);
        let list = format!("[{},\n{}]", lines[0], lines[1]);
        assert_eq!(shown(&list), expected[..2]);
        assert_eq!(shown(&format!("{{\"tuples\": {list}}}")), expected[..2]);
        assert!(shown("").is_empty() && shown("[]").is_empty());
    }

    #[test]
    fn mistakes_name_their_line() {
        let text = "doc:1#viewer@user:ann\nnonsense\n{\"user\":\"ann\",\"relation\":\"viewer\",\"object\":\"doc:1\"}\n\
            {\"user\":\"user:a\",\"relation\":\"viewer\",\"object\":\"doc:1\",\"condition\":{}}\n(a, b, c)\n\
            {\"entity_type\":\"doc\"}\n{\"user\":\"a:b:c d\",\"relation\":\"viewer\",\"object\":\"doc:1\"}\n{";
        let mistakes = read_tuples(text, 1).unwrap_err();
        let places: Vec<_> = mistakes.iter().map(|mistake| mistake.at.as_str()).collect();
        assert_eq!(places, ["line 2", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8"]);
        assert!(mistakes[4].problem.contains("entity_id"), "{mistakes:?}");
        let many = "nonsense\n".repeat(1000);
        assert_eq!(read_tuples(&many, 1).unwrap_err().len(), MAX_MISTAKES);
        assert_eq!(read_tuples("[{}, 7]", 1).unwrap_err()[1].at, "[1]");
    }
}

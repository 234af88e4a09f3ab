//! An administrator's way to models, tuples and questions, over the web. Text names subjects and objects: `user:ann`,
//! `group:eng#member`, `client_abc:invoice:inv_1`.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::Program;
use crate::harness::{ADMIN, Home, Response};

/// Models, tuples and questions of a server.
pub struct Graph {
    pub admin: Program,
}

/// `{type,id}`, and with `#` also `relation`.
pub fn subject(text: &str) -> Value {
    let (text, relation) = text.split_once('#').map_or((text, None), |(text, relation)| (text, Some(relation)));
    let (kind, id) = place(text);
    json!({"type": kind, "id": id, "relation": relation})
}

/// Type and id.
pub fn place(text: &str) -> (&str, &str) {
    text.rsplit_once(':').unwrap_or_else(|| panic!("no `type:id`: {text}"))
}

/// The body of an answer that is good.
pub fn good(answer: &Response) -> Value {
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text);
    answer.json()
}

/// Status and `error`, or `code` (RFC 9457), of a refusal.
pub fn refused(answer: &Response) -> (u16, String) {
    let body = answer.json();
    let code = body["error"].as_str().or(body["code"].as_str()).unwrap_or_else(|| panic!("no refusal: {body}"));
    (answer.status.as_u16(), code.to_owned())
}

impl Graph {
    /// Of this server, with the template's administrator.
    pub async fn of(home: &Home) -> Self {
        Self { admin: Program::of(home, ADMIN).await }
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.admin.send(Method::POST, path, body).await
    }

    /// Stores a model.
    pub async fn model(&self, entity_type: &str, definition: &Value) -> Value {
        let path = format!("/api/admin/models/{entity_type}");
        good(&self.admin.send(Method::PUT, &path, json!({ "definition": definition })).await)
    }

    /// Imports a model in the words of OpenFGA.
    pub async fn import(&self, source: &str) -> Response {
        self.post("/api/admin/models/import", json!({ "source": source })).await
    }

    /// Imports tuples, a line each.
    pub async fn lines(&self, lines: &[String]) -> Response {
        self.post("/api/admin/tuples/import", json!({ "lines": lines })).await
    }

    /// Writes tuples of any notation, as a person does: people may be named.
    pub async fn write(&self, tuples: &[&str]) {
        let body = json!({ "lines": tuples, "names": true });
        assert_eq!(good(&self.post("/api/admin/tuples/import", body).await)["written"], tuples.len());
    }

    /// The identifier of a person, by a name.
    pub async fn id_of(&self, name: &str) -> String {
        let found = good(&self.admin.send(Method::GET, &format!("/api/admin/users/{name}"), json!({})).await);
        found["id"].as_str().unwrap().to_owned()
    }

    /// Removes a tuple by its parts: entity type, entity id, relation, subject type, subject id.
    pub async fn remove(&self, [entity_type, entity_id, relation, subject_type, subject_id]: [&str; 5]) -> Value {
        let body = json!({"entity_type": entity_type, "entity_id": entity_id, "relation": relation,
            "subject_type": subject_type, "subject_id": subject_id});
        good(&self.post("/api/admin/tuples/remove", body).await)
    }

    /// Asks `check-permission`; `more` has further members.
    pub async fn ask(&self, who: &str, name: &str, object: &str, more: &Value) -> Response {
        let (kind, id) = place(object);
        let mut body = json!({"subject": subject(who), "permission": name, "entityType": kind, "entityId": id});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name.as_str()] = value.clone();
        }
        self.post("/api/auth/check-permission", body).await
    }

    /// Whether somebody may, and the reason.
    pub async fn check(&self, who: &str, name: &str, object: &str) -> (bool, String) {
        let body = good(&self.ask(who, name, object, &json!({})).await);
        (body["allowed"].as_bool().unwrap(), body["reason"].as_str().unwrap().to_owned())
    }

    /// Asks `list-objects`.
    pub async fn objects(&self, who: &str, name: &str, kind: &str) -> Response {
        let body = json!({"subject": subject(who), "permission": name, "entityType": kind, "limit": 200});
        self.post("/api/auth/list-objects", body).await
    }

    /// Asks `list-subjects`; `wanted` is a type, with `#` a relation of it.
    pub async fn subjects(&self, wanted: &str, name: &str, object: &str) -> Response {
        let (kind, relation) = wanted.split_once('#').map_or((wanted, None), |(kind, set)| (kind, Some(set)));
        let (entity_type, entity_id) = place(object);
        let body = json!({"subjectType": kind, "subjectRelation": relation, "permission": name,
            "entityType": entity_type, "entityId": entity_id, "limit": 200});
        self.post("/api/auth/list-subjects", body).await
    }
}

/// The objects of an answer of `list-objects`, as `type:id`.
pub fn objects_in(body: &Value) -> BTreeSet<String> {
    let kind = body["entityType"].as_str().unwrap();
    let ids = body["items"].as_array().unwrap().iter().map(|item| item["entityId"].as_str().unwrap());
    ids.map(|id| format!("{kind}:{id}")).collect()
}

/// The subjects of an answer of `list-subjects`, as `type:id`, and `type:*` where everyone may, but perhaps for some.
/// Platform administrators, who may do everything unless the model says otherwise, are left out: the worlds of the
/// tests know none.
pub fn subjects_in(body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in body["items"].as_array().unwrap() {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let set = if text("subjectRelation").is_empty() { "" } else { "#" };
        found.insert(format!("{}:{}{set}{}", text("subjectType"), text("subjectId"), text("subjectRelation")));
    }
    found.retain(|subject| !subject.starts_with("user:usr_"));
    if body["wildcardGrant"] == true || body["wildcardAbacRequired"] == true {
        found.insert(format!("{}:*", body["subjectType"].as_str().unwrap()));
    }
    found
}

/// Refused as bad, with the mistakes named.
pub fn bad(answer: &Response) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    // The admin API and the endpoints for apps each have a dialect.
    assert!(["invalid_fields", "invalid_request"].contains(&&*refused(answer).1), "{}", answer.text);
    let body = answer.json();
    let told = body["fields"].as_array().or(body["errors"].as_array());
    assert!(told.is_some_and(|fields| !fields.is_empty()), "{body}");
}

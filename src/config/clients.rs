//! Clients declared in the file or in `AUTHER_CLIENTS_JSON`. Here only their shape; what a URI may be is the rules'
//! business.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, json};

use super::declaration::ClientDeclaration;
use super::mistakes::Source;
use super::nearest::nearest;
use super::schema::CLIENT_FIELDS;
use super::typed::Reading;
use super::value::{Body, Node, Value};
use crate::base::Secret;
use crate::base::id::{ClientId, TypedId};
use crate::base::strict_json::{self, Bounds};
use crate::records::{AuthMethod, ClientFieldsChange, ClientType};

/// What the list may be.
const JSON: Bounds = Bounds { depth: 32, values: 200_000 };

/// Fields that name a client or hold its secret.
const NAMING: [&str; 6] = ["client_id", "name", "type", "client_secret", "client_secret_file", "client_secret_env"];

/// Reads the list in `AUTHER_CLIENTS_JSON`; `None` when something in it is wrong, which is noted.
pub(super) fn read_json(text: &str, place: &Source, reading: &mut Reading<'_>) -> Option<Vec<ClientDeclaration>> {
    let error = match strict_json::read(text.as_bytes(), JSON) {
        Ok(json) => return read(&node(json.value), place, reading),
        Err(error) => error,
    };
    let what = match error {
        strict_json::Error::Syntax { line, column } => format!("is not JSON (line {line}, column {column})"),
        error => format!("is not accepted as JSON: {error}"),
    };
    reading.note(place.clone(), what, "write a list of clients: [{\"client_id\": …}]");
    None
}

fn node(json: serde_json::Value) -> Node {
    let body = match json {
        serde_json::Value::String(text) => Body::Text(text),
        serde_json::Value::Bool(yes) => Body::Bool(yes),
        serde_json::Value::Number(number) => number.as_i64().map_or(Body::Other("a fraction"), Body::Number),
        serde_json::Value::Array(items) => Body::List(items.into_iter().map(node).collect()),
        serde_json::Value::Object(entries) => {
            Body::Table(entries.into_iter().map(|(name, value)| (name, node(value))).collect())
        }
        serde_json::Value::Null => Body::Other("null"),
    };
    Node { line: None, body }
}

/// Reads a list of client tables; `None` when something in it is wrong, which is noted.
pub(super) fn read(node: &Node, place: &Source, reading: &mut Reading<'_>) -> Option<Vec<ClientDeclaration>> {
    let Body::List(items) = &node.body else {
        reading.note(place.clone(), "clients expects a list of tables", "write one [[clients]] table per client");
        return None;
    };
    let before = reading.mistakes.len();
    let mut clients: Vec<ClientDeclaration> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = at(place, item);
        let Some(client) = ClientReader::open(item, index, place.clone(), reading).and_then(ClientReader::finish)
        else {
            continue;
        };
        if clients.iter().any(|other| other.client_id == client.client_id) {
            let what = format!("client {} is declared twice", client.client_id);
            reading.note(place, what, "give each client its own client_id");
        }
        clients.push(client);
    }
    (reading.mistakes.len() == before).then_some(clients)
}

/// The line of `node` in the source of `place`.
fn at(place: &Source, node: &Node) -> Source {
    match place {
        Source::File { path, line } => Source::File { path: path.clone(), line: node.line.or(*line) },
        other => other.clone(),
    }
}

struct ClientReader<'r, 'w> {
    reading: &'r mut Reading<'w>,
    place: Source,
    label: String,
    /// What was typed, by field; a field with a wrong value is missing here and noted.
    fields: BTreeMap<&'static str, (Value, Source)>,
    sound: bool,
}

impl<'r, 'w> ClientReader<'r, 'w> {
    fn open(node: &Node, index: usize, place: Source, reading: &'r mut Reading<'w>) -> Option<Self> {
        let number = index + 1;
        let Body::Table(entries) = &node.body else {
            reading.note(place, format!("client {number} is not a table"), "write one [[clients]] table per client");
            return None;
        };
        let label = entries.iter().find_map(|(name, node)| match &node.body {
            Body::Text(text) if name == "client_id" => Some(format!("client {text:?}")),
            _ => None,
        });
        let label = label.unwrap_or_else(|| format!("client {number}"));
        let mut reader = Self { reading, place, label, fields: BTreeMap::new(), sound: true };
        for (name, node) in entries {
            reader.field(name, node);
        }
        Some(reader)
    }

    fn field(&mut self, name: &str, node: &Node) {
        let place = at(&self.place, node);
        let Some(field) = CLIENT_FIELDS.iter().find(|field| field.name == name) else {
            let known = nearest(name, CLIENT_FIELDS.iter().map(|field| field.name)).unwrap_or_default();
            self.wrong(place, &format!("unknown key `{name}`"), &format!("did you mean `{known}`?"));
            return;
        };
        let called = format!("{}: {name}", self.label);
        match self.reading.accept(&called, Value::from_node(field.kind, node), &place) {
            Some(value) => {
                self.fields.insert(field.name, (value, place));
            }
            None => self.sound = false,
        }
    }

    fn wrong(&mut self, place: Source, what: &str, remedy: &str) {
        self.sound = false;
        let what = format!("{}: {what}", self.label);
        self.reading.note(place, what, remedy);
    }

    fn finish(mut self) -> Option<ClientDeclaration> {
        let client_id = self.client_id();
        let client_type = self.text("type").and_then(|text| word(&text)).unwrap_or(ClientType::Web);
        let client_secret = self.secret();
        self.check_jwks();
        let mut fields = self.settable();
        fields.trusted.get_or_insert(true);
        let method = fields.auth_method.unwrap_or_else(|| usual_method(client_type));
        // With a field already refused, what is missing may be missing for that reason only.
        if self.sound {
            self.check_method(client_type, method, client_secret.is_some(), fields.jwks.is_some());
        }
        let client_id = client_id?;
        let client = ClientDeclaration {
            name: self.text("name").unwrap_or_else(|| client_id.to_string()),
            client_type,
            client_secret,
            fields,
            client_id,
            place: self.place.clone(),
        };
        if self.sound {
            self.check_rules(&client);
        }
        self.sound.then_some(client)
    }

    fn check_rules(&mut self, client: &ClientDeclaration) {
        let Some(rules) = self.reading.client_rules else { return };
        for (field, message) in rules(client) {
            let place = self.fields.get(field).map_or_else(|| self.place.clone(), |(_, place)| place.clone());
            let (what, remedy) = message.split_once(". ").unwrap_or((&message, "correct it"));
            let (first, rest) = remedy.trim_end_matches('.').split_at_checked(1).unwrap_or_default();
            let remedy = format!("{}{rest}", first.to_ascii_lowercase());
            self.wrong(place, &format!("{field}: {}", what.trim_end_matches('.')), &remedy);
        }
    }

    fn client_id(&mut self) -> Option<ClientId> {
        let Some((Value::Text(text), place)) = self.fields.get("client_id").cloned() else {
            if self.sound {
                self.wrong(self.place.clone(), "client_id is missing", "give it one");
            }
            return None;
        };
        let id = ClientId::parse(&text).ok();
        if id.is_none() {
            let remedy = "use 2 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit";
            self.wrong(place, "client_id is malformed", remedy);
        }
        id
    }

    /// The secret from the one of the three fields that may hold or name it.
    fn secret(&mut self) -> Option<Secret<String>> {
        let typed: Vec<(Value, Source)> = ["client_secret", "client_secret_file", "client_secret_env"]
            .iter()
            .filter_map(|name| self.fields.get(name).cloned())
            .collect();
        if typed.len() > 1 {
            let remedy = "use one of client_secret, client_secret_file and client_secret_env";
            self.wrong(self.place.clone(), "more than one secret", remedy);
        }
        if let Some((Value::Text(variable), place)) = self.fields.get("client_secret_env").cloned() {
            return self.secret_of_variable(variable, place);
        }
        let value = match self.fields.get("client_secret_file").cloned() {
            Some((Value::Text(name), place)) => {
                let value = self.reading.secret_file(&name, &place);
                self.sound &= value.is_some();
                value
            }
            _ => self.fields.get("client_secret").map(|(value, _)| value.clone()),
        };
        match value {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    fn secret_of_variable(&mut self, variable: String, place: Source) -> Option<Secret<String>> {
        let text = self.reading.variable(&variable).filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(place, &format!("the variable {variable} holds no text"), "set it to the client's secret");
        }
        self.reading.claimed.insert(variable);
        text.map(Secret::new)
    }

    /// What was typed of what can be set of a client.
    fn settable(&mut self) -> ClientFieldsChange {
        let typed: Map<String, serde_json::Value> = self
            .fields
            .iter()
            .filter(|(name, _)| !NAMING.contains(name))
            .map(|(name, (value, _))| ((*name).to_owned(), json!(value)))
            .collect();
        serde_json::from_value(typed.into()).unwrap_or_else(|_| {
            // Each field has been read by its kind.
            self.wrong(self.place.clone(), "cannot be read", "write its fields as the example file does");
            ClientFieldsChange::default()
        })
    }

    fn check_jwks(&mut self) {
        let Some((Value::Table(jwks), place)) = self.fields.get("jwks") else { return };
        let keys = jwks.get("keys").and_then(serde_json::Value::as_array);
        if keys.is_none_or(|keys| keys.is_empty() || !keys.iter().all(serde_json::Value::is_object)) {
            let remedy = "write it as { keys = [{ kty = \"…\", … }] }";
            self.wrong(place.clone(), "jwks is not a JWK Set with keys", remedy);
        }
    }

    /// RFC 6749 §2.3: a client that can keep a secret has one, another has none.
    fn check_method(&mut self, client_type: ClientType, method: AuthMethod, secret: bool, jwks: bool) {
        let (what, remedy) = match method {
            other if client_type.is_public() && other != AuthMethod::None => (
                format!("a {} client cannot keep a secret", client_type.as_str()),
                "use auth_method = \"none\", or another type",
            ),
            other if other.uses_secret() && !secret => (
                String::from("has no secret"),
                "give it client_secret, client_secret_file or client_secret_env, or auth_method = \"none\"",
            ),
            other if !other.uses_secret() && secret => {
                (format!("has a secret, and auth_method {:?} uses none", other.as_str()), "take the secret out")
            }
            AuthMethod::PrivateKeyJwt if !jwks => (String::from("has no keys"), "give it jwks"),
            _ => return,
        };
        self.wrong(self.place.clone(), &what, remedy);
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The word of a type, as it was typed.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}

/// How a client of this type proves itself when nothing is said.
fn usual_method(client_type: ClientType) -> AuthMethod {
    if client_type.is_public() { AuthMethod::None } else { AuthMethod::ClientSecretBasic }
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;

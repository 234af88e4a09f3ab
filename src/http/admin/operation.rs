//! One method of one path, described.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use utoipa::ToSchema;

use crate::base::json_schema::{self, Parameter, Schemas, named};

/// What a method of a path needs, takes and gives.
#[derive(Clone, Debug)]
pub struct Operation {
    schemas: Schemas,
    method: &'static str,
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    right: Right,
    is_fresh: bool,
    parameters: Vec<Parameter>,
    body: Option<Value>,
    #[cfg(test)]
    reads: Option<Reads>,
    answers: Vec<(u16, Value)>,
    is_file: bool,
}

/// Reads a value as a body. Errors: why it does not fit.
#[cfg(test)]
pub type Reads = fn(&Value) -> Result<(), String>;

/// Who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Anyone who has a credential.
    Known,
    /// Anyone who has this, such as `view on users`.
    Named(&'static str),
    /// It depends on what the request names; in words.
    Depends(&'static str),
    /// The operator at the admin socket.
    Operator,
}

/// A method that answers 200.
fn new(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    let (parameters, answers) = (Vec::new(), Vec::new());
    let (right, is_fresh, schemas) = (Right::Known, false, Schemas::default());
    Operation {
        schemas,
        method,
        path,
        tag: "system",
        summary,
        right,
        is_fresh,
        parameters,
        body: None,
        #[cfg(test)]
        reads: None,
        answers,
        is_file: false,
    }
}

/// An operation that reads, of this path and summary.
pub fn get(path: &'static str, summary: &'static str) -> Operation {
    new("GET", path, summary)
}

/// Makes or does.
pub fn post(path: &'static str, summary: &'static str) -> Operation {
    new("POST", path, summary)
}

/// An operation that changes, of this path and summary.
pub fn patch(path: &'static str, summary: &'static str) -> Operation {
    new("PATCH", path, summary)
}

/// Puts in the place of what is there.
pub fn put(path: &'static str, summary: &'static str) -> Operation {
    new("PUT", path, summary)
}

/// An operation that removes, of this path and summary.
pub fn delete(path: &'static str, summary: &'static str) -> Operation {
    new("DELETE", path, summary)
}

impl Operation {
    /// Needs this right, such as `view on users`.
    pub fn needs(mut self, right: &'static str) -> Self {
        self.right = Right::Named(right);
        self
    }

    /// Needs a right that depends on what the request names.
    pub fn depends(mut self, words: &'static str) -> Self {
        self.right = Right::Depends(words);
        self
    }

    /// Needs a session, if it is one that asks, whose person gave the password lately.
    pub fn fresh(mut self) -> Self {
        self.is_fresh = true;
        self
    }

    /// Is for the operator on the machine.
    pub fn on_the_machine(mut self) -> Self {
        self.right = Right::Operator;
        self
    }

    /// Stands under this heading.
    pub fn under(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// Takes the query parameters that a type describes ([`Params`](crate::http::extract::Params)).
    pub fn asks<T: ToSchema>(mut self) -> Self {
        self.parameters.extend(json_schema::parameters_of::<T>());
        self
    }

    /// Takes this body.
    pub fn takes<T: ToSchema + DeserializeOwned>(mut self) -> Self {
        self.body = Some(self.schemas.add::<T>());
        #[cfg(test)]
        {
            self.reads = Some(|value| T::deserialize(value).map(drop).map_err(|error| error.to_string()));
        }
        self
    }

    /// Answers 200 with this.
    pub fn gives<T: ToSchema>(mut self) -> Self {
        let schema = self.schemas.add::<T>();
        self.answers_with(200, schema)
    }

    /// Answers 200 with an object whose members are not described.
    pub fn gives_anything(self) -> Self {
        self.answers_with(200, json!({"type": "object", "additionalProperties": true}))
    }

    /// Answers 200 with a file, which is no JSON document.
    pub fn gives_file(mut self) -> Self {
        self.is_file = true;
        self
    }

    /// Answers 201 with this.
    pub fn makes<T: ToSchema>(mut self) -> Self {
        let schema = self.schemas.add::<T>();
        self.answers_with(201, schema)
    }

    /// Answers 200 with these, in the shape of a page.
    pub fn lists<T: ToSchema>(mut self) -> Self {
        let of = self.schemas.add::<T>();
        self.answers_with(200, page(&of))
    }

    /// Answers with this status and body.
    fn answers_with(mut self, status: u16, schema: Value) -> Self {
        self.answers.push((status, schema));
        self
    }

    /// Whether it describes this method of this path.
    pub fn is_of(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// Method and path.
    #[cfg(test)]
    pub fn place(&self) -> (&'static str, &'static str) {
        (self.method, self.path)
    }

    /// Who may call it.
    #[cfg(test)]
    pub fn right(&self) -> Right {
        self.right
    }

    /// What its bodies and answers are made of.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// What it takes, and what reads it.
    #[cfg(test)]
    pub fn body(&self) -> Option<(&Value, Reads)> {
        self.body.as_ref().zip(self.reads)
    }

    /// The operation object (OpenAPI 3.1 §4.8.10).
    pub fn document(&self) -> Value {
        let right = match self.right {
            Right::Known => String::from("For anyone who has a credential."),
            Right::Named(right) => format!("Needs {right}."),
            Right::Depends(words) => words.to_owned(),
            Right::Operator => String::from("For the operator at the admin socket; 403 elsewhere."),
        };
        let mut document = json!({
            "operationId": self.id(),
            "tags": [self.tag],
            "summary": self.summary,
            "description": &right,
            "responses": responses(&self.answers),
        });
        let parameters = self.described_parameters();
        if self.is_file
            && let Some(answers) = document.get_mut("responses").and_then(Value::as_object_mut)
        {
            let text = json!({"schema": {"type": "string"}});
            let content = json!({"application/jsonl": text, "text/csv": text});
            answers.insert(String::from("200"), json!({"description": "The file.", "content": content}));
        }
        let Some(members) = document.as_object_mut() else { return document };
        if self.is_fresh {
            let words = format!("{right} A session must be fresh: its person gave the password lately.");
            members.insert(String::from("description"), words.into());
            members.insert(String::from("x-fresh-session"), true.into());
        }
        if let Right::Named(right) = self.right {
            members.insert(String::from("x-right"), right.into());
        }
        if !parameters.is_empty() {
            members.insert(String::from("parameters"), parameters.into());
        }
        if let Some(body) = &self.body {
            let content = json!({"application/json": {"schema": body}});
            members.insert(String::from("requestBody"), json!({"required": true, "content": content}));
        }
        document
    }

    /// `get_users_user`: the method and the words of the path.
    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        [self.method.to_lowercase()].into_iter().chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
    }

    fn described_parameters(&self) -> Vec<Value> {
        let in_path = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path =
            in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
        let in_query = self.parameters.iter().map(|Parameter { name, words, schema, is_needed }| {
            json!({"name": name, "in": "query", "required": is_needed, "description": words, "schema": schema})
        });
        in_path.chain(in_query).collect()
    }
}

/// The operation object of a method that nobody described.
pub fn bare() -> Value {
    json!({"responses": responses(&[])})
}

fn responses(answers: &[(u16, Value)]) -> Value {
    let mut all = Map::new();
    for (status, schema) in answers {
        let words = if *status == 201 { "It is there now." } else { "The answer." };
        let content = json!({"application/json": {"schema": schema}});
        all.insert(status.to_string(), json!({"description": words, "content": content}));
    }
    let refusal = json!({"application/problem+json": {"schema": named("Problem")}});
    all.insert(String::from("default"), json!({"description": "A refusal.", "content": refusal}));
    all.into()
}

/// The shape of every list.
fn page(of: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {"items": {"type": "array", "items": of}, "next": {"type": ["string", "null"]}},
        "required": ["items", "next"],
        "additionalProperties": false,
    })
}

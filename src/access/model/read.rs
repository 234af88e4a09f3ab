//! From a document to its typed form: every mistake in form is noted with its place, and reading goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::expression;
use super::names::{self, NAME_RULE, is_name, quoted};
use super::reader::{Arrow, Reader, member};
use super::{Permission, Rewrite, SubjectRule};
use crate::access::error::Mistake;

/// Most relations of a type.
pub(super) const MAX_RELATIONS: usize = 256;
/// Most permissions of a type.
pub(super) const MAX_PERMISSIONS: usize = 256;
/// Largest document, in bytes of JSON.
pub(super) const MAX_DOCUMENT: usize = 256 * 1024;
/// Largest policy, in bytes.
pub(super) const MAX_POLICY: usize = 10_240;
/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 1000;

const MEMBERS: &[&str] = &["relations", "permissions", "adminBypass", "description"];
const RELATION_MEMBERS: &[&str] =
    &["union", "includes", "anyOf", "allOf", "except", "subjects", "subjectParams", "description"];
const PERMISSION_MEMBERS: &[&str] = &["relation", "description", "policyEngine", "policy"];

/// A document as it was meant.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub relations: BTreeMap<String, Declared>,
    pub permissions: BTreeMap<String, Permission>,
    pub admin_bypass: bool,
}

/// A relation as it was declared: before what others say about it is added.
#[derive(Debug)]
pub(super) struct Declared {
    /// Whose holders can do all that holders of this one can do is this one; it includes these.
    pub includes: Vec<String>,
    pub base: Rewrite,
    pub except: Option<Rewrite>,
    pub subjects: Option<Vec<SubjectRule>>,
}

impl Default for Declared {
    fn default() -> Self {
        Self { includes: Vec::new(), base: Rewrite::Direct, except: None, subjects: None }
    }
}

/// What reading came to.
#[derive(Debug)]
pub(super) struct Reading {
    pub document: Document,
    pub arrows: Vec<Arrow>,
    pub mistakes: Vec<Mistake>,
}

/// Reads a document. Where there is a mistake, the typed form holds what does least harm to the checks that follow.
pub(super) fn read(document: &Map<String, Value>) -> Reading {
    let relations = document.get("relations").and_then(Value::as_object);
    let names = relations.into_iter().flat_map(Map::keys).map(String::as_str);
    let known = names.take(MAX_RELATIONS).collect();
    let mut reader = Reader { known, arrows: Vec::new(), mistakes: Vec::new() };
    let size = serde_json::to_string(document).map_or(usize::MAX, |text| text.len());
    if size > MAX_DOCUMENT {
        reader.note("", format!("the document has {size} bytes; {MAX_DOCUMENT} are allowed"));
        return Reading { document: Document::default(), arrows: Vec::new(), mistakes: reader.mistakes };
    }
    let document = reader.document(document);
    Reading { document, arrows: reader.arrows, mistakes: reader.mistakes }
}

impl<'d> Reader<'d> {
    fn document(&mut self, document: &'d Map<String, Value>) -> Document {
        self.members("", document, MEMBERS);
        self.description("", document);
        let relations = self.table("relations", document.get("relations"), MAX_RELATIONS);
        if document.get("relations").is_none() {
            self.note("relations", "is missing: write {\"relations\": {\"viewer\": {}}, \"permissions\": {\"view\": {\"relation\": \"viewer\"}}}");
        }
        let permissions = self.table("permissions", document.get("permissions"), MAX_PERMISSIONS);
        Document {
            relations: relations.map(|(name, value)| (name.clone(), self.relation(name, value))).collect(),
            permissions: permissions
                .filter_map(|(name, value)| self.permission(name, value).map(|permission| (name.clone(), permission)))
                .collect(),
            admin_bypass: self.flag("adminBypass", document.get("adminBypass"), true),
        }
    }

    /// The entries of an object whose keys are names.
    fn table(
        &mut self,
        at: &str,
        value: Option<&'d Value>,
        most: usize,
    ) -> impl Iterator<Item = (&'d String, &'d Value)> + use<'d> {
        let entries = match value {
            None => None,
            Some(Value::Object(entries)) => Some(entries),
            Some(_) => {
                self.note(at, "must be an object whose keys are names");
                None
            }
        };
        if let Some(count) = entries.map(Map::len).filter(|count| *count > most) {
            self.note(at, format!("holds {count}; {most} are allowed"));
        }
        // What is read of so many, and compared with each other, is bounded as well.
        let entries = entries.filter(|entries| entries.len() <= most);
        for name in entries.into_iter().flat_map(Map::keys).filter(|name| !is_name(name)) {
            self.note(at, format!("{} cannot be a name: {NAME_RULE}", quoted(name)));
        }
        entries.into_iter().flatten()
    }

    fn relation(&mut self, name: &str, value: &Value) -> Declared {
        let at = format!("relations.{name}");
        match value {
            Value::Array(items) if items.is_empty() => Declared::default(),
            Value::Array(items) => {
                let problem = bare_array(name, items);
                self.note(at, problem);
                Declared::default()
            }
            Value::Object(object) => self.declared(&at, name, object),
            _ => {
                self.note(at, "must be {} for a plain relation, or an object with `includes`, `anyOf`, `allOf`, `except` or `subjects`");
                Declared::default()
            }
        }
    }

    fn declared(&mut self, at: &str, name: &str, object: &Map<String, Value>) -> Declared {
        for leaf in ["direct", "relation", "from"].into_iter().filter(|leaf| object.contains_key(*leaf)) {
            self.note(
                format!("{at}.{leaf}"),
                format!("`{leaf}` belongs in a list: write {{\"anyOf\": [{{\"{leaf}\": …}}]}}"),
            );
        }
        let mut known = RELATION_MEMBERS.to_vec();
        known.extend(["direct", "relation", "from"]);
        self.members_of_relation(at, object, &known);
        self.description(at, object);
        self.hierarchy(at, object.get("subjectParams"));
        let mut includes = self.inclusions(at, "union", name, object);
        includes.extend(self.inclusions(at, "includes", name, object));
        let base = expression::base(self, at, object, 1).unwrap_or(Rewrite::Direct);
        let except = expression::except(self, at, object, 1);
        let subjects = object.get("subjects").map(|value| self.subjects(&format!("{at}.subjects"), value));
        // None are left only where there was a mistake.
        let subjects = subjects.filter(|rules| !rules.is_empty());
        Declared { includes, base, except, subjects }
    }

    /// As [`Reader::members`], without offering those that only lists hold.
    fn members_of_relation(&mut self, at: &str, object: &Map<String, Value>, quiet: &[&str]) {
        for name in object.keys().filter(|name| !quiet.contains(&name.as_str())) {
            if self.has_said_enough() {
                return;
            }
            let advice = names::advice(name, RELATION_MEMBERS.iter().copied());
            self.note(member(at, name), format!("{} is not known here: {advice}", quoted(name)));
        }
    }

    fn inclusions(&mut self, at: &str, key: &str, owner: &str, object: &Map<String, Value>) -> Vec<String> {
        let at = format!("{at}.{key}");
        let Some(value) = object.get(key) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            self.note(at, format!("must be a list of relations, such as [\"viewer\"]: `{owner}` then includes them"));
            return Vec::new();
        };
        let mut included = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let at = format!("{at}[{index}]");
            match self.known_relation(&at, Some(item)) {
                Some(name) if name == owner => self.note(at, "a relation includes itself already: remove this"),
                Some(name) => included.push(name),
                None => {}
            }
        }
        included
    }

    fn subjects(&mut self, at: &str, value: &Value) -> Vec<SubjectRule> {
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            self.note(at, "must be a list with at least one kind of subject, such as [\"user\", \"group#member\"]; leave it out to take any");
            return Vec::new();
        };
        let mut rules = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let rule = match item.as_str() {
                Some(text) => SubjectRule::parse(text),
                None => Err(String::from("must be text, such as \"user\" or \"group#member\"")),
            };
            match rule {
                Ok(rule) => rules.push(rule),
                Err(problem) => self.note(format!("{at}[{index}]"), problem),
            }
        }
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// `subjectParams: {"hierarchy": true}` of older models: memberships are followed for every relation anyway.
    fn hierarchy(&mut self, at: &str, value: Option<&Value>) {
        let at = format!("{at}.subjectParams");
        match value {
            None => {}
            Some(Value::Object(params)) => {
                self.members(&at, params, &["hierarchy"]);
                self.flag(&format!("{at}.hierarchy"), params.get("hierarchy"), false);
            }
            Some(_) => self.note(at, "must be an object, such as {\"hierarchy\": true}"),
        }
    }

    fn permission(&mut self, name: &str, value: &Value) -> Option<Permission> {
        let at = format!("permissions.{name}");
        let Value::Object(object) = value else {
            self.note(at, "must be an object such as {\"relation\": \"viewer\"}");
            return None;
        };
        self.members(&at, object, PERMISSION_MEMBERS);
        let description = self.description(&at, object);
        let policy = self.policy(&at, object);
        let relation = self.known_relation(&format!("{at}.relation"), object.get("relation"))?;
        Some(Permission { relation, policy, description })
    }

    fn policy(&mut self, at: &str, object: &Map<String, Value>) -> Option<Arc<str>> {
        let engine = object.get("policyEngine").filter(|value| !value.is_null());
        let policy = object.get("policy").filter(|value| !value.is_null());
        match (engine, policy) {
            (Some(engine), _) if engine.as_str() != Some("lua") => {
                self.note(format!("{at}.policyEngine"), "must be \"lua\": there is no other engine");
                return None;
            }
            (None, Some(_)) => {
                self.note(format!("{at}.policyEngine"), "is missing: a policy needs \"policyEngine\": \"lua\"")
            }
            (Some(_), None) => {
                self.note(format!("{at}.policy"), "is missing: write the script, or remove `policyEngine`")
            }
            _ => {}
        }
        let at = format!("{at}.policy");
        match policy? {
            Value::String(script) if script.trim().is_empty() => {
                self.note(
                    at,
                    "is empty and would deny everybody: write the script, or remove `policy` and `policyEngine`",
                );
            }
            Value::String(script) if script.len() > MAX_POLICY => {
                self.note(at, format!("has {} bytes; {MAX_POLICY} are allowed", script.len()));
            }
            Value::String(script) => return Some(Arc::from(script.as_str())),
            _ => self.note(at, "must be a Lua script, as text"),
        }
        None
    }

    fn description(&mut self, at: &str, object: &Map<String, Value>) -> Option<String> {
        let problem = match object.get("description") {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) if text.len() <= MAX_DESCRIPTION => return Some(text.clone()),
            Some(Value::String(_)) => "is longer than 1000 bytes",
            Some(_) => "must be text",
        };
        self.note(member(at, "description"), problem);
        None
    }

    fn flag(&mut self, at: &str, value: Option<&Value>, absent: bool) -> bool {
        let Some(value) = value else { return absent };
        value.as_bool().unwrap_or_else(|| {
            self.note(at, "must be true or false");
            absent
        })
    }
}

/// Older documents and the program that read them disagreed about the direction of such a list, so nobody may guess it.
fn bare_array(name: &str, items: &[Value]) -> String {
    let listed: Vec<_> = items.iter().filter_map(Value::as_str).collect();
    let includes = serde_json::to_string(&listed).unwrap_or_default();
    let implied: String = listed.iter().map(|other| format!(", {{\"relation\": \"{other}\"}}")).collect();
    let others = listed.join("`, `");
    format!(
        "a bare list does not say in which direction it is meant. If who has `{name}` can also do what `{others}` can, write \
         {{\"includes\": {includes}}}. If who has `{others}` counts as `{name}`, write {{\"anyOf\": [{{\"direct\": true}}{implied}]}}"
    )
}

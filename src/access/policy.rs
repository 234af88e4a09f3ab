//! The context of a policy, and what its answer means. Start reading at [`PolicyInput::context`] and [`evaluate`].

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{BoundedJson, Error, Resource};
use crate::base::Moment;
use crate::base::id::ClientId;
use crate::records::{ApiKey, Client, Group, Tuple, User};
use crate::script::{Fault, Returned, Vm};

/// Members of the context that a caller's own `context` cannot replace.
const RESERVED: &[&str] =
    &["action", "timestamp", "now", "time", "user", "apikey", "resource", "tuple", "caller", "client_id", "request"];

/// Who it is about, as the store knows them. Nothing of it comes from the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    user: Map<String, Value>,
    apikey: Option<Value>,
}

impl Subject {
    /// A person. `groups` are those that they belong to, directly or through others.
    pub fn of_user(user: &User, groups: &[Group]) -> Self {
        Self { user: person(user, "user", groups), apikey: None }
    }

    /// An API key: its owner, marked as acting through it. `groups` are those of the key. What is noted on a key grants
    /// nothing, so policies do not get it.
    pub fn of_key(key: &ApiKey, owner: &User, groups: &[Group]) -> Self {
        Self { user: person(owner, "apikey", groups), apikey: Some(json!({"id": key.id, "name": key.name})) }
    }

    /// A client that acts for itself.
    pub fn of_client(client: &Client, groups: &[Group]) -> Self {
        let known = json!({"id": client.id, "type": "client", "name": client.name, "roles": [], "attributes": {}});
        Self { user: with_groups(known, groups), apikey: None }
    }

    /// A subject of which nothing but its name is known.
    pub fn foreign(kind: &str, id: &str, groups: &[Group]) -> Self {
        Self { user: with_groups(json!({"id": id, "type": kind, "roles": [], "attributes": {}}), groups), apikey: None }
    }
}

/// The person's record. Custom attributes also stand flat, but never in the place of what Auther itself says.
fn person(user: &User, kind: &str, groups: &[Group]) -> Map<String, Value> {
    let role = if user.is_admin() { Some(User::ADMIN) } else { user.roles.first().map(String::as_str) };
    let known = json!({
        "id": user.id,
        "type": kind,
        "name": user.display_name(),
        "email": user.email,
        "email_verified": user.email_verified,
        "username": user.username,
        "role": role.unwrap_or("user"),
        "roles": user.roles,
        "attributes": user.attributes,
        "created_at": user.created_at.rfc3339(),
    });
    let mut whole = with_groups(known, groups);
    copy_flat(&mut whole, &user.attributes);
    whole
}

fn with_groups(known: Value, groups: &[Group]) -> Map<String, Value> {
    let mut whole = if let Value::Object(members) = known { members } else { Map::new() };
    whole.insert(String::from("groups"), groups.iter().map(|group| group.name.as_str()).collect());
    whole.insert(String::from("group_ids"), groups.iter().map(|group| group.id.as_str()).collect());
    whole
}

/// Adds members that are not there yet.
fn copy_flat(target: &mut Map<String, Value>, attributes: &Map<String, Value>) {
    for (name, value) in attributes {
        target.entry(name.as_str()).or_insert_with(|| value.clone());
    }
}

/// Where a question comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// `user`, `apikey`, `client`, `local`, ….
    pub kind: String,
    /// Its identifier, if it has one.
    pub id: Option<String>,
    /// The address that the question came from.
    pub ip: Option<IpAddr>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// Its `Origin`.
    pub origin: Option<String>,
    /// Whether the caller asks about itself: then its request is the subject's own.
    pub is_subject: bool,
}

/// Everything a policy may know.
#[derive(Clone, Copy, Debug)]
pub struct PolicyInput<'a> {
    /// Who it is about.
    pub subject: &'a Subject,
    /// What they want.
    pub permission: &'a str,
    /// `client_abc:invoice`.
    pub entity_type: &'a str,
    pub entity_id: &'a str,
    /// What the caller gives of it.
    pub resource: &'a Resource,
    /// The client whose type it is.
    pub client: Option<&'a ClientId>,
    /// The caller's own `context`.
    pub extra: &'a BoundedJson,
    /// Further members beside it, by name.
    pub properties: &'a [(&'static str, BoundedJson)],
    /// The moment of the check.
    pub now: Moment,
    pub caller: &'a Caller,
}

impl PolicyInput<'_> {
    /// The global `context` of all scripts of the question. [`set_tuple`] adds for each the tuple that it decides
    /// about.
    pub fn context(&self) -> Value {
        let mut context = Map::new();
        for (name, value) in self.extra.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
            context.insert(name.clone(), value.clone());
        }
        for (name, value) in self.properties {
            context.insert((*name).to_owned(), Value::Object(value.members()));
        }
        let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
        set("action", json!(self.permission));
        set("timestamp", json!(self.now.rfc3339()));
        set("now", json!(self.now.seconds()));
        set("time", time(self.now));
        set("user", Value::Object(self.subject.user.clone()));
        set("resource", self.resource());
        set("request", self.request());
        set("caller", self.caller());
        if let Some(apikey) = &self.subject.apikey {
            set("apikey", apikey.clone());
        }
        if let Some(client) = self.client {
            set("client_id", json!(client));
        }
        Value::Object(context)
    }

    /// The attributes stand below `attributes` and flat; flat ones never in the place of `id` and `type`.
    fn resource(&self) -> Value {
        let own_name = self.entity_type.rsplit_once(':').map_or(self.entity_type, |(_, name)| name);
        let mut resource = Map::new();
        resource.insert("id".into(), json!(self.resource.id.as_deref().unwrap_or(self.entity_id)));
        resource.insert("type".into(), json!(self.resource.type_name.as_deref().unwrap_or(own_name)));
        let attributes = self.resource.attributes.members();
        copy_flat(&mut resource, &attributes);
        resource.insert("attributes".into(), Value::Object(attributes));
        Value::Object(resource)
    }

    /// The end user's request, in the caller's words; the caller's own when it asks about itself. A backend's address
    /// is not its user's.
    fn request(&self) -> Value {
        match self.extra.get("request") {
            Some(Value::Object(given)) => Value::Object(given.clone()),
            _ if self.caller.is_subject => json!({
                "ip": self.caller.ip.map(|ip| ip.to_string()),
                "user_agent": self.caller.user_agent,
                "origin": self.caller.origin,
            }),
            _ => json!({}),
        }
    }

    fn caller(&self) -> Value {
        json!({
            "type": self.caller.kind,
            "id": self.caller.id,
            "ip": self.caller.ip.map(|ip| ip.to_string()),
            "user_agent": self.caller.user_agent,
            "origin": self.caller.origin,
        })
    }
}

/// The context of a policy that an author tries out: as a check would make it of what they say. What they do not say is
/// empty, and of this moment. Errors: as [`Resource::of`].
pub fn tried(given: &Map<String, Value>, now: Moment) -> Result<Value, Error> {
    let members = |name: &str| given.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut user = members("user");
    let extra = BoundedJson::new(given.clone())?;
    let resource = Resource::of_question(None, &extra)?.unwrap_or_default();
    let custom = user.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    copy_flat(&mut user, &custom);
    let subject = Subject { user, apikey: None };
    let input = PolicyInput {
        subject: &subject,
        permission: "",
        entity_type: "",
        entity_id: "",
        resource: &resource,
        client: None,
        extra: &extra,
        properties: &[],
        now,
        caller: &Caller::default(),
    };
    let mut context = input.context();
    // An author may say what a caller may not: when it is, and who asks.
    if let Value::Object(made) = &mut context {
        made.extend(
            given
                .iter()
                .filter(|(name, _)| *name != "resource" && *name != "user")
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    Ok(context)
}

/// The parts of a moment in UTC. The week begins with Monday, 1.
fn time(now: Moment) -> Value {
    let Ok(timestamp) = Timestamp::from_millisecond(now.millis()) else { return json!({}) };
    let at = timestamp.to_zoned(TimeZone::UTC);
    json!({
        "year": at.year(),
        "month": at.month(),
        "day": at.day(),
        "hour": at.hour(),
        "minute": at.minute(),
        "second": at.second(),
        "weekday": at.weekday().to_monday_one_offset(),
        "yearday": at.day_of_year(),
    })
}

/// Sets in a context of [`PolicyInput::context`] the tuple that grants, if one does.
pub fn set_tuple(context: &mut Value, tuple: Option<&Tuple>) {
    if let Value::Object(members) = context {
        match tuple {
            Some(tuple) => members.insert(String::from("tuple"), granting(tuple)),
            None => members.remove("tuple"),
        };
    }
}

fn granting(tuple: &Tuple) -> Value {
    let key = &tuple.key;
    json!({
        "id": key.id(),
        "entityType": key.entity_type,
        "entityId": key.entity_id,
        "relation": key.relation,
        "subjectType": key.subject.kind,
        "subjectId": key.subject.id,
        "subjectRelation": key.subject.relation,
    })
}

/// The decision of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyDecision {
    /// It returned `true`.
    Allowed,
    /// It returned something else; with a note when that was not `false`.
    Denied(Option<String>),
    /// It failed or was stopped. That denies.
    Failed(Fault),
}

/// A decision, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEvaluation {
    pub decision: PolicyDecision,
    /// What it returned: `true`, `false`, or the name of another type; `None` when it failed.
    pub returned: Option<&'static str>,
    /// In microseconds.
    pub micros: u64,
}

/// Runs a policy. Only the boolean `true` allows.
pub fn evaluate(vm: &mut Vm, source: &str, context: &Value, now: Moment) -> PolicyEvaluation {
    let evaluation = vm.evaluate(source, context, now);
    let returned = match &evaluation.returned {
        Ok(Returned::Bool(is)) => Some(if *is { "true" } else { "false" }),
        Ok(Returned::Other(kind)) => Some(*kind),
        Err(_) => None,
    };
    let decision = match evaluation.returned {
        Ok(Returned::Bool(true)) => PolicyDecision::Allowed,
        Ok(Returned::Bool(false)) => PolicyDecision::Denied(None),
        Ok(Returned::Other("nil")) => {
            PolicyDecision::Denied(Some(String::from("returned nothing, which counts as deny")))
        }
        Ok(Returned::Other(kind)) => PolicyDecision::Denied(Some(format!("returned a {kind}, which counts as deny"))),
        Err(fault) => PolicyDecision::Failed(fault),
    };
    PolicyEvaluation { decision, returned, micros: evaluation.micros }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::base::id::{ApiKeyId, GroupId, UserId};
    use crate::records::{Profile, SubjectRef, TupleKey};
    use crate::script::Limits;
    use crate::testing::START;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn ann() -> User {
        User {
            id: UserId::new(START, &OsEntropy),
            email: String::from("ann@a.example"),
            email_verified: true,
            username: None,
            profile: Profile { name: Some(String::from("Ann")), ..Profile::default() },
            attributes: object(
                json!({"department": "sales", "id": "usr_other", "role": "boss", "type": "robot", "groups": ["root"]}),
            ),
            roles: vec![String::from("clerk")],
            password: None,
            password_changed_at: None,
            disabled: false,
            created_at: START,
            updated_at: START,
            version: 1,
        }
    }

    fn group(name: &str) -> Group {
        let id = GroupId::new(START, &OsEntropy);
        Group { id, name: name.into(), description: None, created_at: START, updated_at: START, version: 1 }
    }

    fn context(subject: &Subject, resource: &Resource, extra: &Value, caller: &Caller) -> Value {
        let extra = BoundedJson::new(object(extra.clone())).unwrap();
        let (permission, client) = ("refund", "client_abc".parse::<ClientId>().ok());
        let input = PolicyInput {
            subject,
            permission,
            entity_type: "client_abc:invoice",
            entity_id: "inv_1",
            resource,
            client: client.as_ref(),
            extra: &extra,
            properties: &[],
            now: START,
            caller,
        };
        input.context()
    }

    #[test]
    fn attributes_are_visible_twice_and_replace_no_identity() {
        let attributes =
            BoundedJson::new(object(json!({"amount": 900, "id": "inv_2", "type": "gift", "attributes": 1}))).unwrap();
        let resource = Resource { attributes, ..Resource::default() };
        let subject = Subject::of_user(&ann(), &[group("eng")]);
        let context = context(&subject, &resource, &json!({}), &Caller::default());
        assert_eq!(context["resource"]["amount"], 900);
        assert_eq!(context["resource"]["attributes"]["amount"], 900);
        assert_eq!((&context["resource"]["id"], &context["resource"]["type"]), (&json!("inv_1"), &json!("invoice")));
        let user = &context["user"];
        assert_eq!((&user["department"], &user["attributes"]["department"]), (&json!("sales"), &json!("sales")));
        assert_ne!(user["id"], "usr_other");
        assert_eq!((&user["type"], &user["role"], &user["name"]), (&json!("user"), &json!("clerk"), &json!("Ann")));
        assert_eq!((&user["groups"], &user["email_verified"]), (&json!(["eng"]), &json!(true)));
    }

    #[test]
    fn the_caller_cannot_pretend() {
        let lies = json!({
            "action": "read", "timestamp": "x", "now": 0, "time": {}, "user": {"id": "root"}, "apikey": {}, "resource": {}, "tuple": {},
            "caller": {"ip": "::1"}, "client_id": "other", "organization_id": "org_1", "request": {"ip": "203.0.113.9"},
        });
        let subject = Subject::of_user(&ann(), &[]);
        let caller = Caller { kind: "client".into(), ip: Some([192, 0, 2, 7].into()), ..Caller::default() };
        let context = context(&subject, &Resource::default(), &lies, &caller);
        assert_eq!(context["action"], "refund");
        assert_eq!(context["timestamp"], "2026-01-31T12:00:00.000Z");
        assert_eq!(
            (&context["now"], &context["time"]["hour"], &context["time"]["weekday"]),
            (&json!(1_769_860_800), &json!(12), &json!(6))
        );
        assert_ne!(context["user"]["id"], "root");
        assert_eq!((context.get("apikey"), context.get("tuple")), (None, None));
        assert_eq!((&context["caller"]["ip"], &context["client_id"]), (&json!("192.0.2.7"), &json!("client_abc")));
        assert_eq!(context["resource"]["id"], "inv_1");
        assert_eq!((&context["organization_id"], &context["request"]["ip"]), (&json!("org_1"), &json!("203.0.113.9")));
    }

    #[test]
    fn a_callers_address_is_the_users_only_when_it_asks_about_itself() {
        let subject = Subject::of_user(&ann(), &[]);
        let mut caller = Caller { ip: Some([192, 0, 2, 7].into()), ..Caller::default() };
        let of = |caller: &Caller| {
            context(&subject, &Resource::default(), &json!({"request": 1}), caller)["request"].clone()
        };
        assert_eq!(of(&caller), json!({}));
        caller.is_subject = true;
        assert_eq!(of(&caller)["ip"], "192.0.2.7");
    }

    #[test]
    fn a_key_is_its_owner_acting_through_it() {
        let (owner, id) = (ann(), ApiKeyId::new(START, &OsEntropy));
        let key = ApiKey {
            id: id.clone(),
            hash: crate::base::secret::Digest::of("h"),
            name: String::from("ci"),
            start: String::new(),
            prefix: String::new(),
            owner: owner.id.clone(),
            client: None,
            enabled: true,
            expires_at: None,
            rate_limit: None,
            remaining: None,
            refill: None,
            networks: Vec::new(),
            metadata: object(json!({"role": "admin"})),
            last_used_at: None,
            uses: 0,
            created_at: START,
            updated_at: START,
            version: 1,
        };
        let subject = Subject::of_key(&key, &owner, &[]);
        let context = context(&subject, &Resource::default(), &json!({}), &Caller::default());
        assert_eq!((&context["user"]["id"], &context["user"]["type"]), (&json!(owner.id), &json!("apikey")));
        assert_eq!(context["apikey"], json!({"id": id, "name": "ci"}));
        assert!(!context.to_string().contains("\"h\"") && context["user"]["role"] == "clerk");
    }

    #[test]
    fn the_granting_tuple_is_in_the_context() {
        let subject = SubjectRef::new("user", "*");
        let key = TupleKey { entity_type: "doc".into(), entity_id: "*".into(), relation: "viewer".into(), subject };
        let tuple = Tuple { key, condition: None, expires_at: None, created_at: START, updated_at: START };
        let told = granting(&tuple);
        assert_eq!(
            (&told["relation"], &told["entityId"], &told["subjectId"]),
            (&json!("viewer"), &json!("*"), &json!("*"))
        );
    }

    #[test]
    fn only_true_allows() {
        let mut vm = Vm::new(Limits::default()).unwrap();
        let mut decision = |source: &str| evaluate(&mut vm, source, &json!({"resource": {}}), START).decision;
        assert_eq!(decision("return true"), PolicyDecision::Allowed);
        assert_eq!(decision("return false"), PolicyDecision::Denied(None));
        let text = PolicyDecision::Denied(Some(String::from("returned a string, which counts as deny")));
        assert_eq!(decision("return 'true'"), text);
        assert_eq!(
            decision("local a = 1"),
            PolicyDecision::Denied(Some(String::from("returned nothing, which counts as deny")))
        );
        assert!(matches!(
            decision("return context.resource.amount < 1000"),
            PolicyDecision::Failed(Fault::Runtime { .. })
        ));
        assert!(matches!(decision("return"), PolicyDecision::Denied(Some(_))));
        assert!(matches!(decision("return ="), PolicyDecision::Failed(Fault::Syntax { .. })));
    }
}

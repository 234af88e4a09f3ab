//! What AuthZEN requests look like. A member that is not known here is ignored, as the standard has it.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::base::Filled;
use crate::base::json_schema::{Mistake, Rules, Unknown};
use crate::http::extract::{Misfit, Size, read_as};
use crate::http::respond::Refusal;

type Members = Map<String, Value>;

/// Who (AuthZEN 1.0 §5.1).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = AuthzenSubject)]
pub struct Subject {
    pub r#type: Filled,
    pub id: Filled,
    pub properties: Option<Map<String, Value>>,
}

/// On what (§5.2).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = AuthzenResource)]
pub struct Resource {
    pub r#type: Filled,
    pub id: Filled,
    pub properties: Option<Map<String, Value>>,
}

/// What they want (§5.3).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = AuthzenAction)]
pub struct Action {
    pub name: Filled,
    pub properties: Option<Map<String, Value>>,
}

/// What is searched for: all of a type (§8.4, §8.5).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Searched {
    pub r#type: Filled,
    pub properties: Option<Map<String, Value>>,
}

/// Which page of a search (§8.2).
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct PageAsked {
    pub limit: Option<u64>,
    /// The same as `limit`.
    pub size: Option<u64>,
    pub token: Option<String>,
    /// The same as `token`.
    pub next_token: Option<String>,
}

/// Which subjects (§8.4)?
#[derive(Debug, Deserialize, ToSchema)]
pub struct SubjectSearch {
    pub subject: Searched,
    pub action: Action,
    pub resource: Resource,
    pub context: Option<Map<String, Value>>,
    pub page: Option<PageAsked>,
}

/// Which resources (§8.5)?
#[derive(Debug, Deserialize, ToSchema)]
pub struct ResourceSearch {
    pub subject: Subject,
    pub action: Action,
    pub resource: Searched,
    pub context: Option<Map<String, Value>>,
    pub page: Option<PageAsked>,
}

/// Which actions (§8.6)?
#[derive(Debug, Deserialize, ToSchema)]
pub struct ActionSearch {
    pub subject: Subject,
    pub resource: Resource,
    pub context: Option<Map<String, Value>>,
    pub page: Option<PageAsked>,
}

/// What an evaluation says of one of its parts: nothing, so that it is that of the whole; something; or what is not
/// such a part, with every mistake and its place.
#[derive(Debug, Default)]
pub enum Part<T> {
    /// It is not there.
    #[default]
    Absent,
    /// It is this.
    Given(T),
    /// It is there, and wrong.
    Wrong(Vec<Mistake>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Given)
    }
}

impl<T: DeserializeOwned> Part<T> {
    /// The part of this name, taken out of an evaluation.
    fn take(members: &mut Members, name: &str, rules: &Rules) -> Self {
        let Some(value) = members.remove(name) else { return Self::Absent };
        let found = rules.mistakes(&value);
        let placed = |mistake: Mistake| {
            let dot = if mistake.at.is_empty() { "" } else { "." };
            Mistake { at: format!("{name}{dot}{}", mistake.at), ..mistake }
        };
        match T::deserialize(value) {
            Ok(part) if found.is_empty() => Self::Given(part),
            Ok(_) => Self::Wrong(found.into_iter().map(placed).collect()),
            Err(_) if found.is_empty() => Self::Wrong(vec![placed(mistake("This is not accepted."))]),
            Err(_) => Self::Wrong(found.into_iter().map(placed).collect()),
        }
    }
}

fn mistake(message: &str) -> Mistake {
    Mistake { at: String::new(), message: message.to_owned(), is_missing: false }
}

/// One evaluation (§6), as it is sent: what is wrong with it is kept with it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = AuthzenEvaluation)]
pub struct Evaluation {
    #[schema(value_type = Option<Subject>)]
    #[serde(default)]
    pub subject: Part<Subject>,
    #[schema(value_type = Option<Action>)]
    #[serde(default)]
    pub action: Part<Action>,
    #[schema(value_type = Option<Resource>)]
    #[serde(default)]
    pub resource: Part<Resource>,
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    pub context: Part<Option<Map<String, Value>>>,
}

/// How several evaluations are carried out (§7.1.2).
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Options {
    pub evaluations_semantic: Option<Semantic>,
}

/// When the list of evaluations ends (§7.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// With the last.
    ExecuteAll,
    /// With the first denial.
    DenyOnFirstDeny,
    /// With the first that is allowed.
    PermitOnFirstPermit,
}

/// Several evaluations (§7), as they are sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Evaluations {
    #[schema(value_type = Option<Subject>)]
    #[serde(default)]
    subject: Part<Subject>,
    #[schema(value_type = Option<Action>)]
    #[serde(default)]
    action: Part<Action>,
    #[schema(value_type = Option<Resource>)]
    #[serde(default)]
    resource: Part<Resource>,
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    context: Part<Option<Map<String, Value>>>,
    #[schema(value_type = Option<Vec<Evaluation>>)]
    #[serde(default)]
    pub evaluations: Vec<Item>,
    #[schema(value_type = Option<Options>)]
    #[serde(default)]
    pub options: Options,
}

impl Evaluations {
    /// Takes out what stands for all of them.
    pub fn take_whole(&mut self) -> Evaluation {
        let Self { subject, action, resource, context, .. } = self;
        Evaluation {
            subject: std::mem::take(subject),
            action: std::mem::take(action),
            resource: std::mem::take(resource),
            context: std::mem::take(context),
        }
    }
}

/// One of several evaluations.
#[derive(Debug)]
pub enum Item {
    /// It can be asked, or some part of it is wrong.
    Evaluation(Box<Evaluation>),
    /// It is no object.
    NoObject,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Evaluation::deserialize(deserializer).map(|one| Self::Evaluation(Box::new(one)))
    }
}

/// What reads the parts of evaluations one by one, so that a wrong one is known as such and spoils no other.
struct ByPart {
    subject: Rules,
    action: Rules,
    resource: Rules,
    context: Rules,
}

impl ByPart {
    fn new() -> Self {
        Self {
            subject: Rules::of::<Subject>(Unknown::Ignored),
            action: Rules::of::<Action>(Unknown::Ignored),
            resource: Rules::of::<Resource>(Unknown::Ignored),
            context: Rules::of::<Context>(Unknown::Ignored),
        }
    }

    fn take(&self, members: &mut Members) -> Evaluation {
        Evaluation {
            subject: Part::take(members, "subject", &self.subject),
            action: Part::take(members, "action", &self.action),
            resource: Part::take(members, "resource", &self.resource),
            context: Part::take(members, "context", &self.context),
        }
    }

    fn item(&self, value: Value) -> Item {
        match value {
            Value::Object(mut members) => Item::Evaluation(Box::new(self.take(&mut members))),
            _ => Item::NoObject,
        }
    }
}

/// The context of a request, of which nothing is said but that it is an object (§5.4).
struct Context;

impl PartialSchema for Context {
    fn schema() -> RefOr<Schema> {
        let kinds = [Type::Object, Type::Null];
        ObjectBuilder::new().schema_type(SchemaType::from_iter(kinds)).into()
    }
}

impl ToSchema for Context {}

/// A request that is read again, part by part, when it is not as its type says.
pub trait Request: DeserializeOwned + ToSchema + 'static {
    /// The most that it may be.
    const SIZE: Size = Size::Plain;

    /// What can be made of it all the same. Errors: it is refused as a whole.
    fn of_misfit(misfit: Misfit) -> Result<Self, Refusal> {
        Err(misfit.refusal())
    }
}

impl Request for SubjectSearch {}
impl Request for ResourceSearch {}
impl Request for ActionSearch {}

impl Request for Evaluation {
    const SIZE: Size = Size::Long;

    fn of_misfit(misfit: Misfit) -> Result<Self, Refusal> {
        match misfit.value {
            Value::Object(mut members) => Ok(ByPart::new().take(&mut members)),
            _ => Err(misfit.refusal()),
        }
    }
}

impl Request for Evaluations {
    const SIZE: Size = Size::Long;

    fn of_misfit(mut misfit: Misfit) -> Result<Self, Refusal> {
        // What is wrong with a part is told where the part counts.
        misfit.mistakes.retain(|mistake| {
            mistake.at.is_empty() || mistake.at == "evaluations" || mistake.at.starts_with("options")
        });
        let Value::Object(members) = &mut misfit.value else { return Err(misfit.refusal()) };
        let items = match members.remove("evaluations") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(misfit.refusal()),
        };
        let options = members.remove("options").filter(|options| !options.is_null());
        let options = options.map(Options::deserialize).transpose();
        let Ok(options) = options else { return Err(misfit.refusal()) };
        let by_part = ByPart::new();
        let Evaluation { subject, action, resource, context } = by_part.take(members);
        let evaluations = items.into_iter().map(|item| by_part.item(item)).collect();
        Ok(Self { subject, action, resource, context, evaluations, options: options.unwrap_or_default() })
    }
}

/// A request as `T` says. One that is sent as something else than JSON is a bad request there, with 400 (§10.1.2).
pub struct Sent<T>(pub T);

impl<T: Request> FromRequest for Sent<T> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read_as::<T>((T::SIZE, Unknown::Ignored), request.clone(), payload.take());
        Box::pin(async {
            match read.await {
                Ok(Ok(read)) => Ok(Self(read)),
                Ok(Err(misfit)) => T::of_misfit(misfit).map(Self),
                Err(refusal) if refusal.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                    Err(Refusal::malformed(refusal.message().to_owned()))
                }
                Err(refusal) => Err(refusal),
            }
        })
    }
}

//! A question and its caller. The caller comes first: only a known one sends much, and is read at all.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Secret;
use crate::base::json_schema::{Mistake, Unknown, mistakes_of};
use crate::http::extract::params;
use crate::http::extract::{Caller, Credential, Misfit, Query, Size, caller, is_known_now, presented_key, read_as};
use crate::http::respond::{FieldProblem, Refusal};

/// Where those who cannot set a header show their key.
const API_KEY: &str = "apiKey";

/// A request whose body may show a key.
pub trait ShowsKey {
    /// Takes it out.
    fn take_key(&mut self) -> Option<Secret<String>>;
}

/// A caller and what they ask. Anyone who shows a credential outside of the body is proved before the body is read, and
/// may send a megabyte. The body of everybody else is read as a stranger's, small, for the key that it may hold. What
/// does not fit is told to known callers only.
pub struct Asked<T> {
    /// Who asks.
    pub caller: Caller,
    /// What.
    pub body: T,
}

/// The same where the query may hold the members, too, the key among them.
pub struct AskedForList<T> {
    /// Who asks.
    pub caller: Caller,
    /// What.
    pub body: T,
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>>>>;

/// A request, or what is wrong with it and the key that it shows nevertheless.
type Read<T> = Result<T, (Refusal, Option<Secret<String>>)>;

impl<T: DeserializeOwned + ToSchema + ShowsKey + 'static> FromRequest for Asked<T> {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let shown = shown(&request, None).await?;
            let read = read_as::<T>((Size::Long, Unknown::Refused), request.clone(), payload).await?;
            let (caller, body) = proved(&request, shown, read.map_err(of_misfit)).await?;
            Ok(Self { caller, body })
        })
    }
}

impl<T: DeserializeOwned + ToSchema + ShowsKey + 'static> FromRequest for AskedForList<T> {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let query = Query::of(&request)?;
            let in_query = query.find(API_KEY).map(Secret::from);
            let shown = shown(&request, in_query.as_ref()).await?;
            let how = (Size::Plain, Unknown::Refused);
            let read = if query.0.is_empty() {
                read_as::<T>(how, request.clone(), payload).await?.map_err(of_misfit)
            } else {
                match read_as::<Nothing>(how, request.clone(), payload).await? {
                    Ok(Nothing {}) => {
                        params::typed::<T>(query.0, Unknown::Refused).map_err(|found| (of_mistakes(found), None))
                    }
                    Err(misfit) => merged(query, misfit.value)?,
                }
            };
            let (caller, body) = proved(&request, shown, read).await?;
            Ok(Self { caller, body })
        })
    }
}

/// A body without members, as lists have that are asked for by a query.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The body of a request that an app makes. It fits as [`Body`](crate::http::extract::Body) does; what is missing has a
/// code of its own.
pub struct AppBody<T>(pub T);

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for AppBody<T> {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read_as::<T>((Size::Plain, Unknown::Refused), request.clone(), payload.take());
        Box::pin(async { read.await?.map(Self).map_err(|misfit| of_misfit(misfit).0) })
    }
}

/// Whom a credential outside of the body proves. Behind a key that does not work nothing is tried; behind everything
/// else the body may hold one, and the refusal stands only if it does not.
async fn shown(request: &HttpRequest, in_query: Option<&Secret<String>>) -> Result<Result<Caller, Refusal>, Refusal> {
    let shows_key = || presented_key(request, in_query).is_ok_and(|key| key.is_some());
    match caller(request, in_query).await {
        Ok(caller) => {
            is_known_now(request);
            Ok(Ok(caller))
        }
        Err(refusal) if refusal.status() != StatusCode::UNAUTHORIZED || shows_key() => Err(refusal),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The caller, by what was shown outside of the body or by the key in it, and what they ask.
async fn proved<T: ShowsKey>(
    request: &HttpRequest,
    shown: Result<Caller, Refusal>,
    read: Read<T>,
) -> Result<(Caller, T), Refusal> {
    let (key, read) = match read {
        Ok(mut body) => (body.take_key(), Ok(body)),
        Err((refusal, key)) => (key, Err(refusal)),
    };
    let caller = match (shown, key) {
        (shown, None) => shown?,
        // It is in the count already; another key in the body is refused.
        (Ok(shown), Some(key)) if shown.by == Credential::ApiKey => {
            presented_key(request, Some(&key)).map(|_| shown)?
        }
        (_, Some(key)) => caller(request, Some(&key)).await?,
    };
    Ok((caller, read?))
}

fn of_misfit(misfit: Misfit) -> (Refusal, Option<Secret<String>>) {
    let key = misfit.value.get(API_KEY).and_then(Value::as_str).map(Secret::from);
    let is_object = misfit.mistakes.first().is_some_and(|mistake| !mistake.at.is_empty());
    let refusal = if is_object { of_mistakes(misfit.mistakes) } else { misfit.refusal() };
    (refusal, key)
}

/// All mistakes at once: as what is missing, where something is, or else a limit, which has a code of its own.
pub(super) fn of_mistakes(mistakes: Vec<Mistake>) -> Refusal {
    let (is_missing, is_limit) =
        (mistakes.iter().any(|mistake| mistake.is_missing), mistakes.iter().any(|mistake| mistake.at == "limit"));
    let refusal = Refusal::invalid_fields(mistakes.into_iter().map(FieldProblem::from).collect());
    let message = refusal.message().to_owned();
    match (is_missing, is_limit) {
        (true, _) => refusal.saying("missing_fields", message),
        (false, true) => refusal.saying("invalid_limit", message),
        (false, false) => refusal,
    }
}

/// A question that is told partly by the query and partly by the body. Nothing is told twice.
fn merged<T: DeserializeOwned + ToSchema>(query: Query, body: Value) -> Result<Read<T>, Refusal> {
    let Value::Object(mut members) = body else { return Err(Refusal::malformed("The JSON body is no object.")) };
    let mut told = Map::new();
    for (name, value) in query.0 {
        if members.contains_key(&name) || told.contains_key(&name) {
            return Err(Refusal::malformed(format!("The parameter {name} is given twice.")));
        }
        // Numbers are read as such; everything else is text.
        let value = match (&*name, value.parse::<u64>()) {
            ("limit", Ok(number)) => number.into(),
            _ => Value::from(value),
        };
        told.insert(name, value);
    }
    members.append(&mut told);
    let whole = Value::Object(members);
    Ok(T::deserialize(&whole).map_err(|_| {
        let key = whole.get(API_KEY).and_then(Value::as_str).map(Secret::from);
        (of_mistakes(mistakes_of::<T>(&whole, Unknown::Refused)), key)
    }))
}

/// A refusal for what is not there that must be.
pub(super) fn missing(names: &[&str]) -> Refusal {
    let mistake =
        |name: &&str| Mistake { at: (*name).to_owned(), message: String::from("This is missing."), is_missing: true };
    of_mistakes(names.iter().map(mistake).collect())
}

/// A refusal for what does not stand beside something else, or is not as it must be.
pub(super) fn wrong(fields: impl IntoIterator<Item = (String, String)>) -> Refusal {
    Refusal::invalid_fields(fields.into_iter().map(|(field, message)| FieldProblem { field, message }).collect())
}

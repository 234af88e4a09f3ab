//! A question and its caller. The caller comes first: only a known one sends much, and is read at all.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use serde_json::{Map, Value};

use crate::base::Secret;
use crate::http::extract::{Caller, Credential, Input, Query, Size, caller, is_known_now, presented_key, read_object};
use crate::http::respond::Refusal;

/// Where those who cannot set a header show their key.
const API_KEY: &str = "apiKey";

/// A caller and the members of the body, `apiKey` taken out. Anyone who shows a credential outside of the body is
/// proved before the body is read, and may send a megabyte. The body of everybody else is read as a stranger's, small,
/// for the key that it may hold.
pub struct Asked {
    pub caller: Caller,
    pub input: Input,
}

/// The same where the query may hold the members, too, the key among them.
pub struct AskedForList {
    pub caller: Caller,
    pub input: Input,
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>>>>;

impl FromRequest for Asked {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let (caller, input) = asked(&request, payload, (Size::Long, None)).await?;
            Ok(Self { caller, input })
        })
    }
}

impl FromRequest for AskedForList {
    type Error = Refusal;
    type Future = Boxed<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let query = Query::of(&request)?;
            let (caller, input) = asked(&request, payload, (Size::Plain, Some(query))).await?;
            Ok(Self { caller, input })
        })
    }
}

async fn asked(
    request: &HttpRequest,
    payload: Payload,
    (size, query): (Size, Option<Query>),
) -> Result<(Caller, Input), Refusal> {
    let in_query = query.as_ref().and_then(|query| query.find(API_KEY)).map(Secret::from);
    let shows_key = || presented_key(request, in_query.as_ref()).is_ok_and(|key| key.is_some());
    let shown = match caller(request, in_query.as_ref()).await {
        // Behind a key that does not work nothing is tried. Behind everything else the body may hold one.
        Err(refusal) if refusal.status() != StatusCode::UNAUTHORIZED || shows_key() => return Err(refusal),
        shown => shown,
    };
    if shown.is_ok() {
        is_known_now(request);
    }
    let members = read_object(size, request, payload).await?;
    let mut input = Input::new(match query {
        Some(query) => with_query(members, query)?,
        None => members,
    });
    let in_body = input.take::<String>(API_KEY).map(Secret::new);
    let caller = match (shown, in_body) {
        (shown, None) => shown?,
        // It is in the count already; another key in the body is refused.
        (Ok(shown), Some(key)) if shown.by == Credential::ApiKey => {
            presented_key(request, Some(&key)).map(|_| shown)?
        }
        (_, Some(key)) => caller(request, Some(&key)).await?,
    };
    Ok((caller, input))
}

fn with_query(mut members: Map<String, Value>, query: Query) -> Result<Map<String, Value>, Refusal> {
    for (name, value) in query.0 {
        if members.contains_key(&name) {
            return Err(Refusal::malformed(format!("The parameter {name} is given twice.")));
        }
        // Numbers are read as such; everything else is text.
        let value = match (&*name, value.parse::<u64>()) {
            ("limit", Ok(number)) => number.into(),
            _ => Value::from(value),
        };
        members.insert(name, value);
    }
    Ok(members)
}

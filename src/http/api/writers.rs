//! Routes whose right depends on what the request names: anyone who may write nothing there is told so before anything else.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::access::check::{CLIENTS, subject_of};
use crate::access::effective;
use crate::cx::Cx;
use crate::http::extract::{ManageMembers, Right, ViewModels, ViewTuples, has, require};
use crate::http::respond::Refusal;
use crate::records::tuple::ANY;

/// What such a route writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Models.
    Models,
    /// Tuples.
    Tuples,
}

impl What {
    fn entity_type(self) -> &'static str {
        match self {
            Self::Models => ViewModels::ON,
            Self::Tuples => ViewTuples::ON,
        }
    }

    /// What the administrator of a client has, who writes within it.
    fn of_clients(self) -> &'static str {
        match self {
            Self::Models => "manage",
            Self::Tuples => "manage_access",
        }
    }
}

/// Steps that may be taken to find out who may be told what is wrong with a request.
const STEPS: u64 = 5_000;

/// The answer of a route; in the place of any other refusal, who may write none of it at all is told that they lack the permission. What is
/// wrong with a request is for those who could send a right one.
pub fn for_writers(cx: &Cx, what: What, answer: Result<HttpResponse, Refusal>) -> Result<HttpResponse, Refusal> {
    let Err(refusal) = &answer else { return answer };
    let is_of_the_request = refusal.status().is_client_error() && refusal.status() != StatusCode::FORBIDDEN;
    if is_of_the_request && !may_write_some(cx, what)? {
        require(cx, "update", what.entity_type(), ANY)?;
    }
    answer
}

fn may_write_some(cx: &Cx, what: What) -> Result<bool, Refusal> {
    if has(cx, "update", what.entity_type(), ANY)? {
        return Ok(true);
    }
    if what == What::Tuples && has(cx, ManageMembers::TO, ManageMembers::ON, ANY)? {
        return Ok(true);
    }
    let Some(subject) = subject_of(&cx.actor) else { return Ok(false) };
    // Anyone who has too much to look through may be told what is wrong with their request.
    let held = effective::of_subject(&cx.within(STEPS), &subject, None)?;
    let manages = |item: &effective::Item| {
        item.entity_type == CLIENTS && item.permissions.iter().any(|permission| permission == what.of_clients())
    };
    Ok(held.truncated || held.items.iter().any(manages))
}

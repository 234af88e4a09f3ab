//! Routes whose right depends on what the request names: who may write nothing there is refused before anything else is
//! said.

use actix_web::http::StatusCode;

use crate::access::authority::{self, Writable};
use crate::cx::Cx;
use crate::http::respond::HandlerResult;
use crate::records::tuple::ANY;

/// The answer of a route; in the place of any other refusal, who may write none of it at all is told that they lack the
/// permission. What is wrong with a request is for those who could send a right one.
pub fn for_writers(cx: &Cx, what: Writable, answer: HandlerResult) -> HandlerResult {
    let Err(refusal) = &answer else { return answer };
    let is_of_the_request = refusal.status().is_client_error() && refusal.status() != StatusCode::FORBIDDEN;
    if is_of_the_request && !authority::may_write_some(cx, what)? {
        authority::require(cx, "update", (what.entity_type(), ANY))?;
    }
    answer
}

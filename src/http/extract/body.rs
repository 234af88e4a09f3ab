//! Reading a body: bounded in size and in time, and together with all others that are held.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::cx::{is_known, keep_held, operation};
use crate::http::body_budget::{Full, Held, WEIGHT};
use crate::http::respond::Refusal;
use crate::http::state::State;

/// How long a body may take to arrive. The head has a limit of its own in the server's settings. Unit tests wait for
/// the end of it.
pub(in crate::http) const BODY_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 4 } else { 20 });

/// How much of a body that is too large is read all the same, in bytes.
pub(in crate::http) const MOST_DISCARDED: usize = 1024 * 1024;

/// The most that anybody may send who is not known, in bytes, whatever the settings say.
pub(in crate::http) const OF_STRANGERS: usize = 64 * 1024;

/// The whole body, at most `limits.body_bytes` of the settings, or [`OF_STRANGERS`] from who is not known. Waits until
/// those who ask are proved.
pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, Refusal> {
    read_up_to(0, request, payload).await
}

/// The same where bodies of `most` bytes must be taken from known callers whatever the settings say.
pub(super) async fn read_up_to(most: usize, request: &HttpRequest, payload: Payload) -> Result<Bytes, Refusal> {
    let is_known = is_known(request).await;
    let cx = operation(request)?;
    let configured = cx.settings().limits.body_bytes;
    let limit = if is_known { configured.max(most) } else { configured.min(OF_STRANGERS) };
    let state = request.app_data::<State>().ok_or_else(|| Refusal::internal("the application has no state"))?;
    let mut held = state.bodies.open(is_known, cx.request.counted());
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let is_long = declared.is_some_and(|length: u64| u64::try_from(limit).is_ok_and(|limit| length > limit));
    let read = async {
        if is_long { Err(too_large(payload, 0, limit).await) } else { collect(payload, limit, &mut held).await }
    };
    let body = tokio::time::timeout(BODY_TIMEOUT, read).await;
    let body = body.map_err(|_| Refusal::of_status(StatusCode::REQUEST_TIMEOUT))??;
    // What is made of the body is there until the answer is.
    keep_held(request, held);
    Ok(body)
}

/// Refuses, after reading on for a while: over HTTP/2 a caller that is still sending would lose the answer with its
/// stream.
async fn too_large(mut payload: Payload, mut read: usize, limit: usize) -> Refusal {
    while read < MOST_DISCARDED {
        match payload.next().await {
            Some(Ok(chunk)) => read = read.saturating_add(chunk.len()),
            _ => break,
        }
    }
    Refusal::too_large(limit)
}

async fn collect(mut payload: Payload, limit: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::malformed("The request body ended early."))?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(too_large(payload, body.len(), limit).await);
        }
        held.charge(chunk.len().saturating_mul(WEIGHT)).map_err(|Full| Refusal::busy(1))?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The media type of the body in lower case without its parameters; `None` when the request names none.
/// A `charset` other than UTF-8 is refused (RFC 8259 §8.1).
pub(super) fn media_type(request: &HttpRequest) -> Result<Option<String>, Refusal> {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refusal::malformed("Content-Type is not readable."))?.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_owned();
    let foreign = parts
        .filter_map(|part| part.strip_prefix("charset="))
        .any(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"));
    if foreign {
        return Err(Refusal::unsupported("UTF-8"));
    }
    Ok(Some(media_type))
}

//! What a handler leaves unread of a request's body. Over HTTP/2 a body that nobody reads to its end resets the stream,
//! and many a caller then loses the answer: a refusal that needed no body, a sign-out that wants none. So it is read on
//! behind the answer.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::Version;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

use crate::http::extract::body::{BODY_TIMEOUT, MOST_DISCARDED};

/// A body that is read by a handler and, behind it, by us.
#[derive(Clone)]
pub(super) struct Rest(Rc<RefCell<Unread>>);

struct Unread {
    payload: Payload,
    has_ended: bool,
}

/// Shares the body with the handler. `None` where nothing is to be done: HTTP/1 reads to the end by itself.
pub(super) fn share(request: &mut ServiceRequest) -> Option<Rest> {
    if request.version() != Version::HTTP_2 || request.method().is_safe() {
        return None;
    }
    let rest = Rest(Rc::new(RefCell::new(Unread { payload: request.take_payload(), has_ended: false })));
    request.set_payload(Payload::Stream { payload: Box::pin(rest.clone()) });
    Some(rest)
}

impl Rest {
    /// Reads on in the background while the answer goes out, within bounds.
    pub(super) fn read_on(mut self) {
        if self.0.borrow().has_ended {
            return;
        }
        actix_web::rt::spawn(async move {
            let reading = async {
                let mut read = 0_usize;
                while read < MOST_DISCARDED {
                    let Some(Ok(chunk)) = self.next().await else { return };
                    read = read.saturating_add(chunk.len());
                }
            };
            tokio::time::timeout(BODY_TIMEOUT, reading).await
        });
    }
}

impl Stream for Rest {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut unread = self.0.borrow_mut();
        let polled = Pin::new(&mut unread.payload).poll_next(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            unread.has_ended = true;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use actix_web::dev::Service as _;
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, init_service};
    use futures_util::stream;

    use super::*;
    use crate::http::{State, app};
    use crate::testing::TestApp;

    /// How much of a body of three pieces, of `size` bytes each, is read in the end.
    async fn pieces_read(path: &str, version: Version, size: usize) -> (StatusCode, usize) {
        let home = TestApp::with(|_| ());
        let service = init_service(app(State::new(home.parts.clone()))).await;
        let read = Rc::new(Cell::new(0));
        let count = Rc::clone(&read);
        let pieces = (0..3).map(move |_| Ok(Bytes::from(vec![b' '; size])));
        let body = stream::iter(pieces).inspect(move |_| count.set(count.get() + 1));
        let request = TestRequest::post().uri(path).version(version).to_request();
        let body: Pin<Box<dyn Stream<Item = _>>> = Box::pin(body);
        let (request, _) = request.replace_payload(Payload::Stream { payload: body });
        let status = match service.call(request).await {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        (status, read.get())
    }

    #[actix_web::test]
    async fn over_http_2_every_body_is_read_to_its_end() {
        for (path, status) in [
            ("/api/auth/sign-out", StatusCode::OK),
            ("/api/admin/users", StatusCode::UNAUTHORIZED),
            ("/healthz", StatusCode::METHOD_NOT_ALLOWED),
            ("/nowhere", StatusCode::NOT_FOUND),
            ("/api/auth/sign-in/email", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ] {
            assert_eq!(pieces_read(path, Version::HTTP_2, 10).await, (status, 3), "{path}");
        }
        assert_eq!(pieces_read("/healthz", Version::HTTP_11, 10).await.1, 0);
    }

    #[actix_web::test]
    async fn a_body_without_end_is_not() {
        assert_eq!(pieces_read("/healthz", Version::HTTP_2, MOST_DISCARDED).await, (StatusCode::METHOD_NOT_ALLOWED, 1));
    }
}

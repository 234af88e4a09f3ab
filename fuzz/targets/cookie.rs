//! A `Cookie` header: taken apart, and its session token looked up. Nobody is signed in by chance.

#![no_main]

use actix_web::http::header::{self, HeaderValue};
use actix_web::test::TestRequest;
use auther::crypto::token;
use auther::http::cookies::{self, Purpose};
use auther::identity::sessions;
use auther_fuzz::cx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let request = TestRequest::default().insert_header((header::COOKIE, value)).to_http_request();
    let cx = cx();
    for purpose in [Purpose::Session, Purpose::Browser, Purpose::Device] {
        let Some(value) = cookies::find(&request, &cx, purpose) else { continue };
        if let Some((id, secret)) = token::split(&value) {
            assert_eq!(token::compose(id, secret), value, "a token has one spelling");
        }
        let found = sessions::resolve(&cx, &value).expect("a strange token is no fault");
        assert!(found.is_none());
    }
});

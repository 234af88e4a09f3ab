//! A body and an `Authorization` header, separated by the first line end, at the token endpoint: decoded, the client
//! proved, the grant tried. Whatever it is, it is an answer or a refusal that is not our fault.

#![no_main]

use auther::base::authorization::Authorization;
use auther::http::extract::Pairs;
use auther::oauth::{ErrorCode, Params, grants};
use auther_fuzz::{block_on, cx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let line = data.iter().position(|byte| *byte == b'\n');
    let (authorization, body) = line.map_or((None, data), |at| (Some(&data[..at]), &data[at + 1..]));
    let authorization = authorization.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(Authorization::new);
    let Ok(pairs) = Pairs::from_form(body) else { return };
    let Ok(params) = Params::from_pairs(pairs.0) else { return };
    let again = Params::from_query(&params.to_query()).expect("what was written is read");
    assert_eq!(again.to_query(), params.to_query());
    if let Err(error) = block_on(grants::exchange(&cx(), &params, authorization.as_ref())) {
        assert_ne!(error.code, ErrorCode::ServerError, "{error:?}");
    }
});

//! A query at the authorization endpoint. Nothing is redirected anywhere but to the registered URI.

#![no_main]

use auther::http::extract::Pairs;
use auther::identity::interaction::{Interaction, PresentedInteraction, Resume};
use auther::oauth::authorize::{self, Decision, Visit};
use auther::oauth::{Params, redirect};
use auther_fuzz::{REDIRECT_URI, block_on, cx};
use libfuzzer_sys::fuzz_target;

/// The name of the browser that asks.
const BROWSER: &str = "a browser";

fuzz_target!(|data: &[u8]| {
    let Ok(pairs) = Pairs::from_form(data) else { return };
    let Ok(params) = Params::from_pairs(pairs.0) else { return };
    if let Some(uri) = params.find("redirect_uri") {
        assert!(redirect::is_registered(uri, &[uri.to_owned()], false));
        if redirect::check_registrable(uri, redirect::PlainHttp::Loopback).is_ok() {
            let _ = (redirect::origin(uri), redirect::is_origin(uri));
        }
    }
    let cx = cx();
    if let Some(token) = params.find("interaction") {
        let brought = Interaction::open(&cx, token, Some(BROWSER));
        let is_harmless = match brought {
            Ok(PresentedInteraction::Nothing | PresentedInteraction::Unknown) => true,
            // A path of this site stands for itself.
            Ok(PresentedInteraction::Waiting(page)) => matches!(page.resume, Resume::Page(_)),
            Ok(PresentedInteraction::Over { .. }) | Err(_) => false,
        };
        assert!(is_harmless, "nobody can make a token");
    }
    let visit = Visit { browser: BROWSER, signed_in: None, interaction: None };
    match block_on(authorize::decide(&cx, &params, visit)) {
        Ok(Decision::Respond(answer)) => assert_eq!(answer.redirect_uri, REDIRECT_URI),
        Ok(Decision::Ask { interaction, .. }) => {
            assert!(matches!(
                Interaction::open(&cx, &interaction, Some(BROWSER)),
                Ok(PresentedInteraction::Waiting(_))
            ));
        }
        Ok(Decision::Refuse(_)) => {}
        Ok(Decision::DenyAccess(_)) => panic!("nobody is signed in"),
        Err(error) => panic!("an authorization request was our fault: {error:?}"),
    }
});

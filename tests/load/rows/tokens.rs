//! What the token endpoint costs.

use std::cell::RefCell;

use anyhow::{Context, Result};

use super::super::http;
use super::super::run::{Figures, Next, run};
use super::super::seed::{APP, Amounts, CHALLENGE, Person, VERIFIER};
use super::super::server::REDIRECT_URI;
use super::super::table::Row;
use super::super::{Bench, Served};
use super::in_r;

/// Clients at once where nothing waits for the disk.
const FEW: usize = 8;

/// Clients at once where a group commit has somebody to wait for.
const MANY: usize = 64;

pub fn client_credentials_rs256(bench: &Bench) -> Result<Vec<Row>> {
    let figures = client_credentials(bench, "machine-rs256")?;
    Ok(in_r("client_credentials, RS256 JWT", &figures, 1.25, 1.09))
}

pub fn client_credentials_es256(bench: &Bench) -> Result<Vec<Row>> {
    let figures = client_credentials(bench, "machine-es256")?;
    Ok(in_r("client_credentials, ES256 JWT", &figures, 0.28, 0.22))
}

fn client_credentials(bench: &Bench, client: &str) -> Result<Figures> {
    let served = bench.serve(Amounts::default())?;
    let request = served.server.client_credentials(client);
    run(&served.server, &mut [(); FEW], bench.lasting(), async |(), connection| {
        connection.expect(&request, 200).await?;
        Ok(Next::Again)
    })
}

/// Rotation, durable, with the access token that comes with it. Without `openid` there is one signature.
pub fn refresh(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts { people: MANY, signed_in: MANY, ..Amounts::default() })?;
    let mut people = served.seeded.people.clone();
    let figures = run(&served.server, &mut people, bench.lasting(), async |person: &mut Person, connection| {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", &person.refresh), ("scope", "profile")];
        let response = connection.expect(&served.server.token_request(APP, &pairs), 200).await?;
        person.refresh = response.member("refresh_token")?.to_owned();
        Ok(Next::Again)
    })?;
    let what = format!("refresh: rotation, durable, one signature, {MANY} at once");
    Ok(in_r(&what, &figures, 1.5, 1.25))
}

/// A seeded code becomes an access and an id token, and a refresh token.
pub fn code_exchange(bench: &Bench) -> Result<Vec<Row>> {
    let codes = if bench.options.quick { 4_000 } else { 12_000 };
    let served = bench.serve(Amounts { people: 1000, signed_in: 1000, codes, ..Amounts::default() })?;
    let waiting = RefCell::new(served.seeded.codes.clone());
    let figures = run(&served.server, &mut [(); MANY], bench.lasting(), async |(), connection| {
        let code = waiting.borrow_mut().pop();
        let Some(code) = code else { return Ok(Next::Done) };
        connection.expect(&redeem(&served, &code), 200).await?;
        Ok(Next::Again)
    })?;
    let what = format!("code exchange: two signatures, code consumed durably, {MANY} at once");
    Ok(in_r(&what, &figures, 2.8, 2.3))
}

fn redeem(served: &Served, code: &str) -> Vec<u8> {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    served.server.token_request(APP, &pairs)
}

/// One person with a session goes through authorize and token, again and again, one request after the other.
pub fn sign_in_flow(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts { people: 100, signed_in: 100, ..Amounts::default() })?;
    let mut people = served.seeded.people.iter().cycle();
    let alone = std::slice::from_mut(&mut people);
    let figures = run(&served.server, alone, bench.lasting(), async |people, connection| {
        let person = people.next().context("nobody is there")?;
        let asked = connection.expect(&authorize(&served, person), 302).await?;
        let location = asked.header("location").context("a redirect to nowhere")?;
        let location = url::Url::parse(location)?;
        let code = location.query_pairs().find(|(name, _)| name == "code").context("a redirect without a code")?;
        connection.expect(&redeem(&served, &code.1), 200).await?;
        Ok(Next::Again)
    })?;
    Ok(in_r("code + PKCE sign-in end to end, sequential, without the password hash", &figures, 5.0, 3.0))
}

fn authorize(served: &Served, person: &Person) -> Vec<u8> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", APP),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email offline_access"),
            ("state", "af0ifjsldkj"),
            ("nonce", "n-0S6_WzA2Mj"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let cookie = format!("cookie: auther_session={}\r\n", person.session);
    http::get(&served.server.host, &format!("/api/auth/oauth2/authorize?{query}"), &cookie)
}

//! What reading costs: prepared documents, and our own tokens read back.

use anyhow::Result;

use super::super::http;
use super::super::run::{Next, run};
use super::super::seed::{APP, Amounts};
use super::super::server;
use super::super::table::Row;
use super::super::{Bench, Served};
use super::in_r;

/// Clients at once.
const CLIENTS: usize = 8;

pub fn discovery(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts::default())?;
    let request = http::get(&served.server.host, "/.well-known/openid-configuration", "");
    repeat(bench, &served, "discovery", &request, (0.04, 0.025))
}

pub fn jwks(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts::default())?;
    let request = http::get(&served.server.host, "/api/auth/jwks", "");
    repeat(bench, &served, "JWKS", &request, (0.04, 0.025))
}

pub fn introspection(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts { people: 1000, signed_in: 1000, ..Amounts::default() })?;
    let token = access_token(&served)?;
    let pairs = [("token", token.as_str())];
    let request = http::form(&served.server.host, "/api/auth/oauth2/introspect", &server::basic(APP), &pairs);
    repeat(bench, &served, "introspection of a JWT access token", &request, (0.30, 0.20))
}

pub fn userinfo(bench: &Bench) -> Result<Vec<Row>> {
    let served = bench.serve(Amounts { people: 1000, signed_in: 1000, ..Amounts::default() })?;
    let header = format!("authorization: Bearer {}\r\n", access_token(&served)?);
    let request = http::get(&served.server.host, "/api/auth/oauth2/userinfo", &header);
    repeat(bench, &served, "userinfo with a JWT access token", &request, (0.30, 0.20))
}

/// An access token of the first person.
fn access_token(served: &Served) -> Result<String> {
    let refresh = served.seeded.people.first().map_or("", |person| &person.refresh);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let request = served.server.token_request(APP, &pairs);
    let response = http::drive(http::PATIENCE, async {
        http::Connection::open(served.server.address).await?.expect(&request, 200).await
    })?;
    Ok(response.member("access_token")?.to_owned())
}

fn repeat(bench: &Bench, served: &Served, what: &str, request: &[u8], goals: (f64, f64)) -> Result<Vec<Row>> {
    let figures = run(&served.server, &mut [(); CLIENTS], bench.lasting(), async |(), connection| {
        connection.expect(request, 200).await?;
        Ok(Next::Again)
    })?;
    Ok(in_r(what, &figures, goals.0, goals.1))
}

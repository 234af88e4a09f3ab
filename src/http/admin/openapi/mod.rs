//! What the admin API takes and gives, for machines: an OpenAPI 3.1 document.
//!
//! May use: the files of the nouns, which declare their operations beside their handlers, and the registration of the
//! admin API. Tests refuse a route that is not described, a description without a route, a right that the route does
//! not ask for, and an answer that is not as described. Start reading at [`document`].

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use serde_json::{Map, Value, json};

use super::operation::{self, Operation};
use super::{
    Registry, api_keys, audit, audit_export, backup, check, clients, doctor, entry, failures, groups, integration,
    keys, me, models, outbox, overview, policies, sessions, settings, tuples, user_details, user_sign_in, users,
};
use crate::base::json_schema::Schemas;
use crate::http::endpoint::Endpoint;
use crate::http::extract::Manager;
use crate::http::respond::{Problem, Refusal};
use crate::tenant::paths::ADMIN_API;

/// `GET openapi.json`: this document, for anyone who has a credential.
pub async fn show(caller: Manager) -> Result<HttpResponse, Refusal> {
    let tenant = &caller.cx.tenant;
    let text = tenant.admin_api.get_or_init(|| document(&tenant.urls.path(ADMIN_API)).to_string());
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "private, max-age=300")).content_type(ContentType::json());
    Ok(response.body(text.clone()))
}

/// Every operation that is described.
fn operations() -> impl Iterator<Item = Operation> {
    let document = operation::get("openapi.json", "This document").gives_anything();
    let all = [
        users::operations(),
        user_details::operations(),
        user_sign_in::operations(),
        sessions::operations(),
        groups::operations(),
        clients::operations(),
        integration::operations(),
        failures::operations(),
        api_keys::operations(),
        models::operations(),
        tuples::operations(),
        check::operations(),
        policies::operations(),
        vec![document],
        me::operations(),
        overview::operations(),
        settings::operations(),
        doctor::operations(),
        audit::operations(),
        audit_export::operations(),
        outbox::operations(),
        keys::operations(),
        backup::operations(),
        entry::operations(),
    ];
    all.into_iter().flatten()
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Schemas::default();
    schemas.add::<Problem>();
    operations().for_each(|operation| schemas.join(operation.schemas().clone()));
    schemas.finished()
}

/// The paths that are registered, below the API's own, with their methods.
#[derive(Default)]
struct Paths(Vec<(String, Vec<String>)>);

impl Registry for Paths {
    fn service(&mut self, endpoint: Endpoint) -> &mut Self {
        let methods: Vec<String> = endpoint.methods().map(str::to_owned).collect();
        for path in endpoint.paths() {
            self.0.push((
                path.trim_start_matches(ADMIN_API.pattern()).trim_start_matches('/').to_owned(),
                methods.clone(),
            ));
        }
        self
    }
}

fn registered() -> Vec<(String, Vec<String>)> {
    let mut paths = Paths::default();
    super::register(&mut paths);
    paths.0
}

/// The whole document, for the API at this path.
fn document(server: &str) -> Value {
    let described: Vec<Operation> = operations().collect();
    let mut paths = Map::new();
    for (path, methods) in registered() {
        let mut item = Map::new();
        for method in &methods {
            let operation = described.iter().find(|operation| operation.is_of(method, &path));
            item.insert(method.to_lowercase(), operation.map_or_else(operation::bare, Operation::document));
        }
        paths.insert(format!("/{path}"), item.into());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Auther admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that `auther admin` and the admin pages do. Each operation names the right it needs; \
                refusals are problems (RFC 9457) with a stable code and all wrong fields at once.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": server}],
        "security": [{"token": []}, {"api_key": []}, {"client": []}, {"session": []}],
        "tags": [
            {"name": "people", "description": "People, their sessions, and groups."},
            {"name": "apps", "description": "Clients and API keys."},
            {"name": "access", "description": "Models, tuples, questions and policies."},
            {"name": "system", "description": "The installation itself."},
        ],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description":
                "The token of a sign-in, the token an API key was exchanged for, or a client's own access token."},
            "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret."},
            "session": {"type": "apiKey", "in": "cookie", "name": "__Host-auther_session", "description":
                "From pages of this server only."},
        }},
    })
}

#[cfg(test)]
pub(in crate::http) mod tests;
#[cfg(test)]
mod typescript;

//! The data file that tests begin with, made once per run: three people, one client of each kind, keys of each
//! algorithm.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use auther::base::Secret;
use auther::base::clock::ManualClock;
use auther::base::entropy::OsEntropy;
use auther::crypto::jose::{Algorithm, SigningKey};
use auther::cx::Cx;
use auther::identity::users::{self, NewUser};
use auther::oauth::clients::{self, NewClient};
use auther::serve::Server;
use serde_json::{Value, json};

use super::server;

/// The administrator.
pub const ADMIN: &str = "root@example.com";
/// A person with every standard claim and the username `ann`.
pub const ANN: &str = "ann@example.com";
/// A person with nothing but an address.
pub const BOB: &str = "bob@example.com";
/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

/// The file and what cannot be read from it.
pub struct Template {
    pub bytes: Vec<u8>,
    pub secrets: BTreeMap<String, String>,
}

/// The template of this run.
pub fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| std::thread::spawn(|| actix_web::rt::System::new().block_on(make())).join().unwrap())
}

/// The key of the client `signer`, which proves itself with signed assertions.
pub fn key_of_signer() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::ES256, "signer-1").unwrap())
}

async fn make() -> Template {
    let folder = tempfile::tempdir().unwrap();
    let settings = server::settings(folder.path());
    let clock = Arc::new(ManualClock::new(server::START));
    let server = Server::open(settings, clock, Arc::new(OsEntropy)).await.unwrap();
    server.tasks().settle().await.unwrap();
    let app = server.app();
    let cx = Cx::for_system(app.clone());
    people(&cx).await;
    let secrets = apps(&cx).await;
    app.store.close();
    let bytes = std::fs::read(Path::new(&app.settings.data)).unwrap();
    Template { bytes, secrets }
}

async fn people(cx: &Cx) {
    let profile = json!({
        "name": "Ann Archer", "given_name": "Ann", "family_name": "Archer", "middle_name": "B", "nickname": "annie",
        "profile": "https://ann.example/", "picture": "https://ann.example/p.png", "website": "https://ann.example/w",
        "gender": "female", "birthdate": "1990-05-01", "zoneinfo": "Europe/Berlin", "locale": "en",
        "phone_number": "+49 30 1", "phone_number_verified": true, "address": {"formatted": "Street 1, Town"},
    });
    for (email, username, profile, admin) in [
        (ADMIN, None, json!({"name": "Root"}), true),
        (ANN, Some("ann"), profile, false),
        (BOB, None, json!({}), false),
    ] {
        let new = NewUser {
            email: email.to_owned(),
            email_verified: true,
            username: username.map(str::to_owned),
            password: Some(Secret::from(PASSWORD)),
            roles: if admin { vec![String::from("admin")] } else { Vec::new() },
            attributes: serde_json::Map::new(),
            profile: serde_json::from_value(profile).unwrap(),
        };
        users::create(cx, new).await.unwrap();
    }
}

async fn apps(cx: &Cx) -> BTreeMap<String, String> {
    let mut secrets = BTreeMap::new();
    for document in documents() {
        let input: NewClient = serde_json::from_value(document).unwrap();
        let registered = clients::register(cx, &input).await.unwrap();
        if let Some(secret) = registered.secret {
            secrets.insert(registered.client.id.to_string(), secret.expose().clone());
        }
    }
    secrets
}

fn documents() -> Vec<Value> {
    let mut jwk = key_of_signer().public_jwk();
    jwk.insert(String::from("kid"), json!("signer-1"));
    vec![
        json!({"client_id": "wiki", "name": "Wiki", "type": "web", "redirect_uris": ["https://wiki.example.com/callback"],
            "post_logout_redirect_uris": ["https://wiki.example.com/bye"]}),
        json!({"client_id": "shop", "name": "Shop", "type": "web", "redirect_uris": ["https://shop.example.com/cb?a=1"],
            "post_logout_redirect_uris": ["https://shop.example.com/bye"],
            "trusted": true, "token_endpoint_auth_method": "client_secret_post", "signing_alg": "ES256",
            "audiences": ["https://api.example.com", "https://stock.example.com"]}),
        json!({"client_id": "strict", "name": "Strict", "type": "web", "redirect_uris": ["https://strict.example.com/cb"],
            "trusted": true, "require_pkce": true}),
        json!({"client_id": "spa", "name": "Single page", "type": "spa", "redirect_uris": ["https://spa.example.com/cb"],
            "origins": ["https://app.spa.example.com"], "trusted": true, "signing_alg": "EdDSA"}),
        json!({"client_id": "phone", "name": "Phone", "type": "native", "trusted": true,
            "redirect_uris": ["com.example.phone://auth/callback", "http://127.0.0.1/cb"]}),
        json!({"client_id": "robot", "name": "Robot", "type": "m2m", "scopes": ["reports:read", "reports:write"],
            "audiences": ["https://reports.example.com"]}),
        json!({"client_id": "signer", "name": "Signer", "type": "web", "trusted": true,
            "redirect_uris": ["https://signer.example.com/cb"], "jwks": {"keys": [jwk]},
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "signing_alg": "ES256"}),
    ]
}

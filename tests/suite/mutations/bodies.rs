//! Requests that fit their route, and what is done to them.

use reqwest::Url;
use serde_json::{Value, json};

use super::chance::Chance;
use super::{ANN, Credentials};
use crate::harness::{PASSWORD, VERIFIER, challenge};

/// What a body is known by: the end of its route's pattern.
fn fitting(pattern: &str) -> Value {
    let tuple = json!({"entity_type": "doc", "entity_id": "2", "relation": "viewer", "subject_type": "user", "subject_id": ANN});
    let definition = json!({"relations": {"owner": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"read": {"relation": "viewer"}, "pay": {"relation": "owner", "policyEngine": "lua", "policy": "return true"}}});
    let subject = json!({"type": "user", "id": ANN});
    let ends = |end: &str| pattern.ends_with(end);
    match pattern {
        _ if ends("sign-in/email") => json!({"email": ANN, "password": PASSWORD}),
        _ if ends("sign-in/username") => json!({"username": "ann", "password": PASSWORD}),
        _ if ends("sign-up/email") => json!({"email": "new@example.com", "password": PASSWORD, "name": "New"}),
        _ if ends("change-password") => json!({"currentPassword": PASSWORD, "newPassword": "wrong horse battery"}),
        _ if ends("delete-user") => json!({"password": "not the password"}),
        _ if ends("update-user") => json!({"name": "Ann", "username": "ann", "phone": "+41 44 000 00 00"}),
        _ if ends("api-key/create") => json!({"name": "One", "expiresIn": 3600, "metadata": {"a": 1}}),
        _ if ends("api-key/update") => json!({"keyId": "key_0", "name": "Two", "enabled": true}),
        _ if ends("api-key/verify") || ends("api-key/exchange") => json!({"key": "ak_live_0", "apiKey": "ak_live_0"}),
        _ if ends("check-permission") => json!({"entityType": "doc", "entityId": "1", "permission": "pay",
            "resource": {"attributes": {"amount": 3}}, "context": {"a": {"b": [1, 2]}}}),
        _ if ends("check-permission/batch") => {
            json!({"entityType": "doc", "permission": "pay", "entityIds": ["1", "2"],
            "checks": [{"entityType": "doc", "entityId": "1", "permission": "read"}], "context": {"a": 1}})
        }
        _ if ends("list-objects") => json!({"entityType": "doc", "permission": "read", "limit": 10}),
        _ if ends("list-subjects") => json!({"entityType": "doc", "entityId": "1", "permission": "read"}),
        _ if ends("/evaluation") || pattern.contains("/search/") => {
            json!({"subject": subject, "action": {"name": "read"},
            "resource": {"type": "doc", "id": "1", "properties": {"amount": 3}}, "context": {"a": {"b": 1}}})
        }
        _ if ends("/evaluations") => {
            json!({"subject": subject, "action": {"name": "pay"}, "context": {"a": {"b": [1]}},
            "evaluations": [{"resource": {"type": "doc", "id": "1"}}, {"resource": {"type": "doc", "id": "2"}}]})
        }
        _ if ends("/grants") => {
            json!({"entityType": "client_wiki:doc", "entityId": "1", "relation": "viewer", "subjectType": "user", "subjectId": ANN})
        }
        "/api/admin/users" => {
            json!({"email": "eve@example.com", "name": "Eve", "username": "eve", "attributes": {"a": 1}})
        }
        _ if ends("users/{user}") => json!({"name": "Ann", "attributes": {"department": "x"}, "version": 1}),
        _ if ends("users/{user}/password") => json!({"password": PASSWORD}),
        "/api/admin/clients" => {
            json!({"name": "Other", "type": "web", "redirect_uris": ["https://other.example.com/cb"],
            "grant_types": ["authorization_code"], "scopes": ["openid"], "audiences": ["https://api.example.com"]})
        }
        _ if ends("clients/{client}") => {
            json!({"name": "Wiki", "redirect_uris": ["https://wiki.example.com/cb"], "access_token_seconds": 60})
        }
        "/api/admin/groups" => json!({"name": "Staff", "description": "All of them"}),
        _ if ends("groups/{group}") => json!({"name": "Staff", "description": null}),
        _ if pattern.contains("/members") => json!({"subject_type": "user", "subject_id": ANN}),
        _ if ends("models/validate") || ends("models/{type}") || ends("/dry-run") && pattern.contains("models") => {
            json!({"definition": definition, "entity_type": "doc"})
        }
        _ if ends("models/import") => {
            json!({"dsl": "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define viewer: [user]\n"})
        }
        "/api/admin/tuples" | "/api/admin/tuples/remove" => tuple,
        _ if ends("tuples/import") => json!({"tuples": [tuple]}),
        _ if ends("tuples/dry-run") => json!({"add": [tuple], "remove": []}),
        "/api/admin/check" => {
            json!({"subject_type": "user", "subject_id": ANN, "permission": "pay", "entity_type": "doc", "entity_id": "1",
            "resource": {"amount": 3}, "explain": true})
        }
        _ if ends("policies/validate") => json!({"policy": "return context.user.id == 'x'"}),
        _ if ends("policies/test") => json!({"policy": "return true", "context": {"user": {"id": "x"}}}),
        "/api/admin/api-keys" => json!({"name": "Third", "owner": ANN, "expires_in": 60}),
        _ if pattern.contains("api-keys/") => json!({"name": "Fourth", "enabled": false}),
        "/api/admin/invites" => json!({"email": "eve@example.com"}),
        _ if ends("keys/rotate") => json!({"alg": "ES256"}),
        _ => json!({"id": "nothing", "token": "ses_0.x", "clientId": "wiki", "username": "ann", "email": ANN}),
    }
}

/// The fields of a form or query of the OAuth endpoints and the pages.
fn fields(chance: &mut Chance, pattern: &str) -> Vec<(String, String)> {
    let challenge = challenge();
    let pairs: &[(&str, &str)] = match pattern {
        _ if pattern.ends_with("/authorize") => &[
            ("client_id", "wiki"),
            ("redirect_uri", "https://wiki.example.com/cb"),
            ("response_type", "code"),
            ("scope", "openid email offline_access"),
            ("state", "s"),
            ("nonce", "n"),
            ("prompt", "consent"),
            ("max_age", "10"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("claims", "{\"id_token\":{\"email\":null}}"),
            ("login_hint", ANN),
            ("id_token_hint", "a.b.c"),
            ("response_mode", "form_post"),
            ("acr_values", "mfa"),
        ],
        _ if pattern.ends_with("/token") => &[
            ("grant_type", "authorization_code"),
            ("code", "code_0.x"),
            ("redirect_uri", "https://wiki.example.com/cb"),
            ("code_verifier", VERIFIER),
            ("refresh_token", "rt_0.x"),
            ("scope", "openid"),
            ("client_id", "wiki"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", "a.b.c"),
        ],
        _ if pattern.contains("end") && pattern.contains("session") => &[
            ("id_token_hint", "a.b.c"),
            ("post_logout_redirect_uri", "https://wiki.example.com/bye"),
            ("state", "s"),
            ("client_id", "wiki"),
        ],
        _ => &[
            ("identifier", ANN),
            ("password", PASSWORD),
            ("csrf_token", "x.y"),
            ("continue", "a.b"),
            ("token", "lnk_0.x"),
            ("action", "allow"),
            ("limit", "3"),
            ("after", "x"),
            ("search", "a"),
            ("sort", "-created_at"),
            ("entity_type", "doc"),
            ("permission", "read"),
            ("since", "2026-01-01T00:00:00Z"),
            ("client", "wiki"),
            ("token_type_hint", "refresh_token"),
        ],
    };
    let mut pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    pairs.retain(|_| !chance.once_in(4));
    for _ in 0..chance.below(3) {
        let at = chance.below(pairs.len() + 1);
        match chance.below(3) {
            0 => pairs.push((chance.text(), chance.text())),
            1 => pairs.extend(pairs.get(at).cloned()),
            _ => pairs.get_mut(at).into_iter().for_each(|pair| pair.1 = chance.text()),
        }
    }
    pairs
}

fn encoded(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The path of a pattern, with something in the place of each parameter.
fn path(chance: &mut Chance, pattern: &str) -> Vec<u8> {
    let fill = |chance: &mut Chance, name: &str| match name {
        _ if chance.once_in(4) => chance.text(),
        "user" => ANN.to_owned(),
        "client" => String::from("wiki"),
        "group" => String::from("Staff"),
        "type" => String::from("doc"),
        _ => String::from("nothing"),
    };
    let mut url = Url::parse("http://x/").unwrap();
    let parts: Vec<String> = pattern
        .split('/')
        .skip(1)
        .map(|part| match part.strip_prefix('{') {
            Some(name) => fill(chance, name.trim_end_matches('}').split(':').next().unwrap_or_default()),
            None => part.to_owned(),
        })
        .collect();
    url.path_segments_mut().unwrap().clear().extend(&parts);
    let mut path = url.path().as_bytes().to_vec();
    path.truncate(8_000);
    if chance.once_in(8) {
        let at = chance.below(path.len());
        let changes: [&[u8]; 9] = [b"/", b"//", b"%2f", b"%2e%2e/", b";a=1", b"%00", b"%ff", b"\xc3\xa9", b"%"];
        let change = *chance.one_of(&changes);
        if chance.once_in(2) {
            let escaped = format!("%{:02x}", path[at]);
            path.splice(at..=at, escaped.into_bytes());
        } else {
            path.splice(at + 1..at + 1, change.iter().copied());
        }
    }
    path
}

/// Who asks, in header lines.
fn proof(chance: &mut Chance, credentials: &Credentials, pattern: &str) -> String {
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");
    let mut proof = match chance.below(9) {
        0 => String::new(),
        1 | 2 if pattern.starts_with("/api/admin") => bearer(&credentials.root),
        3 if pattern.starts_with("/api/admin") => {
            format!("cookie: auther_session={}\r\nsec-fetch-site: same-origin\r\n", credentials.root)
        }
        4 | 5 => format!("x-api-key: {}\r\n", credentials.key),
        6 => format!("authorization: Basic {}\r\n", credentials.client),
        7 => format!("cookie: auther_session={}; auther_browser=b\r\n", credentials.ann),
        _ => bearer(&credentials.ann),
    };
    if pattern.contains("oauth2") && chance.once_in(2) {
        proof = format!("authorization: Basic {}\r\n", credentials.client);
    }
    if chance.once_in(12) {
        let mut bytes = proof.trim_end().as_bytes().to_vec();
        chance.scratch(&mut bytes);
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        bytes.truncate(3_000);
        proof = format!("{}\r\n", String::from_utf8_lossy(&bytes));
        if !proof.contains(':') {
            proof.clear();
        }
    }
    proof
}

/// A header that changes how a request is taken.
fn odd_header(chance: &mut Chance) -> String {
    const ODD: [&str; 16] = [
        "forwarded: for=unknown",
        "forwarded: for=\"[::1",
        "x-forwarded-for: ",
        "x-forwarded-for: 1.2.3.4, garbage",
        "x-forwarded-host: evil.example",
        "x-request-id: \t!",
        "origin: null",
        "origin: https://evil.example",
        "sec-fetch-mode: cors",
        "sec-fetch-site: cross-site",
        "accept-language: *;q=0.5,,;",
        "if-none-match: *",
        "range: bytes=0-0,-1",
        "expect: 100-continue",
        "accept-encoding: gzip;q=, br",
        "cookie: =;;=; a",
    ];
    if chance.once_in(4) {
        let text: String = chance.text().chars().filter(|c| !c.is_control()).take(2_000).collect();
        return format!("x-odd: {text}\r\n");
    }
    format!("{}\r\n", chance.one_of(&ODD))
}

/// A whole request of this route.
pub fn request(chance: &mut Chance, credentials: &Credentials, method: &str, pattern: &str) -> Vec<u8> {
    const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = if chance.once_in(40) { *chance.one_of(&METHODS) } else { method };
    let mut target = path(chance, pattern);
    let is_form = pattern.contains("oauth2") || !pattern.starts_with("/api") && !pattern.starts_with("/access");
    let has_body = !matches!(method, "GET" | "HEAD" | "OPTIONS");
    if !has_body || chance.once_in(6) {
        let mut query = encoded(&fields(chance, pattern)).into_bytes();
        if chance.once_in(8) {
            chance.scratch(&mut query);
            query.retain(|byte| byte.is_ascii_graphic() && *byte != b'#');
        }
        query.truncate(12_000);
        target.push(b'?');
        target.extend(query);
    }
    let mut body = Vec::new();
    let mut kind = "application/json";
    if has_body && is_form && !chance.once_in(6) {
        kind = "application/x-www-form-urlencoded";
        body = encoded(&fields(chance, pattern)).into_bytes();
    } else if has_body {
        let mut value = fitting(pattern);
        for _ in 0..chance.below(4) {
            chance.change(&mut value);
        }
        body = value.to_string().into_bytes();
    }
    if chance.once_in(8) {
        chance.scratch(&mut body);
    }
    if chance.once_in(40) {
        kind = *chance.one_of(&["text/plain", "application/json; charset=utf-16", "multipart/form-data", "\"", ""]);
    }
    let mut head = [method.as_bytes(), b" ", &target, b" HTTP/1.1\r\nhost: localhost\r\n"].concat();
    head.extend(proof(chance, credentials, pattern).into_bytes());
    if chance.once_in(8) {
        head.extend(odd_header(chance).into_bytes());
    }
    head.extend(format!("content-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes());
    head.extend(body);
    head
}

//! Every kind of token at every place that reads tokens: each is taken where it belongs, and by what it says it is for.

use auther::crypto::jose::Algorithm;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::{Program, exchange, text};
use crate::graph::Graph;
use crate::harness::{ADMIN, ANN, Home, Response, form, payload};

/// The kinds, and the `typ`s that each may have.
const KINDS: [(&str, &[&str]); 3] = [("access", &["JWT", "at+jwt"]), ("id", &["JWT"]), ("key", &["JWT"])];

/// The places, and the kinds that each takes. The last one is asked with an id token of the session.
const PLACES: [(&str, &[&str]); 10] = [
    ("userinfo", &["access"]),
    ("introspection", &["access", "key"]),
    ("check-permission", &["access", "id", "key"]),
    ("list-objects", &["access", "id", "key"]),
    ("evaluation", &["access", "id", "key"]),
    ("verify", &["access", "id", "key"]),
    ("admin API", &["key"]),
    ("get-session", &[]),
    ("hint at authorize", &["id"]),
    ("hint at end-session", &["id"]),
];

/// Whether a place takes a token. A place that knows whose token it is and says no to that is not one that takes it.
async fn is_taken(home: &Home, place: &str, token: &str) -> bool {
    let http = home.browser().http;
    let question = json!({"entityType": "doc", "entityId": "1", "permission": "viewer"});
    let bearer = |method: Method, path: &str, body: &Value| {
        Response::of(http.request(method, home.url(path)).bearer_auth(token).json(body))
    };
    match place {
        "userinfo" => home.app("wiki").userinfo(token).await.status == StatusCode::OK,
        "introspection" => home.app("wiki").introspect(token).await["active"] == true,
        "check-permission" => {
            bearer(Method::POST, "/api/auth/check-permission", &question).await.status == StatusCode::OK
        }
        "list-objects" => {
            let query = form(&[("entityType", "doc"), ("permission", "viewer")]);
            bearer(Method::GET, &format!("/api/auth/list-objects?{query}"), &json!({})).await.status == StatusCode::OK
        }
        "evaluation" => {
            let body = json!({"subject": {"type": "user", "id": "nobody"}, "action": {"name": "viewer"},
                "resource": {"type": "doc", "id": "1"}});
            // Asking about others is another right: it is told apart from who is not known.
            let status = bearer(Method::POST, "/access/v1/evaluation", &body).await.status;
            status == StatusCode::OK || status == StatusCode::FORBIDDEN
        }
        "verify" => {
            bearer(Method::POST, "/api/auth/api-key/verify", &json!({"key": "ak_live_x"})).await.status
                == StatusCode::OK
        }
        "admin API" => bearer(Method::GET, "/api/admin/users", &json!({})).await.status == StatusCode::OK,
        "get-session" => {
            !matches!(&*bearer(Method::GET, "/api/auth/get-session", &json!({})).await.text, "null" | "")
                && bearer(Method::GET, "/api/auth/get-session", &json!({})).await.status == StatusCode::OK
        }
        "hint at authorize" => {
            let browser = home.browser();
            let place = home.app("shop").request("openid", &[("prompt", "none"), ("id_token_hint", token)]);
            let told = browser.get(&place).await.location().to_owned();
            assert!(told.contains("error="), "{told}");
            !told.contains("error=invalid_request")
        }
        _ => {
            let answer = home
                .browser()
                .get(&format!("/api/auth/oauth2/end-session?{}", form(&[("id_token_hint", token)])))
                .await;
            answer.status != StatusCode::BAD_REQUEST
        }
    }
}

/// One token of each kind, for an administrator, whose key may see people.
async fn tokens(home: &Home) -> [(&'static str, String); 3] {
    let graph = Graph::of(home).await;
    graph.model("doc", &json!({"relations": {"viewer": {}}})).await;
    let root = Program::of(home, ADMIN).await;
    let key = root.key(json!({"name": "k", "clientId": "wiki"})).await;
    graph.write(&[&format!("(users, *, viewer, apikey, {})", text(&key, "id"))]).await;
    let exchanged = exchange(home, text(&key, "key")).await.json();
    let given = home.app("wiki").tokens(&home.signed_in(ADMIN).await, ADMIN, "openid").await;
    [("access", given.access.clone()), ("id", given.id.clone()), ("key", text(&exchanged, "token").to_owned())]
}

#[tokio::test]
async fn every_token_says_what_it_is_for_and_each_place_takes_its_own_kinds() {
    let home = Home::new().await;
    for (kind, token) in tokens(&home).await {
        assert_eq!(payload(&token)["token_use"], kind);
        for (place, taken) in PLACES {
            assert_eq!(is_taken(&home, place, &token).await, taken.contains(&kind), "{kind} at {place}");
        }
    }
    let robot = home.app("robot").token(&[("grant_type", "client_credentials")]).await.json();
    let claims = payload(text(&robot, "access_token"));
    assert_eq!((&claims["token_use"], &claims["sub"]), (&json!("access"), &json!("robot")));
}

#[tokio::test]
async fn a_genuine_token_that_says_another_use_or_none_is_taken_nowhere() {
    let home = Home::new().await;
    let cx = home.cx();
    let signer = cx.tenant.keyring.signer(Algorithm::RS256).unwrap();
    for (kind, token) in tokens(&home).await {
        let typs = KINDS.iter().find(|(known, _)| *known == kind).unwrap().1;
        let with = |typ: &str, said: Value| {
            let mut claims = payload(&token);
            claims.as_object_mut().unwrap().retain(|name, _| name != "token_use");
            if !said.is_null() {
                claims["token_use"] = said;
            }
            signer.sign(typ, &claims).unwrap()
        };
        // What is signed here anew is as good as what was given out.
        for (typ, (place, taken)) in typs.iter().flat_map(|typ| PLACES.map(|place| (typ, place))) {
            let same = with(typ, json!(kind));
            assert_eq!(is_taken(&home, place, &same).await, taken.contains(&kind), "{kind} as {typ} at {place}");
        }
        let mut wrong = Vec::new();
        for typ in ["JWT", "at+jwt", "", "jwt+other"] {
            // Each kind under each `typ`, as itself where it may not have it, and as every other kind.
            wrong.extend([Value::Null, json!(""), json!("refresh"), json!([kind])].map(|said| (typ, said)));
            let others = KINDS.iter().map(|(other, _)| *other).filter(|other| *other != kind || !typs.contains(&typ));
            wrong.extend(others.map(|other| (typ, json!(other))));
        }
        for (typ, said) in wrong {
            let token = with(typ, said.clone());
            for (place, _) in PLACES {
                // An id token of before: apps keep theirs for signing out, and it opens nothing.
                let is_older = kind == "id" && said.is_null() && typ == "JWT" && place.starts_with("hint");
                // What says that it is an id token is one: only the claims that are looked for then are missing.
                let is_said = said == "id" && typ == "JWT" && place.starts_with("hint");
                if !is_said {
                    assert_eq!(is_taken(&home, place, &token).await, is_older, "{kind} as {typ} {said} at {place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_another_kind_cannot_be_revoked_in_the_place_of_an_access_token() {
    let home = Home::new().await;
    let wiki = home.app("wiki");
    let given = wiki.tokens(&home.signed_in(ANN).await, ANN, "openid").await;
    let revoke = async |token: &str| {
        assert_eq!(wiki.call("/api/auth/oauth2/revoke", &[("token", token)]).await.status, StatusCode::OK);
    };
    revoke(&given.id).await;
    assert!(is_taken(&home, "userinfo", &given.access).await && is_taken(&home, "verify", &given.id).await);
    revoke(&given.access).await;
    assert!(!is_taken(&home, "userinfo", &given.access).await);
}

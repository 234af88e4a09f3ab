//! Authorization requests of an app that were refused, as its administrators see them, and putting them right.

use std::time::Duration;

use serde_json::json;

use super::*;

impl Desk {
    /// Somebody's browser comes with an app's request.
    async fn authorize(&self, change: &[(&str, &str)]) -> TestResponse {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let mut pairs = vec![
            ("client_id", "grafana"),
            ("redirect_uri", "https://app.example.com/cb"),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "a-state-of-the-app"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
        pairs.extend(change.iter().filter(|(_, value)| !value.is_empty()));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.site.get(&format!("/api/auth/oauth2/authorize?{query}")).await
    }

    async fn failures(&self) -> Vec<Value> {
        self.get("clients/grafana/failures").await.json()["items"].as_array().unwrap().clone()
    }

    async fn fix(&self, client: &str, id: &str) -> TestResponse {
        self.call(Method::POST, &format!("clients/{client}/failures/{id}/fix")).await
    }
}

#[actix_web::test]
async fn a_redirect_uri_that_is_off_by_a_slash_is_shown_and_added_by_one_call() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let sent = "https://app.example.com/cb/";
    assert_eq!(desk.authorize(&[("redirect_uri", sent)]).await.status, StatusCode::BAD_REQUEST);
    let [failure] = &desk.failures().await[..] else { panic!("one failure") };
    assert_eq!(failure["error"], "redirect_uri_mismatch");
    assert_eq!((&failure["sent"], &failure["registered"]), (&json!(sent), &json!("https://app.example.com/cb")));
    assert_eq!(failure["fix"], json!({"field": "redirect_uris", "add": sent}));
    assert!(failure["message"].as_str().unwrap().contains("the last slash"), "{failure}");
    assert!(!failure.to_string().contains("a-state-of-the-app"));
    let id = failure["id"].as_str().unwrap();
    // Neither who may only look nor another app's page puts it right.
    let viewer = desk.lesser("vi@example.com", &[("clients", "viewer")]).await;
    let path = format!("clients/grafana/failures/{id}/fix");
    assert_eq!(desk.call_as(&viewer, Method::GET, "clients/grafana/failures").await.status, StatusCode::OK);
    assert_eq!(desk.call_as(&viewer, Method::POST, &path).await.status, StatusCode::FORBIDDEN);
    let fields = ClientFieldsChange {
        redirect_uris: Some(vec![String::from("https://app.example.com/x")]),
        ..ClientFieldsChange::default()
    };
    let other = NewClient {
        name: Some(String::from("Other")),
        kind: Some(ClientType::Spa),
        client_id: Some(String::from("other")),
        fields,
    };
    register(&desk.site.home.cx(), &other).await.unwrap();
    assert_eq!(desk.fix("other", id).await.status, StatusCode::NOT_FOUND);
    let fixed = desk.fix("grafana", id).await;
    assert_eq!(fixed.status, StatusCode::OK, "{}", fixed.body);
    assert_eq!(fixed.json()["redirect_uris"], json!(["https://app.example.com/cb", sent]));
    assert!(desk.failures().await.is_empty());
    assert_eq!(desk.fix("grafana", id).await.json()["code"], "failure_not_found");
    assert_eq!(desk.authorize(&[("redirect_uri", sent)]).await.status, StatusCode::FOUND);
    let row = desk.get("audit?action=client.fix").await.json()["items"][0].clone();
    assert_eq!((&row["target"], &row["outcome"]), (&json!("grafana"), &json!("success")));
    assert_eq!(row["detail"], json!({"failure": id, "redirect_uri": sent}));
}

#[actix_web::test]
async fn only_an_exact_web_address_on_a_host_of_the_app_can_be_added() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let long = format!("https://app.example.com/{}", "x".repeat(2_030));
    for (number, sent) in [
        "https://evil.example/cb",
        "https://app.example.com.evil.example/cb",
        "https://app.example.com@evil.example/cb",
        "https://sub.app.example.com/cb",
        "https://*.example.com/cb",
        "https://app.example.com/*",
        "https://app.example.com/cb#x",
        "https://app.example.com/a/../cb",
        "http://app.example.com/cb",
        "javascript:alert(1)",
        "myapp://app.example.com/cb",
        "http://localhost:3000/cb",
        "<script>alert(1)</script>",
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        if number % 5 == 0 {
            desk.site.home.advance(Duration::from_mins(1));
        }
        desk.authorize(&[("redirect_uri", sent)]).await;
        let failures = desk.failures().await;
        let failure =
            failures.iter().find(|failure| sent.starts_with(failure["sent"].as_str().unwrap().trim_end_matches('…')));
        let failure = failure.unwrap_or_else(|| panic!("{sent} {failures:?}"));
        assert_eq!(failure["fix"], Value::Null, "{sent}");
        let refused = desk.fix("grafana", failure["id"].as_str().unwrap()).await;
        assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("not_fixable")), "{sent}");
    }
    let client = desk.get("clients/grafana").await.json();
    assert_eq!(client["redirect_uris"], json!(["https://app.example.com/cb"]));
}

#[actix_web::test]
async fn what_else_an_app_does_wrong_is_told_in_words() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    for (name, value, error, sent) in [
        ("scope", "openid everything", "scopes_ignored", json!("everything")),
        ("response_type", "token", "unsupported_response_type", json!("token")),
        ("code_challenge", "", "invalid_request", Value::Null),
        ("redirect_uri", "", "redirect_uri_missing", Value::Null),
    ] {
        let change = if name == "code_challenge" {
            vec![(name, value), ("code_challenge_method", "")]
        } else {
            vec![(name, value)]
        };
        desk.authorize(&change).await;
        // Nobody waits for the note about scopes: what is written after it, is.
        desk.site.home.parts.store.write::<_, crate::store::Error, _>(|_| Ok(())).await.unwrap();
        let failures = desk.failures().await;
        let failure = failures.iter().find(|failure| failure["error"] == error).unwrap_or_else(|| panic!("{error}"));
        assert_eq!((&failure["sent"], &failure["fix"]), (&sent, &Value::Null), "{error}");
        assert!(failure["message"].as_str().unwrap().len() > 10, "{failure}");
    }
    // Good requests and unknown apps leave nothing.
    let before = (desk.failures().await.len(), desk.site.home.parts.store.commits());
    desk.authorize(&[]).await;
    desk.authorize(&[("client_id", "nobody")]).await;
    desk.authorize(&[("client_id", "")]).await;
    assert_eq!((desk.failures().await.len(), desk.site.home.parts.store.commits()), before);
    assert_eq!(desk.get("clients/nobody/failures").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.fix("nobody", "flr_1").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn failures_are_few_counted_and_forgotten() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let sent = "https://app.example.com/real";
    for _ in 0..5 {
        desk.authorize(&[("redirect_uri", sent)]).await;
    }
    assert_eq!(desk.failures().await[0]["count"], 1, "once a minute");
    desk.site.home.advance(Duration::from_mins(1));
    desk.authorize(&[("redirect_uri", sent)]).await;
    assert_eq!(desk.failures().await[0]["count"], 2);
    for number in 0..30 {
        desk.authorize(&[("redirect_uri", &format!("https://evil.example/{number}"))]).await;
    }
    assert_eq!(desk.failures().await.len(), 10, "ten in a minute");
    for number in 0..60 {
        if number % 10 == 0 {
            desk.site.home.advance(Duration::from_mins(1));
        }
        desk.authorize(&[("redirect_uri", &format!("https://evil.example/again/{number}"))]).await;
    }
    let failures = desk.failures().await;
    assert_eq!(failures.len(), 20);
    assert!(failures.iter().any(|failure| failure["sent"] == sent), "what comes again outlives what does not");
    desk.site.home.advance(Duration::from_hours(8 * 24));
    let now = desk.site.home.cx().now;
    let store = &desk.site.home.parts.store;
    let sweep = move |tx: &mut crate::store::Tx| crate::store::rows::expired::sweep(tx, now, 1_000);
    store.write::<_, crate::store::Error, _>(sweep).await.unwrap();
    let cx = desk.site.home.cx();
    let rows = |cx: &crate::cx::Cx| {
        let from = cx.read().unwrap();
        crate::store::rows::failures::of_client(&from, cx.tenant.id, &"grafana".parse().unwrap()).unwrap().len()
    };
    assert_eq!(rows(&cx), 0);
    // They go with their app.
    desk.authorize(&[("redirect_uri", sent)]).await;
    assert_eq!(rows(&cx), 1);
    crate::oauth::clients::delete(&cx, &"grafana".parse().unwrap()).await.unwrap();
    assert_eq!(rows(&cx), 0);
}

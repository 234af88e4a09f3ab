//! Policies, tried out by an administrator.

use serde_json::json;

use super::*;

async fn administrator(site: &Site) -> String {
    site.person("ann@example.com", &["admin"]).await;
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    let answer = site.send(TestRequest::post().uri("/api/auth/sign-in/email").set_json(body)).await;
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn post(site: &Site, token: &str, path: &str, body: Value) -> TestResponse {
    let uri = format!("/api/admin/policies/{path}");
    let authorization = ("authorization", format!("Bearer {token}"));
    site.send(TestRequest::post().uri(&uri).insert_header(authorization).set_json(body)).await
}

#[actix_web::test]
async fn a_policy_is_validated_and_tested() {
    let site = Site::open().await;
    let token = administrator(&site).await;
    let report =
        post(&site, &token, "validate", json!({"script": "os.execute('x')\nreturn context.a =="})).await.json();
    assert_eq!((&report["valid"], &report["errors"][0]["line"]), (&json!(false), &json!(2)));
    let script = "return context.resource.amount < 1000 and os.date('!%Y') == '2026'";
    let test =
        async |context: Value| post(&site, &token, "test", json!({"script": script, "context": context})).await.json();
    let fine = test(json!({"resource": {"amount": 1}})).await;
    assert_eq!((&fine["result"], &fine["returned"], &fine["error"]), (&json!("allowed"), &json!("true"), &Value::Null));
    assert!(fine["execution_time_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(test(json!({"resource": {"amount": 1000}})).await["result"], "denied");
    let lacking = test(json!({"resource": {}})).await;
    assert_eq!(
        (&lacking["result"], &lacking["error"]["code"], &lacking["error"]["line"]),
        (&json!("error"), &json!("runtime_error"), &json!(1))
    );
    let text = post(&site, &token, "test", json!({"script": "return 'true'"})).await.json();
    assert_eq!((&text["result"], &text["returned"]), (&json!("denied"), &json!("string")));
    assert_eq!(text["note"], "returned a string, which counts as deny");
    assert_eq!(post(&site, &token, "test", json!({"script": 1})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(post(&site, "nobody", "test", json!({"script": script})).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn evaluations_and_versions_are_lists() {
    let site = Site::open().await;
    let token = administrator(&site).await;
    let get = async |query: &str| {
        let authorization = ("authorization", format!("Bearer {token}"));
        site.send(TestRequest::get().uri(&format!("/api/admin/policies/{query}")).insert_header(authorization)).await
    };
    let change = crate::access::evaluations::change(
        &site.home.cx(),
        "doc",
        crate::records::PolicyPlace::Permission(String::from("read")),
        Some("return true"),
        None,
    );
    let note = move |tx: &mut crate::store::Tx| {
        crate::store::rows::policy_versions::note_change(tx, crate::base::id::TenantId::DEFAULT, &change)
    };
    assert_eq!(site.home.parts.store.write(note).await, Ok(Some(1)));
    let versions = get("versions?entity_type=doc&permission=read").await.json();
    assert_eq!((&versions["items"][0]["script"], &versions["items"][0]["version"]), (&json!("return true"), &json!(1)));
    assert_eq!(get("evaluations?result=error").await.json(), json!({"items": [], "next": null}));
    for wrong in [
        "versions",
        "versions?entity_type=doc&after=x",
        "versions?entity_type=doc&permission=a&tuple=b",
        "evaluations?result=x",
    ] {
        assert_eq!(get(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

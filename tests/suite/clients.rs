//! How clients prove themselves at the token endpoint, and what a machine gets.

use data_encoding::BASE64;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::graph::{Graph, good};
use crate::harness::{ADMIN, ANN, App, Home, Response, Tokens, form, payload};

const TOKEN: &str = "/api/auth/oauth2/token";

async fn post(app: &App<'_>, path: &str, basic: Option<&str>, body: String) -> Response {
    let request = app.http().post(app.home.url(path)).header("content-type", "application/x-www-form-urlencoded");
    let request = match basic {
        Some(text) => request.header("authorization", format!("Basic {}", BASE64.encode(text.as_bytes()))),
        None => request,
    };
    Response::of(request.body(body)).await
}

fn error(answer: &Response) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn secret(app: &App<'_>) -> String {
    match &app.proof {
        crate::harness::Proof::Basic(secret) | crate::harness::Proof::Post(secret) => secret.clone(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn a_machine_gets_a_token_for_itself() {
    let home = Home::new().await;
    let robot = home.app("robot");
    for path in [TOKEN, "/oauth2/token"] {
        let answer = robot.call(path, &[("grant_type", "client_credentials"), ("scope", "reports:read")]).await;
        let tokens = Tokens::of(&answer);
        let claims = payload(&tokens.access);
        assert_eq!((&claims["sub"], &claims["scope"]), (&json!("robot"), &json!("reports:read")));
        assert_eq!(claims["aud"], "https://reports.example.com");
        assert_eq!((&*tokens.refresh, &*tokens.id), ("", ""));
        assert_eq!(robot.introspect(&tokens.access).await["active"], true);
        assert_eq!(robot.userinfo(&tokens.access).await.status, StatusCode::FORBIDDEN);
    }
    let too_much = robot.token(&[("grant_type", "client_credentials"), ("scope", "reports:delete")]).await;
    assert_eq!(error(&too_much), (400, String::from("invalid_scope")));
    let wrong_grant = robot.token(&[("grant_type", "authorization_code"), ("code", "x")]).await;
    assert_eq!(error(&wrong_grant), (400, String::from("unauthorized_client")));
    let unknown = robot.token(&[("grant_type", "password"), ("username", ANN)]).await;
    assert_eq!(error(&unknown), (400, String::from("unsupported_grant_type")));
}

#[tokio::test]
async fn a_json_body_works_at_the_token_endpoint() {
    let home = Home::new().await;
    let robot = home.app("robot");
    let request = robot.http().post(home.url(TOKEN)).basic_auth("robot", Some(secret(&robot)));
    let answer = Response::of(request.json(&json!({"grant_type": "client_credentials"}))).await;
    Tokens::of(&answer);
}

#[tokio::test]
async fn t06_a_repeated_parameter_is_refused_at_every_endpoint_that_takes_a_form() {
    let home = Home::new().await;
    let robot = home.app("robot");
    let basic = format!("robot:{}", secret(&robot));
    for (path, body) in [
        (TOKEN, "grant_type=client_credentials&grant_type=client_credentials"),
        (TOKEN, "grant_type=client_credentials&scope=a&scope=a"),
        (TOKEN, "grant_type=client_credentials&x=1&x=2"),
        ("/api/auth/oauth2/introspect", "token=a&token=b"),
        ("/api/auth/oauth2/revoke", "token=a&token=b"),
        ("/api/auth/oauth2/userinfo", "access_token=a&access_token=b"),
    ] {
        let authorization = (!path.ends_with("userinfo")).then_some(basic.as_str());
        let answer = post(&robot, path, authorization, body.to_owned()).await;
        assert_eq!(error(&answer), (400, String::from("invalid_request")), "{path} {body}");
    }
    let twice = json!({"grant_type": "client_credentials"}).to_string().replace('}', ",\"grant_type\":\"x\"}");
    let request = robot.http().post(home.url(TOKEN)).basic_auth("robot", Some(secret(&robot)));
    let answer = Response::of(request.header("content-type", "application/json").body(twice)).await;
    assert_eq!(error(&answer), (400, String::from("invalid_request")));
}

#[tokio::test]
async fn a_client_proves_itself_in_its_registered_way_only() {
    let home = Home::new().await;
    let (robot, shop) = (home.app("robot"), home.app("shop"));
    let (own, shops) = (secret(&robot), secret(&shop));
    let wanted = ("grant_type", "client_credentials");
    let by_post = form(&[wanted, ("client_id", "robot"), ("client_secret", &own)]);
    Tokens::of(&post(&robot, TOKEN, None, by_post.clone()).await);
    let refused = (401, String::from("invalid_client"));
    let public = form(&[wanted, ("client_id", "spa"), ("client_secret", "x")]);
    assert_eq!(error(&post(&robot, TOKEN, None, public).await), refused, "a secret of a public client");
    let signer = form(&[wanted, ("client_id", "signer"), ("client_secret", "x")]);
    assert_eq!(error(&post(&robot, TOKEN, None, signer).await), refused, "a secret instead of an assertion");
    assert_eq!(error(&post(&robot, TOKEN, None, form(&[wanted, ("client_id", "robot")])).await), refused, "nothing");
    assert_eq!(error(&post(&robot, TOKEN, None, form(&[wanted])).await), refused);
    let wrong = post(&robot, TOKEN, Some("robot:wrong"), form(&[wanted])).await;
    assert_eq!(error(&wrong), refused);
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    let case = post(&robot, TOKEN, Some(&format!("ROBOT:{own}")), form(&[wanted])).await;
    assert_eq!(error(&case), refused, "t15: ids are compared byte by byte");
    let both = post(&robot, TOKEN, Some(&format!("robot:{own}")), by_post).await;
    assert_eq!(error(&both), (400, String::from("invalid_request")));
    let foreign = form(&[wanted, ("client_id", "shop"), ("client_secret", &own)]);
    assert_eq!(error(&post(&robot, TOKEN, None, foreign).await), refused, "another's secret");
    let names = post(&robot, TOKEN, Some(&format!("robot:{own}")), form(&[wanted, ("client_id", "shop")])).await;
    assert_eq!(error(&names), refused);
    let grant = post(&shop, TOKEN, None, form(&[wanted, ("client_id", "shop"), ("client_secret", &shops)])).await;
    assert_eq!(error(&grant), (400, String::from("unauthorized_client")), "known, but not for this grant");
    let encoded: String = own.bytes().map(|byte| format!("%{byte:02X}")).collect();
    Tokens::of(&post(&robot, TOKEN, Some(&format!("%72obot:{encoded}")), form(&[wanted])).await);
}

#[tokio::test]
async fn t15_an_assertion_works_once_and_a_restart_does_not_forget() {
    let home = Home::new().await;
    let assertion = home.app("signer").assertion("the-one", &json!({}));
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ]);
    let refused = (401, String::from("invalid_client"));
    let origin = home.origin.clone();
    Tokens::of(&post(&home.app("signer"), TOKEN, None, body.clone()).await);
    assert_eq!(error(&post(&home.app("signer"), TOKEN, None, body.clone()).await), refused);
    let audience = json!({ "aud": origin });
    let home = home.restart().await;
    let again = home.app("signer").assertion("the-one", &json!({}));
    assert_ne!(home.app("signer").assertion("x", &audience), again);
    let replay = form(&[
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &again),
    ]);
    assert_eq!(error(&post(&home.app("signer"), TOKEN, None, replay).await), refused, "the same jti");
    Tokens::of(&home.app("signer").token(&[("grant_type", "client_credentials")]).await);
}

#[tokio::test]
async fn t15_t16_t17_an_assertion_must_say_what_it_must() {
    let home = Home::new().await;
    let signer = home.app("signer");
    let now = home.now().seconds();
    let changes: [(Value, bool); 17] = [
        (json!({}), true),
        (json!({"aud": [home.url(TOKEN)]}), true),
        (json!({"aud": null}), false),
        (json!({"aud": ""}), false),
        (json!({"aud": []}), false),
        (json!({"aud": "https://other.example"}), false),
        (json!({"iss": "robot"}), false),
        (json!({"iss": null}), false),
        (json!({"sub": "robot"}), false),
        (json!({"jti": null}), false),
        (json!({"jti": ""}), false),
        (json!({"exp": null}), false),
        (json!({"exp": now - 31}), false),
        (json!({"exp": now + 3_600}), true),
        (json!({"exp": now + 3_640}), false),
        (json!({"exp": (now + 60) * 1000}), false),
        (json!({"nbf": now + 300}), false),
    ];
    for (number, (change, fine)) in changes.iter().enumerate() {
        let assertion = signer.assertion(&format!("jti {number}"), change);
        let body = form(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ]);
        let answer = post(&signer, TOKEN, None, body).await;
        let wanted = if *fine { (200, String::new()) } else { (401, String::from("invalid_client")) };
        assert_eq!(error(&answer), wanted, "{change}");
    }
}

#[tokio::test]
async fn t39_what_a_client_says_about_itself_grants_nothing() {
    let home = Home::new().await;
    let (robot, browser) = (home.app("robot"), home.browser());
    let body =
        [("grant_type", "client_credentials"), ("roles", "admin"), ("aud", "x"), ("sub", "root"), ("trusted", "true")];
    let claims = payload(&Tokens::of(&robot.token(&body).await).access);
    assert_eq!((&claims["sub"], &claims["roles"]), (&json!("robot"), &Value::Null));
    assert_eq!(claims["aud"], "https://reports.example.com");
    browser.sign_in(ANN).await;
    let update = browser.call("/api/auth/update-user", &json!({"name": "Ann", "role": "admin"})).await;
    assert!(update.status.is_client_error(), "{}", update.text);
    let request = browser.http.get(home.url("/api/admin/users")).bearer_auth(browser.session_token());
    assert_eq!(Response::of(request).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn t02_t05_t16_what_confuses_cannot_be_registered() {
    let home = Home::new().await;
    let admin = home.signed_in(ADMIN).await;
    let register = async |change: Value| {
        let mut body = json!({"name": "New", "type": "web", "redirect_uris": ["https://new.example.com/cb"]});
        change.as_object().unwrap().iter().for_each(|(name, value)| body[name.as_str()] = value.clone());
        let request = admin.http.post(home.url("/api/admin/clients")).bearer_auth(admin.session_token());
        Response::of(request.json(&body)).await
    };
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user@new.example.com/cb",
        "https://new.example.com@evil.example/cb",
        "https://new.example.com/cb#f",
        "https://*.example.com/cb",
        "http://new.example.com/cb",
        "https://new.example.com/a/../cb",
        "https://NEW.example.com/cb",
        "https://new.example.com:443/cb",
        "https://new.example.com\\@evil.example/",
        "//new.example.com/cb",
        "/cb",
        "",
        "https://b\u{fc}cher.example/cb",
    ] {
        for field in ["redirect_uris", "post_logout_redirect_uris"] {
            let answer = register(json!({ field: [uri] })).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field} {uri}: {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    for change in [
        json!({"client_id": "../x"}),
        json!({"client_id": "wiki"}),
        json!({"audiences": [""]}),
        json!({"grant_types": ["implicit"]}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"type": "spa", "token_endpoint_auth_method": "client_secret_basic"}),
        json!({"signing_alg": "none"}),
        json!({"secrets": []}),
        json!({"name": ""}),
    ] {
        let answer = register(change.clone()).await;
        assert!(matches!(answer.status.as_u16(), 400 | 409), "{change} {}: {}", answer.status, answer.text);
    }
    assert_eq!(register(json!({})).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bug_class_50_a_token_of_a_client_that_is_gone_speaks_for_no_other_of_its_id() {
    let home = Home::new().await;
    let robot = home.app("robot");
    let old = Tokens::of(&robot.token(&[("grant_type", "client_credentials")]).await).access;
    let graph = Graph::of(&home).await;
    let callers = async |token: &str| {
        Response::of(robot.http().get(home.url("/api/admin/me")).bearer_auth(token)).await.status.as_u16()
    };
    assert_eq!(callers(&old).await, 200);
    good(&graph.admin.send(reqwest::Method::DELETE, "/api/admin/clients/robot", json!({})).await);
    assert_eq!(callers(&old).await, 401);
    home.advance(std::time::Duration::from_secs(2)).await;
    let new = json!({"client_id": "robot", "name": "Another", "type": "m2m"});
    let secret = good(&graph.post("/api/admin/clients", new).await)["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(callers(&old).await, 401, "the old token is the new client's");
    let another = App::new(&home, "robot", "", crate::harness::Proof::Basic(secret));
    let fresh = Tokens::of(&another.token(&[("grant_type", "client_credentials")]).await).access;
    assert_eq!(callers(&fresh).await, 200);
    assert_eq!(another.introspect(&old).await["active"], false);
}

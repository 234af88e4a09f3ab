//! A relying party.

use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::template::template;
use super::{Browser, Home, Response, VERIFIER, challenge, form, key_of_signer};

/// Assertions made so far: each has its own `jti`.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// How an app proves itself.
#[derive(Clone, Debug)]
pub enum Proof {
    Basic(String),
    Post(String),
    Assertion,
    None,
}

/// A client of the server.
pub struct App<'h> {
    pub home: &'h Home,
    pub id: String,
    pub redirect_uri: String,
    pub proof: Proof,
    http: Client,
}

/// What came back to the redirect URI.
#[derive(Clone, Debug)]
pub struct Callback {
    pub uri: String,
    pairs: Vec<(String, String)>,
}

impl Callback {
    /// Of the address that the browser was sent to.
    pub fn of(location: &str) -> Self {
        let url = Url::parse(location).unwrap_or_else(|_| panic!("no address: {location}"));
        let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { uri: location.split('?').next().unwrap().to_owned(), pairs }
    }

    /// A parameter; empty when it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The code; there is one.
    pub fn code(&self) -> &str {
        assert!(!self.get("code").is_empty(), "{:?}", self.pairs);
        self.get("code")
    }
}

/// A successful answer of the token endpoint.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub id: String,
    pub refresh: String,
    pub body: Value,
}

impl Tokens {
    /// Of an answer, which must be good.
    pub fn of(answer: &Response) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), id: text("id_token"), refresh: text("refresh_token"), body }
    }
}

/// The claims of a JWT, unverified.
pub fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap_or_else(|| panic!("no JWT: {token}"));
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

impl<'h> App<'h> {
    /// A client of the template.
    pub fn of_template(home: &'h Home, id: &str) -> Self {
        let secret = template().secrets.get(id).cloned();
        let (redirect_uri, proof) = match id {
            "wiki" => ("https://wiki.example.com/callback", Proof::Basic(secret.unwrap())),
            "shop" => ("https://shop.example.com/cb?a=1", Proof::Post(secret.unwrap())),
            "strict" => ("https://strict.example.com/cb", Proof::Basic(secret.unwrap())),
            "spa" => ("https://spa.example.com/cb", Proof::None),
            "phone" => ("com.example.phone://auth/callback", Proof::None),
            "robot" => ("", Proof::Basic(secret.unwrap())),
            "signer" => ("https://signer.example.com/cb", Proof::Assertion),
            other => panic!("no client {other}"),
        };
        Self::new(home, id, redirect_uri, proof)
    }

    /// Any client.
    pub fn new(home: &'h Home, id: &str, redirect_uri: &str, proof: Proof) -> Self {
        let http = Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap();
        Self { home, id: id.to_owned(), redirect_uri: redirect_uri.to_owned(), proof, http }
    }

    fn needs_pkce(&self) -> bool {
        matches!(self.proof, Proof::None) || self.id == "strict"
    }

    /// The query of an authorization request with state and nonce, and PKCE where this client needs it; `extra`
    /// replaces parameters of the same name, an empty value removes.
    pub fn query(&self, scope: &str, extra: &[(&str, &str)]) -> String {
        let challenge = challenge();
        let mut pairs = vec![
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "st&ate=1"),
            ("nonce", "n-1"),
        ];
        if self.needs_pkce() {
            pairs.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        pairs.retain(|(name, _)| extra.iter().all(|(other, _)| name != other));
        pairs.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
        form(&pairs)
    }

    /// The path of an authorization request.
    pub fn request(&self, scope: &str, extra: &[(&str, &str)]) -> String {
        format!("/api/auth/oauth2/authorize?{}", self.query(scope, extra))
    }

    /// Sends a person through the authorization request.
    pub async fn code(&self, browser: &Browser, who: &str, scope: &str) -> String {
        browser.authorize_as(who, &self.request(scope, &[])).await.code().to_owned()
    }

    /// The whole journey.
    pub async fn tokens(&self, browser: &Browser, who: &str, scope: &str) -> Tokens {
        let code = self.code(browser, who, scope).await;
        Tokens::of(&self.redeem(&code).await)
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Response {
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &*self.redirect_uri)];
        if self.needs_pkce() {
            pairs.push(("code_verifier", VERIFIER));
        }
        self.token(&pairs).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, token: &str) -> Response {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Calls the token endpoint with the client's proof.
    pub async fn token(&self, pairs: &[(&str, &str)]) -> Response {
        self.call("/api/auth/oauth2/token", pairs).await
    }

    /// Asks what a token is.
    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.call("/api/auth/oauth2/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    /// Calls an endpoint with a form and the client's proof.
    pub async fn call(&self, path: &str, pairs: &[(&str, &str)]) -> Response {
        let mut pairs = pairs.to_vec();
        let assertion = self.assertion(&format!("jti-{}", COUNT.fetch_add(1, Ordering::Relaxed)), &json!({}));
        let mut basic = None;
        match &self.proof {
            Proof::Basic(secret) => basic = Some(BASE64.encode(format!("{}:{secret}", self.id).as_bytes())),
            Proof::Post(secret) => pairs.extend([("client_id", self.id.as_str()), ("client_secret", secret.as_str())]),
            Proof::Assertion => pairs.extend([
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()),
            ]),
            Proof::None => pairs.push(("client_id", self.id.as_str())),
        }
        let request = self.http.post(self.home.url(path)).header("content-type", "application/x-www-form-urlencoded");
        let request = match basic {
            Some(basic) => request.header("authorization", format!("Basic {basic}")),
            None => request,
        };
        Response::of(request.body(form(&pairs))).await
    }

    /// An assertion of the client `signer` (RFC 7523 §3); `changes` replaces claims, `null` removes.
    pub fn assertion(&self, jti: &str, changes: &Value) -> String {
        let now = self.home.now().seconds();
        let mut claims = json!({
            "iss": self.id, "sub": self.id, "aud": self.home.origin, "jti": jti, "iat": now, "exp": now + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name.as_str()] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        key_of_signer().sign("JWT", &claims).unwrap()
    }

    /// `GET` userinfo with a token.
    pub async fn userinfo(&self, token: &str) -> Response {
        Response::of(self.http.get(self.home.url("/api/auth/oauth2/userinfo")).bearer_auth(token)).await
    }

    /// A client without cookies or proof.
    pub fn http(&self) -> &Client {
        &self.http
    }
}

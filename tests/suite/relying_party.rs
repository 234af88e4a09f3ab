//! The `openidconnect` library as it comes, against the server.

use auther::base::Clock as _;
use auther::base::clock::SystemClock;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _, http,
};
use reqwest::Client;

use crate::harness::{ANN, Home, Proof};

async fn send(client: Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = client.execute(request.try_into()?).await?;
    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(answer.bytes().await?.to_vec()).unwrap())
}

#[tokio::test]
async fn an_unmodified_library_signs_a_person_in() {
    let home = Home::new().await;
    // The library asks the machine's clock.
    home.advance(SystemClock.now().since(home.now())).await;
    let wiki = home.app("wiki");
    let Proof::Basic(secret) = &wiki.proof else { panic!("wiki has a secret") };
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let http = |request| send(http.clone(), request);
    let metadata =
        CoreProviderMetadata::discover_async(IssuerUrl::new(home.origin.clone()).unwrap(), &http).await.unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(wiki.id.clone()),
        Some(ClientSecret::new(secret.clone())),
    )
    .set_redirect_uri(RedirectUrl::new(wiki.redirect_uri.clone()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["email", "profile", "offline_access"].map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let callback = home.browser().authorize_as(ANN, url.as_str()).await;
    assert_eq!(callback.get("state"), state.secret());
    let code = AuthorizationCode::new(callback.code().to_owned());
    let tokens = client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request_async(&http).await.unwrap();
    let verifier = client.id_token_verifier();
    let claims = tokens.id_token().unwrap().claims(&verifier, &nonce).unwrap();
    assert_eq!(claims.email().unwrap().as_str(), ANN);
    let subject = claims.subject().clone();
    let info: CoreUserInfoClaims =
        client.user_info(tokens.access_token().clone(), Some(subject)).unwrap().request_async(&http).await.unwrap();
    assert_eq!(info.preferred_username().unwrap().as_str(), "ann");
    let refresh = tokens.refresh_token().unwrap();
    let fresh = client.exchange_refresh_token(refresh).unwrap().request_async(&http).await.unwrap();
    assert_ne!(fresh.refresh_token().unwrap().secret(), refresh.secret());
}

//! Clients and API keys.

use serde_json::Value;

use super::super::operation::{Operation, delete, get, patch, post};
use super::schema::{
    between, both, choice, either, free, list, named, nullable, object, page, text, time, up_to, whole, words, yes_no,
};
use crate::records::{ApiKey, Client};

/// How many uses can be counted.
const MOST_USES: u64 = 1_000_000_000;

/// 3650 days in milliseconds.
const LONGEST_MS: u64 = 315_360_000_000;

/// The operations.
pub fn operations() -> Vec<Operation> {
    let all = [clients(), details(), api_keys()].into_iter().flatten();
    all.map(|operation| operation.under("apps")).collect()
}

fn clients() -> Vec<Operation> {
    vec![
        get("clients", "Apps and machines, by id")
            .needs("view on clients")
            .filter_old("search", text(), "Only those whose id, name or redirect URIs hold this.")
            .filter_old("type", kind(), "Only of this type.")
            .filter_old("disabled", yes_no(), "Only those that are, or are not.")
            .sorts::<Client>()
            .pages_old(named("Client")),
        post("clients", "Registers an app; its secret is shown this once")
            .needs("create on clients")
            .fresh()
            .takes_old(named("NewClient"))
            .makes_old(named("Client")),
        get("clients/{client}", "An app").needs("view on clients").gives_old(named("Client")),
        patch("clients/{client}", "Changes an app; what is absent stays, a key set or lifetime that is null goes")
            .needs("update on clients")
            .fresh()
            .takes_old(named("ClientChange"))
            .gives_old(named("Client")),
        delete("clients/{client}", "Deletes an app with its grants and consents")
            .needs("delete on clients")
            .fresh()
            .gives_old(object([("client_id", text()), ("deleted", yes_no()), ("ended", named("Ended"))])),
        post("clients/{client}/rotate-secret", "Makes another secret, shown this once")
            .needs("update on clients")
            .fresh()
            .takes_old(object([("overlap_seconds?", nullable(between(0, 7_776_000)))]))
            .gives_old(named("Client")),
        post("clients/{client}/disable", "Gives the app nothing more, and revokes its grants")
            .needs("update on clients")
            .gives_old(named("Client")),
        post("clients/{client}/enable", "Lets the app work again")
            .needs("update on clients")
            .fresh()
            .gives_old(named("Client")),
    ]
}

/// What the developer of an app needs, and what a deletion would take along.
fn details() -> Vec<Operation> {
    vec![
        get("clients/{client}/deletion", "What a deletion would take along").needs("delete on clients").gives_old(
            object([
                ("refresh_families", whole()),
                ("api_keys", whole()),
                ("tuples", whole()),
                ("memberships", whole()),
                ("consents", whole()),
                ("models", whole()),
            ]),
        ),
        get("clients/{client}/integration", "What the app's developer needs; never a secret")
            .needs("view on clients")
            .gives_old(named("Integration")),
        get("clients/{client}/failures", "Failed authorization requests, newest first")
            .needs("view on clients")
            .gives_old(page(named("AppFailure"))),
        post("clients/{client}/failures/{failure}/fix", "Adds the redirect URI that was sent")
            .needs("update on clients")
            .fresh()
            .gives_old(named("Client")),
    ]
}

fn integration() -> Value {
    object([
        ("issuer", text()),
        ("discovery", text()),
        ("jwks", text()),
        ("authorize", text()),
        ("token", text()),
        ("userinfo", text()),
        ("end_session", text()),
        ("client_id", text()),
        ("client_name", text()),
        ("audience", either(text(), list(text()))),
        ("redirect_uris", list(text())),
        ("post_logout_redirect_uris", list(text())),
        ("scopes", list(text())),
        ("type", kind()),
        ("auth_method", auth_method()),
        ("grant_types", list(text())),
        ("signing_alg", algorithm()),
        ("pkce_required", yes_no()),
    ])
}

fn app_failure() -> Value {
    object([
        ("id", text()),
        ("at", time()),
        ("error", text()),
        ("message", text()),
        ("sent", nullable(text())),
        ("registered", nullable(text())),
        ("count", whole()),
        ("fix", nullable(object([("field", text()), ("add", text())]))),
    ])
}

fn api_keys() -> Vec<Operation> {
    vec![
        get("api-keys", "API keys, newest first")
            .needs("view_all on api_keys")
            .filter_old("owner", text(), "All of this person.")
            .filter_old("client", text(), "Those that are bound to this app.")
            .sorts::<ApiKey>()
            .pages_old(named("ApiKey")),
        post("api-keys", "Makes a key, shown this once")
            .needs("manage_platform on platform")
            .fresh()
            .takes_old(named("NewApiKey"))
            .makes_old(named("ApiKey")),
        get("api-keys/{key}", "A key").needs("view_all on api_keys").gives_old(named("ApiKey")),
        patch("api-keys/{key}", "Changes a key; what is absent stays, a limit or an end that is null goes")
            .depends("Needs update on api_keys; where the key can do less afterwards and nothing else changes, revoke on api_keys is enough.")
            .takes_old(named("ApiKeyChange"))
            .gives_old(named("ApiKey")),
        delete("api-keys/{key}", "Deletes a key; it stops working at once").needs("revoke on api_keys").gives_old(object(
            [
                ("id", text()),
                ("name", text()),
                ("owner", text()),
                ("deleted", yes_no()),
                ("ended", object([("tuples", whole())])),
            ],
        )),
    ]
}

/// The shapes.
pub fn schemas() -> Vec<(String, Value)> {
    let fixed = object([("type", kind()), ("name", words(1, 100)), ("client_id?", words(2, 64))]);
    let change = object([("name?", words(1, 100)), ("version?", whole())]);
    let all = [
        ("Client", client()),
        ("NewClient", both(fixed, &client_fields())),
        ("ClientChange", both(change, &client_fields())),
        ("Integration", integration()),
        ("AppFailure", app_failure()),
        ("ApiKey", api_key()),
        ("NewApiKey", new_api_key()),
        ("ApiKeyChange", api_key_change()),
        ("RateLimit", object([("max", between(1, MOST_USES)), ("window_ms", between(1, LONGEST_MS))])),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn kind() -> Value {
    choice(&["web", "spa", "native", "m2m"])
}

fn auth_method() -> Value {
    choice(&["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
}

fn algorithm() -> Value {
    choice(&["RS256", "ES256", "EdDSA"])
}

/// What can be written of a client.
fn client_fields() -> Value {
    object([
        ("redirect_uris?", up_to(100, text())),
        ("post_logout_redirect_uris?", up_to(100, text())),
        ("token_endpoint_auth_method?", auth_method()),
        ("grant_types?", list(choice(&["authorization_code", "refresh_token", "client_credentials"]))),
        ("audiences?", up_to(100, words(1, 256))),
        ("origins?", up_to(100, text())),
        ("scopes?", up_to(100, words(1, 128))),
        ("trusted?", yes_no()),
        ("require_pkce?", yes_no()),
        ("signing_alg?", algorithm()),
        ("jwks?", nullable(free())),
        ("access_policy?", choice(&["all_users", "restricted"])),
        ("permission_claims?", choice(&["own", "own+platform", "all", "none"])),
        ("access_token_seconds?", nullable(between(60, 86_400))),
    ])
}

fn client() -> Value {
    object([
        ("client_id", text()),
        ("name", text()),
        ("type", kind()),
        ("redirect_uris", list(text())),
        ("post_logout_redirect_uris", list(text())),
        ("token_endpoint_auth_method", auth_method()),
        ("grant_types", list(text())),
        ("audiences", list(text())),
        ("origins", list(text())),
        ("scopes", list(text())),
        ("trusted", yes_no()),
        ("require_pkce", yes_no()),
        ("signing_alg", algorithm()),
        ("access_policy", choice(&["all_users", "restricted"])),
        ("permission_claims", choice(&["own", "all", "none"])),
        ("jwks", nullable(free())),
        ("access_token_seconds", nullable(whole())),
        ("disabled", yes_no()),
        ("ended?", named("Ended")),
        ("managed_by", choice(&["admin", "config"])),
        ("secrets", list(object([("created_at", time()), ("expires_at", nullable(time()))]))),
        ("created_at", time()),
        ("updated_at", time()),
        ("version", whole()),
        ("sign_ins?", object([("days", whole()), ("all", whole()), ("pkce", whole()), ("bare", whole())])),
        ("could_require_pkce?", yes_no()),
        ("is_unprotected?", yes_no()),
        ("client_secret?", text()),
    ])
}

fn api_key() -> Value {
    object([
        ("id", text()),
        ("name", text()),
        ("start", text()),
        ("owner", text()),
        ("client", nullable(text())),
        ("enabled", yes_no()),
        ("expired", yes_no()),
        ("expires_at", nullable(time())),
        ("networks", list(text())),
        ("rate_limit", nullable(named("RateLimit"))),
        ("remaining", nullable(whole())),
        ("refill", nullable(object([("amount", whole()), ("interval_ms", whole()), ("last", time())]))),
        ("metadata", free()),
        ("uses", whole()),
        ("last_used_at", nullable(time())),
        ("created_at", time()),
        ("updated_at", time()),
        ("version", whole()),
        ("key?", text()),
    ])
}

/// One day to 3650 days.
fn life() -> Value {
    nullable(between(86_400, 315_360_000))
}

fn refill() -> Value {
    nullable(object([("amount", between(1, MOST_USES)), ("interval_ms", between(1_000, LONGEST_MS))]))
}

fn new_api_key() -> Value {
    object([
        ("name", words(1, 100)),
        ("owner?", nullable(text())),
        ("prefix?", nullable(words(1, 32))),
        ("expires_in?", life()),
        ("client?", nullable(text())),
        ("networks?", up_to(32, text())),
        ("metadata?", free()),
        ("remaining?", nullable(between(0, MOST_USES))),
        ("rate_limit?", nullable(named("RateLimit"))),
        ("refill?", refill()),
    ])
}

fn api_key_change() -> Value {
    object([
        ("name?", words(1, 100)),
        ("enabled?", yes_no()),
        ("expires_in?", life()),
        ("networks?", up_to(32, text())),
        ("metadata?", free()),
        ("remaining?", nullable(between(0, MOST_USES))),
        ("refill?", refill()),
        ("rate_limit?", nullable(named("RateLimit"))),
        ("version?", whole()),
    ])
}

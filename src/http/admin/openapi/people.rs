//! People, sessions and groups.

use serde_json::Value;

use super::super::operation::{Operation, delete, get, patch, post};
use super::schema::{both, choice, email, free, list, named, nullable, object, page, text, time, whole, words, yes_no};
use crate::records::{Session, User};

/// The operations.
pub fn operations() -> Vec<Operation> {
    let all = [users(), details(), sessions()].into_iter().flatten();
    all.map(|operation| operation.under("people")).collect()
}

fn users() -> Vec<Operation> {
    vec![
        get("users", "People, oldest first")
            .needs("view on users")
            .filter_old("search", text(), "Only those whose e-mail address, username, names or id hold this.")
            .filter_old("disabled", yes_no(), "Only those who are, or are not.")
            .filter_old("role", text(), "Only those with this role: admin.")
            .sorts::<User>()
            .pages_old(named("User")),
        post("users", "Makes an account")
            .needs("create on users")
            .fresh()
            .takes_old(named("NewUser"))
            .makes_old(named("User")),
        get("users/{user}", "A person, by e-mail address, username or id")
            .needs("view on users")
            .gives_old(named("User")),
        patch("users/{user}", "Changes a person; what is absent stays, a claim that is null goes")
            .needs("update on users")
            .fresh()
            .takes_old(named("UserChange"))
            .gives_old(named("User")),
        delete("users/{user}", "Deletes a person and what was theirs")
            .needs("delete on users")
            .fresh()
            .gives_old(object([("id", text()), ("email", text()), ("deleted", yes_no()), ("ended", named("Ended"))])),
        post("users/{user}/password", "Sets a password, which ends every session")
            .needs("update on users")
            .fresh()
            .takes_old(object([("password", words(1, 256))]))
            .gives_old(named("User")),
        post("users/{user}/disable", "Locks somebody out, which ends every session")
            .needs("ban on users")
            .gives_old(named("User")),
        post("users/{user}/enable", "Lets somebody in again").needs("update on users").fresh().gives_old(named("User")),
        get("users/{user}/deletion", "What a deletion would take along").needs("delete on users").gives_old(object([
            ("sessions", whole()),
            ("refresh_families", whole()),
            ("api_keys", whole()),
            ("tuples", whole()),
            ("memberships", whole()),
            ("consents", whole()),
        ])),
        post("invites", "Makes a link to sign up, shown this once")
            .needs("create on users")
            .fresh()
            .takes_old(object([("email?", nullable(email())), ("expires_in?", nullable(whole()))]))
            .makes_old(object([
                ("id", text()),
                ("email", nullable(text())),
                ("url", text()),
                ("created_at", time()),
                ("expires_at", time()),
            ])),
    ]
}

/// What one person is in, may do, would be told and has let in.
fn details() -> Vec<Operation> {
    let item = object([
        ("entity_type", text()),
        ("entity_id", text()),
        ("permissions", list(text())),
        ("abac_required", list(text())),
    ]);
    let consent = object([
        ("client_id", text()),
        ("client_name", nullable(text())),
        ("scopes", list(text())),
        ("created_at", time()),
        ("updated_at", time()),
    ]);
    vec![
        get("users/{user}/groups", "The groups they are in")
            .depends("Needs view on users and view on groups.")
            .gives_old(page(object([("id", text()), ("name", text()), ("direct", yes_no())]))),
        get("users/{user}/access", "What they may do")
            .depends("Needs view on users and view on tuples.")
            .filter_old("client", text(), "Only on the types of this app.")
            .gives_old(object([("items", list(item)), ("truncated", yes_no())])),
        get("users/{user}/token", "What their tokens would say; nothing is signed or stored")
            .depends("Needs view on users and view on tuples.")
            .names_old("client", text(), "For this app.")
            .filter_old("scope", text(), "With these scopes, separated by spaces; openid when absent.")
            .gives_old(object([
                ("id_token", nullable(free())),
                ("access_token", free()),
                ("refused", nullable(choice(&["user_disabled", "client_disabled", "access_denied"]))),
            ])),
        get("users/{user}/consents", "The apps they have let in").needs("view on users").gives_old(page(consent)),
        delete("users/{user}/consents/{client}", "Ends what an app got by their consent")
            .needs("update on users")
            .gives_old(object([
                ("user", text()),
                ("client_id", text()),
                ("deleted", yes_no()),
                ("ended", object([("grants", whole())])),
            ])),
    ]
}

fn sessions() -> Vec<Operation> {
    vec![
        get("sessions", "Signed-in browsers and devices, newest first")
            .needs("view_all on sessions")
            .filter_old("user", text(), "Only of this person: e-mail address, username or id.")
            .filter_old("client", text(), "Only those out of which this app got a code.")
            .sorts::<Session>()
            .pages_old(named("Session")),
        delete(
            "users/{user}/sessions",
            "Signs somebody out everywhere: ends all sessions and all tokens that apps hold for them",
        )
        .needs("revoke_all on sessions")
        .gives_old(object([("id", text()), ("email", text()), ("ended", named("Ended"))])),
        delete("sessions/{session}", "Ends a session with the tokens that came from it")
            .needs("revoke_all on sessions")
            .gives_old(object([("id", text()), ("ended", named("Ended"))])),
    ]
}

/// The claims of OpenID Connect Core §5.1 that stand beside the e-mail address.
fn claims() -> Value {
    object([
        ("name?", text()),
        ("given_name?", text()),
        ("family_name?", text()),
        ("middle_name?", text()),
        ("nickname?", text()),
        ("profile?", text()),
        ("picture?", text()),
        ("website?", text()),
        ("gender?", text()),
        ("birthdate?", text()),
        ("zoneinfo?", text()),
        ("locale?", text()),
        ("phone_number?", text()),
        ("phone_number_verified?", yes_no()),
        ("address?", free()),
    ])
}

/// The same as a change: `null` takes one away.
fn claims_to_change() -> Value {
    let mut claims = claims();
    if let Some(all) = claims.get_mut("properties").and_then(Value::as_object_mut) {
        for schema in all.values_mut() {
            *schema = nullable(schema.take());
        }
    }
    claims
}

/// The shapes.
pub fn schemas() -> Vec<(String, Value)> {
    let user = object([
        ("id", text()),
        ("email", text()),
        ("email_verified", yes_no()),
        ("username", nullable(text())),
        ("attributes", free()),
        ("roles", list(text())),
        ("has_password", yes_no()),
        ("disabled", yes_no()),
        ("created_at", time()),
        ("updated_at", time()),
        ("version", whole()),
        ("ended?", named("Ended")),
    ]);
    let new_user = object([
        ("email", email()),
        ("email_verified?", yes_no()),
        ("username?", nullable(words(3, 30))),
        ("password?", nullable(words(1, 256))),
        ("attributes?", free()),
        ("roles?", list(text())),
        ("admin?", yes_no()),
    ]);
    let user_change = object([
        ("email?", email()),
        ("email_verified?", yes_no()),
        ("username?", nullable(words(3, 30))),
        ("attributes?", free()),
        ("roles?", list(text())),
        ("admin?", yes_no()),
        ("version?", whole()),
    ]);
    let all = [
        ("User", both(user, &claims())),
        ("NewUser", both(new_user, &claims_to_change())),
        ("UserChange", both(user_change, &claims_to_change())),
        ("Ended", ended()),
        ("Session", session()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn ended() -> Value {
    object([
        ("sessions", whole()),
        ("grants", whole()),
        ("consents", whole()),
        ("api_keys?", whole()),
        ("tuples?", whole()),
        ("memberships?", whole()),
        ("models?", whole()),
    ])
}

fn session() -> Value {
    object([
        ("id", text()),
        ("user", text()),
        ("created_at", time()),
        ("expires_at", time()),
        ("ends_at", time()),
        ("last_seen_at", time()),
        ("auth_time", time()),
        ("amr", list(text())),
        ("ip", nullable(text())),
        ("user_agent", nullable(text())),
        ("clients", list(text())),
    ])
}

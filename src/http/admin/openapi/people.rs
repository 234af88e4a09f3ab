//! People, sessions and groups.

use serde_json::Value;

use super::operation::{Operation, delete, get, patch, post, version};
use super::schema::{both, choice, email, free, list, named, nullable, object, page, text, time, whole, words, yes_no};
use crate::records::{Group, Session, User};

/// The operations.
pub fn operations() -> Vec<Operation> {
    let all = [users(), details(), sessions(), groups()].into_iter().flatten();
    all.map(|operation| operation.under("people")).collect()
}

fn users() -> Vec<Operation> {
    vec![
        get("users", "People, oldest first")
            .needs("view on users")
            .filter("search", text(), "Only those whose e-mail address, username, names or id hold this.")
            .filter("disabled", yes_no(), "Only those who are, or are not.")
            .filter("role", text(), "Only those with this role: admin.")
            .sorts::<User>()
            .pages(named("User")),
        post("users", "Makes an account").needs("create on users").fresh().takes(named("NewUser")).makes(named("User")),
        get("users/{user}", "A person, by e-mail address, username or id").needs("view on users").gives(named("User")),
        patch("users/{user}", "Changes a person; what is absent stays, a claim that is null goes")
            .needs("update on users")
            .fresh()
            .takes(named("UserChange"))
            .gives(named("User")),
        delete("users/{user}", "Deletes a person and what was theirs")
            .needs("delete on users")
            .fresh()
            .gives(object([("id", text()), ("email", text()), ("deleted", yes_no()), ("ended", named("Ended"))])),
        post("users/{user}/password", "Sets a password, which ends every session")
            .needs("update on users")
            .fresh()
            .takes(object([("password", words(1, 256))]))
            .gives(named("User")),
        post("users/{user}/disable", "Locks somebody out, which ends every session")
            .needs("ban on users")
            .gives(named("User")),
        post("users/{user}/enable", "Lets somebody in again").needs("update on users").fresh().gives(named("User")),
        get("users/{user}/deletion", "What a deletion would take along").needs("delete on users").gives(object([
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
            .takes(object([("email?", nullable(email())), ("expires_in?", nullable(whole()))]))
            .makes(object([
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
            .gives(page(object([("id", text()), ("name", text()), ("direct", yes_no())]))),
        get("users/{user}/access", "What they may do")
            .depends("Needs view on users and view on tuples.")
            .filter("client", text(), "Only on the types of this app.")
            .gives(object([("items", list(item)), ("truncated", yes_no())])),
        get("users/{user}/token", "What their tokens would say; nothing is signed or stored")
            .depends("Needs view on users and view on tuples.")
            .names("client", text(), "For this app.")
            .filter("scope", text(), "With these scopes, separated by spaces; openid when absent.")
            .gives(object([
                ("id_token", nullable(free())),
                ("access_token", free()),
                ("refused", nullable(choice(&["user_disabled", "client_disabled", "access_denied"]))),
            ])),
        get("users/{user}/consents", "The apps they have let in").needs("view on users").gives(page(consent)),
        delete("users/{user}/consents/{client}", "Ends what an app got by their consent")
            .needs("update on users")
            .gives(object([
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
            .filter("user", text(), "Only of this person: e-mail address, username or id.")
            .filter("client", text(), "Only those out of which this app got a code.")
            .sorts::<Session>()
            .pages(named("Session")),
        delete(
            "users/{user}/sessions",
            "Signs somebody out everywhere: ends all sessions and all tokens that apps hold for them",
        )
        .needs("revoke_all on sessions")
        .gives(object([("id", text()), ("email", text()), ("ended", named("Ended"))])),
        delete("sessions/{session}", "Ends a session with the tokens that came from it")
            .needs("revoke_all on sessions")
            .gives(object([("id", text()), ("ended", named("Ended"))])),
    ]
}

fn groups() -> Vec<Operation> {
    vec![
        get("groups", "Groups, oldest first")
            .needs("view on groups")
            .filter("search", text(), "Only those whose name, description or id hold this.")
            .sorts::<Group>()
            .pages(named("Group")),
        post("groups", "Makes a group")
            .needs("create on groups")
            .takes(object([("name", words(1, 100)), ("description?", nullable(words(0, 1_000)))]))
            .makes(named("Group")),
        get("groups/{group}", "A group, by name or id").needs("view on groups").gives(named("Group")),
        patch("groups/{group}", "Changes a group; what is absent stays")
            .needs("update on groups")
            .takes(object([
                ("name?", words(1, 100)),
                ("description?", nullable(words(0, 1_000))),
                ("version?", version()),
            ]))
            .gives(named("Group")),
        get("groups/{group}/deletion", "What a deletion would take along")
            .needs("delete on groups")
            .gives(object([("tuples", whole()), ("memberships", whole())])),
        delete("groups/{group}", "Deletes a group with all that was granted to it").needs("delete on groups").gives(
            object([
                ("id", text()),
                ("name", text()),
                ("deleted", yes_no()),
                ("ended", object([("tuples", whole()), ("memberships", whole())])),
            ]),
        ),
        get("groups/{group}/members", "Everybody in it")
            .needs("view on groups")
            .filter("direct", yes_no(), "Only those who were put in by name.")
            .gives(page(named("Member"))),
        post("groups/{group}/members", "Puts somebody in")
            .needs("manage_members on groups")
            .takes(object([
                ("subject_id", text()),
                ("subject_type?", choice(&["user", "apikey", "client", "group"])),
                ("names?", yes_no()),
            ]))
            .makes(named("Tuple")),
        delete("groups/{group}/members/{type}/{id}", "Takes somebody out")
            .needs("manage_members on groups")
            .filter(
                "names",
                choice(&["true", "false"]),
                "Whether the member may be named; otherwise all is an identifier.",
            )
            .gives(named("Tuple")),
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
        ("version?", version()),
    ]);
    let all = [
        ("User", both(user, &claims())),
        ("NewUser", both(new_user, &claims_to_change())),
        ("UserChange", both(user_change, &claims_to_change())),
        ("Ended", ended()),
        ("Session", session()),
        ("Group", group()),
        ("Member", member()),
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

fn group() -> Value {
    object([
        ("id", text()),
        ("name", text()),
        ("description", nullable(text())),
        ("created_at", time()),
        ("updated_at", time()),
        ("version", whole()),
    ])
}

fn member() -> Value {
    object([
        ("subject_type", text()),
        ("subject_id", text()),
        ("subject_relation", nullable(text())),
        ("name", nullable(text())),
        ("through", nullable(text())),
        ("conditional", yes_no()),
    ])
}

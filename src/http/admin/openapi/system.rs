//! The installation itself: who calls, how it is, its keys, its log, its ways in.

use serde_json::Value;

use super::super::operation::{Operation, delete, get, post};
use super::schema::{anything, choice, free, list, named, nullable, object, page, text, time, whole, yes_no};

/// The operations.
pub fn operations() -> Vec<Operation> {
    [about(), keys(), on_the_machine()].into_iter().flatten().map(|operation| operation.under("system")).collect()
}

fn about() -> Vec<Operation> {
    vec![
        get("openapi.json", "This document").gives_old(free()),
        get("me", "Who calls, and the rights they hold over all objects").gives_old(named("Me")),
        get("overview", "What is there and what happened lately")
            .depends("Each part is for who may see it; anyone who may see none of it is refused.")
            .filter_among("period", &["24h", "7d", "30d"], "How far back; 24h when absent.")
            .gives_old(named("Overview")),
        get("settings", "The configuration in effect, without its secrets")
            .needs("view on settings")
            .gives_old(page(named("Setting"))),
        get("doctor", "What is wrong with the installation, and what to do")
            .needs("view on settings")
            .gives_old(page(named("Finding"))),
        get("audit", "Who did what to whom, newest first")
            .needs("view on audit")
            .filter_old("since", time(), "From this moment on.")
            .filter_old("until", time(), "From before this moment.")
            .filter_old("actor", text(), "Only what this one did: an identifier or an e-mail address.")
            .filter_old("action", text(), "Only this action, or all of a noun: `user.sign_in`, `user`.")
            .filter_old("target", text(), "Only what was done to this one: an identifier or an e-mail address.")
            .filter_old("request", text(), "Only what this request did.")
            .filter_old("result", outcome(), "Only what ended so.")
            .filter_old("search", text(), "Only rows that hold this text.")
            .filter_old("order", choice(&["asc", "desc"]), "Oldest or newest first.")
            .pages_old(named("AuditRow")),
        get("outbox", "Deliveries that are not done, newest first")
            .needs("manage_platform on platform")
            .filter_old("state", delivery_state(), "Only those that wait, or only those that were given up.")
            .filter_old("kind", text(), "Only those of this kind.")
            .filter_old("target", text(), "Only those about this identifier.")
            .pages_old(named("Delivery")),
        post("outbox/{delivery}/retry", "Tries a delivery again now")
            .needs("manage_platform on platform")
            .gives_old(named("Delivery")),
        delete("outbox/{delivery}", "Deletes a delivery: it is not done")
            .needs("manage_platform on platform")
            .fresh()
            .gives_old(named("Delivery")),
        get("ca", "The certificate of the local CA").needs("manage_platform on platform").gives_old(object([
            ("pem", text()),
            ("sha256", text()),
            ("created_at", time()),
            ("expires_at", time()),
        ])),
    ]
}

fn keys() -> Vec<Operation> {
    vec![
        get("keys", "Token-signing keys, oldest first").needs("view on keys").gives_old(page(named("SigningKey"))),
        post("keys/rotate", "Signs with the keys that are published ahead")
            .needs("rotate on keys")
            .fresh()
            .takes_old(object([("alg?", nullable(algorithm()))]))
            .gives_old(page(named("SigningKey"))),
        post("keys/{kid}/retire", "Takes a key out of use; its tokens stop verifying")
            .needs("rotate on keys")
            .fresh()
            .gives_old(object([("kid", text()), ("items", list(named("SigningKey"))), ("next", nullable(text()))])),
    ]
}

fn on_the_machine() -> Vec<Operation> {
    let link = || object([("url", text()), ("expires_at", time())]);
    vec![
        post("backup", "Copies the data file").on_the_machine().takes_old(object([("path", text())])).makes_old(
            object([
                ("path", text()),
                ("rows", whole()),
                ("bytes", whole()),
                ("sha256", text()),
                ("schema", whole()),
                ("tables", free()),
            ]),
        ),
        post("setup-link", "A link for the first administrator").on_the_machine().makes_old(link()),
        post("recover", "A link with which an administrator sets a new password")
            .on_the_machine()
            .takes_old(object([("email", text())]))
            .makes_old(link()),
    ]
}

fn algorithm() -> Value {
    choice(&["RS256", "ES256", "EdDSA"])
}

fn outcome() -> Value {
    choice(&["success", "failure"])
}

fn actor_kind() -> Value {
    choice(&["anonymous", "user", "client", "key", "local", "system"])
}

fn key_state() -> Value {
    choice(&["next", "current", "retired"])
}

/// The shapes.
pub fn schemas() -> Vec<(String, Value)> {
    let all = [
        ("Me", me()),
        ("Overview", overview()),
        ("Setting", setting()),
        ("Finding", finding()),
        ("AuditRow", audit_row()),
        ("Delivery", delivery()),
        ("SigningKey", signing_key()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn me() -> Value {
    object([
        ("kind", actor_kind()),
        ("id", nullable(text())),
        ("email", nullable(text())),
        ("name", nullable(text())),
        ("is_admin", yes_no()),
        ("rights", list(text())),
    ])
}

fn overview() -> Value {
    let counted = || nullable(whole());
    object([
        (
            "counts",
            object([
                ("users", counted()),
                ("clients", counted()),
                ("groups", counted()),
                ("api_keys", counted()),
                ("tuples", counted()),
                ("sessions", counted()),
            ]),
        ),
        ("sign_ins", nullable(object([("ok", whole()), ("failed", whole())]))),
        ("per_hour", list(object([("at", time()), ("ok", whole()), ("failed", whole())]))),
        ("checklist", list(object([("done", yes_no()), ("title", text()), ("href", text())]))),
        ("keys", list(object([("kid", text()), ("alg", algorithm()), ("state", key_state()), ("age_days", whole())]))),
        ("recent", list(named("AuditRow"))),
    ])
}

fn setting() -> Value {
    object([
        ("key", text()),
        ("value", anything()),
        ("origin", choice(&["default", "file", "environment", "flag"])),
        ("place", nullable(text())),
        ("variable", nullable(text())),
        ("reloadable", yes_no()),
        ("waiting", yes_no()),
        ("has_effect", yes_no()),
        ("secret", yes_no()),
        ("description", nullable(text())),
    ])
}

fn finding() -> Value {
    object([
        ("name", text()),
        ("state", choice(&["ok", "warn", "fail"])),
        ("message", text()),
        ("fix", nullable(text())),
    ])
}

fn audit_row() -> Value {
    object([
        ("id", text()),
        ("at", time()),
        ("action", text()),
        ("outcome", outcome()),
        ("actor_kind", actor_kind()),
        ("actor", nullable(text())),
        ("target", nullable(text())),
        ("request", nullable(text())),
        ("ip", nullable(text())),
        ("user_agent", nullable(text())),
        ("detail", free()),
    ])
}

fn delivery_state() -> Value {
    choice(&["waiting", "dead"])
}

fn delivery() -> Value {
    object([
        ("id", text()),
        ("kind", text()),
        ("target", text()),
        ("state", delivery_state()),
        ("attempts", whole()),
        ("due_at", time()),
        ("tried_at", nullable(time())),
        ("error", nullable(text())),
        ("created_at", time()),
        ("expires_at", time()),
    ])
}

fn signing_key() -> Value {
    object([
        ("kid", text()),
        ("alg", algorithm()),
        ("state", key_state()),
        ("created_at", time()),
        ("activated_at", nullable(time())),
        ("retired_at", nullable(time())),
    ])
}

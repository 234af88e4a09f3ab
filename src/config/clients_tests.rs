use std::path::Path;

use serde_json::json;

use super::*;
use crate::base::json_schema::{Shape, members_of};
use crate::config::environment::Environment;
use crate::records::settable::Settable;
use crate::records::{AccessPolicy, ClientFieldsChange, PermissionScope};

fn json(text: &str, env: &Environment) -> (Option<Vec<ClientDeclaration>>, Vec<String>) {
    let mut reading = Reading::new(Path::new(""), env);
    let place = Source::Env { variable: String::from("AUTHER_CLIENTS_JSON") };
    let clients = read_json(text, &place, &mut reading);
    (clients, reading.mistakes.iter().map(|mistake| mistake.what.clone()).collect())
}

fn complaints(text: &str) -> Vec<String> {
    let (clients, said) = json(text, &Environment::default());
    assert_eq!(clients.is_none(), !said.is_empty());
    said
}

#[test]
fn a_declared_client_is_trusted_and_named_by_its_id_unless_said_otherwise() {
    let text = r#"[{"client_id": "blog", "type": "spa", "redirect_uris": ["https://blog.example/cb"]},
                   {"client_id": "jobs", "type": "m2m", "client_secret": "hunter2", "trusted": false}]"#;
    let (clients, said) = json(text, &Environment::default());
    assert_eq!(said, Vec::<String>::new());
    let clients = clients.unwrap();
    assert_eq!((clients[0].name.as_str(), clients[0].fields.trusted), ("blog", Some(true)));
    assert_eq!(clients[0].fields.redirect_uris.as_deref(), Some(&[String::from("https://blog.example/cb")][..]));
    assert_eq!(clients[0].fields.grants, None);
    assert!(clients[1].fields.trusted == Some(false));
    assert_eq!(clients[1].client_secret.as_ref().map(|secret| secret.expose().as_str()), Some("hunter2"));
    assert!(!format!("{clients:?}").contains("hunter2"));
}

#[test]
fn a_declared_client_says_who_may_sign_in_and_which_permissions_its_tokens_hold() {
    let text =
        r#"[{"client_id": "blog", "type": "spa", "access_policy": "restricted", "permission_claims": "own+platform"}]"#;
    let (clients, said) = json(text, &Environment::default());
    assert_eq!(said, Vec::<String>::new());
    let blog = &clients.unwrap()[0];
    assert_eq!(blog.fields.access_policy, Some(AccessPolicy::Restricted));
    assert_eq!(blog.fields.permission_claims, Some(PermissionScope::Own));
    assert_eq!(
        complaints(r#"[{"client_id": "blog", "type": "spa", "access_policy": "nobody", "permission_claims": "some"}]"#),
        [
            "client \"blog\": access_policy cannot be \"nobody\"",
            "client \"blog\": permission_claims cannot be \"some\"",
        ]
    );
}

#[test]
fn every_mistake_of_every_client_is_named() {
    let text = r#"[{"client_id": "a b", "type": "web", "client_secret": "x"}, {"type": "spa"}, 7,
                   {"client_id": "ok", "type": "spa", "grants": ["implicit"]}, {"redirect_uri": []},
                   {"client_id": "blog", "type": "mobile"}]"#;
    assert_eq!(
        complaints(text),
        [
            "client \"a b\": client_id is malformed",
            "client 2: client_id is missing",
            "client 3 is not a table",
            "client \"ok\": grants cannot be \"implicit\"",
            "client 5: unknown key `redirect_uri`",
            "client \"blog\": type cannot be \"mobile\"",
        ]
    );
}

#[test]
fn two_clients_cannot_share_an_id() {
    let text = r#"[{"client_id": "blog", "type": "spa"}, {"client_id": "blog", "type": "native"}]"#;
    assert_eq!(complaints(text), ["client blog is declared twice"]);
}

#[test]
fn a_secret_and_the_way_to_prove_it_belong_together() {
    assert_eq!(complaints(r#"[{"client_id": "web"}]"#), ["client \"web\": has no secret"]);
    assert_eq!(
        complaints(r#"[{"client_id": "spa", "type": "spa", "client_secret": "x"}]"#),
        ["client \"spa\": has a secret, and auth_method \"none\" uses none"]
    );
    assert_eq!(
        complaints(
            r#"[{"client_id": "spa", "type": "spa", "auth_method": "client_secret_post", "client_secret": "x"}]"#
        ),
        ["client \"spa\": a spa client cannot keep a secret"]
    );
    assert_eq!(
        complaints(r#"[{"client_id": "web", "client_secret": "x", "client_secret_env": "Y"}]"#),
        ["client \"web\": more than one secret", "client \"web\": the variable Y holds no text"]
    );
    assert_eq!(
        complaints(r#"[{"client_id": "svc", "auth_method": "private_key_jwt", "jwks": {"keys": []}}]"#),
        ["client \"svc\": jwks is not a JWK Set with keys"]
    );
    let keyed = r#"[{"client_id": "svc", "auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC"}]}}]"#;
    assert_eq!(complaints(keyed), Vec::<String>::new());
}

#[test]
fn a_secret_may_stand_in_a_variable_of_any_name() {
    let env: Environment = [("AUTHER_BLOG_SECRET", "hunter2")].into_iter().collect();
    let (clients, said) = json(r#"[{"client_id": "blog", "client_secret_env": "AUTHER_BLOG_SECRET"}]"#, &env);
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(clients.unwrap()[0].client_secret.as_ref().unwrap().expose(), "hunter2");
}

#[test]
fn broken_json_is_refused_without_quoting_it() {
    assert_eq!(complaints("[hunter2"), ["is not JSON (line 1, column 2)"]);
    assert_eq!(complaints("{}"), ["clients expects a list of tables"]);
}

#[test]
fn every_field_that_can_be_set_can_be_declared() {
    let members = members_of::<ClientFieldsChange>();
    let mut table = serde_json::Map::from_iter([
        (String::from("client_id"), json!("svc")),
        (String::from("client_secret"), json!("hunter2")),
    ]);
    for member in &members {
        let value = match &member.shape {
            Shape::Text => json!("text"),
            Shape::Number(least, _) => json!(least),
            Shape::Bool => json!(true),
            Shape::Word(words) => json!(words[0]),
            Shape::Texts => json!(["text"]),
            Shape::Words(words) => json!([words[0]]),
            Shape::Object => json!({"keys": [{"kty": "EC"}]}),
        };
        table.insert(ClientFieldsChange::short(&member.name).to_owned(), value);
    }
    let (clients, said) = json(&json!([table]).to_string(), &Environment::default());
    assert_eq!(said, Vec::<String>::new());
    let declared = serde_json::to_value(&clients.unwrap()[0].fields).unwrap();
    assert!(members.len() >= 14);
    for member in members {
        assert!(declared.get(&member.name).is_some_and(|value| !value.is_null()), "{}", member.name);
    }
}

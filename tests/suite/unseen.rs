//! Characters that are not seen, or that turn the direction of reading, in everything that is a name; and names that
//! are shown beside other text.

use std::process::Command;

use auther::records::PROFILE_CLAIMS;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api_keys::text;
use crate::graph::{Graph, good};
use crate::harness::{ANN, Home, Response};

/// One of each sort: an override, an isolate, a zero-width space and joiner, a mark of direction, a soft hyphen, a
/// filler, a tag, a line separator.
const UNSEEN: [char; 10] = [
    '\u{202e}',
    '\u{2066}',
    '\u{2069}',
    '\u{200b}',
    '\u{200d}',
    '\u{61c}',
    '\u{ad}',
    '\u{3164}',
    '\u{e0041}',
    '\u{2028}',
];

/// Every call of the admin API that takes something that is shown as a name: the method, the path, and a body whose
/// `NAME` it is.
fn admin_writers(ann: &str, group: &str, key: &str) -> Vec<(Method, String, Value)> {
    let mut all = vec![
        (Method::POST, String::from("users"), json!({"email": "x@example.com", "username": "NAME"})),
        (Method::POST, String::from("users"), json!({"email": "NAME@example.com"})),
        (Method::PATCH, format!("users/{ann}"), json!({"username": "NAME"})),
        (Method::PATCH, format!("users/{ann}"), json!({"email": "x@NAME.example.com"})),
        (Method::PATCH, format!("users/{ann}"), json!({"address": {"street_address": "NAME"}})),
        (Method::POST, String::from("invites"), json!({"email": "NAME@example.com"})),
        (
            Method::POST,
            String::from("clients"),
            json!({"name": "NAME", "type": "spa", "redirect_uris": ["https://x.example/cb"]}),
        ),
        (Method::POST, String::from("clients"), json!({"name": "X", "type": "m2m", "client_id": "NAME"})),
        (
            Method::POST,
            String::from("clients"),
            json!({"name": "X", "type": "m2m", "audiences": ["https://NAME.example"]}),
        ),
        (Method::PATCH, String::from("clients/wiki"), json!({"name": "NAME"})),
        (Method::POST, String::from("groups"), json!({"name": "NAME"})),
        (Method::POST, String::from("groups"), json!({"name": "x", "description": "NAME"})),
        (Method::PATCH, format!("groups/{group}"), json!({"name": "NAME"})),
        (Method::PATCH, format!("groups/{group}"), json!({"description": "NAME"})),
        (Method::POST, String::from("api-keys"), json!({"name": "NAME", "owner": ANN})),
        (Method::PATCH, format!("api-keys/{key}"), json!({"name": "NAME"})),
    ];
    for claim in PROFILE_CLAIMS.iter().filter(|claim| !["address", "phone_number_verified"].contains(*claim)) {
        all.push((Method::PATCH, format!("users/{ann}"), json!({ *claim: "NAME" })));
        all.push((Method::POST, String::from("users"), json!({"email": "x@example.com", *claim: "NAME"})));
    }
    for definition in [
        json!({"relations": {"viewer": {}}, "description": "NAME"}),
        json!({"relations": {"viewer": {"description": "NAME"}}}),
        json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer", "description": "NAME"}}}),
    ] {
        all.push((Method::PUT, String::from("models/doc"), json!({ "definition": definition })));
    }
    let tuple = |id: &str, who: &str| json!({"entity_type": "group", "entity_id": id, "relation": "member", "subject_type": "user", "subject_id": who});
    for (id, who) in [("NAME", "ann"), ("g", "NAME")] {
        all.push((Method::POST, String::from("tuples"), tuple(id, who)));
        all.push((Method::POST, String::from("tuples/import"), json!({"lines": [tuple(id, who).to_string()]})));
    }
    all.push((Method::POST, format!("groups/{group}/members"), json!({"subject_id": "NAME"})));
    all
}

fn with_name(body: &Value, name: &str) -> Value {
    serde_json::from_str(&body.to_string().replace("NAME", name)).unwrap()
}

#[tokio::test]
async fn bug_class_no_name_holds_what_is_not_seen_whoever_writes_it() {
    let home = Home::with(|settings| settings.registration = auther::config::Registration::Open).await;
    let graph = Graph::of(&home).await;
    let ann = graph.id_of(ANN).await;
    let group = good(&graph.post("/api/admin/groups", json!({"name": "Staff"})).await);
    let key = graph.admin.key(json!({"name": "k"})).await;
    let browser = home.signed_in(ANN).await;
    let own = async |path: &str, body: Value| browser.call(&format!("/api/auth/{path}"), &body).await;
    let password = "a wholly fine password";
    for unseen in UNSEEN {
        let name = format!("Graf{unseen}ana");
        for (method, path, body) in admin_writers(&ann, text(&group, "id"), text(&key, "id")) {
            let body = with_name(&body, &name);
            let answer = graph.admin.send(method.clone(), &format!("/api/admin/{path}"), body.clone()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path} {body}: {}", answer.text);
        }
        let sign_up = json!({"email": "new@example.com", "password": password, "name": name});
        let named = json!({"email": "new@example.com", "password": password, "username": name});
        let address = json!({"email": format!("{name}@example.com"), "password": password});
        for (path, body) in [
            ("sign-up/email", sign_up),
            ("sign-up/email", named),
            ("sign-up/email", address),
            ("update-user", json!({ "name": name })),
            ("update-user", json!({ "username": name })),
            ("api-key/create", json!({ "name": name })),
            ("api-key/update", json!({"keyId": key["id"], "name": name})),
        ] {
            let answer = own(path, body).await;
            assert!(answer.status.is_client_error(), "{path} {unseen:?}: {}", answer.text);
        }
        let page = home.browser();
        let form = page.get("/sign-up").await;
        let fields = [("email", "page@example.com"), ("name", name.as_str()), ("password", password)];
        let answer = page.submit(&form, &fields).await;
        assert!(answer.status.is_client_error(), "{unseen:?} {}", answer.status);
    }
    // Nothing of all that was stored.
    let users = graph.admin.send(Method::GET, "/api/admin/users?limit=200", json!({})).await;
    assert_eq!(good(&users)["items"].as_array().unwrap().len(), 3, "{}", users.text);
}

/// What a command says in a folder with this configuration.
fn says(args: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auther"));
    command.current_dir(folder.path()).env_clear().envs(variables.iter().copied()).args(args);
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[test]
fn names_of_the_file_and_of_the_command_line_are_held_to_the_same() {
    let client = |name: &str| {
        json!([{"client_id": "grafana", "name": name, "type": "spa", "redirect_uris": ["https://x.example/cb"]}])
            .to_string()
    };
    assert!(
        says(&["config", "check"], &[("AUTHER_CLIENTS_JSON", &client("Grafana")), ("AUTHER_LOOK_NAME", "Example")]).0
    );
    for unseen in ['\u{202e}', '\u{200b}', '\u{2028}'] {
        let name = format!("Graf{unseen}ana");
        for (args, variables) in [
            (vec!["config", "check"], vec![("AUTHER_CLIENTS_JSON", client(&name))]),
            (vec!["config", "check"], vec![("AUTHER_LOOK_NAME", name.clone())]),
            (vec!["admin", "group", "create", "--name", &name], vec![]),
            (vec!["admin", "client", "create", "--type", "m2m", "--name", &name], vec![]),
            (vec!["admin", "user", "create", "--email", "x@example.com", "--name", &name], vec![]),
        ] {
            let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // Commands of `admin` need a data file: an empty folder has none, and the first boot makes it.
            let (is_done, told) = if args[0] == "admin" { in_a_home(&args) } else { says(&args, &variables) };
            assert!(!is_done, "{args:?} {variables:?}: {told}");
            assert!(told.contains("U+"), "{told}");
            assert!(!told.contains(unseen), "{told:?}");
        }
    }
}

#[test]
fn bug_class_identifiers_of_the_file_and_of_the_command_line_begin_with_no_prefix_of_an_identifier() {
    for prefix in ["usr_", "USR_", "grp_", "key_", "ses_", "gone_"] {
        let chosen = format!("{prefix}0123456789");
        let client =
            json!([{"client_id": chosen, "type": "spa", "redirect_uris": ["https://x.example/cb"]}]).to_string();
        let (is_done, told) = says(&["config", "check"], &[("AUTHER_CLIENTS_JSON", &client)]);
        assert!(!is_done && told.contains(&prefix.to_lowercase()), "{told}");
        for args in [
            vec!["admin", "client", "create", "--type", "m2m", "--name", "Robot", "--client-id", &chosen],
            vec!["admin", "group", "create", "--name", &chosen],
            vec!["admin", "user", "create", "--email", "y@example.com", "--username", &chosen],
        ] {
            let (is_done, told) = in_a_home(&args);
            assert!(!is_done && told.contains(&prefix.to_lowercase()), "{args:?}: {told}");
        }
    }
}

/// What a command says over a data file of its own.
fn in_a_home(args: &[&str]) -> (bool, String) {
    static HOME: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let folder = HOME.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("auther.redb"), &crate::harness::template().bytes).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("auther.redb"), mode).unwrap();
        folder
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_auther"));
    command.current_dir(folder.path()).env_clear().args(args);
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[tokio::test]
async fn names_of_people_everywhere_are_taken() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let ann = graph.id_of(ANN).await;
    for name in ["山田\u{3000}太郎", "محمد علي", "Łukasz Żółć", "O’Neill-Smith", "आरती शर्मा", "Zoë 🚀"]
    {
        let path = format!("/api/admin/users/{ann}");
        assert_eq!(good(&graph.admin.send(Method::PATCH, &path, json!({ "name": name })).await)["name"], name);
        assert_eq!(good(&graph.post("/api/admin/groups", json!({ "name": name })).await)["name"], name);
    }
    let lines = json!({"address": {"formatted": "Street 1\r\nTown"}});
    good(&graph.admin.send(Method::PATCH, &format!("/api/admin/users/{ann}"), lines).await);
}

/// The page that somebody sees who is sent to sign in to an app of this stored name.
async fn sign_in_page(name: &str) -> Response {
    let home = Home::new().await;
    let cx = home.cx();
    let renamed = name.to_owned();
    // As an older version may have stored it.
    let put = move |tx: &mut auther::store::Tx| {
        let id = "wiki".parse().unwrap();
        let mut client = auther::store::rows::clients::find(tx, cx.tenant.id, &id)?.unwrap();
        client.name = renamed.clone();
        auther::store::rows::clients::put(tx, cx.tenant.id, &client)
    };
    home.cx().store().write::<_, auther::store::Error, _>(put).await.unwrap();
    home.browser().visit(&home.app("wiki").request("openid", &[])).await
}

#[tokio::test]
async fn a_name_keeps_its_direction_to_itself_on_a_page() {
    let page = sign_in_page("Graf\u{202e}ana").await;
    assert!(!page.text.contains('\u{202e}'), "an override reached the page");
    assert!(page.text.contains("Sign in to <bdi>Graf\\u{202e}ana</bdi>"), "{}", page.text);
    let page = sign_in_page("חנות").await;
    assert!(page.text.contains("<h1>Sign in to <bdi>חנות</bdi></h1>"), "{}", page.text);
}

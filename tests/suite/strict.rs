//! What two readers could understand differently is refused, whichever way it comes in.

use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::json;

use crate::graph::{Graph, good, refused};
use crate::harness::{Home, process};

/// A document whose member stands twice, and one whose number would be rounded.
const DOUBTFUL: [(&str, &str); 2] = [("\"a\":1,\"a\":2", "twice"), ("\"a\":9007199254740993", "exactly")];

fn file(folder: &Path, name: &str, text: &str) -> String {
    std::fs::write(folder.join(name), text).unwrap();
    name.to_owned()
}

fn is_refused(output: &Output, says: &str, what: &str) {
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && told.contains(says), "{what}: {told}");
}

#[test]
fn json_that_is_doubtful_is_refused_from_files_arguments_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    process::json_of(&process::admin(at, &["setup-link"]));
    for (members, says) in DOUBTFUL {
        let model = file(at, "model.json", &format!("{{\"relations\":{{\"viewer\":{{{members}}}}}}}"));
        let openfga =
            file(at, "openfga.json", &format!("{{\"schema_version\":\"1.1\",\"type_definitions\":[{{{members}}}]}}"));
        let tuples = file(at, "tuples.jsonl", &format!("{{\"entity_type\":\"doc\",{members}}}"));
        let many = vec![format!("{{{members}}}"); 600].join(",\n");
        let long = file(at, "tuples.json", &format!("{{\"tuples\":[{many}]}}"));
        let jwks = file(at, "jwks.json", &format!("{{\"keys\":[],{members}}}"));
        let object = format!("{{{members}}}");
        let ways: [&[&str]; 8] = [
            &["model", "put", "doc", "--file", &model],
            &["model", "validate", "--file", &model],
            &["model", "import", "--file", &openfga],
            &["tuple", "import", "--file", &tuples],
            &["tuple", "import", "--file", &long],
            &["client", "create", "--name", "App", "--type", "web", "--jwks-file", &jwks],
            &["user", "create", "--email", "ann@example.com", "--attributes", &object],
            &["check", "user", "ann", "read", "doc", "1", "--resource", &object],
        ];
        for way in ways {
            is_refused(&process::admin(at, way), says, &way.join(" "));
        }
        let mut command = process::auther(at);
        let clients = format!("[{{\"client_id\":\"app\",\"name\":\"App\",\"type\":\"web\",{members}}}]");
        command.env("AUTHER_CLIENTS_JSON", clients).args(["config", "check"]);
        is_refused(&command.output().unwrap(), says, "AUTHER_CLIENTS_JSON");
    }
}

#[actix_web::test]
async fn json_that_is_doubtful_is_refused_in_bodies() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    for (members, _) in DOUBTFUL {
        for (method, path) in [
            (Method::PUT, "/api/admin/models/doc"),
            (Method::POST, "/api/admin/tuples"),
            (Method::POST, "/api/admin/users"),
            (Method::POST, "/api/admin/api-keys"),
            (Method::POST, "/api/auth/check-permission"),
            (Method::POST, "/api/auth/list-objects"),
            (Method::POST, "/access/v1/evaluation"),
        ] {
            let answer = graph.admin.send_text(method, path, format!("{{{members}}}")).await;
            assert_eq!(answer.status.as_u16(), 400, "{path} {members}: {}", answer.text);
        }
    }
}

#[actix_web::test]
async fn a_group_is_found_by_each_spelling_of_its_name_and_by_no_way_in_an_address() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let made = good(&graph.post("/api/admin/groups", json!({"name": "Cafe\u{301}"})).await);
    assert_eq!(made["name"], "Café");
    let again = graph.post("/api/admin/groups", json!({"name": "CAFÉ"})).await;
    assert_eq!(refused(&again).0, 409, "{}", again.text);
    for name in ["Café", "Cafe%CC%81", "caf%C3%A9"] {
        let found = good(&graph.admin.send(Method::GET, &format!("/api/admin/groups/{name}"), json!({})).await);
        assert_eq!(found["id"], made["id"], "{name}");
    }
    for name in [".", "..", " .. "] {
        assert_eq!(refused(&graph.post("/api/admin/groups", json!({ "name": name })).await).0, 400, "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    for way in [["group", "delete", ".."], ["group", "show", "."], ["user", "access", "."], ["client", "delete", ".."]]
    {
        is_refused(&process::admin(folder.path(), &way), "address", &way.join(" "));
    }
}

#[actix_web::test]
async fn a_model_of_somebody_elses_platform_is_imported_under_another_name_and_what_is_in_the_way_can_go() {
    let home = Home::new().await;
    let graph = Graph::of(&home).await;
    let source = |subjects: &str| {
        format!(
            "model\n  schema 1.1\ntype user\ntype team\n  relations\n    define member: [user]\ntype platform\n  relations\n    define owner: [{subjects}]\n"
        )
    };
    let alone = graph.import(&source("user, team#member")).await;
    assert!(alone.status.as_u16() == 400 && alone.text.contains("rename"), "{}", alone.text);
    let import = |subjects: &str, remove: bool| json!({"source": source(subjects), "rename": {"platform": "site"}, "remove_tuples": remove});
    good(&graph.post("/api/admin/models/import", import("user, team#member", false)).await);
    let lines = json!({"lines": [r#"{"user":"user:ann","relation":"owner","object":"platform:1"}"#,
        r#"{"user":"team:a#member","relation":"owner","object":"platform:1"}"#], "rename": {"platform": "site"}});
    assert_eq!(good(&graph.post("/api/admin/tuples/import", lines).await)["written"], 2);
    assert!(graph.check("user:ann", "owner", "site:1").await.0);
    let refused = graph.post("/api/admin/models/import", import("user", false)).await;
    assert_eq!(refused.status.as_u16(), 409, "{}", refused.text);
    assert!(
        refused.text.contains("site:1#owner@team:a#member") && refused.text.contains("--remove-tuples"),
        "{}",
        refused.text
    );
    good(&graph.post("/api/admin/models/import", import("user", true)).await);
    let left = good(&graph.admin.send(Method::GET, "/api/admin/tuples?entity_type=site", json!({})).await);
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "{left}");
    assert!(graph.check("user:ann", "owner", "site:1").await.0);
}

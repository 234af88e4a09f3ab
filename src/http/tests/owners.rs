//! Whose an entity type is: written down when it is made, and no one else's because of a name.

use std::path::Path;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::graph::parts;
use super::{Desk, TestResponse};
use crate::config::{self, Environment, Overrides};
use crate::cx::Cx;
use crate::oauth::clients;

const GRANTS: &str = "/api/internal/clients/billing/grants";

impl Desk {
    /// The configuration names these clients, each with the secret `hunter2`, and no other.
    async fn declare(&self, ids: &[&str]) {
        let client = |id: &&str| json!({"client_id": id, "type": "m2m", "client_secret": "hunter2"});
        let text = Value::from_iter(ids.iter().map(client)).to_string();
        let variables = Environment::from_iter([("AUTHER_CLIENTS_JSON", text)]);
        let loaded = config::load(&Overrides::default(), &variables, Path::new("/nonexistent")).unwrap();
        let cx = Cx::for_system(self.site.home.parts.clone());
        clients::declare(&cx, &loaded.settings.clients).await.unwrap();
    }

    /// As the client `billing` itself.
    async fn as_billing(&self, method: Method, path: &str, body: Option<Value>) -> TestResponse {
        let basic = format!("Basic {}", BASE64.encode(b"billing:hunter2"));
        let request = TestRequest::default().method(method).uri(path).insert_header(("authorization", basic));
        self.site.send(if let Some(body) = body { request.set_json(body) } else { request }).await
    }

    async fn owner(&self, entity_type: &str) -> Value {
        self.get(&format!("models/{entity_type}")).await.json()["client"].clone()
    }

    /// What the client `billing` of this moment can do with the type that is called as one of its own.
    async fn billing_has_nothing(&self) {
        let list = self.as_billing(Method::GET, GRANTS, None).await;
        assert_eq!((list.status, &list.json()["grants"]), (StatusCode::OK, &json!([])), "{}", list.body);
        let one = format!("{GRANTS}?entityTypeName=invoice&entityId=1");
        assert_eq!(self.as_billing(Method::GET, &one, None).await.status, StatusCode::NOT_FOUND);
        let grant = json!({"entityTypeName": "invoice", "entityId": "1", "relation": "viewer", "subjectType": "user",
            "subjectEmail": "bob@example.com"});
        assert_eq!(self.as_billing(Method::POST, GRANTS, Some(grant)).await.status, StatusCode::NOT_FOUND);
        let id = self.get("tuples?entity_type=billing:invoice").await.json()["items"][0]["id"].clone();
        let delete = format!("{GRANTS}/{}", id.as_str().unwrap());
        assert_eq!(self.as_billing(Method::DELETE, &delete, None).await.status, StatusCode::FORBIDDEN);
        let question = json!({"entityType": "billing:invoice", "entityId": "1", "permission": "viewer", "subjectType": "user", "subjectId": "ann"});
        let asked = self.as_billing(Method::POST, "/api/auth/check-permission", Some(question)).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{}", asked.body);
        for kind in ["billing:invoice", "client_billing:invoice"] {
            let body = json!({"definition": {"relations": {"viewer": {}}}});
            let put = self.as_billing(Method::PUT, &format!("/api/admin/models/{kind}"), Some(body)).await;
            assert_eq!(put.status, StatusCode::FORBIDDEN, "{kind}: {}", put.body);
        }
        let write = parts("billing:invoice 1 viewer user ann");
        assert_eq!(self.as_billing(Method::POST, "/api/admin/tuples", Some(write)).await.status, StatusCode::FORBIDDEN);
    }
}

fn viewer() -> Value {
    json!({"relations": {"viewer": {}}, "permissions": {"viewer": {"relation": "viewer"}}})
}

#[actix_web::test]
async fn bug_class_50_a_client_that_was_withdrawn_leaves_nothing_to_who_gets_its_name() {
    let desk = Desk::open().await;
    desk.site.person("bob@example.com", &[]).await;
    desk.declare(&["billing", "other"]).await;
    desk.model("billing:invoice", viewer()).await;
    desk.tuple("billing:invoice 1 viewer user ann").await;
    desk.tuple("oauth_client billing admin user ann").await;
    let own = desk.as_billing(Method::GET, GRANTS, None).await.json();
    assert_eq!(own["grants"][0]["subjectId"], "ann", "{own}");
    desk.declare(&["other"]).await;
    let owner = desk.owner("billing:invoice").await;
    assert!(owner.as_str().unwrap().starts_with("gone_"), "{owner}");
    // Named in the file again, it has nothing of the former one, and what is made for it now is its own.
    desk.declare(&["billing", "other"]).await;
    desk.billing_has_nothing().await;
    assert_eq!(desk.owner("billing:invoice").await, owner);
    assert_eq!(desk.get("tuples?entity_type=oauth_client").await.json()["items"], json!([]));
    desk.model("billing:order", viewer()).await;
    assert_eq!(desk.owner("billing:order").await, "billing");
    // Neither has one that an administrator registers.
    desk.declare(&["other"]).await;
    let new = json!({"client_id": "billing", "name": "New", "type": "m2m"});
    assert_eq!(desk.admin(Method::POST, "clients", new).await.status, StatusCode::CREATED);
    for kind in ["billing:invoice", "billing:order"] {
        assert!(desk.owner(kind).await.as_str().unwrap().starts_with("gone_"), "{kind}");
    }
    // Nothing was lost, and who may update models gives it to whom they choose.
    let told = desk.get("audit?action=client.withdraw").await.json();
    let mut kept: Vec<&Value> =
        told["items"].as_array().unwrap().iter().map(|row| &row["detail"]["types_without_client"]).collect();
    kept.sort_by_key(|types| types.to_string());
    assert_eq!(kept, [&json!(["billing:invoice"]), &json!(["billing:order"])], "{told}");
    let given = json!({"definition": viewer(), "client": "billing"});
    assert_eq!(desk.admin(Method::PUT, "models/billing:invoice", given).await.status, StatusCode::OK);
    assert_eq!(desk.owner("billing:invoice").await, "billing");
    assert_eq!(desk.get("tuples?entity_type=billing:invoice").await.json()["items"][0]["subject_id"], "ann");
    let refused = json!({"client_id": "gone_06gvppuuabrovq95g79eql5jlk", "name": "New", "type": "m2m"});
    assert_eq!(desk.admin(Method::POST, "clients", refused).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn bug_class_50_a_type_of_nobody_stays_nobodys_when_a_client_gets_its_name() {
    let desk = Desk::open().await;
    desk.site.person("bob@example.com", &[]).await;
    desk.model("billing:invoice", viewer()).await;
    desk.tuple("billing:invoice 1 viewer user ann").await;
    assert_eq!(desk.owner("billing:invoice").await, Value::Null);
    desk.declare(&["billing"]).await;
    // Neither a look nor a change of the model by somebody who means nothing by it makes it the client's.
    let editor = desk.lesser("ed@example.com", &[("models", "editor")]).await;
    for _ in 0..2 {
        desk.billing_has_nothing().await;
        let body = json!({"definition": viewer()});
        let put = desk.send(&editor, Method::PUT, "/api/admin/models/billing:invoice", body).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.body);
        assert_eq!(desk.owner("billing:invoice").await, Value::Null);
    }
}

#[actix_web::test]
async fn bug_class_50_what_spoke_of_the_types_of_a_deleted_client_is_gone_with_them() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    desk.model("grafana:team", json!({"relations": {"lead": {}}})).await;
    desk.model("notes", json!({"relations": {"viewer": {}, "parent": {}}})).await;
    // A team on which nothing is written: only others speak of it.
    desk.tuple("notes n1 viewer grafana:team t9 lead").await;
    desk.tuple("notes n1 parent grafana:team t9").await;
    desk.tuple("notes n1 viewer user ann").await;
    let in_use = desk.admin(Method::DELETE, "models/grafana:team", json!({})).await;
    assert_eq!((in_use.status, &in_use.json()["code"]), (StatusCode::CONFLICT, &json!("in_use")));
    let gone = desk.admin(Method::DELETE, "clients/grafana", json!({})).await.json();
    assert_eq!((&gone["ended"]["models"], &gone["ended"]["tuples"]), (&json!(1), &json!(2)), "{gone}");
    let left = desk.get("tuples?entity_type=notes").await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "{left}");
}

#[actix_web::test]
async fn bug_class_50_a_new_client_has_nothing_that_was_written_under_its_id_before() {
    let desk = Desk::open().await;
    desk.model("notes", viewer()).await;
    for id in ["awaited", "billing"] {
        desk.tuple_of_before(&format!("notes n1 viewer client {id}")).await;
    }
    let new = json!({"client_id": "awaited", "name": "New", "type": "m2m"});
    assert_eq!(desk.admin(Method::POST, "clients", new).await.status, StatusCode::CREATED);
    desk.declare(&["billing"]).await;
    assert_eq!(desk.get("tuples?entity_type=notes").await.json()["items"], json!([]));
    let rows = desk.get("audit?action=client.create").await.json();
    assert_eq!(rows["items"][0]["detail"]["removed"]["tuples"], 1, "{rows}");
}

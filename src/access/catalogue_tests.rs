//! Models in the store: owners, spellings, what is in use, and that what is found is what is stored.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Draft, Stored};
use crate::access::error::Error;
use crate::access::model::{CompiledModel, Models};
use crate::access::{catalogue, tuples};
use crate::audit;
use crate::base::id::ClientId;
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::identity::cascade;
use crate::records::{PolicyPlace, SubjectRef, TupleKey};
use crate::store::rows::{clients, policy_versions};
use crate::store::{self, Order, Read as _, Revision, Tx};
use crate::testing::{TestApp, block_on};

/// The members of a document written with `json!`.
fn members(document: Value) -> Map<String, Value> {
    document.as_object().cloned().unwrap()
}

fn draft(entity_type: &str, definition: Value) -> Draft {
    Draft { entity_type: entity_type.to_owned(), definition: members(definition), client: None, expected_version: None }
}

fn put(cx: &Cx, entity_type: &str, definition: Value) -> Result<Stored, Error> {
    put_over(cx, &draft(entity_type, definition))
}

fn put_over(cx: &Cx, draft: &Draft) -> Result<Stored, Error> {
    block_on(catalogue::put(cx, draft))
}

fn found(cx: &Cx, entity_type: &str) -> Option<Arc<CompiledModel>> {
    let from = cx.read().unwrap();
    Models::current(cx, &from).unwrap().find(&from, entity_type).unwrap()
}

/// Registers clients with these ids.
fn register(cx: &Cx, ids: &[&str]) {
    let tenant = cx.tenant.id;
    let all: Vec<_> = ids.iter().map(|id| client(id)).collect();
    let change = move |tx: &mut Tx| all.iter().try_for_each(|client| clients::put(tx, tenant, client));
    cx.store().write_blocking::<_, store::Error, _>(change).unwrap();
}

fn client(id: &str) -> crate::records::Client {
    serde_json::from_value(json!({
        "id": id, "name": id, "kind": "web", "auth_method": "none", "grants": [],
        "created_at": crate::testing::START, "updated_at": crate::testing::START
    }))
    .unwrap()
}

fn viewer() -> Value {
    json!({"relations": {"viewer": {}}})
}

#[test]
fn a_stored_model_is_found_in_its_newest_version() {
    let home = TestApp::new();
    let cx = home.cx();
    assert!(found(&cx, "doc").is_none());
    let first = put(&cx, "doc", viewer()).unwrap();
    assert!(first.created && first.model.version == 1);
    let before = cx.read().unwrap();
    let shared = found(&cx, "doc").unwrap();
    assert!(Arc::ptr_eq(&shared, &found(&cx, "doc").unwrap()));
    let second = put(&cx, "doc", json!({"relations": {"viewer": {}, "editor": {}}})).unwrap();
    assert!(!second.created && second.model.version == 2);
    assert_eq!(found(&cx, "doc").unwrap().relations.len(), 2);
    let old = Models::current(&cx, &before).unwrap().find(&before, "doc").unwrap().unwrap();
    assert_eq!((old.version, old.relations.len()), (1, 1));
    assert_eq!(found(&cx, "doc").unwrap().version, 2);
    block_on(catalogue::delete(&cx, "doc", Some(2))).unwrap();
    assert!(found(&cx, "doc").is_none());
    let log = audit::page(&cx, &audit::Filter::default(), Order::Ascending, &PageRequest::default()).unwrap();
    let mut actions: Vec<_> = log.items.iter().map(|row| (row.action.as_str(), row.target.as_deref())).collect();
    actions.sort_unstable();
    assert_eq!(actions, [("model.delete", Some("doc")), ("model.put", Some("doc")), ("model.put", Some("doc"))]);
}

#[test]
fn a_stored_model_replaces_a_built_in_one_until_it_is_removed() {
    let home = TestApp::new();
    let cx = home.cx();
    assert_eq!(found(&cx, "users").unwrap().version, 0);
    let all = json!({"relations": {"admin": {"union": ["viewer"]}, "viewer": {}, "extra": {}}, "permissions": {}});
    put(&cx, "users", all).unwrap();
    assert_eq!((found(&cx, "users").unwrap().version, found(&cx, "groups").unwrap().version), (1, 0));
    block_on(catalogue::delete(&cx, "users", None)).unwrap();
    assert_eq!(found(&cx, "users").unwrap().version, 0);
    assert!(matches!(block_on(catalogue::delete(&cx, "users", None)), Err(Error::NotFound)));
}

#[test]
fn an_older_draft_does_not_overwrite_a_newer_model() {
    let home = TestApp::new();
    let cx = home.cx();
    let at = |expected| Draft { expected_version: Some(expected), ..draft("doc", viewer()) };
    assert!(matches!(put_over(&cx, &at(1)), Err(Error::Conflict)));
    put_over(&cx, &at(0)).unwrap();
    assert!(matches!(put_over(&cx, &at(0)), Err(Error::Conflict)));
    assert_eq!(put_over(&cx, &at(1)).unwrap().model.version, 2);
    assert!(matches!(block_on(catalogue::delete(&cx, "doc", Some(1))), Err(Error::Conflict)));
}

#[test]
fn the_owner_is_the_client_that_is_named() {
    let home = TestApp::new();
    let cx = home.cx();
    register(&cx, &["abc", "client_x1", "other"]);
    let owner = |entity_type: &str| put(&cx, entity_type, viewer()).unwrap().model.client.map(|id| id.to_string());
    assert_eq!(owner("abc:invoice").as_deref(), Some("abc"));
    assert_eq!(owner("client_abc:order").as_deref(), Some("abc"));
    assert_eq!(owner("client_x1:invoice").as_deref(), Some("client_x1"));
    assert_eq!(owner("client_client_x1:order").as_deref(), Some("client_x1"));
    assert_eq!((owner("acme:project"), owner("project")), (None, None));
    let named = |id: &str| Draft { client: id.parse().ok(), ..draft("abc:bill", viewer()) };
    let owned = put_over(&cx, &named("other")).unwrap();
    assert_eq!(owned.model.client, "other".parse::<ClientId>().ok());
    assert_eq!(put(&cx, "abc:bill", viewer()).unwrap().model.client, "other".parse::<ClientId>().ok());
    assert!(matches!(put_over(&cx, &named("nobody")), Err(Error::SubjectNotFound { .. })));
}

#[test]
fn a_type_of_a_client_is_found_in_both_spellings_and_stored_once() {
    let home = TestApp::new();
    let cx = home.cx();
    register(&cx, &["abc", "client_x1"]);
    put(&cx, "abc:invoice", viewer()).unwrap();
    put(&cx, "client_client_x1:order", viewer()).unwrap();
    put(&cx, "acme:project", viewer()).unwrap();
    let name = |entity_type: &str| found(&cx, entity_type).map(|model| model.entity_type.clone());
    assert_eq!(name("client_abc:invoice").as_deref(), Some("abc:invoice"));
    assert_eq!(name("client_x1:order").as_deref(), Some("client_client_x1:order"));
    assert_eq!(name("client_acme:project"), None);
    assert_eq!(name("abc:order"), None);
    let again = put(&cx, "client_abc:invoice", viewer()).unwrap();
    assert_eq!((again.model.entity_type.as_str(), again.model.version), ("abc:invoice", 2));
    let subjects = json!({"relations": {"parent": {"subjects": ["client_abc:invoice"]}}});
    put(&cx, "abc:line", subjects).unwrap();
    assert!(found(&cx, "abc:line").unwrap().relations["parent"].accepts(&SubjectRef::new("abc:invoice", "1"), false));
}

#[test]
fn bug_50_relations_in_use_neither_go_nor_narrow() {
    let home = TestApp::new();
    let cx = home.cx();
    put(&cx, "doc", json!({"relations": {"viewer": {}, "editor": {}, "unused": {}}})).unwrap();
    for (relation, user) in [("viewer", "ann"), ("viewer", "bob"), ("editor", "ann")] {
        let (entity_type, entity_id, subject) = (String::from("doc"), String::from("1"), SubjectRef::new("user", user));
        let key = TupleKey { entity_type, entity_id, relation: relation.to_owned(), subject };
        block_on(tuples::write(&cx, key.into())).unwrap();
    }
    let change = |definition: Value| put_over(&cx, &draft("doc", definition));
    for (definition, says) in [
        (json!({"relations": {"viewer": {}}}), "`editor`: 1 tuple would lose"),
        (
            json!({"relations": {"viewer": {"anyOf": [{"relation": "editor"}]}, "editor": {}}}),
            "`viewer`: 2 tuples are of a relation",
        ),
        (json!({"relations": {"viewer": {"subjects": ["group"]}, "editor": {}}}), "`viewer`: 2 tuples have subjects"),
    ] {
        let Err(Error::InUse(text)) = change(definition.clone()) else { panic!("{definition} was stored") };
        assert!(text.contains(says) && text.contains("auther admin tuple list --entity-type doc"), "{text}");
    }
    assert!(matches!(block_on(catalogue::delete(&cx, "doc", None)), Err(Error::InUse(_))));
    change(json!({"relations": {"viewer": {"subjects": ["user", "group"]}, "editor": {"includes": ["viewer"]}}}))
        .unwrap();
    assert_eq!(found(&cx, "doc").unwrap().version, 2);
}

#[test]
fn what_other_types_do_not_know_is_a_warning() {
    let home = TestApp::new();
    let cx = home.cx();
    let definition = json!({
        "relations": {
            "parent": {"subjects": ["folder"]}, "reader": {"subjects": ["team#lead", "group#member"]},
            "viewer": {"anyOf": [{"direct": true}, {"relation": "viewer", "from": "parent"}]}
        },
        "permissions": {"viewer": {"relation": "reader"}}
    });
    let places = |stored: Stored| stored.warnings.into_iter().map(|warning| warning.at).collect::<Vec<_>>();
    let first = put(&cx, "doc", definition.clone()).unwrap();
    let expected = ["relations.parent.subjects", "relations.reader.subjects", "relations.viewer", "permissions.viewer"];
    assert_eq!(places(first), expected);
    let slips = json!({"relations": {"a": {"subjects": ["nosuch"]}, "b": {"subjects": ["user:ann"]}, "c": {"subjects": ["nosuch:*"]},
        "d": {"subjects": ["user", "user:*", "apikey", "client", "group", "slips"]}}});
    let warned = put(&cx, "slips", slips).unwrap();
    assert!(warned.warnings.iter().all(|warning| warning.problem.contains("there is no type")), "{warned:?}");
    assert_eq!(places(warned), ["relations.a.subjects", "relations.b.subjects", "relations.c.subjects"]);
    put(&cx, "folder", viewer()).unwrap();
    put(&cx, "team", json!({"relations": {"lead": {}}})).unwrap();
    assert_eq!(places(put(&cx, "doc", definition).unwrap()), ["permissions.viewer"]);
    let circular = json!({"relations": {
        "restricted": {"subjects": ["user", "ring#viewer"]}, "viewer": {"except": [{"relation": "restricted"}]}
    }});
    assert_eq!(places(put(&cx, "ring", circular).unwrap()), ["relations.viewer.except"]);
}

#[test]
fn each_change_of_a_policy_is_a_version() {
    let home = TestApp::new();
    let cx = home.cx();
    let with = |policies: &[(&str, &str)]| {
        let of = |(name, policy): &(&str, &str)| {
            ((*name).to_owned(), json!({"relation": "viewer", "policyEngine": "lua", "policy": policy}))
        };
        json!({"relations": {"viewer": {}}, "permissions": policies.iter().map(of).collect::<serde_json::Map<_, _>>()})
    };
    put(&cx, "doc", with(&[("a", "return true"), ("b", "return true"), ("c", "return true")])).unwrap();
    put(&cx, "doc", with(&[("a", "return true"), ("b", "return false")])).unwrap();
    let from = cx.read().unwrap();
    let latest = |permission: &str| {
        let place = PolicyPlace::Permission(permission.to_owned());
        let latest = policy_versions::latest(&from, cx.tenant.id, "doc", &place).unwrap().unwrap();
        (latest.version, latest.script)
    };
    let script = |text: &str| Some(text.to_owned());
    assert_eq!(["a", "b", "c"].map(latest), [(1, script("return true")), (2, script("return false")), (2, None)]);
}

#[test]
fn a_document_that_is_refused_changes_nothing() {
    let home = TestApp::new();
    let cx = home.cx();
    assert!(matches!(put(&cx, "doc", json!({"relations": {"a": ["b"]}})), Err(Error::Invalid(_))));
    let from = cx.read().unwrap();
    assert_eq!(from.models_revision(), Ok(Some(Revision::default())));
    assert!(catalogue::check(&cx, &from, &draft("doc", viewer())).unwrap().1.is_empty());
    assert!(catalogue::find(&cx, &from, "doc").unwrap().is_none());
    assert!(catalogue::page(&cx, &PageRequest::default()).unwrap().items.is_empty());
}

#[test]
fn the_types_of_a_client_go_with_everything_that_was_granted_on_them() {
    let home = TestApp::new();
    let cx = home.cx();
    register(&cx, &["abc"]);
    put(&cx, "abc:invoice", viewer()).unwrap();
    put(&cx, "doc", viewer()).unwrap();
    for (kind, id) in [("abc:invoice", "1"), ("abc:invoice", "*"), ("doc", "1")] {
        let subject = SubjectRef::new("user", "ann");
        let (entity_type, entity_id, relation) = (kind.to_owned(), id.to_owned(), String::from("viewer"));
        block_on(tuples::write(&cx, TupleKey { entity_type, entity_id, relation, subject }.into())).unwrap();
    }
    let (at, client) = (cx.clone(), "abc".parse::<ClientId>().unwrap());
    let ended = cx.store().write_blocking(move |tx| cascade::remove_types_of(tx, &at, &client)).unwrap();
    assert_eq!((ended.models, ended.tuples), (1, 2));
    assert!(found(&cx, "abc:invoice").is_none());
    let left = tuples::page(&cx, &tuples::Filter::default(), &PageRequest::default()).unwrap().items;
    assert_eq!(left.iter().map(|tuple| tuple.key.entity_type.as_str()).collect::<Vec<_>>(), ["doc"]);
}

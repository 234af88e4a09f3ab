//! A running installation: the order of a check, writing tuples, limits, explanations, claims.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Error;
use super::catalogue::{self, Draft};
use super::check::{Decision, Question, Reason, check, may};
use super::claims::{Scope, Subject, resolve};
use super::explain::NearMissReason;
use super::graph::tests::world::{World, tuple};
use super::graph::{CheckResult, Engine, Graph, Limits, ObjectRelation};
use super::list;
use super::model::{builtin, compile};
use super::naming::Naming;
use super::strangers;
use super::tuples::{self, Change, Filter, NewTuple};
use crate::audit;
use crate::base::id::{ApiKeyId, ClientId, TenantId, UserId};
use crate::base::page::PageRequest;
use crate::cx::Cx;
use crate::identity::users::{self, NewUser, UserChange};
use crate::records::{ApiKey, SubjectRef, Tuple, TupleKey, User};
use crate::store::rows::tuples as rows;
use crate::store::{self, Order};
use crate::testing::{START, TestApp, block_on};

/// Types, their clients and their models. `invoice` belongs to the client `abc`: who owns may edit, who edits may view;
/// folders pass on; the banned may not.
fn documents() -> Vec<(&'static str, Option<&'static str>, Value)> {
    let lua = |relation: &str, policy: &str| json!({"relation": relation, "policyEngine": "lua", "policy": policy});
    let invoice = json!({
        "relations": {
            "owner": {"union": ["editor"]}, "editor": {"union": ["viewer"]}, "viewer": {},
            "parent": {"subjects": ["folder"]}, "banned": {},
            "reader": {"anyOf": [{"relation": "viewer"}, {"relation": "viewer", "from": "parent"}], "except": [{"relation": "banned"}]}
        },
        "permissions": {
            "read": {"relation": "reader"}, "refund": lua("owner", "return false"),
            "void": lua("owner", "return nil + 1"), "pay": lua("owner", YES)
        }
    });
    let plain = json!({"relations": {"viewer": {}}});
    vec![
        ("folder", None, plain.clone()),
        (INVOICE, Some("abc"), invoice),
        ("other_type", Some("other"), plain.clone()),
        ("strict", Some("abc"), json!({"relations": {"viewer": {}}, "adminBypass": false})),
    ]
}

/// An installation with two clients and these models.
fn home() -> TestApp {
    let home = TestApp::new();
    let cx = home.cx();
    for id in ["abc", "other"] {
        let app: crate::records::Client = serde_json::from_value(json!({
            "id": id, "name": id, "kind": "web", "auth_method": "none", "grants": [], "created_at": START, "updated_at": START
        }))
        .unwrap();
        let put = move |tx: &mut store::Tx| store::rows::clients::put(tx, TenantId::DEFAULT, &app);
        cx.store().write_blocking::<_, store::Error, _>(put).unwrap();
    }
    for (entity_type, client, definition) in documents() {
        let definition = definition.as_object().unwrap().clone();
        let client = client.map(|id| id.parse().unwrap());
        let draft = Draft { entity_type: entity_type.to_owned(), definition, client, expected_version: None };
        block_on(catalogue::put(&cx, &draft)).unwrap();
    }
    home
}

pub(super) fn key(kind: &str, id: &str, relation: &str, subject: SubjectRef) -> TupleKey {
    tuple((kind, id, relation), subject).key
}

fn new(key: TupleKey) -> NewTuple {
    key.into()
}

fn give(cx: &Cx, object: (&str, &str, &str), subject: SubjectRef) {
    block_on(tuples::write(cx, new(key(object.0, object.1, object.2, subject)))).unwrap();
}

fn user(cx: &Cx, email: &str) -> User {
    block_on(users::create(cx, NewUser { email: email.into(), ..NewUser::default() })).unwrap()
}

pub(super) fn someone(name: &str) -> SubjectRef {
    SubjectRef::new("user", name)
}

fn ask(cx: &Cx, subject: &SubjectRef, permission: &str, kind: &str, id: &str) -> Decision {
    let mut question = Question::new(subject.clone(), permission, kind, id);
    let plain = block_on(check(cx, &question)).unwrap();
    question.explain = true;
    let explained = block_on(check(cx, &question)).unwrap();
    assert_eq!((plain.allowed, plain.reason, plain.source), (explained.allowed, explained.reason, explained.source));
    explained
}

pub(super) const INVOICE: &str = "client_abc:invoice";

/// A policy that allows.
const YES: &str = "return true";

#[test]
fn who_includes_may_do_what_the_included_may_and_not_the_other_way_round() {
    let home = home();
    let cx = home.cx();
    give(&cx, (INVOICE, "1", "owner"), someone("carol"));
    give(&cx, (INVOICE, "1", "viewer"), someone("dave"));
    for relation in ["owner", "editor", "viewer", "reader", "read"] {
        assert_eq!(ask(&cx, &someone("carol"), relation, INVOICE, "1").reason, Reason::Granted, "{relation}");
    }
    assert_eq!(ask(&cx, &someone("dave"), "read", INVOICE, "1").reason, Reason::Granted);
    assert_eq!(ask(&cx, &someone("dave"), "editor", INVOICE, "1").reason, Reason::NoTuple);
    assert_eq!(ask(&cx, &someone("carol"), "read", INVOICE, "2").reason, Reason::NoTuple);
}

#[test]
fn exclusions_hold_for_what_comes_from_a_parent() {
    let home = home();
    let cx = home.cx();
    give(&cx, (INVOICE, "1", "parent"), SubjectRef::new("folder", "f"));
    give(&cx, ("folder", "f", "viewer"), SubjectRef::new("group", "eng"));
    give(&cx, ("group", "eng", "member"), someone("ann"));
    assert!(ask(&cx, &someone("ann"), "read", INVOICE, "1").allowed);
    assert!(ask(&cx, &SubjectRef::new("group", "eng"), "read", INVOICE, "1").allowed);
    let people = list::SubjectFilter { kind: "user", relation: None };
    let may_read = || list::subjects_now(&cx, (INVOICE, "1", "read"), &people, &PageRequest::default()).unwrap().items;
    assert_eq!(may_read().into_iter().map(|item| item.subject).collect::<Vec<_>>(), [someone("ann")]);
    give(&cx, (INVOICE, "1", "banned"), someone("ann"));
    let denied = ask(&cx, &someone("ann"), "read", INVOICE, "1");
    assert_eq!(denied.reason, Reason::NoTuple);
    assert_eq!(denied.explanation.unwrap().misses[0].why, NearMissReason::Excluded);
    assert_eq!(may_read(), []);
}

#[test]
fn an_explanation_of_a_privilege_says_what_the_answer_would_be_without_it() {
    let home = home();
    let cx = home.cx();
    let root = someone(user(&cx, "root@example.com").id.as_str());
    let ann = someone(user(&cx, "ann@example.com").id.as_str());
    give(&cx, ("platform", "*", "admin"), root.clone());
    give(&cx, ("oauth_client", "abc", "full_access"), ann.clone());
    for (subject, why) in [(&root, Reason::AdminBypass), (&ann, Reason::ClientFullAccess)] {
        let explained = |id: &str| {
            let question = Question { explain: true, ..Question::new(subject.clone(), "viewer", INVOICE, id) };
            block_on(check(&cx, &question)).unwrap()
        };
        let decision = explained("1");
        assert_eq!((decision.allowed, decision.reason), (true, why));
        let explanation = decision.explanation.unwrap();
        let otherwise = explanation.without_privilege.as_ref().unwrap();
        assert_eq!((otherwise.allowed, otherwise.reason), (false, "no_tuple"));
        let told = explanation.sentences().join("\n");
        assert!(told.contains("Without that it would be denied: no relation gives it."), "{told}");
        give(&cx, (INVOICE, "2", "viewer"), subject.clone());
        let explanation = explained("2").explanation.unwrap();
        assert!(explanation.without_privilege.as_ref().unwrap().allowed);
        assert!(explanation.sentences().join("\n").contains("Without that it would be allowed: a relation gives it."));
    }
}

#[test]
fn a_subject_that_is_nobody_here_is_noted_and_who_is_here_is_not() {
    let home = home();
    let cx = home.cx();
    let ann = user(&cx, "ann@example.com");
    let note = |kind: &str, id: &str| strangers::note(&cx, &cx.read().unwrap(), &SubjectRef::new(kind, id)).unwrap();
    for (kind, id, said) in [
        ("user", "anne@example.com", "no person anne@example.com here"),
        ("group", "Eng", "no group Eng here"),
        ("apikey", "key_1", "no API key key_1 here"),
        ("usr", "u1", "no model declares the type usr, so nothing here is of it. Did you mean `user`?"),
    ] {
        let told = note(kind, id).unwrap_or_default();
        assert!(told.contains(said), "{kind} {id}: {told}");
    }
    for (kind, id) in [("user", ann.id.as_str()), ("user", "*"), ("client", "abc"), (INVOICE, "1")] {
        assert_eq!(note(kind, id), None, "{kind} {id}");
    }
    let written = tuples::write(
        &cx,
        TupleKey {
            entity_type: INVOICE.into(),
            entity_id: "1".into(),
            relation: "viewer".into(),
            subject: SubjectRef::new("user", "anne"),
        }
        .into(),
    );
    assert!(block_on(written).unwrap().note.unwrap().contains("no person anne here"));
}

#[test]
fn a_check_goes_through_its_steps_in_order() {
    let home = home();
    let cx = home.cx();
    let root = user(&cx, "root@example.com");
    let ann = user(&cx, "ann@example.com");
    let (root, ann_ref) = (someone(root.id.as_str()), someone(ann.id.as_str()));
    give(&cx, ("platform", "*", "admin"), root.clone());
    let reason = |subject: &SubjectRef, permission: &str, kind: &str| ask(&cx, subject, permission, kind, "1").reason;
    assert_eq!(reason(&root, "anything", "nowhere"), Reason::AdminBypass);
    assert_eq!(reason(&root, "read", INVOICE), Reason::AdminBypass);
    assert_eq!(reason(&root, "viewer", "strict"), Reason::NoTuple);
    assert_eq!(ask(&cx, &root, "super_admin", "platform", "*").reason, Reason::NoTuple);
    assert_eq!(reason(&ann_ref, "read", "nowhere"), Reason::NoModel);
    assert_eq!(reason(&ann_ref, "fly", INVOICE), Reason::NoPermission);
    assert_eq!(reason(&ann_ref, "read", INVOICE), Reason::NoTuple);
    give(&cx, ("oauth_client", "abc", "full_access"), ann_ref.clone());
    assert_eq!(reason(&ann_ref, "refund", INVOICE), Reason::ClientFullAccess);
    assert_eq!(reason(&ann_ref, "viewer", "other_type"), Reason::NoTuple);
    block_on(users::disable(&cx, &ann.id)).unwrap();
    assert_eq!(reason(&ann_ref, "read", INVOICE), Reason::SubjectDisabled);
    let nobody = someone(UserId::new(START, cx.entropy()).as_str());
    assert_eq!(reason(&nobody, "read", INVOICE), Reason::SubjectNotFound);
}

#[test]
fn a_condition_takes_the_place_of_the_policy_and_any_derivation_that_passes_allows() {
    let home = home();
    let cx = home.cx();
    let carol = someone("carol");
    give(&cx, (INVOICE, "1", "owner"), carol.clone());
    assert_eq!(ask(&cx, &carol, "pay", INVOICE, "1").reason, Reason::Granted);
    let denied = ask(&cx, &carol, "refund", INVOICE, "1");
    assert_eq!(denied.reason, Reason::PolicyDenied);
    assert_eq!(denied.explanation.unwrap().misses[0].why, NearMissReason::PolicyDenied);
    assert_eq!(ask(&cx, &carol, "void", INVOICE, "1").reason, Reason::PolicyError);
    assert!(!may(&cx, &carol, "pay", INVOICE, "1").unwrap());
    assert!(may(&cx, &carol, "read", INVOICE, "1").unwrap());
    let other = key(INVOICE, "*", "owner", carol.clone());
    block_on(tuples::write(&cx, NewTuple { condition: Some(YES.into()), ..new(other) })).unwrap();
    assert_eq!(ask(&cx, &carol, "refund", INVOICE, "1").reason, Reason::Granted);
    assert_eq!(ask(&cx, &carol, "void", INVOICE, "1").reason, Reason::Granted);
}

#[test]
fn contextual_tuples_count_for_the_question_and_make_nobody_an_administrator() {
    let home = home();
    let cx = home.cx();
    let mut question = Question::new(someone("eve"), "read", INVOICE, "1");
    question.contextual = vec![tuple(("platform", "*", "admin"), someone("eve"))];
    assert_eq!(block_on(check(&cx, &question)).unwrap().reason, Reason::NoTuple);
    question.contextual.push(tuple((INVOICE, "1", "viewer"), someone("eve")));
    assert_eq!(block_on(check(&cx, &question)).unwrap().reason, Reason::Granted);
    assert!(!ask(&cx, &someone("eve"), "read", INVOICE, "1").allowed);
}

#[test]
fn a_denial_tells_what_came_nearest() {
    let home = home();
    let cx = home.cx();
    let soon = START.plus(std::time::Duration::from_secs(60));
    let owner = key(INVOICE, "1", "owner", someone("ann"));
    block_on(tuples::write(&cx, NewTuple { expires_at: Some(soon), ..new(owner) })).unwrap();
    give(&cx, (INVOICE, "1", "viewer"), someone("ann"));
    give(&cx, (INVOICE, "1", "editor"), SubjectRef::new("group", "eng"));
    assert!(ask(&cx, &someone("ann"), "editor", INVOICE, "1").allowed);
    home.advance(std::time::Duration::from_secs(60));
    let denied = ask(&home.cx(), &someone("ann"), "editor", INVOICE, "1");
    let why: Vec<_> = denied.explanation.unwrap().misses.iter().map(|miss| miss.why).collect();
    assert_eq!(
        why,
        [
            NearMissReason::NotInSet,
            NearMissReason::Expired,
            NearMissReason::OtherRelation,
            NearMissReason::OtherRelation
        ]
    );
}

#[test]
fn a_tuple_is_written_once_and_told_in_the_audit_log() {
    let home = home();
    let cx = home.cx();
    let ann = user(&cx, "ann@example.com");
    let verified = UserChange { email_verified: Some(true), ..UserChange::default() };
    block_on(users::update(&cx, &ann.id, verified)).unwrap();
    let by_mail = new(key(INVOICE, "1", "viewer", someone("Ann@Example.com")));
    let by_mail = NewTuple { naming: Naming::Names, ..by_mail };
    let first = block_on(tuples::write(&cx, by_mail.clone())).unwrap();
    assert_eq!(first.change, Change::Created);
    assert_eq!(first.tuple.key.subject.id, ann.id.as_str());
    let rev = || rows::revision(&home.cx().read().unwrap(), cx.tenant.id).unwrap();
    let before = rev();
    assert_eq!(block_on(tuples::write(&cx, by_mail.clone())).unwrap().change, Change::Nothing);
    assert_eq!(rev(), before);
    let conditional = NewTuple { condition: Some(YES.into()), ..by_mail };
    assert_eq!(block_on(tuples::write(&cx, conditional)).unwrap().change, Change::Updated);
    assert_eq!(rev(), before + 1);
    assert_eq!(tuples::page(&cx, &Filter::default(), &PageRequest::default()).unwrap().items.len(), 1);
    let removed = block_on(tuples::remove_by_id(&cx, &first.tuple.key.id())).unwrap();
    assert_eq!(removed.condition.as_deref(), Some(YES));
    assert!(matches!(block_on(tuples::remove_named(&cx, &removed.key, Naming::Identifiers)), Err(Error::NotFound)));
    let filter = audit::Filter { action: Some("tuple".into()), ..audit::Filter::default() };
    let log = audit::page(&cx, &filter, Order::Ascending, &PageRequest::default()).unwrap();
    let mut actions: Vec<_> = log.items.iter().map(|row| row.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["tuple.remove", "tuple.write", "tuple.write"]);
}

#[test]
fn what_the_model_or_the_subject_forbids_is_refused_with_a_reason() {
    let home = home();
    let cx = home.cx();
    let refused = |new: NewTuple| block_on(tuples::write(&cx, new)).unwrap_err().to_string();
    let plain = |relation: &str, subject: SubjectRef| new(key(INVOICE, "1", relation, subject));
    assert!(refused(plain("reader", someone("ann"))).contains("write `viewer` or `banned` instead"));
    assert!(refused(plain("boss", someone("ann"))).contains("it has `banned`"));
    assert!(refused(plain("parent", someone("ann"))).contains("does not take `user:ann`; it takes `folder`"));
    assert!(refused(plain("viewer", SubjectRef::set("folder", "f", "boss"))).contains("no relation `boss`"));
    assert!(refused(plain("viewer", SubjectRef::new("group", "*"))).contains("names no group"));
    assert!(refused(plain("viewer", someone("an n"))).contains("subject_id"));
    assert!(refused(NewTuple { expires_at: Some(START), ..plain("viewer", someone("ann")) }).contains("past"));
    assert!(refused(NewTuple { condition: Some("(".into()), ..plain("viewer", someone("ann")) }).contains("line 1"));
    assert!(
        refused(NewTuple { condition: Some("x".repeat(10_241)), ..plain("viewer", someone("a")) }).contains("long")
    );
    let nobody = someone(UserId::new(START, cx.entropy()).as_str());
    let error = block_on(tuples::write(&cx, plain("viewer", nobody))).unwrap_err();
    assert_eq!(error.code(), "subject_not_found");
    let nowhere = new(key("nowhere", "1", "viewer", someone("ann")));
    assert_eq!(block_on(tuples::write(&cx, nowhere)).unwrap_err().code(), "unknown_entity_type");
}

#[test]
fn of_many_tuples_all_are_written_or_none_and_mistakes_name_their_line() {
    let home = home();
    let cx = home.cx();
    let many = |bad: &str| {
        let good = (0..50).map(|n| new(key(INVOICE, &n.to_string(), "viewer", someone("ann"))));
        good.chain([new(key(INVOICE, "1", bad, someone("ann")))]).collect::<Vec<_>>()
    };
    let error = block_on(tuples::write_lines(&cx, (101..).zip(many("boss")).collect())).unwrap_err();
    assert!(error.to_string().starts_with("line 151: relation: "), "{error}");
    let all = PageRequest::default();
    assert_eq!(tuples::page(&cx, &Filter::default(), &all).unwrap().items.len(), 0);
    assert_eq!(block_on(tuples::write_lines(&cx, (1..).zip(many("owner")).collect())).unwrap().len(), 51);
    assert_eq!(tuples::page(&cx, &Filter::default(), &all).unwrap().items.len(), 51);
}

pub(super) fn world(tuples: impl IntoIterator<Item = Tuple>) -> World {
    let compiled = documents().into_iter().map(|(entity_type, client, document)| {
        let client = client.map(|id| id.parse().unwrap());
        Arc::new(compile(entity_type, client.as_ref(), document.as_object().unwrap()).unwrap())
    });
    let models = compiled.chain(builtin::all().cloned()).map(|model| (model.entity_type.clone(), model)).collect();
    World { models, tuples: tuples.into_iter().map(|tuple| (tuple.key.clone(), tuple)).collect() }
}

fn nested(from: usize, to: usize) -> Tuple {
    tuple(("group", &format!("g{from}"), "member"), SubjectRef::new("group", format!("g{to}")))
}

fn holds(world: &World, user: &str, group: &str) -> Result<CheckResult, Error> {
    let graph = Graph { limits: Limits::default(), ..world.graph() };
    Ok(Engine::new(graph, &someone(user)).holds(ObjectRelation::new("group", group, "member"))?.result)
}

#[test]
fn a_limit_that_is_reached_is_an_error_and_never_a_denial() {
    let member = |n: usize| tuple(("group", &format!("g{n}"), "member"), someone("ann"));
    let chain = |length: usize| world((0..length).map(|n| nested(n, n + 1)).chain([member(length)]));
    assert_eq!(holds(&chain(25), "ann", "g0").unwrap(), CheckResult::Yes);
    assert_eq!(holds(&chain(25), "bob", "g0").unwrap(), CheckResult::No);
    assert!(matches!(holds(&chain(26), "ann", "g0"), Err(Error::LimitReached(_))));
    assert!(matches!(holds(&chain(26), "bob", "g0"), Err(Error::LimitReached(_))));
    let wide = |width: usize| world((1..=width).map(|n| nested(0, n)));
    assert_eq!(holds(&wide(1_000), "ann", "g0").unwrap(), CheckResult::No);
    assert!(matches!(holds(&wide(1_001), "ann", "g0"), Err(Error::LimitReached(_))));
    // Beyond the limit on one branch, found on another.
    let both = world((0..30).map(|n| nested(n, n + 1)).chain([nested(0, 99), member(99)]));
    assert_eq!(holds(&both, "ann", "g0").unwrap(), CheckResult::Yes);
}

#[test]
fn groups_that_contain_each_other_are_no_problem() {
    let everyone_in_everyone = (0..20).flat_map(|one| (0..20).map(move |two| nested(one, two)));
    let clique = world(everyone_in_everyone.chain([tuple(("group", "g19", "member"), someone("ann"))]));
    assert_eq!(holds(&clique, "ann", "g0").unwrap(), CheckResult::Yes);
    assert_eq!(holds(&clique, "bob", "g0").unwrap(), CheckResult::No);
}

#[test]
fn what_was_assumed_in_a_circle_is_forgotten_once_it_proves_wrong() {
    let into = |group: &str, set: &str| tuple(("group", group, "member"), SubjectRef::new("group", set));
    let ann = tuple(("group", "z", "member"), someone("ann"));
    // While h is looked for, n finds nothing but m, which finds nothing but h; only then z says yes to h.
    let world = world([into("h", "m"), into("h", "z"), into("m", "h"), into("m", "n"), into("n", "m"), ann]);
    let subject = someone("ann");
    let mut engine = Engine::new(world.graph(), &subject);
    for group in ["h", "n", "m"] {
        assert_eq!(
            engine.holds(ObjectRelation::new("group", group, "member")).unwrap().result,
            CheckResult::Yes,
            "{group}"
        );
    }
}

#[test]
fn a_token_holds_its_own_types_and_those_of_the_platform() {
    let home = home();
    let cx = home.cx();
    let ann = user(&cx, "ann@example.com");
    let subject = someone(ann.id.as_str());
    give(&cx, (INVOICE, "1", "owner"), subject.clone());
    give(&cx, ("other_type", "*", "viewer"), subject.clone());
    give(&cx, ("oauth_client", "abc", "full_access"), subject.clone());
    give(&cx, ("group", "eng", "member"), subject);
    give(&cx, ("folder", "*", "viewer"), SubjectRef::new("group", "eng"));
    let (own, other): (ClientId, ClientId) = ("abc".parse().unwrap(), "other".parse().unwrap());
    let claims =
        |client: &ClientId| resolve(&cx, &cx.read().unwrap(), Subject::User(&ann.id), Scope::Own(client)).unwrap();
    let found = claims(&own);
    let invoice = json!(["editor", "owner", "pay", "read", "reader", "refund", "viewer", "void"]);
    assert_eq!(
        json!(found.permissions),
        json!({"client_abc:invoice:1": invoice, "folder": ["viewer"], "oauth_client:abc": ["full_access"]})
    );
    let gated = json!(["pay", "refund", "void"]);
    assert_eq!(json!(found.abac_required), json!({"client_abc:invoice": gated, "client_abc:invoice:1": gated}));
    assert_eq!((found.client_full_access, found.truncated), (vec![own.clone()], false));
    assert!(found.rev >= 5);
    let keys: Vec<_> = claims(&other).permissions.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["folder", "oauth_client:abc", "other_type"]);
    let change = UserChange::default();
    block_on(users::update(&cx, &ann.id, change)).unwrap();
    block_on(users::disable(&cx, &ann.id)).unwrap();
    assert_eq!(claims(&other).permissions.len(), 0);
}

#[test]
fn a_key_bound_to_a_client_reaches_nothing_of_another() {
    let home = home();
    let cx = home.cx();
    let owner = user(&cx, "owner@example.com");
    let id = ApiKeyId::new(START, cx.entropy());
    let client: ClientId = "abc".parse().unwrap();
    let stored = json!({
        "id": id, "hash": crate::base::secret::Digest::of("secret"), "name": "ci", "start": "ak", "prefix": "ak_live_", "owner": owner.id, "client": client,
        "enabled": true, "created_at": START, "updated_at": START, "version": 1,
    });
    let stored: ApiKey = serde_json::from_value(stored).unwrap();
    let put = |key: ApiKey| {
        let tenant = cx.tenant.id;
        let put = move |tx: &mut store::Tx| store::rows::api_keys::put(tx, tenant, &key);
        cx.store().write_blocking::<_, store::Error, _>(put).unwrap();
    };
    put(stored.clone());
    let subject = SubjectRef::new("apikey", id.as_str());
    give(&cx, (INVOICE, "1", "viewer"), subject.clone());
    give(&cx, ("other_type", "1", "viewer"), subject.clone());
    give(&cx, ("oauth_client", "other", "use"), subject.clone());
    give(&cx, ("platform", "*", "admin"), subject.clone());
    assert_eq!(ask(&cx, &subject, "viewer", "other_type", "1").reason, Reason::OutsideClient);
    assert_eq!(ask(&cx, &subject, "use", "oauth_client", "other").reason, Reason::OutsideClient);
    assert_eq!(ask(&cx, &subject, "read", INVOICE, "1").reason, Reason::AdminBypass);
    let claims = || resolve(&cx, &cx.read().unwrap(), Subject::Key(&id), Scope::Own(&client)).unwrap().permissions;
    assert_eq!(claims().keys().collect::<Vec<_>>(), ["client_abc:invoice:1", "platform"]);
    put(ApiKey { expires_at: Some(START), ..stored.clone() });
    assert_eq!(ask(&cx, &subject, "viewer", INVOICE, "1").reason, Reason::SubjectDisabled);
    assert_eq!(claims().len(), 0);
    put(stored);
    block_on(users::disable(&cx, &owner.id)).unwrap();
    assert_eq!(ask(&cx, &subject, "viewer", INVOICE, "1").reason, Reason::SubjectDisabled);
}

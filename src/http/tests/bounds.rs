//! What one request may cost: memory and work on the thread that answers it are counted, for every route and every
//! list.
//!
//! Bytes that are allocated stand for work as well: anyone who copies, walks or compares allocates. What leaves the
//! thread is bounded by its budget (`base::budget`), and few of it run at a time (`base::long_work`).

use actix_web::http::{Method, StatusCode};
use actix_web::rt::System;
use actix_web::test::TestRequest;
use allocation_counter::{AllocationInfo, measure};
use serde_json::{Value, json};

use super::graph::parts;
use super::{Desk, Site, TestResponse};
use crate::http::endpoint::tests::registered;

const MIB: u64 = 1 << 20;

/// Most bytes that a request holds at a time on its thread: some times the largest body, as values.
const MOST_HELD: u64 = 48 * MIB;

/// Most bytes that it allocates in all.
const MOST_IN_ALL: u64 = 160 * MIB;

/// A site with its own runtime, so that what a request allocates on its thread can be counted.
struct Scales {
    system: actix_web::rt::SystemRunner,
    desk: Desk,
}

impl Scales {
    fn new() -> Self {
        let system = System::new();
        let desk = system.block_on(Desk::open());
        Self { system, desk }
    }

    fn send(&self, request: TestRequest) -> (TestResponse, AllocationInfo) {
        let request = request.insert_header(("authorization", format!("Bearer {}", self.desk.token)));
        let mut answer = None;
        let info = measure(|| answer = Some(self.system.block_on(self.desk.site.send(request))));
        (answer.unwrap(), info)
    }

    fn post(&self, path: &str, body: &Value) -> (TestResponse, AllocationInfo) {
        self.send(TestRequest::post().uri(path).set_json(body))
    }

    /// As [`Scales::post`], and within the bounds.
    fn weighed(&self, path: &str, body: &Value) -> TestResponse {
        let (answer, info) = self.post(path, body);
        assert_light(&info, path);
        answer
    }

    fn model(&self, kind: &str, definition: Value) {
        self.system.block_on(self.desk.model(kind, definition));
    }

    fn tuples(&self, texts: impl IntoIterator<Item = String>) {
        let all: Vec<Value> = texts.into_iter().map(|text| parts(&text)).collect();
        for some in all.chunks(1_000) {
            let body = json!({"tuples": some});
            let answer = self.system.block_on(self.desk.admin(Method::POST, "tuples", body));
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        }
    }
}

fn assert_light(info: &AllocationInfo, what: &str) {
    let (held, all) = (info.bytes_max, info.bytes_total);
    assert!(held <= MOST_HELD, "{what} held {} KiB", held >> 10);
    assert!(all <= MOST_IN_ALL, "{what} allocated {} KiB", all >> 10);
}

/// `{"a":{},"b":{}…}` nested one in another: little text, many values.
fn nested(count: usize) -> Value {
    (0..count).fold(json!({}), |inner, _| json!({"x": inner})).clone()
}

/// Documents that are small as text and large as values, or ask for a great many things.
fn hostile_bodies() -> Vec<String> {
    let items = |one: &str, count: usize| format!("[{}]", vec![one; count].join(","));
    let long = |name: &str, list: String| format!("{{\"{name}\":{list}}}");
    vec![
        long("context", items("{\"\":{}}", 130_000)),
        long("context", items("{\"a\":0}", 20_000)),
        long("evaluations", items("{}", 300_000)),
        long("checks", items("{\"a\":0}", 20_000)),
        long("entityIds", items("\"x\"", 45_000)),
        long("tuples", items("{\"relation\":\"x\"}", 20_000)),
        long("lines", items("\"doc:1#viewer@user:x\"", 40_000)),
        long(
            "definition",
            format!(
                "{{\"relations\":{{{}}}}}",
                (0..9_000).map(|n| format!("\"r{n}\":[\"z{n}\"]")).collect::<Vec<_>>().join(",")
            ),
        ),
        format!("{{\"source\":\"{}\"}}", "type a\\n  relations\\n    define b: c\\n".repeat(20_000)),
        format!("{{\"script\":\"{}\",\"name\":\"{}\"}}", "a=1 ".repeat(10_000), "n".repeat(20_000)),
        format!("{{\"lines\":[],\"first_line\":{}}}", u32::MAX),
        format!("{{\"redirect_uris\":{}}}", items("\"https://a.example/cb\"", 40_000)),
        "[".repeat(60_000),
    ]
}

#[test]
fn every_route_costs_a_bounded_amount_whatever_it_is_sent() {
    let scales = Scales::new();
    let routes = registered();
    assert!(routes.len() > 150, "the routes are not there");
    let text = "x".repeat(16_000);
    for (method, path) in routes {
        let queries = [
            String::new(),
            format!(
                "?client_id=grafana&redirect_uri=https://{text}&scope={text}&search=a&limit=4000000000&sort=-created_at"
            ),
            format!("?{}", "a=1&".repeat(99)),
        ];
        let mut requests: Vec<(String, String, &str)> =
            queries.into_iter().map(|query| (format!("{path}{query}"), String::new(), "application/json")).collect();
        if method != Method::GET && method != Method::HEAD {
            requests.extend(hostile_bodies().into_iter().map(|body| (path.clone(), body, "application/json")));
            let form = format!("redirect_uri=https://{text}{text}{text}&client_id=grafana&token={text}");
            requests.push((path.clone(), form, "application/x-www-form-urlencoded"));
        }
        for (uri, body, kind) in requests {
            let what = format!("{method} {path} {}", body.chars().take(24).collect::<String>());
            let request = TestRequest::default().method(method.clone()).uri(&uri).insert_header(("content-type", kind));
            let (answer, info) = scales.send(request.set_payload(body));
            assert_light(&info, &what);
            assert!(!answer.status.is_server_error() || path == "/readyz", "{what}: {}", answer.body);
        }
    }
}

#[test]
fn questions_share_what_is_said_for_all_of_them() {
    let scales = Scales::new();
    let policy = json!({"relation": "viewer", "policyEngine": "lua", "policy": "return context.flag == true"});
    scales.model(
        "doc",
        json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer"}, "pay": policy}}),
    );
    scales.tuples((0..1_000).map(|n| format!("doc d{n} viewer user ann")));
    let asked = |permission: &str, context: &Value| {
        let evaluations: Vec<Value> =
            (0..1_000).map(|n| json!({"resource": {"type": "doc", "id": format!("d{n}")}})).collect();
        json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": permission}, "context": context, "evaluations": evaluations})
    };
    let batch = |permission: &str, context: &Value| {
        let ids: Vec<String> = (0..1_000).map(|n| format!("d{n}")).collect();
        json!({"subject": {"type": "user", "id": "ann"}, "permission": permission, "entityType": "doc", "entityIds": ids, "context": context})
    };
    const MANY: &str = "/access/v1/evaluations";
    const BATCH: &str = "/api/auth/check-permission/batch";
    // The largest context that is taken: no policy decides, so nothing is told and nothing is copied.
    let largest = json!({"list": vec![json!({"a": {}}); 2_000], "text": "x".repeat(40_000)});
    let answer = scales.weighed(MANY, &asked("read", &largest));
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.json()["evaluations"].as_array().unwrap().len(), 1_000);
    let answer = scales.weighed(BATCH, &batch("read", &largest));
    assert_eq!((answer.status, answer.json()["results"].as_object().unwrap().len()), (StatusCode::OK, 1_000));
    // For a thousand policies it is too much, and none of them runs.
    for (path, body) in [(MANY, asked("pay", &largest)), (BATCH, batch("pay", &largest))] {
        let answer = scales.weighed(path, &body);
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("too_large")),
            "{path}"
        );
    }
    let evaluations = scales.desk.get("policies/evaluations");
    assert_eq!(scales.system.block_on(evaluations).json()["items"], json!([]));
    // With an ordinary context a thousand policies decide.
    let answer = scales.weighed(BATCH, &batch("pay", &json!({"flag": true})));
    assert!(answer.json()["results"].as_object().unwrap().values().all(|allowed| *allowed == json!(true)));
    // One that is deep or has many values is refused before anything is asked.
    for context in [json!({"list": vec![json!({"a": {}}); 3_000]}), json!({"text": "x".repeat(70_000)})] {
        for (path, body) in [(MANY, asked("read", &context)), (BATCH, batch("read", &context))] {
            let answer = scales.weighed(path, &body);
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (StatusCode::UNPROCESSABLE_ENTITY, &json!("too_large")),
                "{path}"
            );
        }
    }
    assert!(scales.post(MANY, &asked("read", &nested(70))).0.status.is_client_error());
}

#[test]
fn a_question_of_a_batch_costs_no_more_the_larger_the_context_that_all_share() {
    let scales = Scales::new();
    scales.model("doc", json!({"relations": {"viewer": {}}}));
    scales.tuples([String::from("doc d1 viewer user ann")]);
    let asked = |count: usize, context: &Value| {
        let evaluations = vec![json!({"resource": {"type": "doc", "id": "d1"}}); count];
        json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": "viewer"}, "context": context, "evaluations": evaluations})
    };
    let cost =
        |count: usize, context: &Value| scales.post("/access/v1/evaluations", &asked(count, context)).1.bytes_total;
    let (small, large) = (json!({}), json!({"list": vec![json!({"a": {}}); 1_900]}));
    // Once before, so that what is made with the first question is not counted.
    cost(1, &small);
    let of_each = |context: &Value| (cost(1_000, context) - cost(1, context)) / 999;
    let (with_small, with_large) = (of_each(&small), of_each(&large));
    assert!(with_large < with_small + 200, "{with_small} and {with_large} bytes for each question");
    assert!(with_small < 20_000, "{with_small} bytes for each question");
}

#[test]
fn questions_lists_and_dry_runs_over_a_large_world_leave_the_thread_that_answers() {
    let scales = Scales::new();
    let site: &Site = &scales.desk.site;
    scales.model("folder", json!({"relations": {"viewer": {}}}));
    scales.model("doc", json!({
        "relations": {"folder": {"subjects": ["folder"]}, "banned": {}, "viewer": {"anyOf": [{"direct": true}, {"relation": "viewer", "from": "folder"}], "except": [{"relation": "banned"}]}},
        "permissions": {"read": {"relation": "viewer"}, "write": {"relation": "viewer"}}
    }));
    let group = scales.system.block_on(scales.desk.group("staff"));
    scales.tuples((0..300).map(|n| format!("group {group} member user u{n}")));
    scales.tuples((0..2_400).map(|n| format!("doc d{n} folder folder f{}", n % 10)));
    scales.tuples((0..10).map(|n| format!("folder f{n} viewer group {group} member")));
    scales.tuples((0..300).map(|n| format!("doc * viewer user w{n}")));
    let user = json!({"type": "user", "id": "u1"});
    let about = |n: usize| json!({"entityType": "doc", "entityId": format!("d{n}"), "permission": "read", "subject": {"type": "user", "id": format!("u{}", n % 300)}});
    let dry = |tuple: &str| json!({"add": [parts(tuple)]});
    let cases = [
        ("/api/auth/list-objects", json!({"subject": user, "entityType": "doc", "permission": "read", "limit": 200})),
        ("/api/auth/list-subjects", json!({"entityType": "doc", "entityId": "d1", "permission": "read", "limit": 200})),
        (
            "/access/v1/search/resource",
            json!({"subject": user, "action": {"name": "read"}, "resource": {"type": "doc"}, "page": {"limit": 500}}),
        ),
        (
            "/access/v1/search/subject",
            json!({"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "doc", "id": "d1"}}),
        ),
        ("/access/v1/search/action", json!({"subject": user, "resource": {"type": "doc", "id": "d1"}})),
        ("/api/auth/check-permission/batch", json!({"checks": (0..1_000).map(about).collect::<Vec<_>>()})),
        ("/api/admin/tuples/dry-run", dry(&format!("group {group} member user zoe"))),
        ("/api/admin/tuples/dry-run", dry("doc * viewer user zoe")),
        ("/api/admin/tuples/dry-run", dry("folder f1 viewer user *")),
        (
            "/api/admin/models/doc/dry-run",
            json!({"definition": {"relations": {"viewer": {}, "folder": {}, "banned": {}}, "permissions": {"read": {"relation": "viewer"}}}}),
        ),
    ];
    for (path, body) in cases {
        let answer = scales.weighed(path, &body);
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    }
    let told = scales.weighed("/api/admin/tuples/dry-run", &dry(&format!("group {group} member user zoe"))).json();
    assert_eq!(
        (told["looked_at"]["subjects"].as_u64(), told["lost"].as_array().map(Vec::len)),
        (Some(1), Some(0)),
        "{told}"
    );
    assert!(told["gained"].as_array().unwrap().iter().all(|one| one["subject_id"] == "zoe"));
    let lists = ["users", "clients", "groups", "sessions", "api-keys"].map(|list| format!("{list}?sort=-created_at"));
    for path in lists.into_iter().chain([
        String::from("tuples?relation=nothing"),
        format!("groups/{group}/members"),
        String::from("audit?search=zzz"),
    ]) {
        let (answer, info) = scales.send(TestRequest::get().uri(&format!("/api/admin/{path}")));
        assert_light(&info, &path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    assert!(site.home.parts.store.commits() > 0);
}

/// Every endpoint that takes a list, at the largest that it takes: what must be refused beyond that is in `beyond`.
#[test]
fn every_list_is_taken_up_to_its_bound_at_a_bounded_cost_and_refused_beyond() {
    let scales = Scales::new();
    scales.model("doc", json!({"relations": {"viewer": {}}, "permissions": {"read": {"relation": "viewer"}}}));
    let tuple = |n: usize| parts(&format!("doc d{n} viewer user u{n}"));
    let tuples = |count: usize| (0..count).map(tuple).collect::<Vec<_>>();
    let line = |n: usize| format!("doc:i{n}#viewer@user:u{n}");
    let lines = |count: usize| (0..count).map(line).collect::<Vec<_>>();
    let told = |n: usize| json!({"entityType": "doc", "entityId": format!("d{n}"), "relation": "viewer", "subjectType": "user", "subjectId": "ann"});
    let asked = |explain: bool, more: usize| {
        let contextual: Vec<Value> = (0..more).map(told).collect();
        json!({"entityType": "doc", "entityId": "d1", "permission": "read", "subject": {"type": "user", "id": "ann"}, "explain": explain, "contextualTuples": contextual})
    };
    let checks = |explained: usize, others: usize, more: usize| {
        let all: Vec<Value> = (0..explained + others).map(|n| asked(n < explained, more)).collect();
        json!({"checks": all})
    };
    let ids = |count: usize, more: usize| {
        let mut body = asked(false, more);
        body["entityIds"] = (0..count).map(|n| format!("d{n}")).collect();
        body
    };
    let evaluations = |count: usize| {
        let one = json!({"resource": {"type": "doc", "id": "d1", "properties": {"a": 1}}});
        json!({"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"}, "evaluations": vec![one; count]})
    };
    let tried = |count: usize| json!({"subject_type": "user", "subject_id": "ann", "permission": "read", "entity_type": "doc", "would_do": tuples(count)});
    let types = |count: usize| json!({"source": format!("model\n  schema 1.1\n{}", (0..count).map(|n| format!("type t{n}\n")).collect::<String>())});
    let uris = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("https://app{n}.example/{}", "x".repeat(500))).collect();
        json!({"name": "App", "type": "web", "redirect_uris": all})
    };
    let model = |relations: usize| {
        let all: serde_json::Map<String, Value> = (0..relations).map(|n| (format!("r{n}"), json!({}))).collect();
        json!({"definition": {"relations": all}})
    };
    let batch = "/api/auth/check-permission/batch";
    for (path, within, beyond) in [
        ("/api/admin/tuples", json!({"tuples": tuples(1_000)}), json!({"tuples": tuples(1_001)})),
        (
            "/api/admin/tuples/import",
            json!({"lines": lines(1_000), "first_line": u32::MAX}),
            json!({"lines": lines(1_001)}),
        ),
        ("/api/admin/tuples/dry-run", json!({"add": tuples(50), "remove": tuples(50)}), json!({"add": tuples(101)})),
        (batch, checks(20, 0, 0), checks(21, 0, 0)),
        (batch, checks(0, 1_000, 0), checks(0, 1_001, 0)),
        (batch, checks(0, 50, 100), checks(0, 51, 100)),
        (batch, checks(0, 1, 100), checks(0, 1, 101)),
        (batch, ids(1_000, 0), ids(1_001, 0)),
        (batch, ids(50, 100), ids(51, 100)),
        ("/access/v1/evaluations", evaluations(1_000), evaluations(1_001)),
        ("/api/admin/check", tried(20), tried(21)),
        ("/api/admin/models/import", types(100), types(101)),
        ("/api/admin/models/validate", model(256), model(257)),
        ("/api/admin/clients", uris(100), uris(101)),
    ] {
        let answer = scales.weighed(path, &within);
        assert!(answer.status.is_success(), "{path}: {}", answer.body.chars().take(300).collect::<String>());
        let refused = scales.weighed(path, &beyond);
        assert!(refused.status.is_client_error(), "{path} beyond its bound: {}", refused.status);
    }
}

#[test]
fn a_model_with_a_great_many_mistakes_is_not_compared_with_itself() {
    let scales = Scales::new();
    // In a document of the largest size: relations that are too many, and names that are all unknown.
    let many: serde_json::Map<String, Value> =
        (0..12_000).map(|n| (format!("a{n}"), json!([format!("b{n}")]))).collect();
    let unknown: Vec<String> = (0..12_000).map(|n| format!("z{n}")).collect();
    for definition in [json!({"relations": many}), json!({"relations": {"viewer": {"union": unknown}}})] {
        let answer = scales.weighed("/api/admin/models/validate", &json!({"definition": definition}));
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body.chars().take(300).collect::<String>());
        assert!(answer.json()["fields"].as_array().is_none_or(|fields| fields.len() <= 102));
    }
}

#[test]
fn the_nearest_redirect_uri_of_a_long_one_costs_little() {
    let scales = Scales::new();
    let uris: Vec<String> = (0..100).map(|n| format!("https://app{n}.example/{}", "x".repeat(500))).collect();
    let body = json!({"name": "App", "type": "web", "client_id": "app", "redirect_uris": uris});
    assert_eq!(scales.weighed("/api/admin/clients", &body).status, StatusCode::CREATED);
    for length in [1_000, 8_000, 60_000] {
        let uri = format!("https://app7.example/{}", "y".repeat(length));
        let form = format!("client_id=app&response_type=code&redirect_uri={uri}");
        let request = TestRequest::post()
            .uri("/api/auth/oauth2/authorize")
            .insert_header(("content-type", "application/x-www-form-urlencoded"));
        let (answer, info) = scales.send(request.set_payload(form));
        assert!(answer.status.is_redirection() || answer.status.is_client_error(), "{length}: {}", answer.status);
        let (_, shown) = scales.send(
            TestRequest::get()
                .uri(&format!("/api/auth/oauth2/authorize?client_id=app&response_type=code&redirect_uri={uri}")),
        );
        assert!(info.bytes_total.max(shown.bytes_total) < 8 * MIB, "{length}: {} KiB", shown.bytes_total >> 10);
    }
}

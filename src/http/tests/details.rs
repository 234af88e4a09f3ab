//! What administrators see of one person, one app, one group beyond their facts.

use serde_json::json;

use super::*;

#[actix_web::test]
async fn what_a_deletion_takes_along_is_told_to_who_may_delete_and_changes_nothing() {
    let desk = Desk::open().await;
    desk.site.person("ann@example.com", &[]).await;
    for _ in 0..2 {
        desk.site.token("ann@example.com").await;
    }
    desk.site.client(false).await;
    let group = crate::access::groups::create(&desk.site.home.cx(), "Staff", None).await.unwrap();
    let commits = desk.site.home.parts.store.commits();
    let none = json!({"gained": [], "lost": [], "complete": true, "looked_at": {"subjects": 0, "objects": 0}});
    let nobody = json!({"sessions": 2, "refresh_families": 0, "api_keys": 0, "tuples": 0, "memberships": 0, "consents": 0,
        "changes": none});
    assert_eq!(desk.get("users/ann@example.com/deletion").await.json(), nobody);
    let changes = json!({"gained": [], "lost": [], "complete": true, "looked_at": {"subjects": 0, "objects": 0}});
    let of_group = json!({"tuples": 0, "memberships": 0, "changes": changes});
    assert_eq!(desk.get("groups/Staff/deletion").await.json(), of_group);
    assert_eq!(
        desk.get("clients/grafana/deletion").await.json(),
        json!({"refresh_families": 0, "api_keys": 0, "tuples": 0, "memberships": 0, "consents": 0, "models": 0, "changes": none})
    );
    // What would be refused is refused here already.
    let last = desk.get("users/root@example.com/deletion").await;
    assert_eq!((last.status, &last.json()["code"]), (StatusCode::CONFLICT, &json!("last_administrator")));
    assert_eq!(desk.site.home.parts.store.commits(), commits);
    for path in ["users/nobody/deletion", "clients/nobody/deletion", "clients/%20/deletion", "groups/nobody/deletion"] {
        assert_eq!(desk.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let viewer =
        desk.lesser("vi@example.com", &[("users", "viewer"), ("clients", "viewer"), ("groups", "viewer")]).await;
    for path in ["users/ann@example.com/deletion", "clients/grafana/deletion", "groups/Staff/deletion"] {
        assert_eq!(desk.call_as(&viewer, Method::GET, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(desk.call(Method::DELETE, &format!("groups/{}", group.id)).await.json()["ended"]["tuples"], 0);
}

impl Desk {
    /// Ann, in a group within a group, with a relation to a type of the platform.
    async fn ann(&self) -> User {
        let cx = self.site.home.cx();
        let ann = self.site.person("ann@example.com", &[]).await;
        let staff = crate::access::groups::create(&cx, "Staff", None).await.unwrap().id;
        let all = crate::access::groups::create(&cx, "All", None).await.unwrap().id;
        let person = SubjectRef::new("user", ann.id.as_str());
        for (kind, id, relation, subject) in [
            ("group", staff.as_str(), "member", person.clone()),
            ("group", all.as_str(), "member", SubjectRef::new("group", staff.as_str())),
            ("oauth_client", "grafana", "use", person),
        ] {
            let (entity_type, entity_id, relation) = (kind.to_owned(), id.to_owned(), relation.to_owned());
            crate::access::tuples::write(&cx, TupleKey { entity_type, entity_id, relation, subject }.into())
                .await
                .unwrap();
        }
        ann
    }

    /// The newest row of the audit log.
    async fn audited(&self, action: &str) -> Value {
        self.get(&format!("audit?action={action}&limit=1")).await.json()["items"][0].clone()
    }
}

#[actix_web::test]
async fn the_groups_of_a_person_say_which_they_were_put_in_by_name() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    desk.ann().await;
    let mut items = desk.get("users/ann@example.com/groups").await.json()["items"].as_array().unwrap().clone();
    items.sort_by_key(|item| item["name"].as_str().unwrap().to_owned());
    let told: Vec<_> =
        items.iter().map(|item| (item["name"].as_str().unwrap(), item["direct"].as_bool().unwrap())).collect();
    assert_eq!(told, [("All", false), ("Staff", true)]);
    assert!(items[0]["id"].as_str().unwrap().starts_with("grp_"));
    assert_eq!(desk.get("users/root@example.com/groups").await.json()["items"], json!([]));
    assert_eq!(desk.get("users/nobody/groups").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn what_a_person_may_do_is_the_same_for_administrators_and_for_themselves() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    desk.ann().await;
    let access = desk.get("users/ann@example.com/access").await.json();
    assert_eq!(access["truncated"], false);
    let item = &access["items"][0];
    assert_eq!((&item["entity_type"], &item["entity_id"]), (&json!("oauth_client"), &json!("grafana")));
    assert!(item["permissions"].as_array().unwrap().contains(&json!("use")), "{item}");
    assert_eq!(desk.get("users/ann@example.com/access?client=grafana").await.json(), access);
    assert_eq!(desk.get("users/ann@example.com/access?client=other").await.json()["items"], json!([]));
    assert_eq!(desk.get("users/ann@example.com/access?client=%20").await.status, StatusCode::BAD_REQUEST);
    let token = desk.site.token("ann@example.com").await;
    let mine = async |query: &str| {
        let request = TestRequest::get().uri(&format!("/api/auth/my-access{query}"));
        desk.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    };
    // The dialect of accounts has words of its own.
    let own = json!({"entityType": "oauth_client", "entityId": "grafana", "permissions": item["permissions"],
        "abacRequired": item["abac_required"]});
    assert_eq!(mine("").await.json(), json!({"items": [own], "truncated": false}));
    assert_eq!(mine("?client=other").await.json()["items"], json!([]));
    let wrong = mine("?client=%20").await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (StatusCode::BAD_REQUEST, &json!("INVALID_REQUEST")));
}

#[actix_web::test]
async fn a_preview_of_tokens_says_what_they_would_and_leaves_an_audit_row_only() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let ann = desk.ann().await;
    let preview = desk.get("users/ann@example.com/token?client=grafana&scope=openid%20email").await.json();
    let (id, access) = (&preview["id_token"], &preview["access_token"]);
    assert_eq!((&id["aud"], &id["sub"], &id["email"]), (&json!("grafana"), &json!(ann.id), &json!("ann@example.com")));
    assert_eq!((&access["scope"], &access["client_id"]), (&json!("email openid"), &json!("grafana")));
    assert!(access["permissions"]["oauth_client:grafana"].as_array().unwrap().contains(&json!("use")), "{access}");
    assert_eq!((&preview["refused"], &id["at_hash"]), (&Value::Null, &Value::Null));
    let row = desk.audited("token").await;
    assert_eq!((&row["action"], &row["target"]), (&json!("token.preview"), &json!(ann.id)));
    assert_eq!(row["detail"], json!({"client": "grafana", "scopes": ["email", "openid"]}));
    let families = crate::store::rows::grants::of_user(
        &desk.site.home.cx().read().unwrap(),
        desk.site.home.cx().tenant.id,
        &ann.id,
    );
    assert!(families.unwrap().is_empty());
    assert_eq!(
        desk.get("users/ann@example.com/token?client=grafana&scope=email").await.json()["id_token"],
        Value::Null
    );
    for (query, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("?client=", StatusCode::BAD_REQUEST),
        ("?client=nobody", StatusCode::NOT_FOUND),
        ("?client=grafana&scope=everything", StatusCode::OK),
    ] {
        assert_eq!(desk.get(&format!("users/ann@example.com/token{query}")).await.status, status, "{query}");
    }
    crate::identity::users::disable(&desk.site.home.cx(), &ann.id).await.unwrap();
    assert_eq!(desk.get("users/ann@example.com/token?client=grafana").await.json()["refused"], "user_disabled");
}

#[actix_web::test]
async fn a_consent_is_seen_and_taken_back_for_somebody() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let ann = desk.ann().await;
    let cx = desk.site.home.cx();
    let allow = async || {
        let consent = crate::records::Consent {
            user: ann.id.clone(),
            client: "grafana".parse().unwrap(),
            scopes: vec![String::from("openid")],
            created_at: cx.now,
            updated_at: cx.now,
        };
        let tenant = cx.tenant.id;
        let put = move |tx: &mut crate::store::Tx| crate::store::rows::consents::put(tx, tenant, &consent);
        cx.store().write::<_, crate::store::Error, _>(put).await.unwrap();
    };
    allow().await;
    let item = desk.get("users/ann@example.com/consents").await.json()["items"][0].clone();
    assert_eq!((&item["client_id"], &item["client_name"]), (&json!("grafana"), &json!("Grafana")));
    let lesser = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    let path = "users/ann@example.com/consents/grafana";
    assert_eq!(desk.call_as(&lesser, Method::DELETE, path).await.status, StatusCode::FORBIDDEN);
    for foreign in [
        "users/root@example.com/consents/grafana",
        "users/ann@example.com/consents/other",
        "users/nobody/consents/grafana",
    ] {
        assert_eq!(desk.call(Method::DELETE, foreign).await.status, StatusCode::NOT_FOUND, "{foreign}");
    }
    let gone = desk.call(Method::DELETE, path).await.json();
    assert_eq!((&gone["deleted"], &gone["ended"]), (&json!(true), &json!({"grants": 0})));
    assert_eq!(desk.call(Method::DELETE, path).await.status, StatusCode::NOT_FOUND);
    let row = desk.audited("consent").await;
    assert_eq!((&row["target"], &row["detail"]["user"]), (&json!("grafana"), &json!(ann.id)));
    // The person themselves, in the dialect of accounts and in both spellings.
    let token = desk.site.token("ann@example.com").await;
    for member in ["clientId", "client_id"] {
        allow().await;
        let request = TestRequest::post().uri("/api/auth/revoke-consent").set_json(json!({ member: "grafana" }));
        let answer = desk.site.send(request.insert_header(("authorization", format!("Bearer {token}")))).await;
        assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &json!(true)), "{member}");
    }
}

#[actix_web::test]
async fn who_sees_people_only_sees_neither_their_groups_nor_what_they_may_do() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    desk.ann().await;
    let people = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    let tuples = desk.lesser("tu@example.com", &[("tuples", "viewer"), ("groups", "viewer")]).await;
    let all = desk.lesser("al@example.com", &[("users", "viewer"), ("tuples", "viewer"), ("groups", "viewer")]).await;
    for what in ["groups", "access", "token?client=grafana"] {
        let path = format!("users/ann@example.com/{what}");
        assert_eq!(desk.call_as(&people, Method::GET, &path).await.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(desk.call_as(&tuples, Method::GET, &path).await.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(desk.call_as(&all, Method::GET, &path).await.status, StatusCode::OK, "{what}");
    }
    let consents = "users/ann@example.com/consents";
    assert_eq!(desk.call_as(&people, Method::GET, consents).await.status, StatusCode::OK);
    assert_eq!(desk.call_as(&tuples, Method::GET, consents).await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn the_integration_of_an_app_is_what_discovery_says_and_has_no_secret() {
    let desk = Desk::open().await;
    let fields = ClientFieldsChange {
        redirect_uris: Some(vec![String::from("https://wiki.example.com/cb")]),
        ..ClientFieldsChange::default()
    };
    let input = NewClient {
        name: Some(String::from("Wiki")),
        kind: Some(ClientType::Web),
        client_id: Some(String::from("wiki")),
        fields,
    };
    let secret = register(&desk.site.home.cx(), &input).await.unwrap().secret.unwrap();
    let answer = desk.get("clients/wiki/integration").await;
    assert!(!answer.body.contains(secret.expose().as_str()) && !answer.body.contains("digest"));
    let told = answer.json();
    let discovery = desk.site.get("/.well-known/openid-configuration").await.json();
    for (name, theirs) in [
        ("issuer", "issuer"),
        ("jwks", "jwks_uri"),
        ("authorize", "authorization_endpoint"),
        ("token", "token_endpoint"),
        ("userinfo", "userinfo_endpoint"),
        ("end_session", "end_session_endpoint"),
        ("scopes", "scopes_supported"),
    ] {
        assert!(!told[name].is_null() && told[name] == discovery[theirs], "{name}: {told}");
    }
    assert_eq!(told["discovery"], format!("{OWN}/.well-known/openid-configuration"));
    assert_eq!((&told["client_id"], &told["type"], &told["audience"]), (&json!("wiki"), &json!("web"), &json!(OWN)));
    assert_eq!(told["redirect_uris"], json!(["https://wiki.example.com/cb"]));
    assert_eq!(desk.get("clients/nobody/integration").await.status, StatusCode::NOT_FOUND);
    let other = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    assert_eq!(desk.call_as(&other, Method::GET, "clients/wiki/integration").await.status, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn a_change_leaves_its_old_and_new_values_in_the_log_and_no_secret() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let (token, patch) = (desk.token.clone(), Method::PATCH);
    let uris = json!(["https://app.example.com/new"]);
    let body = json!({"name": "Graphs", "redirect_uris": uris, "access_policy": "restricted"});
    let changed = desk.send(&token, patch.clone(), "/api/admin/clients/grafana", body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let row = desk.audited("client.update").await;
    let changes = &row["detail"]["changes"];
    assert_eq!(changes["name"]["new"], "Graphs", "{row}");
    assert_eq!(changes["redirect_uris"], json!({"old": ["https://app.example.com/cb"], "new": uris}));
    assert_eq!(changes["access_policy"], json!({"old": "all_users", "new": "restricted"}));
    assert!(!row.to_string().contains("digest") && changes.get("secrets").is_none(), "{row}");
    let group = desk.send(&token, Method::POST, "/api/admin/groups", json!({"name": "Staff"})).await.json();
    let path = format!("/api/admin/groups/{}", group["id"].as_str().unwrap());
    desk.send(&token, patch.clone(), &path, json!({"name": "Crew", "description": "All"})).await;
    let told = json!({"name": {"old": "Staff", "new": "Crew"}, "description": {"old": null, "new": "All"}});
    assert_eq!(desk.audited("group.update").await["detail"]["changes"], told);
    let tuple = |condition: &str| {
        json!({"entity_type": "users", "entity_id": "*", "relation": "viewer", "subject_type": "group",
            "subject_id": group["id"], "subject_relation": "member", "condition": condition})
    };
    for condition in ["return true", "return false"] {
        let written = desk.send(&token, Method::POST, "/api/admin/tuples", tuple(condition)).await;
        assert!(written.status.is_success(), "{}", written.body);
        desk.site.home.advance(std::time::Duration::from_secs(1));
    }
    let row = desk.audited("tuple.write").await;
    let told = json!({"condition": {"old": "return true", "new": "return false"}});
    assert_eq!((&row["detail"]["created"], &row["detail"]["changes"]), (&json!(false), &told), "{row}");
    let key = json!({"name": "k", "owner": "root@example.com"});
    let key = desk.send(&token, Method::POST, "/api/admin/api-keys", key).await.json();
    let path = format!("/api/admin/api-keys/{}", key["id"].as_str().unwrap());
    let body = json!({"name": "machine", "enabled": false});
    let changed = desk.send(&token, patch, &path, body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let row = desk.audited("api_key.update").await;
    let told = json!({"name": {"old": "k", "new": "machine"}, "enabled": {"old": true, "new": false}});
    assert_eq!(row["detail"]["changes"], told, "{row}");
    assert!(!row.to_string().contains(key["key"].as_str().unwrap()), "{row}");
}

#[actix_web::test]
async fn the_audit_log_is_downloaded_whole_as_lines_or_cells_by_who_may() {
    let desk = Desk::open().await;
    let agent = "=HYPERLINK(\"http://evil.example\")";
    for n in 0..620 {
        let body = json!({"email": format!("nobody{n}@example.com"), "password": "wrong password"});
        let request = TestRequest::post().uri("/api/auth/sign-in/email").set_json(body);
        desk.site.send(request.insert_header(("user-agent", agent))).await;
        desk.site.home.advance(std::time::Duration::from_secs(1));
    }
    let all = desk.all("audit?action=user.sign_in", "id").await;
    assert!(all.len() > 500, "{}", all.len());
    let lines = desk.get("audit/export?action=user.sign_in").await;
    assert!(lines.header("content-disposition").starts_with("attachment; filename=\"audit-"));
    let ids =
        lines.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned());
    assert_eq!(ids.collect::<Vec<_>>(), all);
    let cells = desk.get("audit/export?action=user.sign_in&format=csv&order=asc").await;
    assert!(cells.header("content-type").starts_with("text/csv"));
    let mut rows = cells.body.split("\r\n");
    assert_eq!(rows.next(), Some("at,action,outcome,actor_kind,actor,target,ip,user_agent,request,detail,id"));
    assert_eq!(rows.clone().filter(|row| !row.is_empty()).count(), all.len());
    assert!(rows.any(|row| row.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\"")));
    let wrong = desk.get("audit/export?format=xls").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let viewer = desk.lesser("vi@example.com", &[("users", "viewer")]).await;
    assert_eq!(desk.call_as(&viewer, Method::GET, "audit/export").await.status, StatusCode::FORBIDDEN);
    let rows = desk.get("audit?action=audit.export").await.json();
    let rows = rows["items"].as_array().unwrap().iter();
    let mut formats: Vec<_> = rows.map(|row| row["detail"]["format"].as_str().unwrap().to_owned()).collect();
    formats.sort_unstable();
    assert_eq!(formats, ["csv", "jsonl"]);
}

/// What of `changes` says who, what and on which object.
fn told(answer: &Value, member: &str) -> Vec<String> {
    let all = answer["changes"][member].as_array().unwrap().iter();
    let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
    let kind = |change: &Value| text(change, "subject_type");
    all.map(|one| {
        format!("{} {} {}:{}", kind(one), text(one, "permission"), text(one, "entity_type"), text(one, "entity_id"))
    })
    .collect()
}

#[actix_web::test]
async fn a_deletion_tells_who_gains_and_who_loses_by_it() {
    let desk = Desk::open().await;
    desk.site.client(false).await;
    let ann = desk.site.person("ann@example.com", &[]).await;
    desk.site.person("bob@example.com", &[]).await;
    let cx = desk.site.home.cx();
    let new = crate::apikeys::NewKey { name: String::from("k"), ..crate::apikeys::NewKey::default() };
    let key = crate::apikeys::create(&cx, &ann.id, new).await.unwrap().key.id;
    let permissions = json!({"view": {"relation": "viewer"}});
    let docs = json!({"relations": {"viewer": {"anyOf": [{"direct": true}], "except": [{"relation": "blocked"}]}, "blocked": {}},
        "permissions": permissions});
    desk.model("doc", docs).await;
    desk.model("grafana:board", json!({"relations": {"viewer": {}}, "permissions": permissions})).await;
    desk.model("shelf", json!({"relations": {"viewer": {}}, "permissions": permissions})).await;
    for tuple in [
        String::from("doc d1 viewer user ann@example.com"),
        format!("doc d2 viewer apikey {key}"),
        String::from("grafana:board b1 viewer user bob@example.com"),
        String::from("shelf s1 viewer grafana:board b1 viewer"),
    ] {
        desk.tuple(&tuple).await;
    }
    let of_ann = desk.get("users/ann@example.com/deletion").await.json();
    assert_eq!(told(&of_ann, "lost"), ["apikey view doc:d2", "user view doc:d1"], "{of_ann}");
    assert_eq!((told(&of_ann, "gained"), &of_ann["changes"]["complete"]), (Vec::new(), &json!(true)));
    // Of an exclusion that goes with them nobody gains who is gone; and what everyone may do is not listed.
    for tuple in ["doc d3 viewer user *", "doc d3 blocked user ann@example.com"] {
        desk.tuple(tuple).await;
    }
    let of_ann = desk.get("users/ann@example.com/deletion").await.json();
    assert_eq!((told(&of_ann, "gained"), &of_ann["changes"]["complete"]), (Vec::new(), &json!(false)), "{of_ann}");
    // With an app go its types, and what rests on them elsewhere.
    let of_app = desk.get("clients/grafana/deletion").await.json();
    assert_eq!(told(&of_app, "lost"), ["user view grafana:board:b1", "user view shelf:s1"], "{of_app}");
    let helper = desk.lesser("helen@example.com", &[("users", "admin"), ("clients", "admin")]).await;
    for path in ["users/ann@example.com/deletion", "clients/grafana/deletion"] {
        let answer = desk.call_as(&helper, Method::GET, path).await;
        assert_eq!((answer.status, &answer.json()["changes"]), (StatusCode::OK, &Value::Null), "{path}");
    }
    assert_eq!(desk.get("tuples?entity_type=grafana:board").await.json()["items"].as_array().unwrap().len(), 1);
}

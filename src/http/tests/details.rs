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
    let nobody =
        json!({"sessions": 2, "refreshFamilies": 0, "apiKeys": 0, "tuples": 0, "memberships": 0, "consents": 0});
    assert_eq!(desk.get("users/ann@example.com/deletion").await.json(), nobody);
    assert_eq!(desk.get("groups/Staff/deletion").await.json(), json!({"tuples": 0, "memberships": 0}));
    assert_eq!(
        desk.get("clients/grafana/deletion").await.json(),
        json!({"refreshFamilies": 0, "apiKeys": 0, "tuples": 0, "memberships": 0, "consents": 0, "models": 0})
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

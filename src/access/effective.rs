//! All that a subject may do, as far as tuples lead: for people who look at somebody's permissions, not for decisions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Error;
use super::check::{CLIENTS, CheckSession, with_session};
use super::graph::{CheckResult, TupleReader, Walk};
use super::model::CompiledModel;
use crate::base::id::ClientId;
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::GROUP;

/// Objects that are looked at.
const MAX_OBJECTS: usize = 1_000;

/// What a subject may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effective {
    /// By type and object; `*` stands for every object of the type.
    pub items: Vec<Item>,
    /// Whether there is more than was looked at.
    pub truncated: bool,
}

/// What a subject may do with one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EffectiveItem)]
pub struct Item {
    /// The type.
    pub entity_type: String,
    /// The object.
    pub entity_id: String,
    /// Names of permissions, sorted; of relations where the type has no permissions.
    pub permissions: Vec<String>,
    /// Those of them that depend on a policy and must be asked live.
    pub abac_required: Vec<String>,
}

/// What a subject may do at this moment on the objects that its tuples lead to, itself, through groups and through
/// parents; with a `client` only on types of that client and on the client itself. What follows from administering the
/// platform alone is not listed: it is everything.
pub fn of_subject(cx: &Cx, subject: &SubjectRef, client: Option<&ClientId>) -> Result<Effective, Error> {
    with_session(cx, subject, |session| collect(session, client))
}

fn collect<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    client: Option<&ClientId>,
) -> Result<Effective, Error> {
    let mut effective = Effective::default();
    if !session.is_active() {
        return Ok(effective);
    }
    let objects = match Walk::new(session.graph()).reached_by(session.subject(), true) {
        Err(Error::LimitReached(_)) => return Ok(Effective { truncated: true, ..effective }),
        reached => reached?.objects,
    };
    let mut looked = 0;
    // Memberships of groups are not permissions.
    for (kind, id) in objects.into_iter().filter(|(kind, _)| kind != GROUP) {
        let Some(model) = session.graph().schema.model(&kind)? else { continue };
        let is_wanted = |client: &ClientId| {
            model.client.as_ref() == Some(client) || model.entity_type == CLIENTS && id == client.as_str()
        };
        if !client.is_none_or(is_wanted) {
            continue;
        }
        looked += 1;
        if looked > MAX_OBJECTS {
            effective.truncated = true;
            break;
        }
        match item(session, &model, id) {
            Err(Error::LimitReached(_)) => effective.truncated = true,
            item => effective.items.extend(item?),
        }
    }
    Ok(effective)
}

fn item<F: TupleReader + ?Sized>(
    session: &mut CheckSession<'_, F>,
    model: &CompiledModel,
    entity_id: String,
) -> Result<Option<Item>, Error> {
    let (mut permissions, mut abac_required) = (Vec::new(), Vec::new());
    let relations = model.relations.keys().filter(|_| model.permissions.is_empty());
    for name in model.permissions.keys().chain(relations) {
        let result = session.static_result(model, &entity_id, name)?.filter(|result| *result >= CheckResult::Gated);
        permissions.extend(result.map(|_| name.clone()));
        abac_required.extend(result.filter(|result| *result == CheckResult::Gated).map(|_| name.clone()));
    }
    let entity_type = model.entity_type.clone();
    Ok((!permissions.is_empty()).then_some(Item { entity_type, entity_id, permissions, abac_required }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::catalogue::{self, Draft};
    use crate::access::{groups, tuples};
    use crate::identity::users::{self, NewUser};
    use crate::records::TupleKey;
    use crate::store::rows::clients;
    use crate::testing::{START, TestApp, block_on};

    fn model(cx: &Cx, entity_type: &str, definition: serde_json::Value) {
        let definition = definition.as_object().cloned().unwrap();
        let draft = Draft { entity_type: entity_type.to_owned(), definition, client: None, expected_version: None };
        block_on(catalogue::put(cx, &draft)).unwrap();
    }

    fn give(cx: &Cx, [kind, id, relation]: [&str; 3], subject: SubjectRef) {
        let (entity_type, entity_id, relation) = (kind.to_owned(), id.to_owned(), relation.to_owned());
        block_on(tuples::write(cx, TupleKey { entity_type, entity_id, relation, subject }.into())).unwrap();
    }

    fn told(cx: &Cx, subject: &SubjectRef, client: Option<&str>) -> Vec<String> {
        let client = client.map(|id| id.parse().unwrap());
        let effective = of_subject(cx, subject, client.as_ref()).unwrap();
        assert!(!effective.truncated);
        let line = |item: &Item| {
            let names = item.permissions.iter().map(|name| match item.abac_required.contains(name) {
                true => format!("{name}?"),
                false => name.clone(),
            });
            format!("{}:{} {}", item.entity_type, item.entity_id, names.collect::<Vec<_>>().join(","))
        };
        effective.items.iter().map(line).collect()
    }

    #[test]
    fn what_tuples_groups_and_parents_give_is_told_and_nothing_else() {
        let home = TestApp::new();
        let cx = home.cx();
        let app: crate::records::Client = serde_json::from_value(json!({
            "id": "shop", "name": "Shop", "kind": "web", "auth_method": "none", "grants": [], "created_at": START, "updated_at": START
        }))
        .unwrap();
        let put = move |tx: &mut crate::store::Tx| clients::put(tx, crate::base::id::TenantId::DEFAULT, &app);
        cx.store().write_blocking::<_, crate::store::Error, _>(put).unwrap();
        model(&cx, "folder", json!({"relations": {"viewer": {}}}));
        model(
            &cx,
            "shop:doc",
            json!({
                "relations": {"folder": {"subjects": ["folder"]}, "editor": {}, "viewer": {"anyOf": [{"relation": "editor"}, {"relation": "viewer", "from": "folder"}]}},
                "permissions": {"read": {"relation": "viewer"}, "write": {"relation": "editor", "policyEngine": "lua", "policy": "return true"}}
            }),
        );
        let ann =
            block_on(users::create(&cx, NewUser { email: String::from("ann@example.com"), ..NewUser::default() }))
                .unwrap()
                .id;
        let ann = SubjectRef::new("user", ann.as_str());
        let staff = block_on(groups::create(&cx, "Staff", None)).unwrap().id;
        give(&cx, ["group", staff.as_str(), "member"], ann.clone());
        give(&cx, ["folder", "f", "viewer"], SubjectRef::new("group", staff.as_str()));
        give(&cx, ["shop:doc", "1", "folder"], SubjectRef::new("folder", "f"));
        give(&cx, ["shop:doc", "2", "editor"], ann.clone());
        give(&cx, ["shop:doc", "3", "editor"], SubjectRef::new("user", "somebody-else"));
        give(&cx, ["oauth_client", "shop", "use"], ann.clone());
        let all = told(&cx, &ann, None);
        assert_eq!(all[0], "folder:f viewer");
        assert!(all[1].starts_with("oauth_client:shop ") && all[1].contains("use"), "{all:?}");
        assert_eq!(all[2..], ["shop:doc:1 read", "shop:doc:2 read,write?"]);
        assert_eq!(told(&cx, &ann, Some("shop")), all[1..]);
        assert_eq!(told(&cx, &ann, Some("other")), [""; 0]);
        block_on(users::disable(&cx, &ann.id.parse().unwrap())).unwrap();
        assert_eq!(told(&cx, &ann, None), [""; 0], "disabled");
    }
}

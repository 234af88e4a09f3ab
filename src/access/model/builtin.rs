//! The models of the installation's own types. A stored model of the same type takes their place.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::{CompiledModel, compile};

/// Entity type and document, in the form in which anybody writes them.
const DOCUMENTS: &[(&str, &str)] = &[
    (
        "platform",
        r#"{
        "description": "The installation as a whole.",
        "relations": {"super_admin": {"union": ["admin"]}, "admin": {"union": ["member"]}, "member": {}},
        "permissions": {
            "member": {"relation": "member"}, "admin": {"relation": "admin"}, "super_admin": {"relation": "super_admin"},
            "manage_platform": {"relation": "admin"}
        }}"#,
    ),
    (
        "users",
        r#"{
        "relations": {
            "admin": {"union": ["editor"]}, "viewer": {},
            "editor": {"union": ["viewer"], "description": "Helps people: changes, disables and enables accounts."}
        },
        "permissions": {
            "view": {"relation": "viewer"}, "create": {"relation": "admin"}, "update": {"relation": "editor"},
            "delete": {"relation": "admin"}, "ban": {"relation": "editor"}, "impersonate": {"relation": "admin"}
        }}"#,
    ),
    (
        "groups",
        r#"{
        "relations": {"admin": {"union": ["editor"]}, "editor": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {
            "view": {"relation": "viewer"}, "update": {"relation": "editor"}, "create": {"relation": "admin"},
            "delete": {"relation": "admin"}, "manage_members": {"relation": "admin"}
        }}"#,
    ),
    (
        "group",
        r#"{
        "description": "One group: who its members are.",
        "relations": {"member": {}},
        "permissions": {}}"#,
    ),
    (
        "clients",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {
            "view": {"relation": "viewer"}, "create": {"relation": "admin"}, "update": {"relation": "admin"},
            "delete": {"relation": "admin"}, "manage_access": {"relation": "admin"}
        }}"#,
    ),
    (
        "oauth_client",
        r#"{
        "description": "One client: who may use it, manage access to it, or do everything within it (full_access).",
        "relations": {
            "owner": {"union": ["admin"]}, "admin": {"union": ["use", "introspect"]}, "use": {},
            "introspect": {"description": "Clients with it are shown the client's tokens by introspection."},
            "full_access": {"description": "May do everything with the objects of the client's types."}
        },
        "permissions": {
            "use": {"relation": "use"}, "manage": {"relation": "admin", "description": "Edit the client's models."},
            "manage_access": {"relation": "admin"}, "manage_grants": {"relation": "admin"},
            "introspect": {"relation": "introspect"}
        }}"#,
    ),
    (
        "webhooks",
        r#"{
        "relations": {"editor": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {
            "view": {"relation": "viewer"}, "create": {"relation": "editor"}, "update": {"relation": "editor"},
            "delete": {"relation": "editor"}, "test": {"relation": "editor"}
        }}"#,
    ),
    (
        "pipelines",
        r#"{
        "relations": {"editor": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {
            "view": {"relation": "viewer"}, "execute": {"relation": "viewer"}, "create": {"relation": "editor"},
            "update": {"relation": "editor"}, "delete": {"relation": "editor"}
        }}"#,
    ),
    (
        "api_keys",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {"union": ["self"]}, "self": {}},
        "permissions": {
            "view_own": {"relation": "self"}, "create": {"relation": "self"}, "revoke_own": {"relation": "self"},
            "view_all": {"relation": "viewer"}, "revoke": {"relation": "admin"}, "update": {"relation": "admin"}
        }}"#,
    ),
    (
        "keys",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"view": {"relation": "viewer"}, "rotate": {"relation": "admin"}}}"#,
    ),
    (
        "sessions",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {"union": ["self"]}, "self": {}},
        "permissions": {
            "view_own": {"relation": "self"}, "revoke_own": {"relation": "self"},
            "view_all": {"relation": "viewer"}, "revoke_all": {"relation": "admin"}
        }}"#,
    ),
    (
        "audit",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"view": {"relation": "viewer"}, "export": {"relation": "viewer"}}}"#,
    ),
    (
        "settings",
        r#"{
        "relations": {"admin": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"view": {"relation": "viewer"}, "update": {"relation": "admin"}}}"#,
    ),
    (
        "backup",
        r#"{
        "relations": {"admin": {}},
        "permissions": {"create": {"relation": "admin"}}}"#,
    ),
    ("models", MANAGED),
    ("tuples", MANAGED),
    (
        "policies",
        r#"{
        "relations": {"admin": {"union": ["editor"]}, "editor": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {"view": {"relation": "viewer"}, "test": {"relation": "viewer"}, "update": {"relation": "editor"}}}"#,
    ),
    (
        "requests",
        r#"{
        "relations": {"admin": {"union": ["approver"]}, "approver": {"union": ["viewer"]}, "viewer": {}},
        "permissions": {
            "view": {"relation": "viewer"}, "approve": {"relation": "approver"}, "reject": {"relation": "approver"},
            "manage": {"relation": "admin"}
        }}"#,
    ),
    ("spaces", MANAGED),
    ("resource_servers", MANAGED),
    ("providers", MANAGED),
    ("tenants", MANAGED),
];

/// Things that are looked at, edited, and made or removed.
const MANAGED: &str = r#"{
    "relations": {"admin": {"union": ["editor"]}, "editor": {"union": ["viewer"]}, "viewer": {}},
    "permissions": {
        "view": {"relation": "viewer"}, "update": {"relation": "editor"},
        "create": {"relation": "admin"}, "delete": {"relation": "admin"}
    }}"#;

static COMPILED: LazyLock<BTreeMap<&str, Arc<CompiledModel>>> = LazyLock::new(|| {
    documents().filter_map(|(name, document)| Some((name, Arc::new(built(name, &document)?)))).collect()
});

/// Every built-in type with its document, as JSON.
pub fn documents() -> impl Iterator<Item = (&'static str, Value)> {
    DOCUMENTS.iter().filter_map(|(name, text)| Some((*name, serde_json::from_str(text).ok()?)))
}

fn built(name: &str, document: &Value) -> Option<CompiledModel> {
    compile(name, None, document.as_object()?).ok()
}

/// The built-in model of a type.
pub fn find(entity_type: &str) -> Option<&'static Arc<CompiledModel>> {
    COMPILED.get(entity_type)
}

/// All built-in models, by name.
pub fn all() -> impl Iterator<Item = &'static Arc<CompiledModel>> {
    COMPILED.values()
}

#[cfg(test)]
mod tests {
    use super::super::describe::{Sufficiency, describe};
    use super::*;

    #[test]
    fn every_built_in_model_compiles() {
        for (name, text) in DOCUMENTS {
            let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let compiled = compile(name, None, document.as_object().unwrap());
            assert!(compiled.is_ok(), "{name}: {compiled:?}");
        }
        assert_eq!(all().count(), DOCUMENTS.len());
    }

    #[test]
    fn bug_52_the_weaker_relation_never_gives_the_stronger_permission() {
        let worth =
            |kind: &str, relation: &str, permission: &str| describe(find(kind).unwrap()).matrix[relation][permission];
        assert_eq!(worth("platform", "member", "admin"), Sufficiency::No);
        assert_eq!(worth("platform", "admin", "super_admin"), Sufficiency::No);
        assert_eq!(worth("platform", "super_admin", "manage_platform"), Sufficiency::Yes);
        assert_eq!(worth("oauth_client", "use", "manage_access"), Sufficiency::No);
        assert_eq!(worth("oauth_client", "owner", "manage_grants"), Sufficiency::Yes);
        assert_eq!(worth("oauth_client", "full_access", "manage"), Sufficiency::No);
        assert_eq!(worth("pipelines", "viewer", "execute"), Sufficiency::Yes);
        assert_eq!(worth("groups", "editor", "manage_members"), Sufficiency::No);
        assert_eq!(worth("users", "editor", "update"), Sufficiency::Yes);
        for stronger in ["create", "delete", "impersonate"] {
            assert_eq!(worth("users", "editor", stronger), Sufficiency::No, "{stronger}");
        }
        assert_eq!(worth("sessions", "viewer", "revoke_all"), Sufficiency::No);
    }
}

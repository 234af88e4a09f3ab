//! What questions about permissions look like. A member that is not known here is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::asked::ShowsKey;
use crate::base::{Filled, Secret};

/// A subject by its identifier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `user`, `apikey`, `client`, `group`, or a type of an app's own.
    pub r#type: String,
    /// What it is known by; never a name.
    pub id: String,
    /// With it, everyone who has this relation to it.
    pub relation: Option<String>,
}

/// Whom a request is about, in one of three ways; nobody named is the caller.
#[derive(Debug, Default)]
pub struct Whom {
    pub subject: Option<Subject>,
    pub kind: Option<String>,
    pub id: Option<String>,
    pub user: Option<String>,
}

/// A tuple that is to count as if it were stored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContextualTuple {
    pub entity_type: String,
    pub entity_id: String,
    pub relation: String,
    pub subject_type: String,
    pub subject_id: String,
    pub subject_relation: Option<String>,
}

/// What policies may know of objects, by identifier.
#[derive(Debug, Default, Deserialize)]
pub struct Resources(pub BTreeMap<String, Option<Map<String, Value>>>);

impl PartialSchema for Resources {
    fn schema() -> RefOr<Schema> {
        let kinds = SchemaType::from_iter([Type::Object, Type::Null]);
        let each = RefOr::from(ObjectBuilder::new().schema_type(kinds));
        ObjectBuilder::new().additional_properties(Some(AdditionalProperties::RefOr(each))).into()
    }
}

impl ToSchema for Resources {}

/// What a question says, in whichever request it stands. `N` are the names that one must have.
#[derive(Debug)]
pub struct Said<N> {
    pub whom: Whom,
    pub entity_type: N,
    pub permission: N,
    pub entity_id: Option<String>,
    pub resource: Option<Map<String, Value>>,
    pub context: Option<Map<String, Value>>,
    pub contextual_tuples: Option<Vec<ContextualTuple>>,
    pub explain: Option<bool>,
}

impl Said<Option<Filled>> {
    /// The same with the names that it must have, and the objects. Errors: what is not there.
    pub fn named(self, ids: Option<Vec<String>>) -> Result<(Said<Filled>, Vec<String>), Vec<&'static str>> {
        let needed = [
            ("entityType", self.entity_type.is_none()),
            ("permission", self.permission.is_none()),
            ("entityIds", ids.is_none()),
        ];
        let (Some(entity_type), Some(permission), Some(ids)) = (self.entity_type, self.permission, ids) else {
            return Err(needed.into_iter().filter(|(_, is_absent)| *is_absent).map(|(name, _)| name).collect());
        };
        let Self { whom, entity_id, resource, context, contextual_tuples, explain, .. } = self;
        let said = Said { whom, entity_type, permission, entity_id, resource, context, contextual_tuples, explain };
        Ok((said, ids))
    }
}

/// A request with the members of a question, and its own behind them.
macro_rules! question {
    ($(#[$doc:meta])* $name:ident with $names:ty { $($(#[$more:meta])* $member:ident: $of:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// Whom it is about.
            subject: Option<Subject>,
            /// The same with `subjectId`.
            subject_type: Option<String>,
            /// The same with `subjectType`.
            subject_id: Option<String>,
            /// The same for a person.
            user_id: Option<String>,
            entity_type: $names,
            /// A permission, or a relation.
            permission: $names,
            /// The object; `*` for all of the type.
            entity_id: Option<String>,
            /// What policies may know of the object: `id`, `type`, and attributes, in `attributes` or beside it.
            resource: Option<Map<String, Value>>,
            /// What policies may know besides.
            context: Option<Map<String, Value>>,
            contextual_tuples: Option<Vec<ContextualTuple>>,
            /// Whether to say why.
            explain: Option<bool>,
            $($(#[$more])* pub $member: $of,)*
        }

        impl $name {
            /// What it says as a question.
            pub fn said(self) -> Said<$names> {
                Said {
                    whom: Whom {
                        subject: self.subject,
                        kind: self.subject_type,
                        id: self.subject_id,
                        user: self.user_id,
                    },
                    entity_type: self.entity_type,
                    permission: self.permission,
                    entity_id: self.entity_id,
                    resource: self.resource,
                    context: self.context,
                    contextual_tuples: self.contextual_tuples,
                    explain: self.explain,
                }
            }
        }
    };
}

question! {
    /// One question.
    CheckRequest with Filled {
        /// For those who cannot set a header.
        #[schema(value_type = Option<String>)]
        api_key: Option<Secret<String>>,
    }
}

question! {
    /// One question of several.
    OneCheck with Filled {}
}

question! {
    /// One permission on many objects of a type; or `checks`, which then stands alone.
    BatchRequest with Option<Filled> {
        /// For those who cannot set a header.
        #[schema(value_type = Option<String>)]
        api_key: Option<Secret<String>>,
        /// The objects.
        entity_ids: Option<Vec<String>>,
        /// What policies may know of the objects, by identifier: each as `resource`, which stands for the others.
        resources: Option<Resources>,
        /// Questions of any kind.
        checks: Option<Vec<OneCheck>>,
    }
}

impl BatchRequest {
    /// The names of the members that stand beside `checks`, and may not.
    pub fn beside_checks(&self) -> Vec<&'static str> {
        let given = [
            ("subject", self.subject.is_some()),
            ("subjectType", self.subject_type.is_some()),
            ("subjectId", self.subject_id.is_some()),
            ("userId", self.user_id.is_some()),
            ("entityType", self.entity_type.is_some()),
            ("permission", self.permission.is_some()),
            ("entityId", self.entity_id.is_some()),
            ("resource", self.resource.is_some()),
            ("context", self.context.is_some()),
            ("contextualTuples", self.contextual_tuples.is_some()),
            ("explain", self.explain.is_some()),
            ("entityIds", self.entity_ids.is_some()),
            ("resources", self.resources.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}

/// With which objects may a subject do something?
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectsRequest {
    /// For those who cannot set a header.
    #[schema(value_type = Option<String>)]
    api_key: Option<Secret<String>>,
    subject: Option<Subject>,
    subject_type: Option<String>,
    subject_id: Option<String>,
    user_id: Option<String>,
    pub entity_type: Filled,
    pub permission: Filled,
    pub limit: Option<u64>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

impl ObjectsRequest {
    /// Takes out whom it is about.
    pub fn take_whom(&mut self) -> Whom {
        Whom {
            subject: self.subject.take(),
            kind: self.subject_type.take(),
            id: self.subject_id.take(),
            user: self.user_id.take(),
        }
    }
}

/// Who may do something with an object?
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubjectsRequest {
    /// For those who cannot set a header.
    #[schema(value_type = Option<String>)]
    api_key: Option<Secret<String>>,
    pub entity_type: Filled,
    pub permission: Filled,
    /// The object; all of the type when absent.
    pub entity_id: Option<String>,
    /// `user` when absent.
    pub subject_type: Option<String>,
    /// With it, sets of this relation.
    pub subject_relation: Option<String>,
    pub limit: Option<u64>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

macro_rules! shows_key {
    ($($name:ident)*) => {$(
        impl ShowsKey for $name {
            fn take_key(&mut self) -> Option<Secret<String>> {
                self.api_key.take()
            }
        }
    )*};
}

shows_key! { CheckRequest BatchRequest ObjectsRequest SubjectsRequest }

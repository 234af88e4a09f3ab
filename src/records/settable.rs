//! What can be set of something, declared once: as it is stored and shown, and as a change, in which everything may be
//! absent.

use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// A change of fields that [`settable!`] declared. The configuration and the command line are made of its schema.
pub trait Settable: ToSchema + DeserializeOwned {
    /// What some fields are called where names are short: in the configuration and on the command line. By their names
    /// in the API.
    const SHORT: &'static [(&'static str, &'static str)];

    /// The short name of a field.
    fn short(field: &str) -> &str {
        Self::SHORT.iter().find(|(name, _)| *name == field).map_or(field, |(_, short)| short)
    }
}

/// Declares a struct with the fields, and one of changes to them. Each field has its words, which the description of
/// the API and `--help` show; perhaps `#[serde(…)]` with its name outside; perhaps `#[schema(…)]` with its bounds; and
/// perhaps a short name for the configuration and the command line.
macro_rules! settable {
    (
        $(#[doc = $words:expr])*
        pub struct $whole:ident;
        $(#[doc = $change_words:expr])*
        pub struct $change:ident;
        short: $short:expr;
        $(
            $(#[doc = $doc:expr])*
            $(#[serde($($serde:tt)*)])?
            $(#[schema($($schema:tt)*)])?
            $field:ident: $type:ty,
        )*
    ) => {
        $(#[doc = $words])*
        #[derive(Clone, Debug, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::utoipa::ToSchema)]
        pub struct $whole {
            $(
                $(#[doc = $doc])*
                #[serde(default $(, $($serde)*)?)]
                #[schema(required $(, $($schema)*)?)]
                pub $field: $type,
            )*
        }

        $(#[doc = $change_words])*
        #[derive(Clone, Debug, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $change {
            $(
                $(#[doc = $doc])*
                #[serde(
                    default,
                    deserialize_with = "crate::base::patch::member",
                    skip_serializing_if = "Option::is_none"
                    $(, $($serde)*)?
                )]
                pub $field: Option<$type>,
            )*
        }

        impl $change {
            /// Sets what is there; the rest stays.
            pub fn apply(&self, to: &mut $whole) {
                $(
                    if let Some(value) = &self.$field {
                        to.$field.clone_from(value);
                    }
                )*
            }
        }

        impl ::utoipa::PartialSchema for $change {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                crate::base::json_schema::all_optional(<$whole as ::utoipa::PartialSchema>::schema())
            }
        }

        impl ::utoipa::ToSchema for $change {
            fn schemas(
                schemas: &mut Vec<(String, ::utoipa::openapi::RefOr<::utoipa::openapi::Schema>)>,
            ) {
                <$whole as ::utoipa::ToSchema>::schemas(schemas);
            }
        }

        impl crate::records::settable::Settable for $change {
            const SHORT: &'static [(&'static str, &'static str)] = $short;
        }
    };
}

pub(super) use settable;

//! The registry of clients: registering, changing, secrets, removal, and those declared in the configuration.
//!
//! Start reading at [`register`]; what a valid client is stands in [`check`], what of an app's requests was refused in
//! [`failures`], how its sign-ins are protected in [`protection`].

mod check;
mod declare;
pub(crate) mod failures;
pub(crate) mod protection;
mod registry;

pub use check::{ClientChange, FieldError, NewClient};
pub use declare::{declare, mistakes};
pub(in crate::oauth) use registry::find_in;
pub use registry::{
    Filter, Registered, delete, deletion, find, find_live, page, register, rotate_secret, set_disabled, update,
};

use crate::audit::Changes;
use crate::base::json_schema;
use crate::records::{Client, ClientFieldsChange};
use crate::rights::{Denied, MayDeny};
use crate::store;

/// What the audit log says of a change, with both values: all that can be set, none of which is secret.
fn changes(old: &Client, new: &Client) -> Option<Changes> {
    let members = json_schema::members_of::<ClientFieldsChange>();
    let settable: Vec<String> = members.iter().map(|member| format!("fields.{}", member.name)).collect();
    let names = settable.iter().map(String::as_str).chain(["name", "kind"]);
    Changes::between(old, new, &names.collect::<Vec<_>>()).some()
}

/// Why a client could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// All that is wrong with the fields, at once.
    #[error("{}", fields.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid {
        /// One entry per mistake.
        fields: Vec<FieldError>,
    },
    /// There is no such client.
    #[error("There is no client with this id.")]
    NotFound,
    /// The wanted `client_id` is taken.
    #[error("A client with this id exists. Choose another id, or leave it out to get a generated one.")]
    Taken,
    /// The client is declared in the configuration.
    #[error("This client is declared in the configuration file; change it there.")]
    ManagedByConfig,
    /// It has no secret to rotate.
    #[error("This client has no secret: its authentication method is not client_secret_basic or client_secret_post.")]
    NoSecret,
    /// The form was drawn from an older version.
    #[error("Someone changed this client in the meantime. Load it again and repeat the change.")]
    Conflict,
    /// No such request was noted.
    #[error("This request is not noted any more. Load the list again.")]
    NoFailure,
    /// Adding what was sent is not safe.
    #[error(
        "This cannot be put right with one step: check where the address leads, and change the client's redirect URIs by hand."
    )]
    NotFixable,
    /// The caller lacks the right to the change.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_fields",
            Self::NotFound => "client_not_found",
            Self::Taken => "client_id_taken",
            Self::ManagedByConfig => "managed_by_config",
            Self::NoSecret => "no_secret",
            Self::Conflict => "conflict",
            Self::NoFailure => "failure_not_found",
            Self::NotFixable => "not_fixable",
            Self::Denied(_) => "forbidden",
            Self::Store(_) => "internal_error",
        }
    }
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }
}

//! The stored shapes: plain serde data, one file per noun, no behaviour beyond reading their own fields.
//!
//! May use: `base`. A field may be added with a default; a changed meaning is a new version with its own struct.
//! Start reading at [`user`] and [`client`].

pub mod api_key;
pub mod audit;
pub mod authentication;
pub mod certificate;
pub mod client;
pub mod code;
pub mod consent;
pub mod delivery;
pub mod evaluation;
pub mod failure;
pub mod grant;
pub mod group;
pub mod interaction;
pub mod invite;
pub mod link;
pub mod model;
pub mod proof;
pub mod recent_sign_ins;
pub mod session;
pub mod settable;
pub mod signing_key;
mod sorting;
pub mod switched_off;
pub mod tuple;
pub mod user;

pub use api_key::{ApiKey, RateLimit, Refill};
pub use audit::{ActorKind, AuditRow, Outcome};
pub use authentication::Authentication;
pub use certificate::Certificate;
pub use client::{
    AccessPolicy, AuthMethod, Client, ClientFields, ClientFieldsChange, ClientSecret, ClientType, GrantType, Origin,
    PermissionScope,
};
pub use code::Code;
pub use consent::Consent;
pub use delivery::{Delivery, DeliveryState};
pub use evaluation::{Decision, EvaluationRow, PolicyPlace, PolicyVersion, Script};
pub use failure::AuthorizeFailure;
pub use grant::{Grant, Refresh, Rotation};
pub use group::Group;
pub use interaction::{Interaction, Resume};
pub use invite::Invite;
pub use link::{Link, LinkPurpose};
pub use model::Model;
pub use proof::{Acr, Factor, Proof, ProofKind, Proves, Wanted, Why};
pub use recent_sign_ins::RecentSignIns;
pub use session::Session;
pub use signing_key::{Algorithm, SigningKeyRecord};
pub use switched_off::SwitchedOff;
pub use tuple::{SubjectRef, Tuple, TupleKey};
pub use user::{Address, PROFILE_CLAIMS, Profile, User};

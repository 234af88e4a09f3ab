//! The stored shapes: plain serde data, one file per noun, no behaviour beyond reading their own fields.
//!
//! May use: `base`. A field may be added with a default; a changed meaning is a new version with its own struct.
//! Start reading at [`user`] and [`client`].

pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod authentication;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod code;
pub(crate) mod consent;
pub(crate) mod delivery;
pub(crate) mod evaluation;
pub(crate) mod failure;
pub(crate) mod grant;
pub(crate) mod group;
pub(crate) mod interaction;
pub(crate) mod invite;
pub(crate) mod link;
pub(crate) mod model;
pub(crate) mod proof;
pub(crate) mod recent_sign_ins;
pub(crate) mod session;
pub(crate) mod settable;
pub(crate) mod signing_key;
mod sorting;
pub(crate) mod switched_off;
pub(crate) mod tuple;
pub(crate) mod user;

pub use api_key::{ApiKey, RateLimit, Refill};
pub use audit::{ActorKind, AuditRow, Outcome};
pub use authentication::Authentication;
pub use certificate::Certificate;
pub use client::{
    AccessPolicy, AccessTokenTyp, AuthMethod, Client, ClientFields, ClientFieldsChange, ClientSecret, ClientType,
    GrantType, GroupClaims, IdTokenClaims, Origin, PermissionScope,
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
pub use link::{Link, LinkMaker, LinkPurpose};
pub use model::Model;
pub use proof::{Acr, Factor, Proof, ProofKind, Proves, Wanted, Why};
pub use recent_sign_ins::RecentSignIns;
pub use session::Session;
pub use signing_key::{Algorithm, SigningKeyRecord};
pub use switched_off::SwitchedOff;
pub use tuple::{SubjectRef, Tuple, TupleKey};
pub use user::{Address, PROFILE_CLAIMS, Profile, User};

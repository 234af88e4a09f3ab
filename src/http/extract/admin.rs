//! Who may use a route of the admin API: the route's right is a type in the handler's signature.

use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::caller::{Caller, Credential, Who, caller};
use super::cx::{LocalPeer, operation, prove};
use crate::access::authority;
use crate::audit::{self, Entry, Event};
use crate::cx::{Actor, Cx};
use crate::http::csrf::{self, Sender};
use crate::http::host;
use crate::http::respond::Refusal;
use crate::records::tuple::ANY;

/// What a caller must be allowed to do with a type of the platform.
pub trait PlatformRight: 'static {
    /// The entity type, such as `users`.
    const ON: &'static str;
    /// The permission, such as `view`.
    const TO: &'static str;

    /// Refuses early an operation whose actor lacks it at the moment. What is changed is decided once more where it is
    /// changed ([`crate::rights::write`]).
    fn require(cx: &Cx) -> Result<(), Refusal> {
        Ok(authority::require(cx, Self::TO, (Self::ON, ANY))?)
    }

    /// Whether the actor of an operation has it at the moment.
    fn is_held(cx: &Cx) -> Result<bool, Refusal> {
        Ok(authority::may(cx, Self::TO, (Self::ON, ANY))?)
    }
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $permission:literal on $entity:literal;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl PlatformRight for $name {
            const ON: &'static str = $entity;
            const TO: &'static str = $permission;
        }
    )*

        /// Every right that a route names in its signature: the permission and the type it is on.
        const NAMED: &[(&str, &str)] = &[$(($permission, $entity)),*];
    };
}

rights! {
    /// Administers the installation.
    ManagePlatform = "manage_platform" on "platform";
    /// Sees accounts.
    ViewUsers = "view" on "users";
    /// Makes accounts and invitations.
    CreateUsers = "create" on "users";
    /// Changes accounts.
    UpdateUsers = "update" on "users";
    /// Deletes accounts.
    DeleteUsers = "delete" on "users";
    /// Disables and enables accounts.
    BanUsers = "ban" on "users";
    /// Sees clients.
    ViewClients = "view" on "clients";
    /// Registers clients.
    CreateClients = "create" on "clients";
    /// Changes clients.
    UpdateClients = "update" on "clients";
    /// Deletes clients.
    DeleteClients = "delete" on "clients";
    /// Sees groups and who is in them.
    ViewGroups = "view" on "groups";
    /// Makes groups.
    CreateGroups = "create" on "groups";
    /// Renames groups.
    UpdateGroups = "update" on "groups";
    /// Deletes groups.
    DeleteGroups = "delete" on "groups";
    /// Puts people into groups and takes them out.
    ManageMembers = "manage_members" on "groups";
    /// Sees token-signing keys.
    ViewKeys = "view" on "keys";
    /// Rotates and retires token-signing keys.
    RotateKeys = "rotate" on "keys";
    /// Sees everybody's API keys.
    ViewApiKeys = "view_all" on "api_keys";
    /// Takes from everybody's API keys, and revokes them.
    RevokeApiKeys = "revoke" on "api_keys";
    /// Changes everybody's API keys.
    UpdateApiKeys = "update" on "api_keys";
    /// Sees everybody's sessions.
    ViewSessions = "view_all" on "sessions";
    /// Ends everybody's sessions.
    RevokeSessions = "revoke_all" on "sessions";
    /// Reads the audit log.
    ViewAudit = "view" on "audit";
    /// Takes the audit log away as a file.
    ExportAudit = "export" on "audit";
    /// Copies the data file.
    CreateBackups = "create" on "backup";
    /// Sees models.
    ViewModels = "view" on "models";
    /// Sees tuples, and asks what others may do.
    ViewTuples = "view" on "tuples";
    /// Reads policies and what they were told.
    ViewPolicies = "view" on "policies";
    /// Lets policies run again that are switched off.
    UpdatePolicies = "update" on "policies";
    /// Reads the configuration, and what is wrong with the installation.
    ViewSettings = "view" on "settings";
}

/// Rights over all objects that the rules of `access::authority` ask for, because one object may be enough.
const ASKED: &[(&str, &str)] =
    &[("update", "models"), ("update", "tuples"), ("manage", "oauth_client"), ("manage_access", "oauth_client")];

/// Every right that the admin API knows: the permission and the type it is on.
pub fn all_rights() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMED.iter().chain(ASKED).copied()
}

/// A caller who may use the route: the operator at the admin socket, or a person (session token, session cookie with
/// the guard against other sites), an API key, its exchanged token or a client, with the right. A token that an app
/// holds for a person does not count: an app is not to administer in its user's name.
pub struct Admin<R: PlatformRight = ManagePlatform> {
    /// The operation, with the caller as its actor.
    pub cx: Cx,
    right: PhantomData<R>,
}

impl<R: PlatformRight> FromRequest for Admin<R> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        let proof = async move {
            let cx = administrator(&asked).await?;
            R::require(&cx)?;
            Ok(Self { cx, right: PhantomData })
        };
        prove(request, proof, |_| true)
    }
}

/// A caller by a credential that administers, whatever they may do.
async fn administrator(request: &HttpRequest) -> Result<Cx, Refusal> {
    if request.conn_data::<LocalPeer>().is_some() {
        return Ok(operation(request)?.with_actor(Actor::Local));
    }
    let caller = caller(request, None).await?;
    refuse_app(&caller)?;
    came_from_our_pages(request, &caller)?;
    Ok(caller.cx)
}

/// A change that is authenticated by cookie must say that it comes from an Auther page: stricter than elsewhere, for
/// this API is not for programs that keep cookies.
fn came_from_our_pages(request: &HttpRequest, caller: &Caller) -> Result<(), Refusal> {
    let is_ours = || csrf::sender(&caller.cx, request.headers()) == Sender::Ourselves;
    if caller.by != Credential::Cookie || request.method().is_safe() || is_ours() {
        return Ok(());
    }
    tell(&caller.cx, "foreign_page");
    Err(host::foreign(&caller.cx, request.headers()))
}

/// Notes that somebody was refused who is known here.
fn tell(cx: &Cx, reason: &'static str) {
    let (kind, actor) = audit::actor(&cx.actor);
    let event = format!("access.refuse {reason} {kind:?} {}", actor.unwrap_or_default());
    audit::tell(cx, &event, || (Entry::new(cx), Event::AccessRefuse { reason, permission: None }));
}

/// Refuses a caller whose token an app holds for a person: an app is not to administer in its user's name.
pub fn refuse_app(caller: &Caller) -> Result<(), Refusal> {
    let is_of_an_app =
        matches!(caller.who, Who::Person(_)) && matches!(caller.by, Credential::IdToken | Credential::AccessToken);
    if is_of_an_app {
        tell(&caller.cx, "token_of_an_app");
        return Err(Refusal::forbidden(
            "A token that was made for an app does not administer. Use a session token or an API key.",
        ));
    }
    Ok(())
}

/// A caller whose right depends on the object, so that the handler asks a rule of `access::authority`; or any caller,
/// where everybody is answered.
pub struct Manager {
    /// The operation, with the caller as its actor.
    pub cx: Cx,
}

impl FromRequest for Manager {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        prove(request, async move { Ok(Self { cx: administrator(&asked).await? }) }, |_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::model::builtin;

    #[test]
    fn every_right_is_a_permission_of_the_platform() {
        for (permission, entity_type) in all_rights() {
            let model = builtin::find(entity_type).unwrap_or_else(|| panic!("no model of {entity_type}"));
            assert!(model.permissions.contains_key(permission), "{entity_type} has no {permission}");
        }
    }
}

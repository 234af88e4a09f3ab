//! Registered clients in the store: each change in one transaction with its audit row.

use std::sync::Arc;
use std::time::Duration;

use super::check::{self, ClientChange, NewClient};
use super::{Error, FieldError, changes};
use crate::access;
use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::canonical::Search;
use crate::base::id::ClientId;
use crate::base::page::{Page, PageRequest};
use crate::base::secret::Digest;
use crate::cx::Cx;
use crate::identity::cascade::{self, Ended};
use crate::records::{Client, ClientSecret, ClientType, Origin, SubjectRef};
use crate::rights::{self, Right};
use crate::store::{self, Snapshot, Tx, rows};

/// The type that rights over all clients are on.
pub(super) const CLIENTS: &str = "clients";

/// A client that was just registered or got a new secret.
#[derive(Debug)]
pub struct Registered {
    /// The client as it is stored.
    pub client: Client,
    /// The secret, which is shown this once.
    pub secret: Option<Secret<String>>,
}

/// The client with this id.
pub fn find(cx: &Cx, id: &str) -> Result<Option<Arc<Client>>, Error> {
    let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
    Ok(find_in(cx, &cx.read()?, &id)?)
}

/// The client with this id, as the snapshot has it. Errors: reading.
pub(in crate::oauth) fn find_in(cx: &Cx, from: &Snapshot, id: &ClientId) -> Result<Option<Arc<Client>>, store::Error> {
    rows::clients::find_shared(from, cx.tenant.id, id, &cx.process().clients)
}

/// The client with this id unless it is disabled.
pub fn find_live(cx: &Cx, id: &str) -> Result<Option<Arc<Client>>, Error> {
    Ok(find(cx, id)?.filter(|client| !client.disabled))
}

/// Which clients are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Stands in the id, the name or a redirect URI.
    pub search: Option<Search>,
    /// Only those of this type.
    pub kind: Option<ClientType>,
    /// Only those that are disabled, or only those that are not.
    pub disabled: Option<bool>,
}

impl Filter {
    fn accepts(&self, client: &Client) -> bool {
        self.kind.is_none_or(|kind| kind == client.kind)
            && self.disabled.is_none_or(|disabled| disabled == client.disabled)
            && self.search.as_ref().is_none_or(|search| {
                let uris = client.redirect_uris.iter().map(String::as_str);
                search.is_in_any([client.id.as_str(), &*client.name].into_iter().chain(uris))
            })
    }
}

/// A page of the clients that `filter` accepts, by id or as `request` sorts. It may be short and still have a
/// successor: read on until `next` is absent.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<Client>, Error> {
    Ok(rows::clients::page_of(&cx.read()?, cx.tenant.id, request, |client| filter.accepts(client))?)
}

/// Registers a client, with the right to, and gives it a secret if its method needs one. It begins with nothing: what
/// was written under its id before is taken away, by administrators of the platform alone where that gives authority
/// over it. Errors: [`Error::Denied`], [`Error::Taken`], [`Error::Invalid`].
pub async fn register(cx: &Cx, input: &NewClient) -> Result<Registered, Error> {
    let mut client = check::create(input, ClientId::new(cx.now, cx.entropy()), cx.now).map_err(invalid)?;
    let secret = client.auth_method.uses_secret().then(|| fresh_secret(cx));
    client.secrets.extend(secret.as_ref().map(|secret| stored(cx, secret)));
    let entry = Entry::new(cx).target(&client.id);
    let (at, row, orphan) = (cx.clone(), client.clone(), ClientId::gone(cx.now, cx.entropy()));
    let change = move |tx: &mut Tx| {
        if rows::clients::find(tx, at.tenant.id, &row.id)?.is_some() {
            return Err(Error::Taken);
        }
        rights::may_change_subject::<Error>(&at, tx, &subject(&row.id))?;
        let removed = cascade::begin_client(tx, &at, &row.id, &orphan)?.some();
        rows::clients::put(tx, at.tenant.id, &row)?;
        Ok::<_, Error>(entry.append(tx, &at, &Event::ClientCreate { r#type: row.kind, removed })?)
    };
    rights::write(cx, Right::on("create", CLIENTS), change).await?;
    Ok(Registered { client, secret })
}

/// Changes a client, with the right to; one that holds something of the platform, its administrators do. A change of
/// authentication method to one with a secret makes a new secret, which is answered; a change away from secrets forgets
/// them.
pub async fn update(cx: &Cx, id: &ClientId, input: &ClientChange) -> Result<Registered, Error> {
    let secret = fresh_secret(cx);
    let fresh = stored(cx, &secret);
    let entry = Entry::new(cx).target(id);
    let (at, id, input) = (cx.clone(), id.clone(), input.clone());
    let change = move |tx: &mut Tx| {
        let old = within_reach(tx, &at, &id)?;
        if input.version.is_some_and(|version| version != old.version) {
            return Err(Error::Conflict);
        }
        let mut new = check::change(old.clone(), &input, at.now).map_err(invalid)?;
        let needs_secret = new.auth_method.uses_secret() && new.secrets.is_empty();
        if needs_secret {
            new.secrets.push(fresh.clone());
        } else if !new.auth_method.uses_secret() {
            new.secrets.clear();
        }
        rows::clients::put(tx, at.tenant.id, &new)?;
        entry.append(tx, &at, &Event::ClientUpdate { changes: changes(&old, &new) })?;
        Ok((new, needs_secret))
    };
    let (client, is_new) = rights::write(cx, Right::on("update", CLIENTS), change).await?;
    Ok(Registered { client, secret: is_new.then_some(secret) })
}

/// Gives a client a new secret, as [`update`] does; the old one works for `overlap` longer (zero ends it at once).
pub async fn rotate_secret(cx: &Cx, id: &ClientId, overlap: Duration) -> Result<Registered, Error> {
    let secret = fresh_secret(cx);
    let fresh = stored(cx, &secret);
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let mut client = within_reach(tx, &at, &id)?;
        if !client.auth_method.uses_secret() {
            return Err(Error::NoSecret);
        }
        client.secrets.retain(|secret| secret.expires_at.is_none() && !overlap.is_zero());
        for old in &mut client.secrets {
            old.expires_at = Some(at.now.plus(overlap));
        }
        client.secrets.push(fresh.clone());
        client.updated_at = at.now;
        client.version += 1;
        rows::clients::put(tx, at.tenant.id, &client)?;
        entry.append(tx, &at, &Event::ClientRotateSecret { overlap_seconds: overlap.as_secs() })?;
        Ok::<_, Error>(client)
    };
    let client = rights::write(cx, Right::on("update", CLIENTS), change).await?;
    Ok(Registered { client, secret: Some(secret) })
}

/// Disables or enables a client, as [`update`] does. Disabling revokes its token families in the same transaction; says
/// what ended.
pub async fn set_disabled(cx: &Cx, id: &ClientId, disabled: bool) -> Result<(Client, Ended), Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let mut client = within_reach(tx, &at, &id)?;
        client.disabled = disabled;
        client.updated_at = at.now;
        client.version += 1;
        rows::clients::put(tx, at.tenant.id, &client)?;
        if !disabled {
            entry.append(tx, &at, &Event::ClientEnable {})?;
            return Ok((client, Ended::default()));
        }
        let ended = cascade::disable_client(tx, &at, &id)?;
        entry.append(tx, &at, &Event::ClientDisable { ended })?;
        Ok((client, ended))
    };
    rights::write(cx, Right::on("update", CLIENTS), change).await
}

/// Removes a client with its types and everything on them, its token families and its consents, in one transaction,
/// with the right to; one that holds something of the platform, or on which authority over it rests, its administrators
/// do. Says what went. Errors: [`Error::Denied`], [`Error::NotFound`], [`Error::ManagedByConfig`].
pub async fn delete(cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let ended = remove(tx, &at, &id)?;
        entry.append(tx, &at, &Event::ClientDelete { ended })?;
        Ok(ended)
    };
    rights::write(cx, removal(), change).await
}

/// What [`delete`] would take along now; nothing is changed. Errors: those of the deletion.
pub fn deletion(cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    rights::rehearse(cx, &removal(), |tx| remove(tx, cx, id))
}

fn removal() -> Right {
    Right::on("delete", CLIENTS)
}

fn remove(tx: &mut Tx, cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    within_reach(tx, cx, id)?;
    access::authority::may_delete_client(cx, tx, id).map_err(|error| match error {
        access::Error::Denied(denied) => Error::Denied(denied),
        access::Error::Store(error) => Error::Store(error),
        other => Error::Store(store::Error::Record(other.to_string())),
    })?;
    let mut ended = cascade::remove_types_of(tx, cx, id)?;
    ended += cascade::remove_client(tx, cx, id)?;
    Ok(ended)
}

/// The client, if it is there, not declared in the configuration, and for the actor to change. Errors:
/// [`Error::NotFound`], [`Error::ManagedByConfig`], [`Error::Denied`].
pub(super) fn within_reach(tx: &Tx, cx: &Cx, id: &ClientId) -> Result<Client, Error> {
    let client = rows::clients::find(tx, cx.tenant.id, id)?.ok_or(Error::NotFound)?;
    rights::may_change_subject::<Error>(cx, tx, &subject(id))?;
    if client.origin == Origin::Config { Err(Error::ManagedByConfig) } else { Ok(client) }
}

/// A client as the subject that it is.
fn subject(id: &ClientId) -> SubjectRef {
    SubjectRef::new("client", id.as_str())
}

/// `cs_` and 256 random bits.
fn fresh_secret(cx: &Cx) -> Secret<String> {
    Secret::new(format!("cs_{}", cx.entropy().token()))
}

fn stored(cx: &Cx, secret: &Secret<String>) -> ClientSecret {
    ClientSecret { digest: Digest::of(secret.expose()), created_at: cx.now, expires_at: None }
}

pub(super) fn invalid(fields: Vec<FieldError>) -> Error {
    Error::Invalid { fields }
}

//! Registered clients in the store: each change in one transaction with its audit row.

use std::time::Duration;

use serde_json::json;

use super::check::{self, ClientInput};
use super::{Error, FieldError};
use crate::access::check::CLIENT;
use crate::audit::Entry;
use crate::base::Secret;
use crate::base::canonical::Search;
use crate::base::id::ClientId;
use crate::base::page::{Page, PageRequest};
use crate::base::secret::Digest;
use crate::cx::Cx;
use crate::identity::cascade::{self, Ended};
use crate::records::{Client, ClientSecret, ClientType, Origin};
use crate::store::{Tx, rows};

/// A client that was just registered or got a new secret.
#[derive(Debug)]
pub struct Registered {
    /// As stored.
    pub client: Client,
    /// Shown this once.
    pub secret: Option<Secret<String>>,
}

/// The client with this id.
pub fn find(cx: &Cx, id: &str) -> Result<Option<Client>, Error> {
    let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
    Ok(rows::clients::find(&cx.read()?, cx.tenant, &id)?)
}

/// The client with this id unless it is disabled.
pub fn find_live(cx: &Cx, id: &str) -> Result<Option<Client>, Error> {
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
                search.is_in_any([client.id.as_str(), &*client.name])
                    || search.is_in_any(client.redirect_uris.iter().map(String::as_str))
            })
    }
}

/// A page of the clients that `filter` accepts, by id or as `request` sorts. It may be short and still have a successor: read on until `next` is absent.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<Client>, Error> {
    Ok(rows::clients::page_of(&cx.read()?, cx.tenant, request, |client| filter.accepts(client))?)
}

/// Registers a client and gives it a secret if its method needs one.
pub async fn register(cx: &Cx, input: &ClientInput) -> Result<Registered, Error> {
    let mut client = check::create(input, ClientId::new(cx.now, cx.entropy()), cx.now).map_err(invalid)?;
    let secret = client.auth_method.uses_secret().then(|| fresh_secret(cx));
    client.secrets.extend(secret.as_ref().map(|secret| stored(cx, secret)));
    let entry = Entry::success(cx, "client.create").target(&client.id).detail("type", client.kind.as_str());
    let (at, row) = (cx.clone(), client.clone());
    cx.store()
        .write(move |tx| {
            if rows::clients::find(tx, at.tenant, &row.id)?.is_some() {
                return Err(Error::Taken);
            }
            // Older files may hold tuples about a client that was not there: they were not meant for this one.
            if rows::tuples::has_subject(tx, at.tenant, CLIENT, row.id.as_str())? {
                let message = "Tuples speak of a client of this id already. Remove them first, or choose another id.";
                return Err(invalid(vec![FieldError { field: "client_id", message: message.to_owned() }]));
            }
            rows::clients::put(tx, at.tenant, &row)?;
            Ok(entry.append(tx, &at)?)
        })
        .await?;
    Ok(Registered { client, secret })
}

/// Changes a client. A change of authentication method to one with a secret makes a new secret, which is answered; a change away
/// from secrets forgets them.
pub async fn update(cx: &Cx, id: &ClientId, input: &ClientInput) -> Result<Registered, Error> {
    let secret = fresh_secret(cx);
    let fresh = stored(cx, &secret);
    let entry = Entry::success(cx, "client.update").target(id);
    let (at, id, input) = (cx.clone(), id.clone(), input.clone());
    let (client, is_new) = cx
        .store()
        .write(move |tx| {
            let old = editable(rows::clients::find(tx, at.tenant, &id)?)?;
            if input.version.is_some_and(|version| version != old.version) {
                return Err(Error::Conflict);
            }
            let mut new = check::change(old, &input, at.now).map_err(invalid)?;
            let needs_secret = new.auth_method.uses_secret() && new.secrets.is_empty();
            if needs_secret {
                new.secrets.push(fresh.clone());
            } else if !new.auth_method.uses_secret() {
                new.secrets.clear();
            }
            rows::clients::put(tx, at.tenant, &new)?;
            entry.append(tx, &at)?;
            Ok((new, needs_secret))
        })
        .await?;
    Ok(Registered { client, secret: is_new.then_some(secret) })
}

/// Gives a client a new secret; the old one works for `overlap` longer (zero ends it at once).
pub async fn rotate_secret(cx: &Cx, id: &ClientId, overlap: Duration) -> Result<Registered, Error> {
    let secret = fresh_secret(cx);
    let fresh = stored(cx, &secret);
    let entry = Entry::success(cx, "client.rotate_secret").target(id).detail("overlap_seconds", overlap.as_secs());
    let (at, id) = (cx.clone(), id.clone());
    let client = cx
        .store()
        .write(move |tx| {
            let mut client = editable(rows::clients::find(tx, at.tenant, &id)?)?;
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
            rows::clients::put(tx, at.tenant, &client)?;
            entry.append(tx, &at)?;
            Ok::<_, Error>(client)
        })
        .await?;
    Ok(Registered { client, secret: Some(secret) })
}

/// Disables or enables a client. Disabling revokes its token families in the same transaction; says what ended.
pub async fn set_disabled(cx: &Cx, id: &ClientId, disabled: bool) -> Result<(Client, Ended), Error> {
    let entry = Entry::success(cx, if disabled { "client.disable" } else { "client.enable" }).target(id);
    let (at, id) = (cx.clone(), id.clone());
    cx.store()
        .write(move |tx| {
            let mut client = editable(rows::clients::find(tx, at.tenant, &id)?)?;
            client.disabled = disabled;
            client.updated_at = at.now;
            client.version += 1;
            rows::clients::put(tx, at.tenant, &client)?;
            if !disabled {
                entry.append(tx, &at)?;
                return Ok((client, Ended::default()));
            }
            let ended = cascade::disable_client(tx, &at, &id)?;
            entry.clone().detail("ended", json!(ended)).append(tx, &at)?;
            Ok((client, ended))
        })
        .await
}

/// Removes a client with its token families and consents, in one transaction; says what went.
pub async fn delete(cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    let entry = Entry::success(cx, "client.delete").target(id);
    let (at, id) = (cx.clone(), id.clone());
    cx.store()
        .write(move |tx| {
            let ended = remove(tx, &at, &id)?;
            entry.clone().detail("ended", json!(ended)).append(tx, &at)?;
            Ok(ended)
        })
        .await
}

/// What [`delete`] would take along now; nothing is changed. Errors: those of the deletion.
pub fn deletion(cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    cx.store().rehearse(|tx| remove(tx, cx, id))
}

fn remove(tx: &mut Tx, cx: &Cx, id: &ClientId) -> Result<Ended, Error> {
    editable(rows::clients::find(tx, cx.tenant, id)?)?;
    let mut ended = cascade::remove_types_of(tx, cx, id)?;
    ended += cascade::remove_client(tx, cx, id)?;
    Ok(ended)
}

/// The client, if it is there and not declared in the configuration.
pub(super) fn editable(client: Option<Client>) -> Result<Client, Error> {
    let client = client.ok_or(Error::NotFound)?;
    if client.origin == Origin::Config { Err(Error::ManagedByConfig) } else { Ok(client) }
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

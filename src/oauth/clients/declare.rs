//! Clients declared in the configuration: written at boot, read-only elsewhere, removed when the file no longer names
//! them.

use super::Error;
use super::check::{self, FieldError, NewClient};
use super::registry::invalid;
use crate::audit::{Entry, Event};
use crate::base::Moment;
use crate::base::id::ClientId;
use crate::base::secret::Digest;
use crate::config::ClientDeclaration;
use crate::cx::Cx;
use crate::identity::cascade;
use crate::records::settable::Settable;
use crate::records::{Client, ClientFieldsChange, ClientSecret, Origin};
use crate::rights::{self, Right};
use crate::store::{Tx, rows};

/// Brings the stored clients in line with the declared ones. Nothing is written for a client that has not changed. The
/// types of one that the file no longer names stay, with what was granted on them, and belong to no client any more:
/// neither to one of the same id later. A new client begins with nothing. Fails with all field errors of the first
/// client that is wrong; the fields are those of the JSON API.
pub async fn declare(cx: &Cx, declarations: &[ClientDeclaration]) -> Result<(), Error> {
    let mut wanted = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        let mut client = check::create(&input(declaration), declaration.client_id.clone(), cx.now).map_err(invalid)?;
        client.origin = Origin::Config;
        let secret = declaration.client_secret.as_ref().filter(|_| client.auth_method.uses_secret());
        client.secrets.extend(secret.map(|secret| ClientSecret {
            digest: Digest::of(secret.expose()),
            created_at: cx.now,
            expires_at: None,
        }));
        wanted.push(client);
    }
    let entries: Vec<Entry> = wanted.iter().map(|client| Entry::new(cx).target(&client.id)).collect();
    let withdrawal = Entry::new(cx);
    // Owners for the types of clients that go, or that are new where one of their id was before.
    let orphans: Vec<ClientId> = std::iter::repeat_with(|| ClientId::gone(cx.now, cx.entropy()))
        .take(wanted.len() + rows::clients::all(&cx.read()?, cx.tenant.id)?.len())
        .collect();
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        let mut orphans = orphans.iter();
        let mut orphan = || orphans.next().ok_or(Error::Conflict);
        for (client, entry) in wanted.iter().zip(&entries) {
            let old = rows::clients::find(tx, at.tenant.id, &client.id)?;
            if old.as_ref().is_some_and(|old| is_same(old, client)) {
                continue;
            }
            let mut client = client.clone();
            let (mut removed, mut changes) = (None, None);
            match old {
                Some(old) => {
                    client.created_at = old.created_at;
                    client.version = old.version + 1;
                    changes = super::changes(&old, &client);
                }
                None => removed = cascade::begin_client(tx, &at, &client.id, orphan()?)?.some(),
            }
            rows::clients::put(tx, at.tenant.id, &client)?;
            entry.append(tx, &at, &Event::ClientDeclare { removed, changes })?;
        }
        let withdrawn = rows::clients::all(tx, at.tenant.id)?
            .into_iter()
            .filter(|old| old.origin == Origin::Config && wanted.iter().all(|client| client.id != old.id))
            .collect::<Vec<_>>();
        if withdrawn.is_empty() {
            return Ok::<_, Error>(());
        }
        let (mut names, mut kept) = (Vec::new(), Vec::new());
        for client in &withdrawn {
            names.push(client.id.to_string());
            kept.extend(cascade::orphan_types_of(tx, &at, &client.id, orphan()?)?);
            cascade::remove_client(tx, &at, &client.id)?;
        }
        Ok(withdrawal.append(tx, &at, &Event::ClientWithdraw { clients: names, types_without_client: kept })?)
    };
    rights::write(cx, Right::Operator, change).await
}

/// What is wrong with a declared client, by the field's name in the configuration.
pub fn mistakes(declaration: &ClientDeclaration) -> Vec<(&'static str, String)> {
    let checked = check::create(&input(declaration), declaration.client_id.clone(), Moment::from_millis(0));
    let named = |error: FieldError| (ClientFieldsChange::short(error.field), error.message);
    checked.err().unwrap_or_default().into_iter().map(named).collect()
}

fn input(declaration: &ClientDeclaration) -> NewClient {
    NewClient {
        name: Some(declaration.name.clone()),
        kind: Some(declaration.client_type),
        client_id: Some(declaration.client_id.to_string()),
        fields: declaration.fields.clone(),
    }
}

/// Whether the stored client says the same as the declared one, times and version aside.
fn is_same(old: &Client, new: &Client) -> bool {
    let facts = |client: &Client| {
        let mut client = client.clone();
        client.created_at = new.created_at;
        client.updated_at = new.updated_at;
        client.version = new.version;
        for secret in &mut client.secrets {
            secret.created_at = new.created_at;
        }
        serde_json::to_value(&client).ok()
    };
    facts(old) == facts(new)
}

//! What a person has allowed which app: looking at it and taking it back.

use super::Error;
use crate::audit::{Entry, Event};
use crate::base::id::{ClientId, UserId};
use crate::cx::Cx;
use crate::identity::cascade;
use crate::records::{Client, Consent, SubjectRef, User};
use crate::rights::{self, Right};
use crate::store::{Read, Tx, rows};

/// A person's consents with the clients they are for, in the order of the clients' ids.
pub fn of_user(cx: &Cx, user: &UserId) -> Result<Vec<(Consent, Option<Client>)>, Error> {
    let from = cx.read()?;
    let mut list = Vec::new();
    for consent in rows::consents::of_user(&from, cx.tenant.id, user)? {
        let client = rows::clients::find(&from, cx.tenant.id, &consent.client)?;
        list.push((consent, client));
    }
    Ok(list)
}

/// The person, if they exist, are not disabled, and have not withdrawn consent to these scopes from an app that needs
/// it.
pub(super) fn person_who_consents(
    cx: &Cx,
    from: &impl Read,
    client: &Client,
    (user, scopes): (&UserId, &[String]),
) -> Result<Option<User>, Error> {
    let person = rows::users::find(from, cx.tenant.id, user)?.filter(|user| !user.disabled);
    if client.trusted || person.is_none() {
        return Ok(person);
    }
    let consent = rows::consents::find(from, cx.tenant.id, user, &client.id)?;
    let covers = consent.is_some_and(|consent| scopes.iter().all(|scope| consent.scopes.contains(scope)));
    Ok(person.filter(|_| covers))
}

/// Takes one's own consent back and revokes what the client got by it, in one transaction. Answers how many token
/// families ended; `None` when there was no consent.
pub async fn revoke_own(cx: &Cx, user: &UserId, client: &ClientId) -> Result<Option<usize>, Error> {
    revoke_by(cx, Right::Own(user.clone()), user, client).await
}

/// As [`revoke_own`], of somebody else, with the right to change people; of who holds something of the platform, its
/// administrators do.
pub async fn revoke(cx: &Cx, user: &UserId, client: &ClientId) -> Result<Option<usize>, Error> {
    revoke_by(cx, Right::on("update", "users"), user, client).await
}

async fn revoke_by(cx: &Cx, right: Right, user: &UserId, client: &ClientId) -> Result<Option<usize>, Error> {
    let entry = Entry::new(cx).target(client);
    let (at, user, client, by) = (cx.clone(), user.clone(), client.clone(), right.clone());
    let change = move |tx: &mut Tx| {
        if !matches!(by, Right::Own(_)) {
            rights::may_change_subject::<Error>(&at, tx, &SubjectRef::new("user", user.as_str()))?;
        }
        let Some(consent) = rows::consents::find(tx, at.tenant.id, &user, &client)? else { return Ok(None) };
        rows::consents::delete(tx, at.tenant.id, &consent)?;
        let mut ended = 0;
        for grant in rows::grants::of_user(tx, at.tenant.id, &user)? {
            if grant.client == client && cascade::revoke_grant(tx, &at, &grant.id)? {
                ended += 1;
            }
        }
        entry.append(tx, &at, &Event::ConsentRevoke { user: user.clone(), grants: ended })?;
        Ok::<_, Error>(Some(ended))
    };
    rights::write(cx, right, change).await
}

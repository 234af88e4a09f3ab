//! Accounts: made, looked up, changed, disabled and deleted by an administrator, or changed by the person themselves.

use serde_json::{Map, Value};

use crate::audit::{Changes, Entry, Event};
use crate::base::canonical::Search;
use crate::base::id::UserId;
use crate::base::page::{Page, PageRequest};
use crate::base::{Moment, Secret, canonical};
use crate::cx::Cx;
use crate::records::{Profile, User};
use crate::rights::{self, Right};
use crate::store::Tx;
use crate::store::rows::users as rows;

pub use super::lookup::find_by_name;
pub use super::password::remember_cost;
pub use super::password_change::{change_password, set_password};
pub use super::throttle::Pause;

use super::cascade::{self, Ended};
use super::error::Mistakes;
use super::lookup::{USERS, find};
use super::password;
use super::password_rule::{self, Known};
use super::signed_in::SignedIn;
use super::{Error, administrators, fields, sessions, throttle};

/// Profile fields that a person does not set for themselves.
const PROVED_BY_OTHERS: &[&str] = &["phone_number_verified"];

/// An account as an administrator makes it.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// E-mail address.
    pub email: String,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// Username, if any.
    pub username: Option<String>,
    /// Password; without one a recovery link sets it.
    pub password: Option<Secret<String>>,
    /// Role names; [`User::ADMIN`] makes an administrator.
    pub roles: Vec<String>,
    /// Custom attributes.
    pub attributes: Map<String, Value>,
    /// Name and other claims.
    pub profile: Profile,
}

/// A change by an administrator; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The version that the form was drawn from; another one is [`Error::Conflict`].
    pub expected_version: Option<u64>,
    /// A new address; it counts as not verified unless `email_verified` says so.
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    pub email_verified: Option<bool>,
    /// A new username, or `Some(None)` to remove it.
    pub username: Option<Option<String>>,
    /// All roles from now on.
    pub roles: Option<Vec<String>>,
    /// All custom attributes from now on.
    pub attributes: Option<Map<String, Value>>,
    /// Claims to replace, or with `null` to remove (RFC 7396).
    pub profile: Map<String, Value>,
}

/// A change by the person themselves: nothing in it can grant anything.
#[derive(Clone, Debug, Default)]
pub struct OwnChange {
    /// A new username, or `Some(None)` to remove it.
    pub username: Option<Option<String>>,
    /// Claims to replace, or with `null` to remove (RFC 7396).
    pub profile: Map<String, Value>,
}

/// Checked fields of an account that has no id yet.
pub(super) struct Draft {
    pub(super) email: String,
    pub(super) email_verified: bool,
    pub(super) username: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) attributes: Map<String, Value>,
    pub(super) profile: Profile,
}

impl Draft {
    /// What a password of this account must not be made of.
    pub(super) fn known(&self) -> Known<'_> {
        Known { email: &self.email, username: self.username.as_deref(), profile: &self.profile }
    }

    /// The account, made at `now`.
    pub(super) fn into_user(self, id: UserId, password: Option<String>, now: Moment) -> User {
        User {
            id,
            email: self.email,
            email_verified: self.email_verified,
            username: self.username,
            profile: self.profile,
            attributes: self.attributes,
            roles: self.roles,
            password_changed_at: password.is_some().then_some(now),
            password,
            disabled: false,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }
}

/// Makes an account, with the right to; an administrator, with the right to administer. Errors: [`Error::Denied`],
/// [`Error::EmailTaken`], [`Error::UsernameTaken`], the fields' own, [`Error::Busy`].
pub async fn create(cx: &Cx, new: NewUser) -> Result<User, Error> {
    let mut wrong = Mistakes::default();
    let draft = Draft {
        email: wrong.take(fields::email(&new.email)),
        email_verified: new.email_verified,
        username: wrong.take(fields::optional_username(new.username.as_deref())),
        roles: wrong.take(fields::roles(new.roles)),
        attributes: wrong.take(fields::attributes(new.attributes)),
        profile: wrong.take(fields::profile(new.profile)),
    };
    if let Some(password) = &new.password {
        wrong.take(password_rule::may_be_chosen(password, draft.known()));
    }
    wrong.finish()?;
    let phc = match &new.password {
        Some(password) => Some(password::hash(cx, password, draft.known()).await?),
        None => None,
    };
    let user = draft.into_user(UserId::new(cx.now, cx.entropy()), phc, cx.now);
    let entry = Entry::new(cx).target(&user.id);
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        if user.is_admin() {
            rights::may_make_administrator::<Error>(&at, tx)?;
        }
        save(tx, &at, None, &user)?;
        entry.append(tx, &at, &Event::UserCreate { roles: user.roles.clone() })?;
        Ok(user.clone())
    };
    rights::write(cx, Right::on("create", USERS), change).await
}

/// The person with this e-mail address, username or id. Errors: [`Error::NotFound`].
pub fn by_name(cx: &Cx, name: &str) -> Result<User, Error> {
    let snapshot = cx.read()?;
    let found = match name.trim().parse() {
        Ok(id) => rows::find(&snapshot, cx.tenant.id, &id)?,
        Err(_) => find_by_name(&snapshot, cx, name)?,
    };
    found.ok_or(Error::NotFound)
}

/// The administrator who was there first, if any is left who can act.
pub fn first_administrator(cx: &Cx) -> Result<Option<User>, Error> {
    Ok(administrators::first(&cx.read()?, cx.tenant.id)?)
}

/// Which people are wanted; absent fields accept all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Stands in the e-mail address, the username, a name or the id.
    pub search: Option<Search>,
    /// Only those who are disabled, or only those who are not.
    pub disabled: Option<bool>,
    /// Only those who have this role.
    pub role: Option<String>,
}

impl Filter {
    fn accepts(&self, user: &User) -> bool {
        let Profile { name, given_name, family_name, nickname, .. } = &user.profile;
        let names = [&user.username, name, given_name, family_name, nickname].into_iter().flatten().map(String::as_str);
        let texts = [&*user.email, user.id.as_str()].into_iter().chain(names);
        self.disabled.is_none_or(|disabled| disabled == user.disabled)
            && self.role.as_ref().is_none_or(|role| user.roles.contains(role))
            && self.search.as_ref().is_none_or(|search| search.is_in_any(texts))
    }
}

/// A page of the people that `filter` accepts, oldest first or as `request` sorts. It may be short and still have a
/// successor: read on until `next` is absent.
pub fn page(cx: &Cx, filter: &Filter, request: &PageRequest) -> Result<Page<User>, Error> {
    Ok(rows::page_of(&cx.read()?, cx.tenant.id, request, |user| filter.accepts(user))?)
}

/// Whether nobody has this username. Errors: [`Error::InvalidUsername`], [`Error::ReservedUsername`] when nobody could.
pub fn username_is_free(cx: &Cx, username: &str) -> Result<bool, Error> {
    let canonical = canonical::username(&fields::username(username)?).ok_or(Error::InvalidUsername)?;
    Ok(rows::find_by_username(&cx.read()?, cx.tenant.id, &canonical)?.is_none())
}

/// Changes an account, with the right to. Who holds something of the platform is changed, and an administrator is made,
/// by its administrators alone. Errors: [`Error::Denied`], [`Error::NotFound`], [`Error::Conflict`],
/// [`Error::EmailTaken`], [`Error::UsernameTaken`], [`Error::LastAdministrator`] when the role would be taken from the
/// last one, the fields' own.
pub async fn update(cx: &Cx, id: &UserId, change: UserChange) -> Result<User, Error> {
    update_by(cx, Right::on("update", USERS), id, change).await
}

/// Changes one's own account. Errors: [`Error::UsernameTaken`], the fields' own.
pub async fn update_own(cx: &Cx, signed_in: &SignedIn, change: OwnChange) -> Result<User, Error> {
    if let Some(name) = PROVED_BY_OTHERS.iter().find(|name| change.profile.contains_key(**name)) {
        return Err(Error::field(name, "cannot be set by oneself"));
    }
    let change = UserChange { username: change.username, profile: change.profile, ..UserChange::default() };
    update_by(cx, Right::Own(signed_in.user.id.clone()), &signed_in.user.id, change).await
}

/// What the audit log tells of a change with both values. Of the rest of the profile it tells the names alone: rows
/// outlive the account.
const TOLD: &[&str] = &["email", "email_verified", "username", "roles", "profile.name"];

async fn update_by(cx: &Cx, right: Right, id: &UserId, change: UserChange) -> Result<User, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id, is_own) = (cx.clone(), id.clone(), matches!(right, Right::Own(_)));
    let changes = move |tx: &mut Tx| {
        let old = find(tx, &at, &id)?;
        if !is_own {
            rights::may_change_person::<Error>(&at, tx, &old)?;
        }
        if change.expected_version.is_some_and(|expected| expected != old.version) {
            return Err(Error::Conflict);
        }
        let new = change.applied_to(&old)?;
        if new.is_admin() && !old.is_admin() {
            rights::may_make_administrator::<Error>(&at, tx)?;
        }
        if administrators::administers(&old) && !administrators::administers(&new) {
            is_not_the_last_administrator(tx, &at, &old)?;
        }
        let new = changed(&at, &old, new);
        save(tx, &at, Some(&old), &new)?;
        if change.roles.is_some() && !new.is_admin() {
            administrators::demote(tx, &at, &id)?;
        }
        let changed = Changes::between(&old, &new, TOLD).some();
        entry.append(tx, &at, &Event::UserUpdate { fields: change.fields(), changes: changed })?;
        Ok(new)
    };
    rights::write(cx, right, changes).await
}

impl UserChange {
    /// The names of what it changes, for the audit log.
    fn fields(&self) -> Vec<String> {
        let own = [
            ("email", self.email.is_some()),
            ("email_verified", self.email_verified.is_some()),
            ("username", self.username.is_some()),
            ("roles", self.roles.is_some()),
            ("attributes", self.attributes.is_some()),
        ];
        let named = own.into_iter().filter(|(_, changes)| *changes).map(|(name, _)| name.to_owned());
        named.chain(self.profile.keys().cloned()).collect()
    }

    fn applied_to(&self, old: &User) -> Result<User, Error> {
        let mut new = old.clone();
        if let Some(email) = &self.email {
            new.email = fields::email(email)?;
            if canonical::email(&new.email) != canonical::email(&old.email) {
                new.email_verified = false;
            }
        }
        if let Some(verified) = self.email_verified {
            new.email_verified = verified;
        }
        if let Some(username) = &self.username {
            new.username = fields::optional_username(username.as_deref())?;
        }
        if let Some(roles) = &self.roles {
            new.roles = fields::roles(roles.clone())?;
        }
        if let Some(attributes) = &self.attributes {
            new.attributes = fields::attributes(attributes.clone())?;
        }
        new.profile = fields::patch_profile(&old.profile, &self.profile)?;
        Ok(new)
    }
}

/// Disables a person, with the right to ban them: no sign-in from now on, every session ends, every token family is
/// revoked. Errors: [`Error::Denied`], [`Error::NotFound`], [`Error::LastAdministrator`].
pub async fn disable(cx: &Cx, id: &UserId) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let old = find(tx, &at, &id)?;
        rights::may_change_person::<Error>(&at, tx, &old)?;
        is_not_the_last_administrator(tx, &at, &old)?;
        let new = changed(&at, &old, User { disabled: true, ..old.clone() });
        save(tx, &at, Some(&old), &new)?;
        let ended = cascade::disable_user(tx, &at, &id)?;
        entry.append(tx, &at, &Event::UserDisable { ended })?;
        Ok(ended)
    };
    rights::write(cx, Right::on("ban", USERS), change).await
}

/// Lets a disabled person sign in again, with the right to change people: to give back is more than to take away.
/// Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn enable(cx: &Cx, id: &UserId) -> Result<User, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let old = find(tx, &at, &id)?;
        rights::may_change_person::<Error>(&at, tx, &old)?;
        let new = changed(&at, &old, User { disabled: false, ..old.clone() });
        save(tx, &at, Some(&old), &new)?;
        entry.append(tx, &at, &Event::UserEnable {})?;
        Ok(new)
    };
    rights::write(cx, Right::on("update", USERS), change).await
}

/// What failed sign-ins have come to for a person at the moment.
pub fn pause(cx: &Cx, user: &User) -> Pause {
    throttle::pause_of(cx, user)
}

/// Forgets failed sign-ins of a person, with the right to change people, so that nobody who signs in as them waits.
/// Answers what they had come to. Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn unlock(cx: &Cx, id: &UserId) -> Result<Pause, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let user = find(tx, &at, &id)?;
        rights::may_change_person::<Error>(&at, tx, &user)?;
        let pause = throttle::pause_of(&at, &user);
        entry.append(tx, &at, &Event::UserUnlock { failures: pause.failures })?;
        Ok::<_, Error>((user, pause))
    };
    let (user, pause) = rights::write(cx, Right::on("update", USERS), change).await?;
    throttle::forget(cx, &user);
    Ok(pause)
}

/// Deletes a person with everything that is theirs, with the right to. Errors: [`Error::Denied`], [`Error::NotFound`],
/// [`Error::LastAdministrator`].
pub async fn delete(cx: &Cx, id: &UserId) -> Result<Ended, Error> {
    delete_by(cx, Right::on("delete", USERS), id).await
}

async fn delete_by(cx: &Cx, right: Right, id: &UserId) -> Result<Ended, Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id, by) = (cx.clone(), id.clone(), right.clone());
    let change = move |tx: &mut Tx| {
        let ended = remove(tx, &at, &by, &id)?;
        entry.append(tx, &at, &Event::UserDelete { ended })?;
        Ok(ended)
    };
    rights::write(cx, right, change).await
}

/// What [`delete`] would take along now; nothing is changed. Errors: those of the deletion.
pub fn deletion(cx: &Cx, id: &UserId) -> Result<Ended, Error> {
    let right = Right::on("delete", USERS);
    rights::rehearse(cx, &right, |tx| remove(tx, cx, &right, id))
}

fn remove(tx: &mut Tx, cx: &Cx, right: &Right, id: &UserId) -> Result<Ended, Error> {
    let user = find(tx, cx, id)?;
    if !matches!(right, Right::Own(_)) {
        rights::may_change_person::<Error>(cx, tx, &user)?;
    }
    is_not_the_last_administrator(tx, cx, &user)?;
    Ok(cascade::remove_user(tx, cx, &user)?)
}

/// Deletes one's own account: with the password, or without it soon after it was given.
/// Errors: [`Error::InvalidCredentials`], [`Error::SessionNotFresh`], [`Error::LastAdministrator`], [`Error::Busy`].
pub async fn delete_own(cx: &Cx, signed_in: &SignedIn, password: Option<&Secret<String>>) -> Result<Ended, Error> {
    match password {
        Some(password) => {
            password::confirm(cx, signed_in, password).await?;
        }
        None => sessions::require_fresh(&cx.in_session(&signed_in.session))?,
    }
    delete_by(cx, Right::Own(signed_in.user.id.clone()), &signed_in.user.id).await
}

/// Writes a person with unique names; an administrator has the tuples of one, and closes set-up.
pub(super) fn save(tx: &mut Tx, cx: &Cx, old: Option<&User>, new: &User) -> Result<(), Error> {
    rows::put(tx, cx.tenant.id, old, new)??;
    administrators::follow_role(tx, cx, new)?;
    if administrators::administers(new) && administrators::are_awaited(tx, cx.tenant.id)? {
        administrators::note_one(tx, cx)?;
    }
    Ok(())
}

/// The new state stamped as a change of the old one.
fn changed(cx: &Cx, old: &User, new: User) -> User {
    User { updated_at: cx.now, version: old.version.saturating_add(1), ..new }
}

fn is_not_the_last_administrator(tx: &Tx, cx: &Cx, user: &User) -> Result<(), Error> {
    if administrators::is_last(tx, cx.tenant.id, user)? { Err(Error::LastAdministrator) } else { Ok(()) }
}

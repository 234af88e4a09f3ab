//! Groups: named sets whose members are given by tuples `(group, grp_…, member, …)`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, authority};
use crate::audit::{Changes, Entry, Event};
use crate::base::canonical::{self, Search};
use crate::base::id::{self, GroupId};
use crate::base::page::{Page, PageRequest};
use crate::base::patch;
use crate::base::text::{self, Lines};
use crate::cx::Cx;
use crate::identity::cascade;
use crate::records::tuple::GROUP;
use crate::records::{Group, TupleKey};
use crate::rights::{self, Right};
use crate::store::rows::{groups as rows, tuples};
use crate::store::{Read, Tx};

/// The type that rights over groups are on.
const GROUPS: &str = "groups";

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 1_000;

/// What may be said about a group; absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupChange)]
pub struct Change {
    /// Unique name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it is for; `null` takes it away.
    #[serde(default, deserialize_with = "patch::given", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1_000)]
    pub description: Option<Option<String>>,
    /// The version that the change was made from; another one by now is 409 `conflict`.
    pub version: Option<u64>,
}

/// What went with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GroupEnded)]
pub struct Ended {
    /// Memberships, and relations that the group had.
    pub tuples: usize,
    /// How many of those were memberships.
    pub memberships: usize,
}

/// The group with this identifier or name.
pub fn find(cx: &Cx, from: &(impl Read + ?Sized), text: &str) -> Result<Option<Group>, Error> {
    Ok(match text.parse::<GroupId>() {
        Ok(id) => rows::find(from, cx.tenant.id, &id)?,
        Err(_) => rows::find_by_name(from, cx.tenant.id, text)?,
    })
}

/// The group with this identifier or name. Errors: [`Error::NotFound`].
pub fn group(cx: &Cx, from: &(impl Read + ?Sized), text: &str) -> Result<Group, Error> {
    find(cx, from, text)?.ok_or(Error::NotFound)
}

/// A page in the order of creation, or as `request` sorts, of those in whose name, description or id `search` stands.
/// It may be short and still have a successor: read on until `next` is absent.
pub fn page(cx: &Cx, search: Option<&Search>, request: &PageRequest) -> Result<Page<Group>, Error> {
    let accepts = |search: &Search, group: &Group| {
        search.is_in_any([&*group.name, group.description.as_deref().unwrap_or_default(), group.id.as_str()])
    };
    let wanted = |group: &Group| search.is_none_or(|search| accepts(search, group));
    Ok(rows::page_of(&cx.read()?, cx.tenant.id, request, wanted)?)
}

/// Makes a group, with the right to. Errors: [`Error::Denied`], [`Error::Invalid`], [`Error::Taken`].
pub async fn create(cx: &Cx, name: &str, description: Option<&str>) -> Result<Group, Error> {
    let group = Group {
        id: GroupId::new(cx.now, cx.entropy()),
        name: checked_name(name)?,
        description: checked_description(description)?,
        created_at: cx.now,
        updated_at: cx.now,
        version: 1,
    };
    let entry = Entry::new(cx).target(&group.id);
    let at = cx.clone();
    let change = move |tx: &mut Tx| {
        put(tx, &at, None, &group)?;
        entry.append(tx, &at, &Event::GroupCreate { name: group.name.clone() })?;
        Ok(group.clone())
    };
    rights::write(cx, Right::on("create", GROUPS), change).await
}

/// Changes name or description, with the right to; of a group that gives authority over the platform, who administers
/// it does. Errors: [`Error::Denied`], [`Error::NotFound`], [`Error::Conflict`], [`Error::Taken`], [`Error::Invalid`].
pub async fn update(cx: &Cx, id: &GroupId, change: Change) -> Result<Group, Error> {
    let name = change.name.as_deref().map(checked_name).transpose()?;
    let description = change.description.as_ref().map(|text| checked_description(text.as_deref())).transpose()?;
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let renamed = move |tx: &mut Tx| {
        let old = rows::find(tx, at.tenant.id, &id)?.ok_or(Error::NotFound)?;
        authority::may_change_group(&at, tx, &old)?;
        if change.version.is_some_and(|version| version != old.version) {
            return Err(Error::Conflict);
        }
        let new = Group {
            name: name.clone().unwrap_or_else(|| old.name.clone()),
            description: description.clone().unwrap_or_else(|| old.description.clone()),
            updated_at: at.now,
            version: old.version + 1,
            ..old.clone()
        };
        put(tx, &at, Some(&old), &new)?;
        let changes = Changes::between(&old, &new, &["name", "description"]).some();
        entry.append(tx, &at, &Event::GroupUpdate { changes })?;
        Ok(new)
    };
    rights::write(cx, Right::on("update", GROUPS), renamed).await
}

/// Deletes a group with its memberships and everything that was granted to it, with the right to; one that gives
/// authority over the platform is for who administers it. Errors: [`Error::Denied`], [`Error::NotFound`].
pub async fn delete(cx: &Cx, id: &GroupId) -> Result<(Group, Ended), Error> {
    let entry = Entry::new(cx).target(id);
    let (at, id) = (cx.clone(), id.clone());
    let change = move |tx: &mut Tx| {
        let (group, ended) = remove(tx, &at, &id)?;
        entry.append(tx, &at, &Event::GroupDelete { name: group.name.clone(), tuples: ended.tuples })?;
        Ok((group, ended))
    };
    rights::write(cx, removal(), change).await
}

/// What [`delete`] would take along now; nothing is changed. Errors: those of the deletion.
pub fn deletion(cx: &Cx, id: &GroupId) -> Result<Ended, Error> {
    rights::rehearse(cx, &removal(), |tx| remove(tx, cx, id)).map(|(_, ended)| ended)
}

/// Every tuple that [`delete`] would take along now; nothing is changed. Errors: those of the deletion.
pub fn tuples_of(cx: &Cx, id: &GroupId) -> Result<Vec<TupleKey>, Error> {
    let (subject, entity) = ((GROUP, id.as_str()), (GROUP, id.as_str()));
    rights::rehearse(cx, &removal(), |tx| {
        rows::find(tx, cx.tenant.id, id)?.ok_or(Error::NotFound)?;
        let mut keys = Vec::new();
        tuples::delete_of_subject(tx, cx.tenant.id, subject, |key| keys.push(key.clone()))?;
        tuples::delete_of_entity(tx, cx.tenant.id, entity, |key| keys.push(key.clone()))?;
        Ok::<_, Error>(keys)
    })
}

fn removal() -> Right {
    Right::on("delete", GROUPS)
}

fn remove(tx: &mut Tx, cx: &Cx, id: &GroupId) -> Result<(Group, Ended), Error> {
    let group = rows::find(tx, cx.tenant.id, id)?.ok_or(Error::NotFound)?;
    authority::may_change_group(cx, tx, &group)?;
    let cascade::Ended { tuples, memberships, .. } = cascade::remove_tuples_of(tx, cx, GROUP, id.as_str())?;
    rows::delete(tx, cx.tenant.id, &group)?;
    Ok((group, Ended { tuples, memberships }))
}

fn put(tx: &mut Tx, cx: &Cx, old: Option<&Group>, new: &Group) -> Result<(), Error> {
    if rows::put(tx, cx.tenant.id, old, new)? { Ok(()) } else { Err(Error::Taken) }
}

fn checked_name(name: &str) -> Result<String, Error> {
    let name = &*canonical::composed(name);
    let problem = if matches!(name, "." | "..") {
        String::from("a name is not `.` or `..`: nothing is found by these in an address")
    } else if name.is_empty() {
        String::from("a group needs a name")
    } else if name.chars().count() > MAX_NAME {
        String::from("a name has at most 100 characters")
    } else if let Some(problem) = text::problem(name, Lines::One) {
        problem
    } else if let Some(prefix) = id::reserved_prefix(name) {
        // A group is found by its identifier before it is found by its name.
        format!("a name does not begin with `{prefix}`: identifiers do")
    } else {
        return Ok(name.to_owned());
    };
    Err(Error::invalid("name", problem))
}

fn checked_description(text: Option<&str>) -> Result<Option<String>, Error> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > MAX_DESCRIPTION => {
            Err(Error::invalid("description", "a description has at most 1000 characters"))
        }
        text => match text.and_then(|text| text::problem(text, Lines::Many)) {
            Some(problem) => Err(Error::invalid("description", problem)),
            None => Ok(text.map(str::to_owned)),
        },
    }
}

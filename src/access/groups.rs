//! Groups: named sets whose members are given by tuples `(group, grp_…, member, …)`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Error, authority};
use crate::audit::{Changes, Entry, Event};
use crate::base::canonical::Search;
use crate::base::id::{self, GroupId};
use crate::base::page::{Page, PageRequest};
use crate::base::patch;
use crate::base::text::{self, Lines};
use crate::cx::Cx;
use crate::identity::cascade;
use crate::records::tuple::{GROUP, MEMBER};
use crate::records::{Group, SubjectRef};
use crate::rights::{self, Right};
use crate::store::rows::{groups as rows, tuples};
use crate::store::{Read, Tx};

/// The type that rights over groups are on.
const GROUPS: &str = "groups";

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 1_000;

/// Groups that one listing of members follows.
pub(super) const MAX_NESTED: usize = 1_000;

/// The most members that are listed.
const MAX_MEMBERS: usize = 100_000;

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

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// Who.
    #[serde(flatten)]
    pub subject: SubjectRef,
    /// The group that they were put in by name, when it is another one.
    pub through: Option<String>,
    /// Whether a condition decides at the time of a check.
    pub conditional: bool,
}

/// A group that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The group.
    pub group: Group,
    /// Whether they were put in by name, not only through another group.
    pub direct: bool,
    /// Identifiers of the groups that they are in, and that are surely in this one.
    pub through: BTreeSet<String>,
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

/// Who is in a group: people, keys, clients and groups that were put in by name, and unless `direct`, everybody who is
/// in through other groups. Sorted. Errors: [`Error::LimitReached`].
pub fn members(cx: &Cx, from: &(impl Read + ?Sized), group: &GroupId, direct: bool) -> Result<Vec<Member>, Error> {
    let mut members = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from([(group.to_string(), false)]);
    while let Some((id, gated)) = waiting.pop_front() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let through = (id != group.as_str()).then(|| id.clone());
        for tuple in tuples::holders(from, cx.tenant.id, (GROUP, &id, MEMBER), MAX_MEMBERS)? {
            if !tuple.counts_at(cx.now) {
                continue;
            }
            let conditional = gated || tuple.condition.is_some();
            let subject = tuple.key.subject;
            if let Some((GROUP, nested, MEMBER)) = subject.as_set()
                && !direct
                && !seen.contains(nested)
            {
                // What is surely in comes before what may be in, so that each group is looked at for the better reason.
                let next = (nested.to_owned(), conditional);
                if conditional { waiting.push_back(next) } else { waiting.push_front(next) }
            }
            members.insert(Member { subject, through: through.clone(), conditional });
            if members.len() >= MAX_MEMBERS || seen.len() > MAX_NESTED {
                return Err(Error::LimitReached("the group has too many members to list"));
            }
        }
    }
    Ok(members.into_iter().collect())
}

/// The groups that a subject is surely in at this moment, itself or through others, in the order of their identifiers;
/// 1000 at the most. What depends on a condition is left out: nobody may count on a membership that a condition can
/// deny.
pub fn of_subject(cx: &Cx, from: &(impl Read + ?Sized), subject: &SubjectRef) -> Result<Vec<Joined>, Error> {
    let mut found = BTreeMap::<String, (bool, BTreeSet<String>)>::new();
    let mut waiting = VecDeque::from([(subject.clone(), None)]);
    while let Some((subject, through)) = waiting.pop_front() {
        for id in tuples::objects_of_subject(from, cx.tenant.id, &subject, (GROUP, MEMBER), (None, MAX_NESTED))? {
            let membership = tuples::find_exact(from, cx.tenant.id, (GROUP, &id, MEMBER), &subject)?;
            let counts = membership.is_some_and(|found| found.counts_at(cx.now) && found.condition.is_none());
            if !counts || (found.len() >= MAX_NESTED && !found.contains_key(&id)) {
                continue;
            }
            let (_, inner) = found.entry(id.clone()).or_insert_with(|| {
                let sets = [SubjectRef::new(GROUP, &*id), SubjectRef::set(GROUP, &*id, MEMBER)];
                waiting.extend(sets.map(|set| (set, Some(id.clone()))));
                (through.is_none(), BTreeSet::new())
            });
            inner.extend(through.clone());
        }
    }
    let mut groups = Vec::with_capacity(found.len());
    for (id, (direct, through)) in found {
        let group = id.parse().ok().map(|id| rows::find(from, cx.tenant.id, &id)).transpose()?.flatten();
        groups.extend(group.map(|group| Joined { group, direct, through }));
    }
    Ok(groups)
}

fn put(tx: &mut Tx, cx: &Cx, old: Option<&Group>, new: &Group) -> Result<(), Error> {
    if rows::put(tx, cx.tenant.id, old, new)? { Ok(()) } else { Err(Error::Taken) }
}

fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let problem = if name.is_empty() {
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

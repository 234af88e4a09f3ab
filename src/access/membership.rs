//! Who is in a group, and in which groups somebody is: read from the tuples, without the evaluator.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use super::Error;
use crate::base::id::GroupId;
use crate::cx::Cx;
use crate::records::tuple::{GROUP, MEMBER};
use crate::records::{Group, SubjectRef};
use crate::store::Read;
use crate::store::rows::{groups as rows, tuples};

/// Groups that one listing of members follows.
pub(super) const MAX_NESTED: usize = 1_000;

/// The most members that are listed.
const MAX_MEMBERS: usize = 100_000;

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
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
    pub group: Group,
    /// Whether they were put in by name, not only through another group.
    pub direct: bool,
    /// Identifiers of the groups that they are in, and that are surely in this one.
    pub through: BTreeSet<String>,
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

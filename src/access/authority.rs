//! Who holds something of the platform itself: whom a lesser administrator must not take over.

use std::collections::{BTreeSet, VecDeque};

use super::model::builtin;
use super::{Error, check};
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{GROUP, MEMBER};
use crate::store::Read;
use crate::store::rows::tuples;

/// Subjects that are looked at before the answer is yes for safety.
const MAX_SUBJECTS: usize = 1_000;

/// Tuples of one subject that are looked at before the answer is yes for safety.
const MAX_TUPLES: usize = 10_000;

/// Whether this entity type is one of the installation's own, whose tuples give authority over it. Groups are not: what a group gives is told by
/// its own tuples.
pub fn is_of_the_platform(entity_type: &str) -> bool {
    entity_type != GROUP && builtin::find(entity_type).is_some()
}

/// Whether the subject, itself or through groups, has any relation to a type of the platform. When there is too much to look at, yes.
pub fn is_held_by(cx: &Cx, from: &(impl Read + ?Sized), subject: SubjectRef) -> Result<bool, Error> {
    let mut seen = BTreeSet::from([subject.clone()]);
    let mut waiting = VecDeque::from([subject]);
    while let Some(subject) = waiting.pop_front() {
        let held = tuples::of_subject(from, cx.tenant, &subject, None, MAX_TUPLES)?;
        if held.len() >= MAX_TUPLES || seen.len() > MAX_SUBJECTS {
            return Ok(true);
        }
        for key in held {
            // Who may merely use an app has no authority.
            if is_of_the_platform(&key.entity_type) && (&*key.entity_type, &*key.relation) != (check::CLIENTS, "use") {
                return Ok(true);
            }
            // A group stands in tuples as itself and as its members.
            let of_members = key.entity_type == GROUP && key.relation == MEMBER;
            for next in [SubjectRef::new(GROUP, &*key.entity_id), SubjectRef::set(GROUP, &*key.entity_id, MEMBER)] {
                if of_members && seen.insert(next.clone()) {
                    waiting.push_back(next);
                }
            }
        }
    }
    Ok(false)
}

//! Who holds something of the platform itself, and which tuples and models decide that: what a lesser administrator
//! must not touch. Asked in the transaction that is about to touch it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::access::graph::RelationKey;
use crate::access::model::{Models, builtin};
use crate::access::{Error, check};
use crate::base::id::ClientId;
use crate::cx::Cx;
use crate::records::tuple::{ANY, GROUP};
use crate::records::{SubjectRef, TupleKey};
use crate::store::Read;
use crate::store::rows::{models, tuples};

/// Tuples and places that are looked at before the answer is yes for safety. They are looked at where everybody's
/// writing waits.
const MAX_STEPS: usize = 20_000;

/// Tuples that are looked at on the short way, before the long one is gone.
const MAX_CLIMB: usize = 5_000;

/// The relation of who may merely use an app, and has no authority by it.
const USE: &str = "use";

/// Whether this entity type is one of the installation's own, whose tuples give authority over it. Groups are not: what
/// a group gives follows from its own tuples.
pub fn is_of_the_platform(entity_type: &str) -> bool {
    entity_type != GROUP && builtin::find(entity_type).is_some()
}

/// Whether one of such tuples gives or takes authority over the platform, itself or because those with its relation
/// have some through groups, other sets and parents: for who administers the platform alone. Their names must be those
/// of stored tuples. Access to one client is for who manages it, so `oauth_client` counts only where a client's people
/// hold more than that. When there is too much to look at, yes.
pub fn is_given_by(cx: &Cx, from: &(impl Read + ?Sized), keys: &[TupleKey]) -> Result<bool, Error> {
    let is_of_one_client = |key: &TupleKey| key.entity_type == check::CLIENTS && key.entity_id != ANY;
    // Every object of groups is every group, whatever they give.
    let all_groups = |key: &TupleKey| key.entity_type == GROUP && key.entity_id == ANY;
    if keys.iter().any(|key| all_groups(key) || is_of_the_platform(&key.entity_type) && !is_of_one_client(key)) {
        return Ok(true);
    }
    if !may_lead_to_platform(cx, from, keys.iter().map(|key| (&*key.entity_type, &*key.entity_id)))? {
        return Ok(false);
    }
    let Some(sources) = Sources::of(cx, from)? else { return Ok(true) };
    Ok(keys.iter().any(|key| {
        sources.elsewhere().any(|(kind, id, relation)| {
            let same_object = key.entity_id == ANY || *id == key.entity_id;
            same_object && *kind == key.entity_type && *relation == key.relation
        })
    }))
}

/// Whether the model of a type decides who has authority over the platform. When there is too much to look at, yes.
pub fn rests_on_model(cx: &Cx, from: &(impl Read + ?Sized), entity_type: &str) -> Result<bool, Error> {
    if builtin::find(entity_type).is_some() {
        return Ok(true);
    }
    if !may_lead_to_platform(cx, from, [(entity_type, ANY)])? {
        return Ok(false);
    }
    Ok(Sources::of(cx, from)?.is_none_or(|sources| sources.elsewhere().any(|(kind, ..)| kind == entity_type)))
}

/// Whether authority over the platform rests on the types of a client, or on who holds a relation to the client itself.
/// When there is too much to look at, yes.
pub fn rests_on_client(cx: &Cx, from: &(impl Read + ?Sized), client: &ClientId) -> Result<bool, Error> {
    let owned = models::of_client(from, cx.tenant.id, client)?;
    let types = owned.iter().map(|model| (&*model.entity_type, ANY));
    if !may_lead_to_platform(cx, from, types.chain([(check::CLIENTS, client.as_str())]))? {
        return Ok(false);
    }
    let Some(sources) = Sources::of(cx, from)? else { return Ok(true) };
    let is_of_it = |(kind, id, _): &RelationKey| {
        (*kind == check::CLIENTS && *id == client.as_str()) || owned.iter().any(|model| model.entity_type == *kind)
    };
    Ok(sources.elsewhere().any(is_of_it))
}

/// Whether the subject, itself or through sets, has any relation to a type of the platform, or one of its API keys has
/// one to more than single clients. What everyone has does not count. When there is too much to look at, yes.
pub fn is_held_by(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    subject: &SubjectRef,
    keys: &[SubjectRef],
) -> Result<bool, Error> {
    let models = Models::unshared(cx.tenant.id);
    for own in builtin::all().filter(|own| own.entity_type != GROUP) {
        let Some(model) = models.find(from, &own.entity_type)? else { continue };
        for relation in model.relations.keys().filter(|relation| is_authority(&own.entity_type, relation)) {
            let held = (own.entity_type.as_str(), relation.as_str());
            let keys = keys.iter().filter(|_| own.entity_type != check::CLIENTS);
            for subject in keys.chain([subject]) {
                if !tuples::objects_of_subject(from, cx.tenant.id, subject, held, (None, 1))?.is_empty() {
                    return Ok(true);
                }
            }
        }
    }
    if !may_lead_to_platform(cx, from, keys.iter().chain([subject]).map(|one| (&*one.kind, &*one.id)))? {
        return Ok(false);
    }
    let Some(sources) = Sources::of(cx, from)? else { return Ok(true) };
    for (kind, id, relation) in sources.elsewhere() {
        for id in [id.as_str(), ANY] {
            for subject in keys.iter().chain([subject]) {
                if tuples::find_exact(from, cx.tenant.id, (kind, id, relation), subject)?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Whether something of the platform may rest on one of these objects (type and id, which may be `*`): whether one
/// stands as a subject in a tuple on an object of the platform, or on an object that does, whatever the relations. No
/// is sure, and found by a few looks where nobody speaks of an object, as of most things of apps; yes is for
/// [`Sources`] to find out.
fn may_lead_to_platform<'k>(
    cx: &Cx,
    from: &(impl Read + ?Sized),
    objects: impl IntoIterator<Item = (&'k str, &'k str)>,
) -> Result<bool, Error> {
    let uses_own_model = models::find(from, cx.tenant.id, check::CLIENTS)?.is_none();
    let mut open: Vec<_> = objects.into_iter().map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect();
    let (mut seen, mut looked_at) = (BTreeSet::new(), 0_usize);
    while let Some((kind, id)) = open.pop() {
        if !seen.insert((kind.clone(), id.clone())) {
            continue;
        }
        let limit = MAX_CLIMB.saturating_sub(looked_at).saturating_add(1);
        let above = match id.as_str() {
            // What holds of all objects of a type holds of each.
            ANY => tuples::of_subject_type(from, cx.tenant.id, &kind, None, limit)?,
            id => tuples::speaking_of(from, cx.tenant.id, &kind, id, limit)?,
        };
        looked_at = looked_at.saturating_add(above.len()).saturating_add(1);
        let is_access = |key: &TupleKey| uses_own_model && !is_authority(&key.entity_type, &key.relation);
        let is_above = |key: &TupleKey| is_of_the_platform(&key.entity_type) && !is_access(key);
        if looked_at > MAX_CLIMB || above.iter().any(is_above) {
            return Ok(true);
        }
        open.extend(above.into_iter().map(|key| (key.entity_type, key.entity_id)));
    }
    Ok(false)
}

fn is_authority(entity_type: &str, relation: &str) -> bool {
    (entity_type, relation) != (check::CLIENTS, USE)
}

/// Every place whose tuples decide who has authority: those of the platform's own types, and backwards from there the
/// subjects in them. Exclusions count as well: to take one away gives something.
struct Sources<'a, R: ?Sized> {
    cx: &'a Cx,
    from: &'a R,
    models: Models,
    /// With it, whether it was come to from another object than the client that it is about.
    places: BTreeMap<RelationKey, bool>,
    open: VecDeque<(RelationKey, bool)>,
    steps: usize,
}

impl<'a, R: Read + ?Sized> Sources<'a, R> {
    /// Those of this state; `None` when there is too much to look at.
    fn of(cx: &'a Cx, from: &'a R) -> Result<Option<Self>, Error> {
        // A transaction may never be committed: models read in it must not be shared.
        let models = Models::unshared(cx.tenant.id);
        let mut sources = Self { cx, from, models, places: BTreeMap::new(), open: VecDeque::new(), steps: 0 };
        for own in builtin::all().filter(|own| own.entity_type != GROUP) {
            let kind = own.entity_type.as_str();
            let Some(model) = sources.models.find(from, kind)? else { continue };
            for id in tuples::entity_ids(from, cx.tenant.id, kind, None, MAX_STEPS)? {
                for relation in model.relations.keys().filter(|relation| is_authority(kind, relation)) {
                    sources.push((kind, &id, relation), kind != check::CLIENTS);
                }
            }
        }
        while let Some((place, elsewhere)) = sources.open.pop_front() {
            sources.expand(&place, elsewhere)?;
            if sources.steps >= MAX_STEPS {
                return Ok(None);
            }
        }
        Ok(Some(sources))
    }

    /// The places that are more than access to one client.
    fn elsewhere(&self) -> impl Iterator<Item = &RelationKey> {
        self.places.iter().filter(|(_, elsewhere)| **elsewhere).map(|(place, _)| place)
    }

    fn push(&mut self, (kind, id, relation): (&str, &str, &str), elsewhere: bool) {
        let place = (kind.to_owned(), id.to_owned(), relation.to_owned());
        self.steps = self.steps.saturating_add(1);
        if self.places.get(&place).is_none_or(|known| elsewhere && !known) {
            self.places.insert(place.clone(), elsewhere);
            self.open.push_back((place, elsewhere));
        }
    }

    /// What decides who has this relation.
    fn expand(&mut self, (kind, id, relation): &RelationKey, elsewhere: bool) -> Result<(), Error> {
        let (from, tenant) = (self.from, self.cx.tenant.id);
        let Some(model) = self.models.find(from, kind)? else { return Ok(()) };
        let Some(rewrite) = model.relations.get(relation).map(|relation| &relation.rewrite) else { return Ok(()) };
        for other in rewrite.computed() {
            self.push((kind, id, other), elsewhere);
        }
        let everywhere = if id == ANY { None } else { Some(ANY) };
        for id in std::iter::once(id.as_str()).chain(everywhere) {
            let sets = tuples::sets(from, tenant, (kind, id, relation), MAX_STEPS)?;
            self.steps = self.steps.saturating_add(sets.len());
            for set in sets {
                if let Some((kind, id, relation)) = set.key.subject.as_set() {
                    self.push((kind, id, relation), true);
                }
            }
            for (to_parent, inherited) in rewrite.inherited() {
                let parents = tuples::holders(from, tenant, (kind, id, to_parent), MAX_STEPS)?;
                self.steps = self.steps.saturating_add(parents.len());
                for parent in parents {
                    let parent = parent.key.subject;
                    if parent.relation.is_none() {
                        self.push((&parent.kind, &parent.id, inherited), true);
                    }
                }
            }
        }
        for (to_parent, _) in rewrite.inherited() {
            self.push((kind, id, to_parent), elsewhere);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::catalogue::{self, Draft};
    use crate::access::tuples::write;
    use crate::testing::{TestApp, block_on};

    const TYPES: [&str; 3] = ["teams", "orgs", "docs"];
    const RELATIONS: [&str; 4] = ["lead", "deputy", "out", "parent"];

    fn key(kind: &str, id: &str, relation: &str, subject: SubjectRef) -> TupleKey {
        TupleKey { entity_type: kind.into(), entity_id: id.into(), relation: relation.into(), subject }
    }

    /// The long way alone, over all that somebody might write.
    fn leads(cx: &Cx, key: &TupleKey) -> bool {
        let from = cx.read().unwrap();
        let sources = Sources::of(cx, &from).unwrap().unwrap();
        sources.elsewhere().any(|(kind, id, relation)| {
            *kind == key.entity_type && *relation == key.relation && (key.entity_id == ANY || *id == key.entity_id)
        })
    }

    #[test]
    fn the_short_way_is_never_surer_than_the_long_one() {
        let mut led = 0;
        for _ in 0..40 {
            let home = TestApp::new();
            let cx = home.cx();
            let definition = serde_json::json!({"relations": {
                "lead": {"anyOf": [{"direct": true}, {"relation": "deputy"}, {"relation": "lead", "from": "parent"}], "except": [{"relation": "out"}]},
                "deputy": {}, "out": {}, "parent": {}}});
            for kind in TYPES {
                let definition = definition.as_object().unwrap().clone();
                let draft = Draft { entity_type: kind.into(), definition, client: None, expected_version: None };
                block_on(catalogue::put(&cx, &draft)).unwrap();
            }
            let bytes = cx.entropy().bytes::<256>();
            let mut drawn = bytes.iter().map(|byte| usize::from(*byte));
            let mut draw = |count: usize| drawn.next().unwrap_or_default() % count;
            let ids = ["1", "2", ANY];
            for _ in 0..12 {
                let (kind, id) = (TYPES[draw(3)], ids[draw(2)]);
                let subject = match draw(3) {
                    0 => SubjectRef::new(kind, id),
                    _ => SubjectRef::set(kind, id, RELATIONS[draw(4)]),
                };
                let above = match draw(6) {
                    0 => key("users", ANY, "admin", subject),
                    1 => key("groups", ANY, "viewer", subject),
                    _ => key(TYPES[draw(3)], ids[draw(3)], RELATIONS[draw(4)], subject),
                };
                block_on(write(&cx, above.into())).unwrap();
            }
            for kind in TYPES {
                for id in ids {
                    for relation in RELATIONS {
                        let key = key(kind, id, relation, SubjectRef::new("user", "ann"));
                        let long = leads(&cx, &key);
                        let from = cx.read().unwrap();
                        assert_eq!(is_given_by(&cx, &from, std::slice::from_ref(&key)).unwrap(), long, "{key}");
                        led += usize::from(long);
                    }
                }
            }
        }
        assert!(led > 100, "too few of the drawn tuples led to the platform: {led}");
    }
}

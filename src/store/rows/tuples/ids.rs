//! Identifiers and types that stand in tuples: in their order, each once, and from any of them on.

use super::{BY_SUBJECT, LAST, TUPLES, by_object, by_subject, key_of, past};
use crate::base::id::TenantId;
use crate::records::SubjectRef;
use crate::records::tuple::ANY;
use crate::store::key::prefix;
use crate::store::{Error, Order, Read};

/// Up to `limit` identifiers of objects of a type to which exactly this subject has the relation, after the one given;
/// sorted.
pub fn objects_of_subject(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    subject: &SubjectRef,
    (entity_type, relation): (&str, &str),
    (after, limit): (Option<&str>, usize),
) -> Result<Vec<String>, Error> {
    let held = subject.relation.as_deref().unwrap_or_default();
    let wanted = prefix((tenant, subject.kind.as_str(), subject.id.as_str(), held, entity_type, relation));
    let after = after.map(|id| by_subject(tenant, &key_of(entity_type, id, relation, subject.clone())));
    let rows = BY_SUBJECT.page(from, &wanted, after.as_ref(), Order::Ascending, limit)?;
    Ok(rows.into_iter().map(|row| row.6).collect())
}

/// Up to `limit` identifiers of subjects of a type, no sets and not everyone, to whom tuples give a relation to an
/// object, after the one given; sorted.
pub fn subjects_of_object(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    (entity_type, id, relation): (&str, &str, &str),
    kind: &str,
    (after, limit): (Option<&str>, usize),
) -> Result<Vec<String>, Error> {
    let wanted = prefix((tenant, entity_type, id, relation, 0_u64, kind));
    let after = after.map(|after| by_object(tenant, &key_of(entity_type, id, relation, SubjectRef::new(kind, after))));
    // Everyone stands among them and is left out.
    let rows = TUPLES.page(from, &wanted, after.as_ref(), Order::Ascending, limit.saturating_add(1))?;
    Ok(rows.into_iter().map(|(key, _)| key.6).filter(|id| id != ANY).take(limit).collect())
}

/// Up to `limit` different types of the subjects of tuples; sorted. Costs one step for each.
pub fn subject_types(from: &(impl Read + ?Sized), tenant: TenantId, limit: usize) -> Result<Vec<String>, Error> {
    let mut kinds: Vec<String> = Vec::new();
    while kinds.len() < limit {
        let behind = kinds.last().map(|kind| {
            let [id, held, of, relation, entity] = [LAST, "", "", "", ""].map(str::to_owned);
            (tenant, kind.clone(), id, held, of, relation, entity)
        });
        let row = BY_SUBJECT.page(from, &prefix((tenant,)), behind.as_ref(), Order::Ascending, 1)?;
        let Some((_, kind, ..)) = row.into_iter().next() else { break };
        kinds.push(kind);
    }
    Ok(kinds)
}

/// Up to `limit` different identifiers of objects of a type that have tuples, after the one given; sorted. Costs one
/// step for each.
pub fn entity_ids(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    entity_type: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    let mut last = after.map(str::to_owned);
    while ids.len() < limit {
        let behind = last.take().map(|id| past(tenant, entity_type, id));
        let row = TUPLES.page(from, &prefix((tenant, entity_type)), behind.as_ref(), Order::Ascending, 1)?;
        let Some((key, _)) = row.into_iter().next() else { break };
        last = Some(key.2.clone());
        ids.push(key.2);
    }
    Ok(ids)
}

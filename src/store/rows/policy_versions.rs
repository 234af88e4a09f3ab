//! The versions of every policy, by type and place. The latest of each are kept; those of conditions whose tuples are
//! gone, of the latest.

use crate::base::Moment;
use crate::base::id::TenantId;
use crate::base::page::{Page, PageRequest};
use crate::records::{PolicyPlace, PolicyVersion};
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Index, Order, Read, Record, Table, Tx};

impl Record for PolicyVersion {}

/// Tenant, entity type, level, name, version.
type Key = (TenantId, String, String, String, u64);

const VERSIONS: Table<Key, PolicyVersion> = Table::new("policy_versions");

/// Conditions whose tuples are gone, by type and moment.
const GONE: Index<(TenantId, String, Moment, String)> = Index::new("policy_versions_gone");

/// Versions that are kept of the policy of a permission, and of the condition of a tuple.
const OF_PERMISSION: u64 = 100;
const OF_TUPLE: u64 = 20;

/// Conditions of one type whose tuples are gone that are kept with their versions.
const GONE_PER_TYPE: usize = 1_000;

/// The version in force of a policy, or the note that it was taken away; `None` when there never was one.
pub fn latest(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    entity_type: &str,
    place: &PolicyPlace,
) -> Result<Option<PolicyVersion>, Error> {
    let prefix = prefix((tenant, entity_type, place.level(), place.name()));
    Ok(VERSIONS.page(from, &prefix, None, Order::Descending, 1)?.into_iter().next().map(|(_, version)| version))
}

/// Notes that a policy is written, changed or, without a script, taken away, in the transaction that does it. The
/// version of `change` is given here. Answers it; `None` when nothing changed.
pub fn note_change(tx: &mut Tx, tenant: TenantId, change: &PolicyVersion) -> Result<Option<u64>, Error> {
    let before = latest(tx, tenant, &change.entity_type, &change.place)?;
    let (number, script) = before.map_or((0, None), |before| (before.version, before.script));
    if script == change.script {
        return Ok(None);
    }
    let version = number.saturating_add(1);
    VERSIONS.put(tx, &key(tenant, change, version), &PolicyVersion { version, ..change.clone() })?;
    let kept = if matches!(change.place, PolicyPlace::Tuple(_)) { OF_TUPLE } else { OF_PERMISSION };
    if let Some(old) = version.checked_sub(kept) {
        VERSIONS.delete(tx, &key(tenant, change, old))?;
    }
    if let (PolicyPlace::Tuple(tuple), None) = (&change.place, &change.script) {
        GONE.put(tx, (tenant, &change.entity_type, change.at, tuple))?;
        forget_oldest_gone(tx, tenant, &change.entity_type)?;
    }
    Ok(Some(version))
}

/// Removes the versions of the condition whose tuple is gone for the longest time, when there are more than are kept.
fn forget_oldest_gone(tx: &mut Tx, tenant: TenantId, entity_type: &str) -> Result<(), Error> {
    let gone = GONE.page(tx, &prefix((tenant, entity_type)), None, Order::Ascending, GONE_PER_TYPE + 1)?;
    if gone.len() <= GONE_PER_TYPE {
        return Ok(());
    }
    let Some((_, _, at, tuple)) = gone.into_iter().next() else { return Ok(()) };
    let place = PolicyPlace::Tuple(tuple.clone());
    // It may have come back since, or be gone again later.
    let latest = latest(tx, tenant, entity_type, &place)?;
    if latest.is_some_and(|latest| latest.script.is_none() && latest.at == at) {
        let within = prefix((tenant, entity_type, place.level(), place.name()));
        VERSIONS.visit_in(tx, &within, |tx, key, _| {
            VERSIONS.delete(tx, &key)?;
            GO_ON
        })?;
    }
    GONE.delete(tx, (tenant, entity_type, at, &tuple))
}

/// A page of the versions of a type's policies, or of one place only: by level and name, the newest first within each.
/// A cursor is what an earlier page gave; anything else starts at the beginning.
pub fn page(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    entity_type: &str,
    place: Option<&PolicyPlace>,
    request: &PageRequest,
) -> Result<Page<PolicyVersion>, Error> {
    let within = match place {
        Some(place) => prefix((tenant, entity_type, place.level(), place.name())),
        None => prefix((tenant, entity_type)),
    };
    let after = request.after.as_deref().and_then(|cursor| parse_cursor(tenant, entity_type, cursor));
    let rows = VERSIONS.page(from, &within, after.as_ref(), Order::Descending, request.limit + 1)?;
    Ok(Page::from_rows(rows.into_iter().map(|(_, version)| version).collect(), request.limit, cursor))
}

fn key(tenant: TenantId, row: &PolicyVersion, version: u64) -> Key {
    (tenant, row.entity_type.clone(), row.place.level().to_owned(), row.place.name().to_owned(), version)
}

fn cursor(row: &PolicyVersion) -> String {
    format!("{}.{}.{}", row.place.level(), row.version, row.place.name())
}

fn parse_cursor(tenant: TenantId, entity_type: &str, cursor: &str) -> Option<Key> {
    let mut parts = cursor.splitn(3, '.');
    let (level, version, name) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    Some((tenant, entity_type.to_owned(), level.to_owned(), name.to_owned(), version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ActorKind;
    use crate::store::Store;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn change(name: &str, script: Option<&str>) -> PolicyVersion {
        PolicyVersion {
            entity_type: String::from("doc"),
            place: PolicyPlace::Permission(name.to_owned()),
            script: script.map(str::to_owned),
            version: 0,
            changed_by_kind: ActorKind::Local,
            changed_by: None,
            reason: None,
            at: Moment::from_millis(1),
        }
    }

    fn note(store: &Store, name: &str, script: Option<&str>) -> Option<u64> {
        let change = change(name, script);
        store.write_blocking(move |tx| note_change(tx, TENANT, &change)).unwrap()
    }

    #[test]
    fn a_change_makes_a_version_and_no_change_makes_none() {
        let store = Store::in_memory();
        assert_eq!(note(&store, "read", None), None);
        assert_eq!(note(&store, "read", Some("return true")), Some(1));
        assert_eq!(note(&store, "read", Some("return true")), None);
        assert_eq!(note(&store, "read", None), Some(2));
        assert_eq!(note(&store, "read", Some("return true")), Some(3));
        assert_eq!(note(&store, "write", Some("return true")), Some(1));
        let place = PolicyPlace::Permission(String::from("read"));
        let latest = latest(&store.read().unwrap(), TENANT, "doc", &place).unwrap().unwrap();
        assert_eq!((latest.version, latest.script.as_deref()), (3, Some("return true")));
    }

    #[test]
    fn versions_are_paged_within_their_place() {
        let store = Store::in_memory();
        for script in ["a", "b", "c"] {
            note(&store, "read", Some(script));
            note(&store, "re.ad", Some(script));
        }
        let from = store.read().unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let place = PolicyPlace::Permission(String::from("re.ad"));
            let page = page(&from, TENANT, "doc", Some(&place), &PageRequest::new(Some(1), after)).unwrap();
            seen.extend(page.items.iter().map(|item| item.version));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [3, 2, 1]);
        assert_eq!(page(&from, TENANT, "doc", None, &PageRequest::default()).unwrap().items.len(), 6);
        assert!(page(&from, TENANT, "do", None, &PageRequest::default()).unwrap().items.is_empty());
    }

    fn all(store: &Store) -> u64 {
        store.read().unwrap().count("policy_versions").unwrap()
    }

    #[test]
    fn the_latest_versions_of_a_policy_are_kept() {
        let store = Store::in_memory();
        for number in 0..OF_PERMISSION + 50 {
            note(&store, "read", Some(&format!("return {number}")));
        }
        assert_eq!(all(&store), OF_PERMISSION);
        let place = PolicyPlace::Permission(String::from("read"));
        let latest = latest(&store.read().unwrap(), TENANT, "doc", &place).unwrap().unwrap();
        assert_eq!(latest.version, OF_PERMISSION + 50);
    }

    #[test]
    fn conditions_that_come_and_go_leave_few_rows() {
        let store = Store::in_memory();
        let note = |tuple: usize, script: Option<&str>, at: usize| {
            let change = PolicyVersion {
                place: PolicyPlace::Tuple(format!("tpl_{tuple}")),
                at: Moment::from_millis(i64::try_from(at).unwrap()),
                ..change("", script)
            };
            store.write_blocking(move |tx| note_change(tx, TENANT, &change)).unwrap();
        };
        for round in 0..40 {
            note(0, Some(&format!("return {round}")), round * 2);
            note(0, None, round * 2 + 1);
        }
        assert_eq!(all(&store), OF_TUPLE);
        for tuple in 1..GONE_PER_TYPE + 20 {
            note(tuple, Some("return true"), 100 + tuple);
            note(tuple, None, 100 + tuple);
        }
        assert_eq!(all(&store), 2 * u64::try_from(GONE_PER_TYPE).unwrap());
        // One that is there again is not forgotten.
        note(500, Some("return false"), 9_000);
        for tuple in 5_000..5_000 + GONE_PER_TYPE {
            note(tuple, Some("return true"), 10_000 + tuple);
            note(tuple, None, 10_000 + tuple);
        }
        let place = PolicyPlace::Tuple(String::from("tpl_500"));
        assert_eq!(latest(&store.read().unwrap(), TENANT, "doc", &place).unwrap().unwrap().version, 3);
    }
}

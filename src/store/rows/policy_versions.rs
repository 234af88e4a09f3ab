//! The versions of every policy, by type and place. They are kept.

use crate::base::id::TenantId;
use crate::base::page::{Page, PageRequest};
use crate::records::{PolicyPlace, PolicyVersion};
use crate::store::key::prefix;
use crate::store::{Error, Order, Read, Record, Table, Tx};

impl Record for PolicyVersion {}

/// Tenant, entity type, level, name, version.
type Key = (TenantId, String, String, String, u64);

const VERSIONS: Table<Key, PolicyVersion> = Table::new("policy_versions");

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

/// Notes that a policy is written, changed or, without a script, taken away, in the transaction that does it. The version of `change` is
/// given here. Answers it; `None` when nothing changed.
pub fn note_change(tx: &mut Tx, tenant: TenantId, change: &PolicyVersion) -> Result<Option<u64>, Error> {
    let before = latest(tx, tenant, &change.entity_type, &change.place)?;
    let (number, script) = before.map_or((0, None), |before| (before.version, before.script));
    if script == change.script {
        return Ok(None);
    }
    let version = number.saturating_add(1);
    VERSIONS.put(tx, &key(tenant, change, version), &PolicyVersion { version, ..change.clone() })?;
    Ok(Some(version))
}

/// A page of the versions of a type's policies, or of one place only: by level and name, the newest first within each. A cursor
/// is what an earlier page gave; anything else starts at the beginning.
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
    use crate::base::Moment;
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
}

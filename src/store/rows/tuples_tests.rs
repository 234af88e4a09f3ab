//! Tuples by object, by subject and by identifier.

use super::*;
use crate::store::Store;
use crate::testing::START;

const TENANT: TenantId = TenantId::DEFAULT;

fn made(object: &str, relation: &str, subject: SubjectRef) -> Tuple {
    let key = key_of("doc", object, relation, subject);
    Tuple { key, condition: None, expires_at: None, created_at: START, updated_at: START }
}

fn filled() -> Store {
    let store = Store::in_memory();
    let put_all = |tx: &mut Tx| {
        for n in 0..5 {
            put(tx, TENANT, &made(&format!("{n}"), "viewer", SubjectRef::new("user", "ann")))?;
            put(tx, TENANT, &made(&format!("{n}"), "viewer", SubjectRef::new("user", "bob")))?;
        }
        put(tx, TENANT, &made("0", "viewer", SubjectRef::new("group", "eng")))?;
        put(tx, TENANT, &made("0", "viewer", SubjectRef::set("team", "x", "lead")))?;
        put(tx, TenantId(9), &made("9", "viewer", SubjectRef::new("user", "ann")))
    };
    store.write_blocking::<_, Error, _>(put_all).unwrap();
    store
}

#[test]
fn a_tuple_is_found_by_its_parts_its_identifier_and_its_subject() {
    let from = filled().read().unwrap();
    let ann = SubjectRef::new("user", "ann");
    let found = find_exact(&from, TENANT, ("doc", "3", "viewer"), &ann).unwrap().unwrap();
    assert_eq!(find_by_id(&from, TENANT, &found.key.id()).unwrap(), Some(found.clone()));
    assert_eq!(find(&from, TENANT, &found.key).unwrap(), Some(found));
    assert_eq!(of_subject(&from, TENANT, &ann, None, 100).unwrap().len(), 5);
    let ids = objects_of_subject(&from, TENANT, &ann, ("doc", "viewer"), (Some("1"), 2)).unwrap();
    assert_eq!(ids, ["2", "3"]);
    assert_eq!(objects_of_subject(&from, TENANT, &ann, ("doc", "owner"), (None, 9)).unwrap().len(), 0);
}

#[test]
fn sets_stand_apart_from_single_subjects() {
    let from = filled().read().unwrap();
    let sets: Vec<_> = sets(&from, TENANT, ("doc", "0", "viewer"), 9).unwrap();
    let shown: Vec<_> = sets.iter().map(|tuple| tuple.key.subject.to_string()).collect();
    assert_eq!(shown, ["group:eng", "team:x#lead"]);
    assert_eq!(holders(&from, TENANT, ("doc", "0", "viewer"), 9).unwrap().len(), 4);
    assert_eq!(of_subject_type(&from, TENANT, "team", None, 9).unwrap().len(), 1);
}

#[test]
fn pages_by_object_and_by_subject_show_every_tuple_once() {
    let from = filled().read().unwrap();
    let filters = [
        (Filter::default(), 12),
        (Filter { entity_type: Some("doc".into()), entity_id: Some("0".into()), ..Filter::default() }, 4),
        (Filter { subject_type: Some("user".into()), subject_id: Some("bob".into()), ..Filter::default() }, 5),
        (Filter { subject_type: Some("user".into()), ..Filter::default() }, 10),
    ];
    for (filter, count) in filters {
        let (mut seen, mut request) = (Vec::new(), PageRequest::new(Some(3), None));
        loop {
            let page = page(&from, TENANT, &filter, &request).unwrap();
            seen.extend(page.items.into_iter().map(|tuple| tuple.key));
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((seen.len(), all), (count, count), "{filter:?}");
    }
}

#[test]
fn identifiers_of_objects_are_listed_once_each() {
    let from = filled().read().unwrap();
    assert_eq!(entity_ids(&from, TENANT, "doc", None, 3).unwrap(), ["0", "1", "2"]);
    assert_eq!(entity_ids(&from, TENANT, "doc", Some("2"), 9).unwrap(), ["3", "4"]);
    assert_eq!(count_relation(&from, TENANT, "doc", "viewer", 100).unwrap(), 12);
    assert_eq!(count_relation(&from, TENANT, "doc", "viewer", 7).unwrap(), 7);
    assert_eq!(count_relation(&from, TENANT, "doc", "owner", 7).unwrap(), 0);
}

#[test]
fn deleting_a_subject_or_an_object_leaves_no_index_behind() {
    let store = filled();
    let gone = |tx: &mut Tx| {
        raise(tx, TENANT)?;
        let mut gone = Vec::new();
        delete_of_subject(tx, TENANT, ("user", "ann"), |key| gone.push(key.clone()))?;
        delete_of_entity(tx, TENANT, ("doc", "0"), |key| gone.push(key.clone()))?;
        Ok(gone)
    };
    let gone = store.write_blocking::<_, Error, _>(gone).unwrap();
    assert_eq!(gone.len(), 8);
    let from = store.read().unwrap();
    assert!(gone.iter().all(|key| find_by_id(&from, TENANT, &key.id()).unwrap().is_none()));
    assert_eq!(of_subject(&from, TENANT, &SubjectRef::new("user", "ann"), None, 9).unwrap(), []);
    assert_eq!(page(&from, TENANT, &Filter::default(), &PageRequest::default()).unwrap().items.len(), 4);
    assert_eq!((revision(&from, TENANT).unwrap(), revision(&from, TenantId(9)).unwrap()), (1, 0));
}

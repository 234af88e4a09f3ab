//! Authorization models, by entity type.

use crate::base::id::{ClientId, TenantId};
use crate::base::page::{Page, PageRequest};
use crate::records::Model;
use crate::store::key::prefix;
use crate::store::{Error, GO_ON, Order, Read, Record, Table, Tx};

impl Record for Model {}

const MODELS: Table<(TenantId, String), Model> = Table::new("models");

/// The stored model of exactly this entity type.
pub fn find(from: &(impl Read + ?Sized), tenant: TenantId, entity_type: &str) -> Result<Option<Model>, Error> {
    MODELS.find(from, (tenant, entity_type))
}

/// A page of models in the order of their entity types. The cursor is an entity type.
pub fn page(from: &(impl Read + ?Sized), tenant: TenantId, request: &PageRequest) -> Result<Page<Model>, Error> {
    let after = request.after.clone().map(|entity_type| (tenant, entity_type));
    let rows = MODELS.page(from, &prefix((tenant,)), after.as_ref(), Order::Ascending, request.limit + 1)?;
    let models = rows.into_iter().map(|(_, model)| model).collect();
    Ok(Page::from_rows(models, request.limit, |model: &Model| model.entity_type.clone()))
}

/// All models that belong to a client. Reads every model.
pub fn of_client(from: &(impl Read + ?Sized), tenant: TenantId, client: &ClientId) -> Result<Vec<Model>, Error> {
    let mut models = Vec::new();
    MODELS.visit(from, &prefix((tenant,)), |_, model| {
        models.extend(Some(model).filter(|model| model.client.as_ref() == Some(client)));
        GO_ON
    })?;
    Ok(models)
}

/// Writes a model.
pub fn put(tx: &mut Tx, tenant: TenantId, model: &Model) -> Result<(), Error> {
    MODELS.put(tx, (tenant, &model.entity_type), model)
}

/// Removes a model.
pub fn delete(tx: &mut Tx, tenant: TenantId, entity_type: &str) -> Result<(), Error> {
    MODELS.delete(tx, (tenant, entity_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::testing::START;

    const TENANT: TenantId = TenantId::DEFAULT;

    #[test]
    fn every_change_is_seen_by_the_revision_of_models_and_no_other_one() {
        let model = |entity_type: &str| Model {
            entity_type: entity_type.to_owned(),
            client: "abc".parse().ok(),
            definition: serde_json::Map::new(),
            version: 1,
            created_at: START,
            updated_at: START,
        };
        let store = Store::in_memory();
        let change = move |tx: &mut Tx| {
            put(tx, TENANT, &model("a"))?;
            put(tx, TENANT, &model("b"))?;
            delete(tx, TENANT, "a")
        };
        let revision = |store: &Store| store.read().unwrap().models_revision().unwrap();
        let before = revision(&store);
        store.write_blocking::<_, Error, _>(change).unwrap();
        let changed = revision(&store);
        assert!(changed > before);
        store.write_blocking::<_, Error, _>(|tx| crate::store::rows::tuples::raise(tx, TENANT).map(drop)).unwrap();
        assert_eq!(revision(&store), changed);
        store.write_blocking::<_, Error, _>(|tx| delete(tx, TENANT, "nothing")).unwrap();
        assert!(revision(&store) > changed, "also that a model went");
        let in_a_transaction = |tx: &mut Tx| tx.models_revision();
        assert_eq!(store.write_blocking::<_, Error, _>(in_a_transaction).unwrap(), None);
        let from = store.read().unwrap();
        assert_eq!(page(&from, TENANT, &PageRequest::default()).unwrap().items.len(), 1);
        assert!(find(&from, TENANT, "a").unwrap().is_none() && find(&from, TenantId(9), "b").unwrap().is_none());
        assert_eq!(of_client(&from, TENANT, &"abc".parse().unwrap()).unwrap().len(), 1);
        assert_eq!(of_client(&from, TENANT, &"ab".parse().unwrap()).unwrap().len(), 0);
    }
}

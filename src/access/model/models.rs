//! Models as questions find them: compiled once per change of them, stored ones before built-in ones, and under their
//! other spelling.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{CompiledModel, builtin, compile_stored};
use crate::base::id::TenantId;
use crate::cx::Cx;
use crate::records::Model;
use crate::store::rows::models as rows;
use crate::store::{Error, Read, Revision};
use foldhash::fast::RandomState;

/// What types that name their client may begin with.
const ALIAS: &str = "client_";

/// The models of one tenant as of one revision of the store. Everything is compiled when it is first looked for.
#[derive(Debug)]
pub struct Models {
    tenant: TenantId,
    /// The last commit that touched a model; `None` where others do not see it.
    revision: Option<Revision>,
    found: RwLock<HashMap<String, Arc<CompiledModel>, RandomState>>,
}

impl Models {
    /// The models as this snapshot has them, shared with all operations that see the same ones, wherever the commit
    /// between two of them was made. Look models up from this snapshot only. Errors: reading.
    pub fn current(cx: &Cx, from: &(impl Read + ?Sized)) -> Result<Arc<Self>, Error> {
        let Some(revision) = from.models_revision()? else { return Ok(Arc::new(Self::unshared(cx.tenant.id))) };
        let newest = &cx.process().models;
        let known = newest.find(&cx.tenant.id).filter(|models| models.revision == Some(revision));
        if let Some(models) = known {
            return Ok(models);
        }
        let fresh = Arc::new(Self::at(cx.tenant.id, Some(revision)));
        // An operation that still reads an older state does not displace the newer one.
        newest.offer(cx.tenant.id, revision.number(), &fresh);
        Ok(fresh)
    }

    /// Models that nobody shares: for transactions, whose own changes may never be committed.
    pub fn unshared(tenant: TenantId) -> Self {
        Self::at(tenant, None)
    }

    fn at(tenant: TenantId, revision: Option<Revision>) -> Self {
        Self { tenant, revision, found: RwLock::default() }
    }

    /// The model of a type: the stored one, else the built-in one, else the one stored under the other spelling of the
    /// type (`client_abc:invoice` and `abc:invoice`, for types of the client `abc`). The name that counts is its
    /// `entity_type`. Errors: the store's; a stored model that no longer compiles is a damaged record.
    pub fn find(&self, from: &(impl Read + ?Sized), entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        if let Some(found) = self.found.read().unwrap_or_else(PoisonError::into_inner).get(entity_type) {
            return Ok(Some(Arc::clone(found)));
        }
        let Some(model) = self.load(from, entity_type)? else { return Ok(None) };
        // Only names with a model are kept, so strangers who ask for others cannot fill the memory.
        let mut all = self.found.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(Arc::clone(all.entry(entity_type.to_owned()).or_insert(model))))
    }

    /// The name under which a type is stored and its tuples are written; the given one when there is no model.
    pub fn canonical(&self, from: &(impl Read + ?Sized), entity_type: &str) -> Result<String, Error> {
        Ok(self.find(from, entity_type)?.map_or_else(|| entity_type.to_owned(), |model| model.entity_type.clone()))
    }

    fn load(&self, from: &(impl Read + ?Sized), entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        if let Some(stored) = rows::find(from, self.tenant, entity_type)? {
            return compiled(from, self.tenant, &stored).map(Some);
        }
        if let Some(built_in) = builtin::find(entity_type) {
            return Ok(Some(Arc::clone(built_in)));
        }
        match aliased(from, self.tenant, entity_type)? {
            Some(stored) => compiled(from, self.tenant, &stored).map(Some),
            None => Ok(None),
        }
    }
}

fn compiled(from: &(impl Read + ?Sized), tenant: TenantId, stored: &Model) -> Result<Arc<CompiledModel>, Error> {
    let mut model = compile_stored(stored).map_err(|mistakes| {
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        Error::Record(format!("the model of `{}` cannot be used: {first}", stored.entity_type))
    })?;
    spell_subjects(from, tenant, &mut model)?;
    Ok(Arc::new(model))
}

/// Puts the stored spelling of types in place of their other one.
pub(in crate::access) fn spell_subjects(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    model: &mut CompiledModel,
) -> Result<(), Error> {
    for rule in model.relations.values_mut().flat_map(|relation| relation.subjects.iter_mut().flatten()) {
        if let Some(stored) = stored_as(from, tenant, rule.kind())? {
            *rule = rule.clone().renamed(&|_| stored.entity_type.clone());
        }
    }
    Ok(())
}

/// The stored model of a type in either spelling.
pub(in crate::access) fn stored_as(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    entity_type: &str,
) -> Result<Option<Model>, Error> {
    match rows::find(from, tenant, entity_type)? {
        Some(stored) => Ok(Some(stored)),
        None if builtin::find(entity_type).is_some() => Ok(None),
        None => aliased(from, tenant, entity_type),
    }
}

/// A model that is stored as `abc:invoice` and asked for as `client_abc:invoice`, or, where the client's id itself
/// begins with `client_`, the other way round. The part that names the client must name the model's own: no other type
/// is reached by a likeness of names.
fn aliased(from: &(impl Read + ?Sized), tenant: TenantId, entity_type: &str) -> Result<Option<Model>, Error> {
    let Some((named, _)) = entity_type.split_once(':') else { return Ok(None) };
    let other = match entity_type.strip_prefix(ALIAS) {
        Some(short) => rows::find(from, tenant, short)?.filter(|model| owns(model, named.strip_prefix(ALIAS))),
        None => None,
    };
    if other.is_some() || !named.starts_with(ALIAS) {
        return Ok(other);
    }
    Ok(rows::find(from, tenant, &format!("{ALIAS}{entity_type}"))?.filter(|model| owns(model, Some(named))))
}

fn owns(model: &Model, client: Option<&str>) -> bool {
    model.client.as_ref().map(|owner| owner.as_str()) == client && client.is_some()
}

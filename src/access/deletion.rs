//! Who would gain and who would lose what by the deletion of a person or an app, which is not made.
//!
//! With a person go their API keys and all tuples that name any of these; with an app its keys and its types, too.
//! Those who go may do nothing afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Error;
use super::check::{API_KEY, CLIENT, CLIENTS, USER, with_graph};
use super::dry_run::{Changes, MAX_REMOVED, Trial};
use super::graph::{Graph, Overlay, Schema};
use super::model::CompiledModel;
use crate::base::id::{ClientId, UserId};
use crate::cx::Cx;
use crate::records::tuple::ANY;
use crate::records::{ApiKey, SubjectRef, TupleKey};
use crate::store::rows::{api_keys, models, tuples};
use crate::store::{self, Tx};

/// What the deletion of a person would do, as [`super::dry_run::of_tuples`] with everything that names them gone.
/// Errors: the store's.
pub fn of_person(cx: &Cx, user: &UserId) -> Result<Changes, Error> {
    let keys = api_keys::of_owner(&cx.read()?, cx.tenant.id, user)?;
    of(cx, (USER, user.as_str()), &keys, Vec::new())
}

/// What the deletion of an app would do, its types and all on their objects gone, too. Errors: the store's.
pub fn of_client(cx: &Cx, client: &ClientId) -> Result<Changes, Error> {
    let from = cx.read()?;
    let keys = api_keys::of_client(&from, cx.tenant.id, client)?;
    let types = models::of_client(&from, cx.tenant.id, client)?;
    of(cx, (CLIENT, client.as_str()), &keys, types.into_iter().map(|model| model.entity_type).collect())
}

/// The deletion of this subject with these keys and types.
fn of(cx: &Cx, who: (&str, &str), keys: &[ApiKey], types: Vec<String>) -> Result<Changes, Error> {
    let keys = keys.iter().map(|key| SubjectRef::new(API_KEY, key.id.as_str()));
    let gone: BTreeSet<SubjectRef> = keys.chain([SubjectRef::new(who.0, who.1)]).collect();
    let removed = cx.store().rehearse(|tx| tuples_of(tx, cx, &gone))?;
    if removed.len() > MAX_REMOVED {
        return Ok(Changes::default());
    }
    // What everyone may do, those who go lose as well, on objects that nothing here leads to.
    let everyone =
        |kind: &str| Ok::<_, Error>(!tuples::speaking_of(&cx.read()?, cx.tenant.id, kind, ANY, 1)?.is_empty());
    let is_open = gone.iter().map(|subject| everyone(&subject.kind)).collect::<Result<Vec<_>, _>>()?.contains(&true);
    with_graph(cx, |stored, before| {
        let overlay = Overlay::new(before.tuples, [], removed.iter().cloned());
        let schema = Without { schema: before.schema, types: &types };
        let after = Graph { schema: &schema, ..before.with(&overlay) };
        let status = |subject: &SubjectRef| stored.status(subject);
        let mut trial = Trial::new(before, after, &status).without(gone);
        let keys: Vec<&TupleKey> = removed.iter().collect();
        trial.is_not_all(is_open || keys.iter().any(|key| key.entity_type == super::check::PLATFORM));
        trial.within_reach(|trial| {
            trial.compare_by_tuples(cx, &keys)?;
            types.iter().try_for_each(|kind| trial.compare_by_model(cx, kind))
        })?;
        Ok(trial.finished())
    })
}

/// Every tuple that names one of these, as a subject or as an object.
fn tuples_of(tx: &mut Tx, cx: &Cx, gone: &BTreeSet<SubjectRef>) -> Result<Vec<TupleKey>, store::Error> {
    let mut keys = Vec::new();
    for SubjectRef { kind, id, .. } in gone {
        tuples::delete_of_subject(tx, cx.tenant.id, (kind, id), |key| keys.push(key.clone()))?;
        tuples::delete_of_entity(tx, cx.tenant.id, (kind, id), |key| keys.push(key.clone()))?;
        if kind == CLIENT {
            tuples::delete_of_subject(tx, cx.tenant.id, (CLIENTS, id), |key| keys.push(key.clone()))?;
            tuples::delete_of_entity(tx, cx.tenant.id, (CLIENTS, id), |key| keys.push(key.clone()))?;
        }
    }
    Ok(keys)
}

/// Models without those of some types.
struct Without<'a> {
    schema: &'a dyn Schema,
    types: &'a [String],
}

impl Schema for Without<'_> {
    fn model(&self, entity_type: &str) -> Result<Option<Arc<CompiledModel>>, Error> {
        if self.types.iter().any(|kind| kind == entity_type) {
            return Ok(None);
        }
        self.schema.model(entity_type)
    }
}

//! What is allowed in a model and probably not meant.

use crate::access::error::{Error, Mistake};
use crate::access::model::{CompiledModel, Models, Rewrite, SubjectRule, circular_exclusions};
use crate::base::id::TenantId;
use crate::records::tuple::SUBJECT_TYPES;
use crate::store::Read;

/// What a model says of other types that these do not know (yet), and names that may surprise.
pub(super) fn warnings(
    from: &(impl Read + ?Sized),
    tenant: TenantId,
    model: &CompiledModel,
) -> Result<Vec<Mistake>, Error> {
    let others = Others { models: Models::unshared(tenant), model };
    let mut warnings = circular_exclusions(model);
    for (name, relation) in &model.relations {
        let at = format!("relations.{name}");
        for rule in relation.subjects.iter().flatten() {
            if let Some(problem) = others.rule(from, rule)? {
                warnings.push(Mistake::new(format!("{at}.subjects"), problem));
            }
        }
        let mut arrows = Vec::new();
        collect_arrows(&relation.rewrite, &mut arrows);
        for (parent, wanted) in arrows {
            if let Some(problem) = others.arrow(from, parent, wanted)? {
                warnings.push(Mistake::new(at.clone(), problem));
            }
        }
    }
    for (name, permission) in model.permissions.iter().filter(|(name, permission)| permission.relation != **name) {
        if model.relations.contains_key(name) {
            let problem = format!(
                "there is a relation of this name too: questions about `{name}` mean the permission, which needs `{}`",
                permission.relation
            );
            warnings.push(Mistake::new(format!("permissions.{name}"), problem));
        }
    }
    Ok(warnings)
}

/// What other types know.
struct Others<'m> {
    models: Models,
    model: &'m CompiledModel,
}

impl Others<'_> {
    /// Whether a type has a relation; `None` when there is no such type.
    fn has(&self, from: &(impl Read + ?Sized), kind: &str, relation: &str) -> Result<Option<bool>, Error> {
        if kind == self.model.entity_type {
            return Ok(Some(self.model.relations.contains_key(relation)));
        }
        Ok(self.models.find(from, kind)?.map(|model| model.relations.contains_key(relation)))
    }

    fn rule(&self, from: &(impl Read + ?Sized), rule: &SubjectRule) -> Result<Option<String>, Error> {
        let (kind, relation) = match rule.alone() {
            SubjectRule::Set { kind, relation } => (kind, relation),
            rule => return self.kind(from, rule, rule.kind()),
        };
        Ok(match self.has(from, kind, relation)? {
            Some(true) => None,
            Some(false) => {
                Some(format!("`{rule}`: the model of `{kind}` has no relation `{relation}`, so this lets nobody in"))
            }
            None => Some(format!("`{rule}`: there is no model of `{kind}` yet, so this lets nobody in")),
        })
    }

    fn kind(&self, from: &(impl Read + ?Sized), rule: &SubjectRule, kind: &str) -> Result<Option<String>, Error> {
        let is_known =
            SUBJECT_TYPES.contains(&kind) || kind == self.model.entity_type || self.models.find(from, kind)?.is_some();
        let problem = || format!("`{rule}`: there is no type `{kind}` yet. A rule names a type, and no single subject");
        Ok((!is_known).then(problem))
    }

    fn arrow(&self, from: &(impl Read + ?Sized), parent: &str, wanted: &str) -> Result<Option<String>, Error> {
        let rules = self.model.relations.get(parent).and_then(|relation| relation.subjects.as_ref());
        let Some(rules) = rules else { return Ok(None) };
        for rule in rules {
            if self.has(from, rule.kind(), wanted)? == Some(true) {
                return Ok(None);
            }
        }
        let kinds = rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
        Ok(Some(format!("`{wanted}` from `{parent}` leads nowhere yet: none of {kinds} has a relation `{wanted}`")))
    }
}

fn collect_arrows<'m>(rewrite: &'m Rewrite, arrows: &mut Vec<(&'m str, &'m str)>) {
    match rewrite {
        Rewrite::Direct | Rewrite::Computed(_) => {}
        Rewrite::FromParent { from, relation } => arrows.push((from, relation)),
        Rewrite::AnyOf(parts) | Rewrite::AllOf(parts) => parts.iter().for_each(|part| collect_arrows(part, arrows)),
        Rewrite::Except(base, removed) => {
            collect_arrows(base, arrows);
            collect_arrows(removed, arrows);
        }
    }
}

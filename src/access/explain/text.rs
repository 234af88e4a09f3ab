//! An explanation in sentences, for people.

use super::{DerivationStep, Explanation, NearMiss, NearMissReason};
use crate::access::graph::{CheckResult, Rule, ScriptSource};

/// The most lines.
const MAX_LINES: usize = 60;

impl Explanation {
    /// One line for each step, indented by its depth; for denials, what came nearest.
    pub fn sentences(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.derivation {
            Some(step) if step.holds >= CheckResult::Gated => tell(step, 0, &mut lines),
            Some(step) => lines.extend(step.object.as_ref().map(|object| format!("Nothing gives {object}."))),
            None => {}
        }
        lines.extend(self.misses.iter().map(miss));
        if let Some(otherwise) = &self.without_privilege {
            let word = if otherwise.allowed { "allowed" } else { "denied" };
            lines.push(format!("Without that it would be {word}: {}.", otherwise.because));
            let why = otherwise.explanation.iter().flat_map(Self::sentences);
            lines.extend(why.map(|line| format!("  {line}")));
        }
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        if more > 0 {
            lines.push(format!("… and {more} more."));
        }
        lines
    }
}

/// What holds, and why; branches that do not hold explain nothing, but for what is excluded.
fn tell(step: &DerivationStep, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let deeper = match (step.rule, &step.object, &step.tuple) {
        (Rule::Relation, Some(object), _) => {
            lines.push(format!("{indent}{object} holds:"));
            depth + 1
        }
        (Rule::Tuple, _, Some(tuple)) => {
            lines.push(format!("{indent}the tuple {tuple} ({}){}", tuple.id(), script(step)));
            depth + 1
        }
        (Rule::Parent, _, Some(tuple)) => {
            lines.push(format!("{indent}through the parent of {tuple} ({}){}", tuple.id(), script(step)));
            depth + 1
        }
        (Rule::AllOf, ..) => {
            lines.push(format!("{indent}all of these hold:"));
            depth + 1
        }
        (Rule::Except, ..) => {
            step.by.iter().take(1).for_each(|base| tell(base, depth, lines));
            lines.push(format!("{indent}and nothing excludes the subject"));
            return;
        }
        (Rule::Subject, ..) => {
            lines.push(format!("{indent}the subject is this set itself"));
            depth
        }
        _ => depth,
    };
    step.by.iter().filter(|below| below.holds >= CheckResult::Gated).for_each(|below| tell(below, deeper, lines));
}

fn script(step: &DerivationStep) -> String {
    let Some(ran) = &step.script else { return String::new() };
    let what = match ran.source {
        ScriptSource::Condition => "its condition",
        ScriptSource::Policy => "the permission's policy",
    };
    match ran.result {
        CheckResult::Yes => format!(", and {what} said true"),
        CheckResult::Gated => format!(", if {what} says true"),
        CheckResult::No => format!(", but {what} did not say true"),
        CheckResult::Error => format!(", but {what} failed"),
    }
}

fn miss(miss: &NearMiss) -> String {
    let tuple = miss.tuple.as_ref().map(|tuple| format!("the tuple {tuple} ({})", tuple.id()));
    let tuple = tuple.as_deref().unwrap_or("a tuple");
    let said = miss.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    match miss.why {
        NearMissReason::ConditionDenied => {
            format!("Near miss: {tuple} would give it, but its condition did not say true.")
        }
        NearMissReason::PolicyDenied => {
            format!("Near miss: {tuple} would give it, but the permission's policy did not say true.")
        }
        NearMissReason::ScriptFailed => format!("Near miss: {tuple} would give it, but its script failed{said}."),
        NearMissReason::Excluded => format!("Near miss: it would hold, but {tuple} excludes the subject."),
        NearMissReason::ExclusionUnclear => {
            let why = "A script failed, or what is excluded depends on the question itself.";
            format!("Near miss: it would hold, but whether the subject is excluded could not be found out. {why}")
        }
        NearMissReason::NotInSet => format!("Near miss: {tuple} gives it to a set that the subject is not in."),
        NearMissReason::NotOnParent => format!("Near miss: {tuple} names a parent on which the subject has nothing."),
        NearMissReason::Expired => format!("Near miss: {tuple} gave it and has expired."),
        NearMissReason::OtherRelation => {
            let relation = miss.relation.as_deref().unwrap_or("another relation");
            format!("The subject has `{relation}` on the object, which is not enough.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::graph::ScriptResult;
    use crate::records::{SubjectRef, TupleKey};

    fn tuple() -> TupleKey {
        let subject = SubjectRef::new("user", "ann");
        TupleKey { entity_type: "doc".into(), entity_id: "1".into(), relation: "viewer".into(), subject }
    }

    fn step(rule: Rule, holds: CheckResult, by: Vec<DerivationStep>) -> DerivationStep {
        DerivationStep { rule, holds, object: None, tuple: None, script: None, by }
    }

    #[test]
    fn a_derivation_is_told_from_the_question_to_its_tuples() {
        let script = Some(ScriptResult { source: ScriptSource::Policy, result: CheckResult::Yes, message: None });
        let leaf = DerivationStep { tuple: Some(tuple()), script, ..step(Rule::Tuple, CheckResult::Yes, Vec::new()) };
        let other = DerivationStep { tuple: Some(tuple()), ..step(Rule::Tuple, CheckResult::No, Vec::new()) };
        let any = step(Rule::AnyOf, CheckResult::Yes, vec![other, leaf]);
        let root =
            DerivationStep { object: Some("doc:1#viewer".into()), ..step(Rule::Relation, CheckResult::Yes, vec![any]) };
        let told = Explanation { derivation: Some(root), misses: Vec::new(), without_privilege: None }.sentences();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "doc:1#viewer holds:");
        assert!(told[1].starts_with("  the tuple doc:1#viewer@user:ann (tpl_"), "{told:?}");
        assert!(told[1].ends_with("and the permission's policy said true"), "{told:?}");
    }

    #[test]
    fn a_denial_tells_what_came_nearest() {
        let root =
            DerivationStep { object: Some("doc:1#viewer".into()), ..step(Rule::Relation, CheckResult::No, Vec::new()) };
        let near =
            NearMiss { why: NearMissReason::ConditionDenied, tuple: Some(tuple()), relation: None, message: None };
        let told = Explanation { derivation: Some(root), misses: vec![near], without_privilege: None }.sentences();
        assert_eq!(told[0], "Nothing gives doc:1#viewer.");
        assert!(told[1].contains("condition did not say true"), "{told:?}");
    }
}

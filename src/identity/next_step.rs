//! What a sign-in needs next: one pure function of what is demanded, who it is, and what was proved. Nothing else lets
//! anybody in.

use crate::records::{Acr, ProofKind, Proves, User, Wanted, Why};

use super::proofs::reached;

/// A kind of proof, as this function needs it.
pub trait Kind: Copy + Eq {
    /// What it proves.
    fn proves(self) -> Proves;
}

impl Kind for ProofKind {
    fn proves(self) -> Proves {
        self.proves()
    }
}

/// What the installation demands of everybody.
#[derive(Clone, Debug)]
pub struct Policy<K = ProofKind> {
    /// The kinds of proof that count.
    pub kinds: Vec<K>,
    /// The least level of a sign-in.
    pub least: Acr,
}

impl Policy {
    /// What holds today: every kind counts, and one factor is enough.
    pub fn current() -> Self {
        Self { kinds: ProofKind::ALL.to_vec(), least: Acr::Pwd }
    }
}

/// What a sign-in has to know of a person.
#[derive(Clone, Debug)]
pub struct Person<K = ProofKind> {
    /// Whether the account is disabled.
    pub disabled: bool,
    /// The kinds of proof that they can give.
    pub has: Vec<K>,
}

impl Person {
    /// Of this account. A link is given to somebody, so nobody is asked for it.
    pub fn of(user: &User) -> Self {
        let has = user.password.iter().map(|_| ProofKind::Password).collect();
        Self { disabled: user.disabled, has }
    }
}

/// What a sign-in needs next, or that it needs nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep<K = ProofKind> {
    /// One of these proofs is to be given.
    Ask(Vec<K>),
    /// The person has to set up one of these first.
    Enrol(Vec<K>),
    /// Nothing: this level is reached.
    Done(Acr),
    /// There is no way on.
    Refused(Rule),
}

/// A rule by which there is no way on, here or where a proof is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// There has to be such a person.
    PersonIsKnown,
    /// The account must not be disabled.
    PersonIsEnabled,
    /// The password has to be the person's.
    PasswordMatches,
    /// Who comes too early waits for their turn.
    TurnHasCome,
    /// More than one proof counts in a browser that keeps cookies.
    BrowserIsKnown,
    /// The person has to have a proof to give.
    PersonHasProof,
    /// What is wanted has to be within reach of the proofs that count.
    LevelIsReachable,
}

impl Rule {
    /// Its name in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PersonIsKnown => "person_is_known",
            Self::PersonIsEnabled => "person_is_enabled",
            Self::PasswordMatches => "password_matches",
            Self::TurnHasCome => "turn_has_come",
            Self::BrowserIsKnown => "browser_is_known",
            Self::PersonHasProof => "person_has_proof",
            Self::LevelIsReachable => "level_is_reachable",
        }
    }

    /// Why somebody is refused by it, in the word of the audit log that is older than the rules; of most, their name.
    pub fn reason(self) -> &'static str {
        match self {
            Self::PersonIsKnown => "unknown",
            Self::PasswordMatches => "wrong_password",
            Self::PersonIsEnabled => "disabled",
            Self::TurnHasCome => "delayed",
            other => other.as_str(),
        }
    }
}

/// Decides. `given` are the kinds of the proofs that were given and are recent enough; those that the policy does not
/// name do not count. Who can prove more proves that before anything new is set up, and nobody sets up anything who has
/// proved nothing.
pub fn next_step<K: Kind>(policy: &Policy<K>, person: Option<&Person<K>>, given: &[K], wanted: Wanted) -> NextStep<K> {
    let Some(person) = person else { return NextStep::Refused(Rule::PersonIsKnown) };
    if person.disabled {
        return NextStep::Refused(Rule::PersonIsEnabled);
    }
    let counts = |kind: &&K| policy.kinds.contains(kind);
    let given: Vec<K> = given.iter().filter(counts).copied().collect();
    let has: Vec<K> = person.has.iter().filter(counts).copied().collect();
    let with_all = level(given.iter().chain(&has));
    let needed = match wanted.why {
        Why::Policy | Why::Essential => policy.least.max(wanted.acr),
        // Nobody sets up a new proof for what an app would only like.
        Why::Voluntary if with_all >= Some(wanted.acr) => policy.least.max(wanted.acr),
        Why::Voluntary => policy.least,
    };
    let reached = level(given.iter());
    if let Some(reached) = reached.filter(|reached| *reached >= needed) {
        return NextStep::Done(reached);
    }
    let raises = |kind: &&K| !given.contains(kind) && level(given.iter().chain([*kind])) > reached;
    let more: Vec<K> = has.iter().filter(raises).copied().collect();
    let new: Vec<K> = policy.kinds.iter().filter(|kind| !has.contains(kind)).filter(raises).copied().collect();
    if level(given.iter().chain(&has).chain(&policy.kinds)) < Some(needed) {
        NextStep::Refused(Rule::LevelIsReachable)
    } else if !more.is_empty() {
        NextStep::Ask(more)
    } else if given.is_empty() || new.is_empty() {
        NextStep::Refused(Rule::PersonHasProof)
    } else {
        let is_enough = |kind: &&K| level(given.iter().chain(&has).chain([*kind])) >= Some(needed);
        let enough: Vec<K> = new.iter().filter(is_enough).copied().collect();
        NextStep::Enrol(if enough.is_empty() { new } else { enough })
    }
}

fn level<'a, K: Kind + 'a>(kinds: impl Iterator<Item = &'a K> + Clone) -> Option<Acr> {
    reached(kinds.map(|kind| kind.proves()))
}

#[cfg(test)]
#[path = "next_step_tests.rs"]
mod tests;

//! What the proofs of a sign-in amount to: level, words, moment.

use crate::base::Moment;
use crate::records::{Acr, Factor, Proof, ProofKind, Proves};

/// The level that proofs reach together (`acr`); none unless one of them is worth something alone. A device that
/// verifies its user is two factors.
pub fn reached(given: impl Iterator<Item = Proves> + Clone) -> Option<Acr> {
    if !given.clone().any(|one| one.alone && one.factor.is_some()) {
        return None;
    }
    let has = |factor| given.clone().any(|one| one.factor == Some(factor));
    let (known, held) = (has(Factor::Knowledge), has(Factor::Possession));
    let verified = given.clone().any(|one| one.factor == Some(Factor::Possession) && one.user_verification);
    let resists = given.clone().any(|one| one.factor.is_some() && one.phishing_resistance);
    match ((known && held) || verified, resists) {
        (true, true) => Some(Acr::Phr),
        (true, false) => Some(Acr::Mfa),
        (false, _) => (known || held).then_some(Acr::Pwd),
    }
}

/// The level that these proofs reach, whenever they were given.
pub fn acr(proofs: &[Proof]) -> Option<Acr> {
    reached(proofs.iter().map(|proof| proof.kind.proves()))
}

/// The words for these proofs (`amr`, RFC 8176 §2), with `mfa` where they are of two kinds.
pub fn amr(proofs: &[Proof]) -> Vec<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in proofs.iter().flat_map(|proof| proof.kind.proves().amr) {
        if !words.contains(word) {
            words.push(word);
        }
    }
    if acr(proofs) >= Some(Acr::Mfa) && !words.contains(&"mfa") {
        words.push("mfa");
    }
    words.into_iter().map(str::to_owned).collect()
}

/// Every level that a sign-in here can have, the lowest first: what all kinds of proof reach, alone or together.
pub fn reachable() -> Vec<Acr> {
    let most = reached(ProofKind::ALL.into_iter().map(ProofKind::proves));
    Acr::ALL.into_iter().filter(|acr| Some(*acr) <= most).collect()
}

/// The proofs with one more, which takes the place of an earlier one of its kind.
pub(super) fn with(proofs: &[Proof], kind: ProofKind, at: Moment) -> Vec<Proof> {
    let others = proofs.iter().filter(|proof| proof.kind != kind).copied();
    others.chain([Proof { kind, at }]).collect()
}

/// The kinds of these proofs.
pub fn kinds(proofs: &[Proof]) -> Vec<ProofKind> {
    proofs.iter().map(|proof| proof.kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factors_or_a_verified_user_make_mfa_and_resistance_to_phishing_makes_phr() {
        let proof = |factor, user_verification, phishing_resistance| Proves {
            factor,
            alone: true,
            user_verification,
            phishing_resistance,
            amr: &[],
        };
        let (known, held) = (Some(Factor::Knowledge), Some(Factor::Possession));
        let password = proof(known, false, false);
        let code = Proves { alone: false, ..proof(held, false, false) };
        let key = proof(held, false, true);
        let passkey = proof(held, true, true);
        let unlocked = proof(held, true, false);
        let vouched = Proves { alone: false, ..proof(None, false, false) };
        for (given, wanted) in [
            (vec![], None),
            (vec![vouched], None),
            (vec![proof(None, true, true)], None),
            (vec![password], Some(Acr::Pwd)),
            (vec![password, password], Some(Acr::Pwd)),
            (vec![password, vouched], Some(Acr::Pwd)),
            (vec![code], None),
            (vec![code, vouched], None),
            (vec![key], Some(Acr::Pwd)),
            (vec![code, key], Some(Acr::Pwd)),
            (vec![password, code], Some(Acr::Mfa)),
            (vec![unlocked], Some(Acr::Mfa)),
            (vec![password, key], Some(Acr::Phr)),
            (vec![passkey], Some(Acr::Phr)),
            (vec![passkey, vouched, password], Some(Acr::Phr)),
        ] {
            assert_eq!(reached(given.iter().copied()), wanted, "{given:?}");
        }
    }

    #[test]
    fn the_proofs_of_today_reach_one_level_and_have_one_word() {
        assert_eq!(reachable(), [Acr::Pwd]);
        let at = Moment::from_millis;
        let both = with(&with(&[], ProofKind::RecoveryLink, at(1)), ProofKind::Password, at(2));
        assert_eq!((amr(&both), acr(&both)), (vec![String::from("pwd")], Some(Acr::Pwd)));
        let again = with(&both, ProofKind::Password, at(3));
        assert_eq!(again.iter().map(|proof| proof.at).collect::<Vec<_>>(), [at(1), at(3)]);
        assert_eq!((amr(&[]), acr(&[])), (vec![], None));
    }
}

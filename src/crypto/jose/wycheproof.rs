//! Project Wycheproof's vectors for JSON Web Signature and JSON Web Key (`tests/data/wycheproof`, with their licence).
//!
//! Their payloads are not JSON, so the signature layer is asked. Everything marked invalid must be refused. Everything
//! marked valid must be accepted when its algorithm is supported, and refused otherwise.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::verifying::verify_bytes;
use super::{Expectation, SignatureAlgorithm, TypRule, VerifyingKey, peek_header};

const SIGNATURES: &str = include_str!("../../../tests/data/wycheproof/json_web_signature_test.json");
const KEYS: &str = include_str!("../../../tests/data/wycheproof/json_web_key_test.json");

const EXPECT: Expectation<'static> = Expectation {
    algorithms: &SignatureAlgorithm::ALL,
    typ: TypRule::OneOfOrAbsent(&["JWT", "JOSE"]),
    max_bytes: super::MAX_BYTES,
};

/// Valid vectors under algorithms that we do not take, by the algorithm that their header names: these are refused.
const NOT_TAKEN: [&str; 8] = ["HS256", "HS384", "HS512", "RS384", "RS512", "PS384", "PS512", "ES512"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    refused_invalid: usize,
    accepted_valid: usize,
    refused_by_algorithm: BTreeMap<String, usize>,
}

/// The public keys of a group, or the symmetric ones where it has no others.
fn keys(group: &Value) -> Vec<Map<String, Value>> {
    let material = if group["public"].is_object() { &group["public"] } else { &group["private"] };
    let list = material["keys"].as_array().cloned().unwrap_or_else(|| vec![material.clone()]);
    list.iter().filter_map(|key| key.as_object().cloned()).collect()
}

fn is_accepted(token: &str, keys: &[Map<String, Value>]) -> bool {
    let ready = keys.iter().filter_map(|key| VerifyingKey::from_public_jwk(key).ok());
    ready.into_iter().any(|key| verify_bytes(token, &key, &EXPECT).is_ok())
}

/// The algorithm that the header of a token names, read with no regard to what we accept.
fn named_algorithm(token: &str) -> String {
    let header = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    header["alg"].as_str().unwrap_or("unreadable").to_owned()
}

fn run(text: &str) -> Outcome {
    let file: Value = serde_json::from_str(text).unwrap();
    let mut outcome = Outcome::default();
    for group in file["testGroups"].as_array().unwrap() {
        let keys = keys(group);
        for test in group["tests"].as_array().unwrap() {
            let (id, comment) = (&test["tcId"], &test["comment"]);
            let token = test["jws"].as_str().unwrap_or_default().to_owned();
            let accepted = is_accepted(&token, &keys);
            if test["result"] == "invalid" {
                assert!(!accepted, "{id} {comment} is invalid");
                outcome.refused_invalid += 1;
            } else if accepted {
                outcome.accepted_valid += 1;
            } else {
                let algorithm = named_algorithm(&token);
                assert!(
                    NOT_TAKEN.contains(&algorithm.as_str()) || algorithm == "unreadable",
                    "{id} {comment} is valid"
                );
                *outcome.refused_by_algorithm.entry(algorithm).or_default() += 1;
            }
        }
    }
    let total = outcome.refused_invalid + outcome.accepted_valid + outcome.refused_by_algorithm.values().sum::<usize>();
    assert_eq!(Some(total), file["numberOfTests"].as_u64().and_then(|number| usize::try_from(number).ok()));
    outcome
}

fn outcome(refused_invalid: usize, accepted_valid: usize, by_algorithm: &[(&str, usize)]) -> Outcome {
    let refused_by_algorithm = by_algorithm.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    Outcome { refused_invalid, accepted_valid, refused_by_algorithm }
}

/// One of the valid vectors has stray letters in its header: anyone who skips them reads it, we do not.
#[test]
fn signatures_that_wycheproof_calls_invalid_are_refused() {
    let others =
        [("ES512", 2), ("HS256", 9), ("PS384", 6), ("PS512", 4), ("RS384", 4), ("RS512", 4), ("unreadable", 1)];
    assert_eq!(run(SIGNATURES), outcome(355, 16, &others));
}

#[test]
fn keys_that_wycheproof_calls_invalid_are_refused() {
    assert_eq!(run(KEYS), outcome(21, 1, &[("HS256", 2), ("HS384", 1), ("HS512", 1)]));
}

/// Those vectors are made with a symmetric key, which we never take: here they meet the reading of the form alone. Two
/// that are to be about padding have none, and are letter for letter a valid one: they say nothing.
#[test]
fn encodings_that_wycheproof_calls_invalid_are_refused_without_a_key() {
    let file: Value = serde_json::from_str(SIGNATURES).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let tests = groups.iter().filter(|group| group["comment"] == "base64").flat_map(|group| group["tests"].as_array());
    let (valid, invalid): (Vec<&Value>, Vec<&Value>) = tests.flatten().partition(|test| test["result"] == "valid");
    let telling: Vec<&Value> =
        invalid.into_iter().filter(|test| valid.iter().all(|other| other["jws"] != test["jws"])).collect();
    assert_eq!(telling.len(), 12);
    for test in telling {
        assert!(peek_header(test["jws"].as_str().unwrap()).is_err(), "{} {}", test["tcId"], test["comment"]);
    }
}

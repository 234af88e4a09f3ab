//! What the fields of a person may hold. One named check per rule; a blank text is the same as none.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;
use url::Url;

use crate::base::text::{self, Lines};
use crate::base::{canonical, id};
use crate::records::{Address, Profile};

use super::Error;

/// Longest name or other free text, in bytes.
const MAX_TEXT: usize = 200;
/// Longest tag, number or zone name, in bytes.
const MAX_WORD: usize = 64;
/// Longest URL, in bytes.
const MAX_URL: usize = 2048;
/// Largest set of custom attributes, in bytes of JSON.
const MAX_ATTRIBUTES: usize = 16 * 1024;
/// Deepest nesting of custom attributes.
const MAX_DEPTH: usize = 8;
/// Most roles of one person.
const MAX_ROLES: usize = 64;

/// The address as it is kept: trimmed and in NFKC, in the person's own case. Errors: [`Error::InvalidEmail`].
pub(super) fn email(text: &str) -> Result<String, Error> {
    canonical::email(text).map(|_| as_typed(text)).ok_or(Error::InvalidEmail)
}

/// The username as it is kept. Errors: [`Error::InvalidUsername`], [`Error::ReservedUsername`].
pub(super) fn username(text: &str) -> Result<String, Error> {
    let canonical = canonical::username(text).ok_or(Error::InvalidUsername)?;
    // An identifier is found before a name is: one that looks like an identifier would never mean its holder.
    match id::reserved_prefix(&canonical) {
        Some(prefix) => Err(Error::ReservedUsername(prefix)),
        None => Ok(as_typed(text)),
    }
}

/// The same where there may be none.
pub(super) fn optional_username(text: Option<&str>) -> Result<Option<String>, Error> {
    text.filter(|text| !text.trim().is_empty()).map(username).transpose()
}

fn as_typed(text: &str) -> String {
    text.trim().nfkc().collect()
}

/// Role names, sorted, each once: lower-case letters, digits and `_.:-`, beginning with a letter, at most 64 bytes.
pub(super) fn roles(mut roles: Vec<String>) -> Result<Vec<String>, Error> {
    let fit = |role: &String| {
        role.len() <= MAX_WORD
            && role.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && role.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.:-".contains(&b))
    };
    if !roles.iter().all(fit) {
        return Err(Error::field("roles", "holds a name that is not made of lower-case letters, digits and _ . : -"));
    }
    roles.sort_unstable();
    roles.dedup();
    if roles.len() > MAX_ROLES { Err(Error::field("roles", "holds more than 64 names")) } else { Ok(roles) }
}

/// Custom attributes within bounds of size and depth.
pub(super) fn attributes(attributes: Map<String, Value>) -> Result<Map<String, Value>, Error> {
    if attributes.values().any(|value| !is_shallow(value, MAX_DEPTH - 1)) {
        return Err(Error::field("attributes", "is nested more than 8 levels deep"));
    }
    let size = serde_json::to_string(&attributes).map_or(usize::MAX, |text| text.len());
    if size > MAX_ATTRIBUTES { Err(Error::field("attributes", "is larger than 16 KiB")) } else { Ok(attributes) }
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| is_shallow(member, levels - 1)),
        _ => true,
    }
}

/// What kind of text a claim holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Word,
    Url,
    Birthdate,
}

/// The profile with its texts trimmed, blanks removed and every field checked.
pub(super) fn profile(mut profile: Profile) -> Result<Profile, Error> {
    for (name, value, kind) in texts(&mut profile) {
        settle(name, value, kind)?;
    }
    if let Some(address) = &mut profile.address {
        for value in lines(address) {
            settle("address", value, Kind::Text)?;
        }
        if *address == Address::default() {
            profile.address = None;
        }
    }
    if profile.phone_number.is_none() {
        profile.phone_number_verified = false;
    }
    Ok(profile)
}

/// Every text of a profile with its claim name; a field that is added has to be named here.
fn texts(profile: &mut Profile) -> [(&'static str, &mut Option<String>, Kind); 13] {
    let Profile {
        name,
        given_name,
        family_name,
        middle_name,
        nickname,
        profile,
        picture,
        website,
        gender,
        birthdate,
        zoneinfo,
        locale,
        phone_number,
        phone_number_verified: _,
        address: _,
    } = profile;
    [
        ("name", name, Kind::Text),
        ("given_name", given_name, Kind::Text),
        ("family_name", family_name, Kind::Text),
        ("middle_name", middle_name, Kind::Text),
        ("nickname", nickname, Kind::Text),
        ("profile", profile, Kind::Url),
        ("picture", picture, Kind::Url),
        ("website", website, Kind::Url),
        ("gender", gender, Kind::Word),
        ("birthdate", birthdate, Kind::Birthdate),
        ("zoneinfo", zoneinfo, Kind::Word),
        ("locale", locale, Kind::Word),
        ("phone_number", phone_number, Kind::Word),
    ]
}

fn lines(address: &mut Address) -> [&mut Option<String>; 6] {
    let Address { formatted, street_address, locality, region, postal_code, country } = address;
    [formatted, street_address, locality, region, postal_code, country]
}

fn settle(name: &str, value: &mut Option<String>, kind: Kind) -> Result<(), Error> {
    let trimmed = value.as_deref().map(str::trim).unwrap_or_default();
    let problem = match kind {
        _ if trimmed.is_empty() => {
            *value = None;
            return Ok(());
        }
        Kind::Text if trimmed.len() > MAX_TEXT => Some(String::from("is longer than 200 bytes")),
        // A postal address has several lines (OIDC Core §5.1.1).
        Kind::Text => text::problem(trimmed, if name == "address" { Lines::Many } else { Lines::One }),
        Kind::Word if trimmed.len() > MAX_WORD => Some(String::from("is longer than 64 bytes")),
        Kind::Word => text::problem(trimmed, Lines::One),
        Kind::Url if !is_web_address(trimmed) => {
            Some(String::from("is not an http or https URL of at most 2048 bytes"))
        }
        Kind::Birthdate if !is_birthdate(trimmed) => Some(String::from("is not YYYY-MM-DD, 0000-MM-DD or YYYY")),
        _ => None,
    };
    match problem {
        Some(problem) => Err(Error::field(name, problem)),
        None => {
            *value = Some(trimmed.to_owned());
            Ok(())
        }
    }
}

/// Pages show these as links and images: no other scheme may get there.
fn is_web_address(text: &str) -> bool {
    let is_web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    text.len() <= MAX_URL && text::problem(text, Lines::One).is_none() && Url::parse(text).is_ok_and(is_web)
}

/// OIDC Core §5.1: ISO 8601-1 `YYYY-MM-DD`, with year `0000` when it is left out, or `YYYY` alone.
fn is_birthdate(text: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year] => digits(year, 4),
        [year, month, day] => {
            let within = |part: &str, last: u8| part.parse::<u8>().is_ok_and(|number| (1..=last).contains(&number));
            digits(year, 4) && digits(month, 2) && digits(day, 2) && within(month, 12) && within(day, 31)
        }
        _ => false,
    }
}

/// The profile with the members of `patch` replaced, and those that are `null` removed (RFC 7396). Errors: a member
/// that is no claim of OIDC Core §5.1, or has a wrong type or value.
pub(super) fn patch_profile(old: &Profile, patch: &Map<String, Value>) -> Result<Profile, Error> {
    let mut patched = old.clone();
    for (name, value) in patch {
        patch_member(&mut patched, name, value)?;
    }
    // A new number is nobody's proved number.
    let proved_now = patch.contains_key("phone_number_verified");
    if patched.phone_number != old.phone_number && !proved_now {
        patched.phone_number_verified = false;
    }
    profile(patched)
}

fn patch_member(patched: &mut Profile, name: &str, value: &Value) -> Result<(), Error> {
    match name {
        "address" => {
            let address = serde_json::from_value(value.clone());
            patched.address = address.map_err(|_| Error::field(name, "must be an object of texts, or null"))?;
        }
        "phone_number_verified" => {
            let verified = if value.is_null() { Some(false) } else { value.as_bool() };
            patched.phone_number_verified = verified.ok_or_else(|| Error::field(name, "must be true or false"))?;
        }
        _ => {
            let mut fields = texts(patched).into_iter();
            let field = fields.find(|(known, ..)| *known == name).map(|(_, field, _)| field);
            let field = field.ok_or_else(|| Error::field(name, "is not a field of a profile"))?;
            *field = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                _ => return Err(Error::field(name, "must be a text or null")),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_patch_replaces_and_removes_what_it_names() {
        let old = Profile { name: Some("Ann".into()), nickname: Some("A".into()), ..Profile::default() };
        let new = patch_profile(&old, &patch(json!({ "name": " Ann B ", "nickname": null, "locale": "" }))).unwrap();
        assert_eq!(new, Profile { name: Some("Ann B".into()), ..Profile::default() });
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_named() {
        for (name, value) in [
            ("name", json!(1)),
            ("name", json!("a\u{0}b")),
            ("name", json!("x".repeat(201))),
            ("picture", json!("javascript:alert(1)")),
            ("website", json!("data:text/html,x")),
            ("birthdate", json!("1990-13-01")),
            ("locale", json!("x".repeat(65))),
            ("phone_number_verified", json!("yes")),
            ("address", json!("Main Street")),
            ("is_admin", json!(true)),
        ] {
            let wrong = patch_profile(&Profile::default(), &patch(json!({ name: value })));
            assert!(matches!(&wrong, Err(Error::InvalidField { field, .. }) if field == name), "{name}: {wrong:?}");
        }
    }

    #[test]
    fn a_changed_number_is_no_longer_verified() {
        let old = Profile { phone_number: Some("+1".into()), phone_number_verified: true, ..Profile::default() };
        assert!(!patch_profile(&old, &patch(json!({ "phone_number": "+2" }))).unwrap().phone_number_verified);
        assert!(patch_profile(&old, &patch(json!({ "name": "Ann" }))).unwrap().phone_number_verified);
    }

    #[test]
    fn birthdates_follow_the_standard() {
        for good in ["1990-02-28", "0000-12-31", "1990"] {
            assert!(is_birthdate(good), "{good}");
        }
        for bad in ["90", "1990-1-1", "1990-00-10", "1990-01-32", "28.02.1990", "1990-02", "+990-02-01"] {
            assert!(!is_birthdate(bad), "{bad}");
        }
    }

    #[test]
    fn bug_40_attributes_and_roles_are_bounded() {
        let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
        assert!(attributes(patch(json!({ "deep": deep }))).is_err());
        assert!(attributes(patch(json!({ "big": "x".repeat(MAX_ATTRIBUTES) }))).is_err());
        assert!(attributes(patch(json!({ "plan": { "seats": [1, 2] } }))).is_ok());
        assert_eq!(roles(vec!["b".into(), "a".into(), "b".into()]).unwrap(), ["a", "b"]);
        for bad in ["Admin", "", "a b", "1", "ädmin"] {
            assert!(roles(vec![bad.into()]).is_err(), "{bad}");
        }
    }
}

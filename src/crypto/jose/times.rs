//! When a token is valid (RFC 7519 §4.1.4 to 4.1.6).

use std::time::Duration;

use serde_json::{Map, Value};

use super::Error;
use crate::base::Moment;

/// The last second of the year 9999. A larger number can only be milliseconds, which would be valid for thousands of
/// years.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Checks the times of a verified token against `now`, granting the issuer's clock `leeway` in both directions: `exp`
/// must be there and lie ahead, `nbf` and `iat` must not lie ahead. `required` names further claims that must be there.
pub fn check_times(claims: &Map<String, Value>, now: Moment, leeway: Duration, required: &[&str]) -> Result<(), Error> {
    if let Some(missing) = required.iter().find(|name| !claims.contains_key(**name)) {
        return Err(Error::MissingClaim((*missing).to_owned()));
    }
    has_not_expired(claims, now.minus(leeway))?;
    is_valid_already(claims, now.plus(leeway))?;
    was_issued_in_the_past(claims, now.plus(leeway))
}

/// RFC 7519 §4.1.4: the current time must be before `exp`.
fn has_not_expired(claims: &Map<String, Value>, now: Moment) -> Result<(), Error> {
    match numeric_date(claims, "exp")? {
        None => Err(Error::MissingClaim(String::from("exp"))),
        Some(end) if now < end => Ok(()),
        Some(_) => Err(Error::Expired),
    }
}

/// RFC 7519 §4.1.5: the current time must be `nbf` or after it.
fn is_valid_already(claims: &Map<String, Value>, now: Moment) -> Result<(), Error> {
    match numeric_date(claims, "nbf")? {
        Some(begin) if now < begin => Err(Error::NotYetValid),
        _ => Ok(()),
    }
}

/// RFC 7519 §4.1.6, RFC 7523 §3: a token from the future has a wrong or a lying issuer.
fn was_issued_in_the_past(claims: &Map<String, Value>, now: Moment) -> Result<(), Error> {
    match numeric_date(claims, "iat")? {
        Some(issued) if now < issued => Err(Error::IssuedInFuture),
        _ => Ok(()),
    }
}

/// The claim `name` as a moment; `None` when it is not there. Refuses what is not a number of seconds between 1970 and
/// the year 9999 (RFC 7519 §2 NumericDate; fractions are allowed).
pub fn numeric_date(claims: &Map<String, Value>, name: &str) -> Result<Option<Moment>, Error> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
    let seconds = seconds.ok_or_else(|| Error::NotATime(name.to_owned()))?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 253402300799000, far inside both types")]
    let millis = (seconds * 1000.0).floor() as i64;
    Ok(Some(Moment::from_millis(millis)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Moment = Moment::from_seconds(1_800_000_000);
    const LEEWAY: Duration = Duration::from_secs(30);

    fn check(claims: Value) -> Result<(), Error> {
        check_times(claims.as_object().unwrap(), NOW, LEEWAY, &["iat"])
    }

    #[test]
    fn a_token_is_valid_between_its_times_and_a_little_around_them() {
        let now = NOW.seconds();
        for good in [
            json!({"exp": now + 60, "iat": now}),
            json!({"exp": now - 29, "iat": now - 90}),
            json!({"exp": now + 60, "iat": now + 30, "nbf": now + 30}),
            json!({"exp": now as f64 + 0.5, "iat": now as f64 - 0.5}),
        ] {
            assert_eq!(check(good.clone()), Ok(()), "{good}");
        }
        for (bad, error) in [
            (json!({"exp": now - 30, "iat": now - 90}), Error::Expired),
            (json!({"exp": 0, "iat": 0}), Error::Expired),
            (json!({"exp": now + 60, "iat": now, "nbf": now + 31}), Error::NotYetValid),
            (json!({"exp": now + 60, "iat": now + 31}), Error::IssuedInFuture),
            (json!({"iat": now}), Error::MissingClaim("exp".into())),
            (json!({"exp": now + 60}), Error::MissingClaim("iat".into())),
        ] {
            assert_eq!(check(bad.clone()), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_time_is_a_number_of_seconds() {
        let now = NOW.seconds();
        for bad in [json!(now * 1000), json!(now.to_string()), json!(null), json!(-1), json!([now]), json!(1e300)] {
            let claims = json!({"exp": bad, "iat": now});
            assert_eq!(check(claims.clone()), Err(Error::NotATime("exp".into())), "{claims}");
        }
        let far = json!({"exp": 253_402_300_799_i64, "iat": now});
        assert_eq!(check(far), Ok(()));
        assert_eq!(check(json!({"exp": now + 9, "iat": now, "nbf": now * 1000})), Err(Error::NotATime("nbf".into())));
    }
}

//! Proof Key for Code Exchange (RFC 7636), S256 only (RFC 9700 §2.1.1).

use data_encoding::BASE64URL_NOPAD;

use super::{Error, Params, Reason};
use crate::base::secret::{ct_eq, sha256};
use crate::records::Client;

/// The challenge of an authorization request, checked.
///
/// - A public client must send one (RFC 9700 §2.1.1), and so must a client that is registered to.
/// - Only `S256`: a missing method means `plain` (RFC 7636 §4.3) and is refused as that.
pub fn challenge(params: &Params, client: &Client) -> Result<Option<String>, Error> {
    match (params.find("code_challenge"), params.find("code_challenge_method")) {
        (None, None) if client.is_public() || client.require_pkce => Err(Error::invalid_request(
            "The parameter `code_challenge` is missing. This app must use PKCE with the method S256.",
        )),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(Error::invalid_request("The parameter `code_challenge_method` is given without `code_challenge`."))
        }
        (Some(_), None) => Err(Error::invalid_request(
            "The parameter `code_challenge_method` is missing, which means `plain`. Only S256 is accepted.",
        )),
        (Some(challenge), Some("S256")) if is_s256_challenge(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => Err(Error::invalid_request(
            "The parameter `code_challenge` is not the base64url form of a SHA-256 hash (43 characters, no padding).",
        )),
        (Some(_), Some(_)) => Err(Error::invalid_request("The parameter `code_challenge_method` must be S256.")),
    }
}

/// "If the values are not equal, an error response indicating `invalid_grant`" (RFC 7636 §4.6), and no downgrade either
/// way (RFC 9700 §4.8.2): a verifier without a challenge is refused like a challenge without a verifier.
pub fn verifier_matches_challenge(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), Error> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Error::invalid_grant(
            "The parameter `code_verifier` is missing, but the authorization request had a `code_challenge`.",
        )
        .because(Reason::VerifierMissing)),
        (None, Some(_)) => Err(Error::invalid_grant(
            "The parameter `code_verifier` is given, but the authorization request had no `code_challenge`.",
        )
        .because(Reason::VerifierUnexpected)),
        (Some(_), Some(verifier)) if !is_verifier(verifier) => Err(Error::invalid_grant(
            "The parameter `code_verifier` must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~.",
        )
        .because(Reason::VerifierWrong)),
        (Some(challenge), Some(verifier)) => {
            let computed = BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes()));
            if ct_eq(computed.as_bytes(), challenge.as_bytes()) {
                Ok(())
            } else {
                Err(Error::invalid_grant(
                    "The `code_verifier` does not match the `code_challenge` of the authorization request.",
                )
                .because(Reason::VerifierWrong))
            }
        }
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

fn is_s256_challenge(text: &str) -> bool {
    text.len() == 43 && BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_vector_of_the_rfc_matches() {
        assert!(verifier_matches_challenge(Some(CHALLENGE), Some(VERIFIER)).is_ok());
    }

    #[test]
    fn t09_every_mismatch_of_challenge_and_verifier_is_invalid_grant() {
        let long = "a".repeat(129);
        for (challenge, verifier) in [
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
            (Some(CHALLENGE), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")),
            (Some(CHALLENGE), Some("short")),
            (Some(CHALLENGE), Some(long.as_str())),
            (Some(CHALLENGE), Some(CHALLENGE)),
            (Some(VERIFIER), Some(VERIFIER)),
        ] {
            let error = verifier_matches_challenge(challenge, verifier).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidGrant, "{challenge:?} {verifier:?}");
        }
    }
}

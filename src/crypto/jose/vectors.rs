//! The examples of the standards: RFC 7515 appendix A.2 and A.3, RFC 8037 appendix A.3 and A.4, RFC 7638 §3.1.

use serde_json::{Map, Value, json};

use super::verifying::verify_bytes;
use super::{Expectation, MAX_BYTES, SignatureAlgorithm, SigningKey, TypRule, VerifyingKey, thumbprint, verify};
use crate::base::Secret;

const EXPECT: Expectation<'static> =
    Expectation { algorithms: &SignatureAlgorithm::ALL, typ: TypRule::OneOfOrAbsent(&[]), max_bytes: MAX_BYTES };

/// The claims set of RFC 7515, appendix A.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn ready(jwk: Value) -> VerifyingKey {
    VerifyingKey::from_public_jwk(&object(jwk)).unwrap()
}

#[test]
fn the_rs256_example_verifies() {
    let key = ready(json!({
        "kty": "RSA", "e": "AQAB",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2l\
              ZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
              R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDT\
              W9gb54h4FRWyuXpoQ"
    }));
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9u\
                     JdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383Lc\
                     OLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVr\
                     Bp0igcN_IoypGlUPQGe77Rw";
    let verified = verify(&format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{signature}"), &key, &EXPECT).unwrap();
    assert_eq!(verified.claims["iss"], "joe");
}

#[test]
fn the_es256_example_verifies() {
    let key = ready(json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    }));
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let verified = verify(&format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{signature}"), &key, &EXPECT).unwrap();
    assert_eq!(verified.claims["exp"], 1_300_819_380);
}

#[test]
fn the_eddsa_example_verifies_and_is_named_by_its_thumbprint() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhij\
                 cNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let (_, payload) = verify_bytes(token, &ready(jwk.clone()), &EXPECT).unwrap();
    assert_eq!(payload, b"Example of Ed25519 signing");
    assert_eq!(thumbprint(&object(jwk)).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// The private half of RFC 8037 appendix A.1 yields its public half of A.2, whatever library reads it.
#[test]
fn the_private_keys_of_the_standards_are_read() {
    for jwk in [
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "a",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "b",
            "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
    ] {
        assert!(SigningKey::from_private_jwk(&Secret::new(jwk.to_string())).is_ok(), "{jwk}");
    }
}

#[test]
fn a_thumbprint_covers_the_required_members_only() {
    let jwk = object(json!({
        "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n\
              3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd\
              AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-\
              kEgU8awapJzKnqDKgw"
    }));
    assert_eq!(thumbprint(&jwk).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    for missing in ["n", "e", "kty"] {
        let mut jwk = jwk.clone();
        jwk.remove(missing);
        assert!(thumbprint(&jwk).is_err(), "without {missing}");
    }
}

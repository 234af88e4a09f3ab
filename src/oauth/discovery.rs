//! The discovery document (OIDC Discovery §3, RFC 8414 §2): one document in three places.

use serde_json::{Value, json};

use super::mint::PERMISSION_CLAIMS;
use super::{claims, scope};
use crate::crypto::keyring::PreparedJson;
use crate::identity::proofs;
use crate::records::{Algorithm, AuthMethod, GrantType};
use crate::tenant::{Path, Tenant, paths};

/// Claims that a token or userinfo may carry beyond the standard ones about a person and those about permissions.
const OWN_CLAIMS: [&str; 21] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "token_use",
    "sid",
    "auth_time",
    "amr",
    "acr",
    "nonce",
    "at_hash",
    "client_id",
    "scope",
    "grant",
    "roles",
    "groups",
    "claims_truncated",
];

/// Signature algorithms taken in client assertions.
const ASSERTION_ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// The document of a tenant, ready to be sent. Made once for a tenant and its settings.
pub fn prepared(tenant: &Tenant) -> &PreparedJson {
    tenant.discovery.get_or_init(|| PreparedJson::of(&document(tenant)))
}

/// The document of a tenant. Says only what this server does.
pub fn document(tenant: &Tenant) -> Value {
    let at = |path: Path| tenant.urls.url(path);
    let standard = claims::STANDARD.iter().flat_map(|(_, names)| names.iter().copied());
    let claims: Vec<&str> = OWN_CLAIMS.into_iter().chain(PERMISSION_CLAIMS).chain(standard).collect();
    let methods = AuthMethod::ALL.map(AuthMethod::as_str);
    let confidential: Vec<&str> = methods.into_iter().filter(|method| *method != "none").collect();
    json!({
        "issuer": tenant.issuer,
        "authorization_endpoint": at(paths::AUTHORIZE[0]),
        "token_endpoint": at(paths::TOKEN[0]),
        "userinfo_endpoint": at(paths::USERINFO[0]),
        "jwks_uri": at(paths::JWKS[0]),
        "end_session_endpoint": at(paths::END_SESSION[0]),
        "revocation_endpoint": at(paths::REVOKE[0]),
        "introspection_endpoint": at(paths::INTROSPECT[0]),
        "scopes_supported": scope::SUPPORTED,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "subject_types_supported": ["public"],
        "acr_values_supported": proofs::reachable(),
        "id_token_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::as_str),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page"],
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": ["en"],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::TestApp;

    /// The first column of the table of claims, whose cells name one claim or several.
    fn described() -> BTreeSet<String> {
        let page = include_str!("../../docs/integration.md");
        let table = page.split("\n## Claims\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
        cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`').to_owned()).collect()
    }

    #[test]
    fn every_claim_that_the_documentation_describes_is_announced_and_no_other() {
        let document = document(&TestApp::with(|_| ()).cx().tenant);
        let announced = document["claims_supported"].as_array().unwrap();
        let named: BTreeSet<String> = announced.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(named.len(), announced.len(), "a claim is announced twice");
        assert_eq!(named, described());
    }
}

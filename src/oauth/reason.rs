//! Why a request of an app was refused, in words for the people who run the app. The answer itself says less: it is the
//! same for all that is wrong with a client's proof, and for all that is wrong with a code, so that nothing is learned
//! by trying.

/// Why the token, introspection or revocation endpoint refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No such client.
    UnknownClient,
    /// It is disabled.
    ClientDisabled,
    /// Nothing shows who calls, or what does cannot be read.
    NoProof,
    /// More than one proof in one request.
    SeveralProofs,
    /// Another kind of proof than the registered one.
    WrongMethod,
    /// Not the secret.
    WrongSecret,
    /// A secret that was replaced, and has run out.
    OldSecret,
    /// `client_id` and the proof name different clients.
    OtherClient,
    /// What was sent as an assertion is none.
    AssertionMalformed,
    /// Signed with no registered key.
    UnknownKey,
    /// `iss` and `sub` are not the client.
    AssertionIssuer,
    /// `aud` is not this server.
    AssertionAudience,
    /// Past its `exp`.
    AssertionExpired,
    /// Its `iat` or `nbf` lies ahead.
    AssertionEarly,
    /// Its `exp` lies too far ahead.
    AssertionLifetime,
    /// No `exp`, or no `jti` of a good length.
    AssertionIncomplete,
    /// Its `jti` was used before.
    AssertionReplayed,
    /// A grant type that this server does not know.
    GrantUnknown,
    /// A grant type that the client is not registered for.
    GrantNotRegistered,
    /// No such code.
    CodeUnknown,
    /// A code that has run out.
    CodeExpired,
    /// A code that was used before.
    CodeUsed,
    /// A code that was made for another client.
    CodeOfOther,
    /// Another redirect URI than that of the authorization request.
    CodeRedirectUri,
    /// No redirect URI beside the code.
    CodeRedirectUriMissing,
    /// The verifier does not fit the challenge.
    VerifierWrong,
    /// A challenge, and no verifier.
    VerifierMissing,
    /// A verifier, and no challenge.
    VerifierUnexpected,
    /// No such refresh token.
    RefreshUnknown,
    /// A refresh token that has run out, or whose family has ended.
    RefreshEnded,
    /// A refresh token that was used before.
    RefreshReused,
    /// The session, the person or the consent behind the code or token is gone.
    SignInOver,
    /// The person may not use the app any more.
    NoAccess,
    /// A scope that was not granted, or that the client is not registered for.
    Scope,
    /// `resource` or `audience` name another API than the token is for.
    Target,
}

impl Reason {
    /// Each of them.
    pub const ALL: [Self; 35] = [
        Self::UnknownClient,
        Self::ClientDisabled,
        Self::NoProof,
        Self::SeveralProofs,
        Self::WrongMethod,
        Self::WrongSecret,
        Self::OldSecret,
        Self::OtherClient,
        Self::AssertionMalformed,
        Self::UnknownKey,
        Self::AssertionIssuer,
        Self::AssertionAudience,
        Self::AssertionExpired,
        Self::AssertionEarly,
        Self::AssertionLifetime,
        Self::AssertionIncomplete,
        Self::AssertionReplayed,
        Self::GrantUnknown,
        Self::GrantNotRegistered,
        Self::CodeUnknown,
        Self::CodeExpired,
        Self::CodeUsed,
        Self::CodeOfOther,
        Self::CodeRedirectUri,
        Self::CodeRedirectUriMissing,
        Self::VerifierWrong,
        Self::VerifierMissing,
        Self::VerifierUnexpected,
        Self::RefreshUnknown,
        Self::RefreshEnded,
        Self::RefreshReused,
        Self::SignInOver,
        Self::NoAccess,
        Self::Scope,
        Self::Target,
    ];

    /// The word for it in the audit log and among the failures of an app.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// What was wrong.
    pub fn message(self) -> &'static str {
        self.words().1
    }

    /// What to do.
    pub fn next_step(self) -> &'static str {
        self.words().2
    }

    /// The reason with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        self.of_proof().unwrap_or_else(|| self.of_grant())
    }

    /// Of a client that could not prove who it is.
    fn of_proof(self) -> Option<(&'static str, &'static str, &'static str)> {
        Some(match self {
            Self::UnknownClient => (
                "unknown_client",
                "The app sent a client_id that is not known here.",
                "Correct the client_id in the app.",
            ),
            Self::ClientDisabled => (
                "client_disabled",
                "The client is disabled, so it gets nothing.",
                "Enable the client, if people are to sign in to it.",
            ),
            Self::NoProof => (
                "no_proof",
                "The app did not show who it is, or not in a form that can be read.",
                "Send the client id and secret in the Authorization header (HTTP Basic) or in the form, or an assertion with its client_assertion_type.",
            ),
            Self::SeveralProofs => (
                "several_proofs",
                "The app proved itself in more than one way in one request.",
                "Send the secret in the header or in the form, not in both.",
            ),
            Self::WrongMethod => (
                "wrong_method",
                "The app proved itself in another way than the one it is registered for.",
                "Change the app, or the client's token endpoint auth method. A public client (none) sends no secret.",
            ),
            Self::WrongSecret => (
                "wrong_secret",
                "The app sent a client secret that is not this client's.",
                "Copy the secret into the app again, without spaces or line ends; or give the client a new one.",
            ),
            Self::OldSecret => (
                "old_secret",
                "The app sent a client secret that was replaced, and the time for both is over.",
                "Put the new secret into the app.",
            ),
            Self::OtherClient => (
                "other_client",
                "The client_id of the request and its proof name different clients.",
                "Use the client id and the proof of one client.",
            ),
            Self::AssertionMalformed => (
                "assertion_malformed",
                "The client assertion is not a signed JWT with an algorithm that is taken here.",
                "Sign it with RS256, PS256, ES256 or EdDSA.",
            ),
            Self::UnknownKey => (
                "unknown_key",
                "The client assertion is not signed with a registered key of the client.",
                "Register the public half of the key that signs (the client's JWK set), with the kid that the app sends.",
            ),
            Self::AssertionIssuer => (
                "assertion_issuer",
                "The iss and sub of the client assertion are not the client's id.",
                "Set both to the client_id.",
            ),
            Self::AssertionAudience => (
                "assertion_audience",
                "The aud of the client assertion is not this server.",
                "Set it to the issuer or to the address of the token endpoint, as discovery has them.",
            ),
            Self::AssertionExpired => (
                "assertion_expired",
                "The client assertion had expired when it came.",
                "Make a new one for each request, and see to it that the clocks of the app and of this server are right.",
            ),
            Self::AssertionEarly => (
                "assertion_early",
                "The client assertion is not valid yet: its iat or nbf lies ahead of this server's clock.",
                "Set the clock of the app's server right, and this one's.",
            ),
            Self::AssertionLifetime => (
                "assertion_lifetime",
                "The client assertion is valid for longer than an hour.",
                "Let it expire within an hour; a minute is enough.",
            ),
            Self::AssertionIncomplete => (
                "assertion_incomplete",
                "The client assertion has no exp, or no jti of 1 to 256 characters.",
                "Add both.",
            ),
            Self::AssertionReplayed => (
                "assertion_replayed",
                "The jti of the client assertion was used before.",
                "Make a new assertion with a new jti for each request.",
            ),
            _ => return None,
        })
    }

    /// Of a client that is known, and gets no tokens.
    fn of_grant(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::GrantUnknown => (
                "unsupported_grant_type",
                "The app asked for tokens with a grant type that is not known here.",
                "Use authorization_code, refresh_token or client_credentials.",
            ),
            Self::GrantNotRegistered => (
                "grant_not_registered",
                "The app used a grant type that the client is not registered for.",
                "Add it to the client's grant types, if the app is meant to use it.",
            ),
            Self::CodeUnknown => (
                "code_unknown",
                "The app sent a code that was not made here, or not whole.",
                "Send the parameter code of the redirect as it came.",
            ),
            Self::CodeExpired => (
                "code_expired",
                "The app redeemed a code after it had run out.",
                "Redeem a code at once. If the app did, see to it that this server's clock is right.",
            ),
            Self::CodeUsed => (
                "code_used",
                "The app redeemed a code twice; what the first time gave was revoked.",
                "Redeem a code once: do not repeat the request, and do not load the callback page again.",
            ),
            Self::CodeOfOther => (
                "code_of_other_client",
                "The app redeemed a code that was made for another client.",
                "Use one client_id for the sign-in and for the token request.",
            ),
            Self::CodeRedirectUri => (
                "code_redirect_uri",
                "The redirect_uri of the token request is not the one of the authorization request.",
                "Send the same in both, to the byte. Behind a proxy, the app may think that its address is another one.",
            ),
            Self::CodeRedirectUriMissing => (
                "code_redirect_uri_missing",
                "The token request has no redirect_uri.",
                "Repeat the one of the authorization request.",
            ),
            Self::VerifierWrong => (
                "code_verifier_wrong",
                "The code_verifier does not fit the code_challenge of the authorization request (PKCE).",
                "Keep the verifier with the sign-in that it was made for: two tabs or two servers must not overwrite it.",
            ),
            Self::VerifierMissing => (
                "code_verifier_missing",
                "The authorization request had a code_challenge, and the token request has no code_verifier (PKCE).",
                "Send the code_verifier that the challenge was made of.",
            ),
            Self::VerifierUnexpected => (
                "code_verifier_unexpected",
                "The token request has a code_verifier, and the authorization request had no code_challenge (PKCE).",
                "Send code_challenge and code_challenge_method=S256 with the authorization request.",
            ),
            Self::RefreshUnknown => (
                "refresh_unknown",
                "The app sent a refresh token that is not known here, not whole, or another client's.",
                "Send the person to sign in again.",
            ),
            Self::RefreshEnded => (
                "refresh_ended",
                "The app sent a refresh token that has run out or was revoked.",
                "Send the person to sign in again.",
            ),
            Self::RefreshReused => (
                "refresh_reused",
                "The app used a refresh token a second time; all tokens of that sign-in were revoked.",
                "Store the new refresh token of each answer, and let one process at a time refresh.",
            ),
            Self::SignInOver => (
                "sign_in_over",
                "The person signed out, was disabled, or took back their consent, so the app gets no tokens any more.",
                "Send the person to sign in again.",
            ),
            Self::NoAccess => (
                "no_access",
                "The person may not use the app any more.",
                "Give them access on the page of the client, if they are to have it.",
            ),
            Self::Scope => (
                "scope_not_granted",
                "The app asked for a scope that was not granted, or that it is not registered for.",
                "Ask for it at the sign-in, or add it to the client's scopes.",
            ),
            _ => (
                "invalid_target",
                "The app asked for a token for another API than this client's tokens are for (resource or audience).",
                "Add the API to the client's audiences, or leave the parameter out.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own_and_says_what_to_do() {
        let words: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            assert!(reason.message().ends_with('.') && reason.next_step().ends_with('.'), "{reason:?}");
        }
        assert_eq!(Reason::parse("nothing"), None);
    }

    #[test]
    fn every_reason_is_in_the_documentation() {
        let page = include_str!("../../docs/operations.md");
        for reason in Reason::ALL {
            let row = format!("| `{}` | {} | {} |", reason.as_str(), reason.message(), reason.next_step());
            assert!(page.lines().any(|line| line == row), "docs/operations.md lacks: {row}");
        }
    }
}

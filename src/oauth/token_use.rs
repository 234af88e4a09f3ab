//! What a token that is made here is for. Every one says it in the claim `token_use`, and every place that reads tokens
//! says which it takes.

/// The claim that says it.
pub const CLAIM: &str = "token_use";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// An API is called with it (RFC 9068), for a person at an app or for a client by itself.
    Access,
    /// It tells an app who signed in (OIDC Core §2).
    Id,
    /// A machine got it for its API key.
    Key,
}

impl TokenUse {
    /// Every use, as the tables of the tests go through them.
    pub const ALL: [Self; 3] = [Self::Access, Self::Id, Self::Key];

    /// The value of the claim.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
            Self::Key => "key",
        }
    }

    /// The `typ`s that its header may have (RFC 9068 §2.1; RFC 7519 §5.1). All kinds share one: the claim decides.
    pub fn typs(self) -> &'static [&'static str] {
        match self {
            Self::Access => &["JWT", "at+jwt"],
            Self::Id | Self::Key => &["JWT"],
        }
    }
}

//! What proves who somebody is, and which level (`acr`) that reaches.

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// A way to prove who one is. What each proves stands in [`ProofKind::proves`]; what a sign-in asks for follows from
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// The password of the account.
    Password,
    /// A set-up or recovery link, which the operator made on the machine itself.
    RecoveryLink,
}

/// What a proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proves {
    /// The factor, if it is one. What somebody else vouches for is none.
    pub factor: Option<Factor>,
    /// Whether it is worth something by itself. What does not only adds to one that is.
    pub alone: bool,
    /// Whether the device made sure that its owner uses it (WebAuthn Level 3 §6.4, user verification).
    pub user_verification: bool,
    /// Whether it works for the real site only (NIST SP 800-63B-4 §3.2.5).
    pub phishing_resistance: bool,
    /// Its words in `amr` (RFC 8176 §2).
    pub amr: &'static [&'static str],
}

/// A kind of authentication factor (NIST SP 800-63B-4 §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Something that the person knows.
    Knowledge,
    /// Something that the person has.
    Possession,
}

impl ProofKind {
    /// Every kind, for tables that must be complete.
    pub const ALL: [Self; 2] = [Self::Password, Self::RecoveryLink];

    /// Its name, as it is stored and told to administrators.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RecoveryLink => "recovery_link",
        }
    }

    /// What it proves.
    pub fn proves(self) -> Proves {
        match self {
            Self::Password => Proves {
                factor: Some(Factor::Knowledge),
                alone: true,
                user_verification: false,
                phishing_resistance: false,
                amr: &["pwd"],
            },
            // The operator says who it is; the person proves nothing by it. RFC 8176 has no word for that.
            Self::RecoveryLink => {
                Proves { factor: None, alone: false, user_verification: false, phishing_resistance: false, amr: &[] }
            }
        }
    }
}

/// A proof that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What kind of proof it was.
    pub kind: ProofKind,
    /// When it was given.
    pub at: Moment,
}

/// How strongly a person proved who they are: the authentication context class (`acr`, OIDC Core §2; the names `phr`
/// and `phrh` are those of OpenID Connect EAP ACR Values §2). A later one includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acr {
    /// One factor. Rows that are older than levels were all made with a password.
    #[default]
    Pwd,
    /// Two different factors, or a device that verifies its user.
    Mfa,
    /// That, resistant to phishing.
    Phr,
    /// That, in hardware that attests it.
    Phrh,
}

impl Acr {
    /// Every level, the lowest first.
    pub const ALL: [Self; 4] = [Self::Pwd, Self::Mfa, Self::Phr, Self::Phrh];

    /// Its value in tokens and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Mfa => "mfa",
            Self::Phr => "phr",
            Self::Phrh => "phrh",
        }
    }

    /// The level of this value; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|acr| acr.as_str() == text)
    }
}

/// The level that a sign-in has to reach, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The level that is wanted.
    pub acr: Acr,
    /// On whose wish it is asked for.
    pub why: Why,
}

/// Why a level is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody asks for more than everybody needs.
    Policy,
    /// An app insists on it: what cannot be reached is a failed sign-in (OIDC Core §5.5.1.1, essential `acr`).
    Essential,
    /// An app would like it: what cannot be reached is not asked for (OIDC Core §3.1.2.1, `acr_values`; §5.5.1.1,
    /// voluntary `acr`).
    Voluntary,
}

impl Wanted {
    /// No more than everybody needs.
    pub const POLICY: Self = Self { acr: Acr::Pwd, why: Why::Policy };
}

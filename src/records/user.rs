//! A person.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::base::Moment;
use crate::base::id::UserId;

/// A person who can sign in. Everything an app may learn about them stands in [`Profile`] and the e-mail fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Stable for ever: the `sub` of every token.
    pub id: UserId,
    /// As the person writes it; unique by its canonical form.
    pub email: String,
    /// Whether the address was proved to be theirs.
    pub email_verified: bool,
    /// As the person writes it; unique by its canonical form. `preferred_username` of OIDC Core §5.1.
    pub username: Option<String>,
    /// Standard claims of OIDC Core §5.1 beyond e-mail and username.
    pub profile: Profile,
    /// Custom attributes, for policies and custom claims.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// Role names; `admin` administers this installation.
    #[serde(default)]
    pub roles: Vec<String>,
    /// PHC string of the password; `None` when there is no password to sign in with.
    pub password: Option<String>,
    /// When the password was last set.
    pub password_changed_at: Option<Moment>,
    /// A disabled person cannot sign in and holds no session.
    #[serde(default)]
    pub disabled: bool,
    /// When the person was made.
    pub created_at: Moment,
    /// When the record last changed: `updated_at` of OIDC Core §5.1.
    pub updated_at: Moment,
    /// Counts changes; a form drawn from an older version is refused.
    #[serde(default)]
    pub version: u64,
}

impl User {
    /// The role that administers the installation.
    pub const ADMIN: &str = "admin";

    /// Whether this person administers the installation.
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == Self::ADMIN)
    }

    /// What to call the person on a page: the name, else the username, else the e-mail address.
    pub fn display_name(&self) -> &str {
        self.profile.name.as_deref().or(self.username.as_deref()).unwrap_or(&self.email)
    }
}

/// The claims that a [`Profile`] holds.
pub const PROFILE_CLAIMS: [&str; 15] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
];

/// The standard claims of OIDC Core §5.1, named as there. Absent ones are not emitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Profile {
    #[expect(missing_docs, reason = "the fields are the claims of OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    #[expect(missing_docs, reason = "OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub given_name: Option<String>,
    #[expect(missing_docs, reason = "OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub family_name: Option<String>,
    #[expect(missing_docs, reason = "OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub middle_name: Option<String>,
    #[expect(missing_docs, reason = "OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nickname: Option<String>,
    /// URL of the person's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub profile: Option<String>,
    /// URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub picture: Option<String>,
    /// URL of a web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub website: Option<String>,
    #[expect(missing_docs, reason = "OIDC Core §5.1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub birthdate: Option<String>,
    /// A name of the time-zone database.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub zoneinfo: Option<String>,
    /// BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locale: Option<String>,
    /// E.164 is recommended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone_number: Option<String>,
    /// Whether the number was proved to be theirs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub phone_number_verified: bool,
    /// OIDC Core §5.1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub address: Option<Address>,
}

/// OIDC Core §5.1.1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields are the members of OIDC Core §5.1.1")]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_of_a_profile_is_listed() {
        let text = || Some(String::from("x"));
        let full = Profile {
            name: text(),
            given_name: text(),
            family_name: text(),
            middle_name: text(),
            nickname: text(),
            profile: text(),
            picture: text(),
            website: text(),
            gender: text(),
            birthdate: text(),
            zoneinfo: text(),
            locale: text(),
            phone_number: text(),
            phone_number_verified: true,
            address: Some(Address::default()),
        };
        let Ok(Value::Object(members)) = serde_json::to_value(full) else { panic!() };
        let mut listed = PROFILE_CLAIMS.to_vec();
        listed.sort_unstable();
        let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, listed);
    }
}

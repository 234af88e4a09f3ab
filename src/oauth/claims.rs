//! Standard claims about a person: which scope and which `claims` request let an app see what (OIDC Core §5.4, §5.5).

use serde_json::{Map, Value, json};

use super::{Error, scope};
use crate::base::strict_json::{self, Bounds};
use crate::records::{Acr, Client, IdTokenClaims, User};

/// Longest `claims` parameter in bytes.
const MAX_LENGTH: usize = 4096;

/// What it may hold.
const JSON: Bounds = Bounds { depth: 16, values: MAX_LENGTH };

/// Claims of scope `profile`.
const PROFILE: [&str; 14] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

/// Every standard claim, with the scope that gives it.
pub const STANDARD: [(&str, &[&str]); 4] = [
    ("profile", &PROFILE),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Where claims are delivered: the member of the `claims` parameter (OIDC Core §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsDestination {
    /// From the userinfo endpoint.
    Userinfo,
    /// In the id token.
    IdToken,
}

impl ClaimsDestination {
    fn member(self) -> &'static str {
        match self {
            Self::Userinfo => "userinfo",
            Self::IdToken => "id_token",
        }
    }
}

/// Reads the `claims` parameter: a JSON object whose members `userinfo` and `id_token` are objects. Unknown members and
/// claims are kept and ignored (OIDC Core §5.5).
pub fn requested(text: Option<&str>) -> Result<Option<Map<String, Value>>, Error> {
    let Some(text) = text else { return Ok(None) };
    let malformed =
        || Error::invalid_request("The parameter `claims` is not a JSON object of the form of OIDC Core section 5.5.");
    if text.len() > MAX_LENGTH {
        return Err(malformed());
    }
    let request = strict_json::object(text.as_bytes(), JSON).ok_or_else(malformed)?;
    for destination in [ClaimsDestination::Userinfo, ClaimsDestination::IdToken] {
        if !matches!(request.get(destination.member()), None | Some(Value::Object(_) | Value::Null)) {
            return Err(malformed());
        }
    }
    Ok(Some(request))
}

/// What the request says of one claim in one place; `None` when it does not name it.
fn wish<'a>(request: Option<&'a Map<String, Value>>, destination: ClaimsDestination, name: &str) -> Option<&'a Value> {
    request?.get(destination.member())?.as_object()?.get(name)
}

/// Whether the request asks for this claim by name in this place.
pub fn asks_for(request: Option<&Map<String, Value>>, destination: ClaimsDestination, name: &str) -> bool {
    wish(request, destination, name).is_some()
}

/// The values of which a claim is to have one: `value` or `values` (OIDC Core §5.5.1). `None` when any will do.
fn wanted_values(wish: &Value) -> Option<Vec<&Value>> {
    match (wish.get("value"), wish.get("values")) {
        (None, None) => None,
        (Some(one), None) => Some(vec![one]),
        // What is no list has no value that fits.
        (None, Some(many)) => Some(many.as_array().map(|many| many.iter().collect()).unwrap_or_default()),
        (Some(one), Some(many)) => {
            Some(many.as_array().map_or(Vec::new(), |many| many.iter().filter(|v| *v == one).collect()))
        }
    }
}

/// "If the sub Claim is requested with a specific value …, the Authorization Server MUST only send a positive response
/// if the End-User identified by that sub value has an active session" (OIDC Core §3.1.2.2, §5.5.1). Whether this
/// person is one that the request takes.
pub fn subject_is_wanted(request: Option<&Map<String, Value>>, subject: &str) -> bool {
    [ClaimsDestination::IdToken, ClaimsDestination::Userinfo].into_iter().all(|destination| {
        let wanted = wish(request, destination, "sub").and_then(wanted_values);
        wanted.is_none_or(|wanted| wanted.iter().any(|value| value.as_str() == Some(subject)))
    })
}

/// "If this is an Essential Claim and the requirement cannot be met, then the Authorization Server MUST treat that
/// outcome as a failed authentication attempt" (OIDC Core §5.5.1.1). The levels of which the `acr` of the id token is
/// to be one, whatever else it says; `None` where any will do.
pub fn essential_acr(request: Option<&Map<String, Value>>) -> Option<Vec<Acr>> {
    named_acr(request, true)
}

/// The levels of which the app would like the `acr` of the id token to be one, in its order of preference (OIDC Core
/// §5.5.1.1, a voluntary claim).
pub fn voluntary_acr(request: Option<&Map<String, Value>>) -> Vec<Acr> {
    named_acr(request, false).unwrap_or_default()
}

fn named_acr(request: Option<&Map<String, Value>>, essential: bool) -> Option<Vec<Acr>> {
    let wish = wish(request, ClaimsDestination::IdToken, "acr")
        .filter(|wish| (wish.get("essential") == Some(&Value::Bool(true))) == essential);
    let named = wish.and_then(wanted_values)?;
    Some(named.into_iter().filter_map(|value| Acr::parse(value.as_str()?)).collect())
}

/// The `acr` that an app gets for a sign-in that reached this level: of those it insists on the highest within it,
/// since a level includes the lower ones. `None` when the request is not met.
pub fn acr_to_tell(request: Option<&Map<String, Value>>, reached: Acr) -> Option<Acr> {
    match essential_acr(request) {
        Some(named) => named.into_iter().filter(|acr| *acr <= reached).max(),
        None => Some(reached),
    }
}

/// What was granted to an app.
#[derive(Clone, Copy)]
pub struct Granted<'a> {
    pub client: &'a Client,
    pub scopes: &'a [String],
    /// The `claims` parameter.
    pub request: Option<&'a Map<String, Value>>,
}

/// The claims about `user` that `scopes` and the `claims` request let this place carry; in id tokens the scopes do not
/// count for a client that wants there only what is asked for by name (OIDC Core §5.4). A claim that is asked for by
/// name is given only if the app may ask for its scope: the parameter is no way around the client's scopes. Claims
/// without a value are left out (OIDC Core §5.3.2).
pub fn about(user: &User, granted: Granted<'_>, destination: ClaimsDestination) -> Map<String, Value> {
    let Granted { client, scopes, request } = granted;
    let has_email = scope::holds(scopes, "email");
    let by_scope = destination == ClaimsDestination::Userinfo || client.id_token_claims == IdTokenClaims::All;
    let mut claims = Map::new();
    for (scope_name, names) in STANDARD {
        let by_name = scope::is_open_to(client, scope_name);
        for name in names {
            if ((by_scope && scope::holds(scopes, scope_name)) || (by_name && asks_for(request, destination, name)))
                && let Some(value) = value(user, name, has_email)
            {
                claims.insert((*name).to_owned(), value);
            }
        }
    }
    claims
}

/// Whether a claim is one of the standard ones.
pub fn is_standard(name: &str) -> bool {
    STANDARD.iter().any(|(_, names)| names.contains(&name))
}

/// What an app may call the person, which is always there: many make an account of this name and fail without. The
/// username; else the address, where the app sees it anyway; else the identifier. Each is one person's alone, which a
/// part of an address would not be.
fn preferred_username(user: &User, has_email: bool) -> &str {
    match &user.username {
        Some(username) => username,
        None if has_email => &user.email,
        None => user.id.as_str(),
    }
}

fn value(user: &User, name: &str, has_email: bool) -> Option<Value> {
    let profile = &user.profile;
    let text = |field: &Option<String>| field.as_ref().map(|text| json!(text));
    match name {
        "name" => text(&profile.name),
        "given_name" => text(&profile.given_name),
        "family_name" => text(&profile.family_name),
        "middle_name" => text(&profile.middle_name),
        "nickname" => text(&profile.nickname).or_else(|| Some(json!(preferred_username(user, has_email)))),
        "preferred_username" => Some(json!(preferred_username(user, has_email))),
        "profile" => text(&profile.profile),
        "picture" => text(&profile.picture),
        "website" => text(&profile.website),
        "gender" => text(&profile.gender),
        "birthdate" => text(&profile.birthdate),
        "zoneinfo" => text(&profile.zoneinfo),
        "locale" => text(&profile.locale),
        "updated_at" => Some(json!(user.updated_at.seconds())),
        "email" => Some(json!(user.email)),
        "email_verified" => Some(json!(user.email_verified)),
        "address" => profile.address.as_ref().map(|address| json!(address)),
        "phone_number" => text(&profile.phone_number),
        "phone_number_verified" => profile.phone_number.as_ref().map(|_| json!(profile.phone_number_verified)),
        _ => None,
    }
}

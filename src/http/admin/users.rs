//! People, and invitations to become one.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::operation::{Operation, delete as deletes, get, patch, post};
use super::paging::{PageQuery, SortOfUsers, paged, search};
use crate::access::dry_run::Changes;
use crate::access::{self, deletion};
use crate::audit::Ended;
use crate::base::id::{InviteId, UserId};
use crate::base::{Secret, Timestamp};
use crate::cx::Cx;
use crate::http::extract::{
    Admin, BanUsers, Body, CreateUsers, DeleteUsers, Fresh, Params, PlatformRight, UpdateUsers, ViewTuples, ViewUsers,
};
use crate::http::respond::{HandlerResult, Refusal};
use crate::identity::users::{self, Filter};
use crate::identity::{Error, invites};
use crate::records::{self, Address, Profile};
use crate::tenant::paths;

/// A person: everything but the password.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    id: UserId,
    email: String,
    /// Whether the address is known to be theirs.
    email_verified: bool,
    /// Name to sign in with besides the e-mail address.
    #[schema(required)]
    username: Option<String>,
    /// Claims of OIDC Core §5.1.
    #[serde(flatten)]
    profile: Profile,
    /// Custom attributes.
    attributes: Map<String, Value>,
    /// `admin` for administrators.
    roles: Vec<String>,
    has_password: bool,
    /// A disabled person cannot sign in.
    disabled: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    /// What ended with the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended: Option<Ended>,
}

impl From<&records::User> for User {
    fn from(user: &records::User) -> Self {
        Self {
            id: user.id.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            username: user.username.clone(),
            profile: user.profile.clone(),
            attributes: user.attributes.clone(),
            roles: user.roles.clone(),
            has_password: user.password.is_some(),
            disabled: user.disabled,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            version: user.version,
            ended: None,
        }
    }
}

/// Declares the claims of a change, in which each can be absent, `null` or a value.
macro_rules! claims {
    ($($(#[doc = $words:expr])* $(#[schema($($schema:tt)*)])? $name:ident: $type:ty,)*) => {
        /// Claims of OIDC Core §5.1 to set, or with `null` to take away.
        #[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
        pub struct ClaimsChange {
            $(
                $(#[doc = $words])*
                #[serde(
                    default,
                    deserialize_with = "crate::base::patch::given",
                    skip_serializing_if = "Option::is_none"
                )]
                $(#[schema($($schema)*)])?
                pub $name: Option<Option<$type>>,
            )*
        }
    };
}

claims! {
    /// Full name.
    name: String,
    /// First name or names.
    given_name: String,
    /// Last name or names.
    family_name: String,
    /// Middle name or names.
    middle_name: String,
    /// Casual name.
    nickname: String,
    /// URL of the person's page.
    profile: String,
    /// URL of a picture.
    picture: String,
    /// URL of a web site.
    website: String,
    /// Gender, in any words.
    gender: String,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    birthdate: String,
    /// A name of the time-zone database.
    zoneinfo: String,
    /// A BCP 47 tag.
    locale: String,
    /// E.164 is recommended.
    phone_number: String,
    /// Whether the number is known to be theirs.
    phone_number_verified: bool,
    /// Postal address (OIDC Core §5.1.1).
    #[schema(value_type = Option<Object>)]
    address: Address,
}

impl ClaimsChange {
    /// The members that are there, as a patch (RFC 7396).
    fn patch(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// The claims of somebody new.
    fn profile(&self) -> Profile {
        let members: Map<String, Value> = self.patch().into_iter().filter(|(_, value)| !value.is_null()).collect();
        serde_json::from_value(members.into()).unwrap_or_default()
    }
}

/// An account to make.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// E-mail address.
    #[schema(format = "email", min_length = 3, max_length = 254)]
    pub email: String,
    /// Whether the address is known to be theirs; true when absent, since many apps refuse people without.
    pub email_verified: Option<bool>,
    /// Name to sign in with besides the e-mail address.
    #[schema(min_length = 3, max_length = 30)]
    pub username: Option<String>,
    /// Without one a recovery link sets it.
    #[serde(default, serialize_with = "exposed", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    pub password: Option<Secret<String>>,
    /// Custom attributes.
    pub attributes: Option<Map<String, Value>>,
    /// Role names; `admin` makes an administrator.
    pub roles: Option<Vec<String>>,
    /// Whether they administer this installation, beside what `roles` says.
    pub admin: Option<bool>,
    /// Claims.
    #[serde(flatten)]
    pub claims: ClaimsChange,
}

/// What is to change of a person; what is absent stays.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// A new address; it counts as not verified unless `email_verified` says so.
    #[schema(format = "email", min_length = 3, max_length = 254)]
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    pub email_verified: Option<bool>,
    /// Name to sign in with besides the e-mail address; `null` takes it away.
    #[serde(default, deserialize_with = "crate::base::patch::given", skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 3, max_length = 30)]
    pub username: Option<Option<String>>,
    /// All custom attributes from now on.
    pub attributes: Option<Map<String, Value>>,
    /// All roles from now on.
    pub roles: Option<Vec<String>>,
    /// Whether they administer this installation; their other roles stay.
    pub admin: Option<bool>,
    /// The version that the change was made from; another one by now is 409 `conflict`.
    pub version: Option<u64>,
    /// Claims.
    #[serde(flatten)]
    pub claims: ClaimsChange,
}

/// A new password.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password.
    #[serde(serialize_with = "exposed_one")]
    #[schema(value_type = String, min_length = 1, max_length = 256)]
    pub password: Secret<String>,
}

/// For the program that sends a password; nothing that is answered has one.
fn exposed<S: Serializer>(secret: &Option<Secret<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|secret| secret.expose()).serialize(serializer)
}

/// As [`exposed`].
fn exposed_one<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.expose().serialize(serializer)
}

/// A person who was deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedUser {
    id: UserId,
    email: String,
    deleted: bool,
    ended: Ended,
}

/// What the deletion of a person would take along.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserDeletion {
    sessions: usize,
    refresh_families: usize,
    api_keys: usize,
    tuples: usize,
    memberships: usize,
    consents: usize,
    /// Who would gain and who would lose what; null for callers without view on tuples.
    #[schema(required)]
    changes: Option<Changes>,
}

/// An invitation to make.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    /// The only address that may use it.
    #[schema(format = "email", min_length = 3, max_length = 254)]
    pub email: Option<String>,
    /// Seconds until it stops working; a week when absent.
    pub expires_in: Option<u64>,
}

/// An invitation to sign up, with its link, which is shown this once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    id: InviteId,
    #[schema(required)]
    email: Option<String>,
    /// The link.
    url: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// Which people a list of them shows, in which order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UserQuery {
    /// Only those whose e-mail address, username, names or id hold this.
    search: Option<String>,
    /// Only those who are, or are not.
    disabled: Option<bool>,
    /// Only those with this role: admin.
    role: Option<String>,
    /// By this field; with - from the end. A cursor is good for the order that it was made in.
    sort: Option<SortOfUsers>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The operations of this file, of which the OpenAPI document and the tests of routes are made.
pub fn operations() -> Vec<Operation> {
    let all = vec![
        get("users", "People, oldest first").needs("view on users").asks::<UserQuery>().lists::<User>(),
        post("users", "Makes an account").needs("create on users").fresh().takes::<NewUser>().makes::<User>(),
        get("users/{user}", "A person, by e-mail address, username or id").needs("view on users").gives::<User>(),
        patch("users/{user}", "Changes a person; what is absent stays, a claim that is null goes")
            .needs("update on users")
            .fresh()
            .takes::<UserChange>()
            .gives::<User>(),
        deletes("users/{user}", "Deletes a person and what was theirs")
            .needs("delete on users")
            .fresh()
            .gives::<DeletedUser>(),
        post("users/{user}/password", "Sets a password, which ends every session")
            .needs("update on users")
            .fresh()
            .takes::<NewPassword>()
            .gives::<User>(),
        post("users/{user}/disable", "Locks somebody out, which ends every session")
            .needs("ban on users")
            .gives::<User>(),
        post("users/{user}/enable", "Lets somebody in again").needs("update on users").fresh().gives::<User>(),
        get("users/{user}/deletion", "What a deletion would take along")
            .needs("delete on users")
            .gives::<UserDeletion>(),
        post("invites", "Makes a link to sign up, shown this once")
            .needs("create on users")
            .fresh()
            .takes::<NewInvite>()
            .makes::<Invite>(),
    ];
    all.into_iter().map(|operation| operation.under("people")).collect()
}

/// `GET users`: a page, oldest first or by `sort`; `search`, `disabled` and `role` narrow it. A page may be short and
/// still have a `next`.
pub async fn list(admin: Admin<ViewUsers>, query: Params<UserQuery>) -> HandlerResult {
    let UserQuery { search: text, disabled, role, sort, page } = query.0;
    let filter = Filter { search: search(text.as_ref()), disabled, role: role.filter(|role| !role.is_empty()) };
    let request = page.sorted_request::<UserId>(sort.as_ref().map(|sort| &sort.0))?;
    let page = paged(&admin.cx, request, move |cx, request| users::page(cx, &filter, request)).await?;
    Ok(HttpResponse::Ok().json(page.map(|user| User::from(&user))))
}

/// The person that a query or a body names by e-mail address, username or id. Errors: there is none.
pub(super) fn named(cx: &Cx, name: &str) -> Result<records::User, Refusal> {
    users::by_name(cx, name).map_err(|error| Refusal::from(error).naming(cx, "users", name))
}

/// `GET users/{user}`: by e-mail address, username or id.
pub async fn show(admin: Admin<ViewUsers>, name: Path<String>) -> HandlerResult {
    Ok(HttpResponse::Ok().json(User::from(&users::by_name(&admin.cx, &name)?)))
}

/// `POST users`.
pub async fn create(Fresh(admin): Fresh<Admin<CreateUsers>>, body: Body<NewUser>) -> HandlerResult {
    let body = body.0;
    let mut roles = body.roles.unwrap_or_default();
    if let Some(admin) = body.admin {
        set_admin(&mut roles, admin);
    }
    let new = users::NewUser {
        email: body.email,
        email_verified: body.email_verified.unwrap_or(true),
        username: body.username,
        password: body.password,
        roles,
        attributes: body.attributes.unwrap_or_default(),
        profile: body.claims.profile(),
    };
    let user = users::create(&admin.cx, new).await?;
    Ok(HttpResponse::Created().json(User::from(&user)))
}

/// `PATCH users/{user}`: what is absent stays; a claim that is `null` goes (RFC 7396). `version` makes it conditional.
pub async fn update(
    Fresh(admin): Fresh<Admin<UpdateUsers>>,
    name: Path<String>,
    body: Body<UserChange>,
) -> HandlerResult {
    let (user, body) = (users::by_name(&admin.cx, &name)?, body.0);
    let mut change = users::UserChange {
        expected_version: body.version,
        email: body.email,
        email_verified: body.email_verified,
        username: body.username,
        roles: body.roles,
        attributes: body.attributes,
        profile: body.claims.patch(),
    };
    if let Some(is_admin) = body.admin {
        // Made of the roles as they are: nobody may have changed them meanwhile.
        change.expected_version = change.expected_version.or(Some(user.version));
        set_admin(change.roles.get_or_insert_with(|| user.roles.clone()), is_admin);
    }
    let user = users::update(&admin.cx, &user.id, change).await?;
    Ok(HttpResponse::Ok().json(User::from(&user)))
}

/// `DELETE users/{user}`: says what went with it.
pub async fn delete(Fresh(admin): Fresh<Admin<DeleteUsers>>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = users::delete(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(DeletedUser { id: user.id, email: user.email, deleted: true, ended }))
}

/// `GET users/{user}/deletion`: what a deletion would take along, and who would gain and who would lose what.
pub async fn show_deletion(admin: Admin<DeleteUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let sees_tuples = ViewTuples::is_held(&admin.cx)?;
    let look = move |cx: &Cx| {
        let ended = users::deletion(cx, &user.id);
        // Only who may delete them learns what follows.
        let changes = (ended.is_ok() && sees_tuples).then(|| deletion::of_person(cx, &user.id)).transpose()?;
        Ok::<_, access::Error>((ended, changes))
    };
    let (ended, changes) = admin.cx.look_long(look).await?;
    let ended = ended?;
    Ok(HttpResponse::Ok().json(UserDeletion {
        sessions: ended.sessions,
        refresh_families: ended.grants,
        api_keys: ended.api_keys,
        tuples: ended.tuples,
        memberships: ended.memberships,
        consents: ended.consents,
        changes,
    }))
}

/// `POST users/{user}/password`: ends every session.
pub async fn set_password(
    Fresh(admin): Fresh<Admin<UpdateUsers>>,
    name: Path<String>,
    body: Body<NewPassword>,
) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = users::set_password(&admin.cx, &user.id, &body.0.password).await?;
    let user = users::by_name(&admin.cx, user.id.as_str())?;
    Ok(HttpResponse::Ok().json(User { ended: Some(ended), ..User::from(&user) }))
}

/// `POST users/{user}/disable`: ends every session.
pub async fn disable(admin: Admin<BanUsers>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let ended = users::disable(&admin.cx, &user.id).await?;
    let user = users::by_name(&admin.cx, user.id.as_str())?;
    Ok(HttpResponse::Ok().json(User { ended: Some(ended), ..User::from(&user) }))
}

/// `POST users/{user}/enable`.
pub async fn enable(Fresh(admin): Fresh<Admin<UpdateUsers>>, name: Path<String>) -> HandlerResult {
    let user = users::by_name(&admin.cx, &name)?;
    let user = users::enable(&admin.cx, &user.id).await?;
    Ok(HttpResponse::Ok().json(User::from(&user)))
}

/// `POST invites`: the link is shown this once.
pub async fn invite(Fresh(admin): Fresh<Admin<CreateUsers>>, body: Body<NewInvite>) -> HandlerResult {
    let NewInvite { email, expires_in } = body.0;
    let lifetime = expires_in.map(Duration::from_secs);
    let issued = match invites::issue(&admin.cx, email.as_deref(), lifetime).await {
        Err(error @ Error::RegistrationClosed) => {
            let message = "Registration is closed, so nobody could use an invitation. Make the account, and a sign-in link for it.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, error.code(), message));
        }
        issued => issued?,
    };
    Ok(HttpResponse::Created().json(Invite {
        id: issued.invite.id,
        email: issued.invite.email,
        url: admin.cx.tenant.urls.url_with(paths::SIGN_UP, "invite", issued.token.expose()),
        created_at: issued.invite.created_at.into(),
        expires_at: issued.invite.expires_at.into(),
    }))
}

fn set_admin(roles: &mut Vec<String>, is_admin: bool) {
    roles.retain(|role| role != records::User::ADMIN);
    if is_admin {
        roles.push(records::User::ADMIN.to_owned());
    }
}

//! A code becomes tokens (RFC 6749 §4.1.3, OIDC Core §3.1.3).

use std::time::Duration;

use super::{TokenAnswer, answer, no_access};
use crate::audit::{Entry, Event};
use crate::base::Secret;
use crate::base::id::{CodeId, RefreshId, SessionId, TypedId};
use crate::base::secret::Digest;
use crate::crypto::token;
use crate::cx::Cx;
use crate::identity::{cascade, sessions};
use crate::oauth::app_access::{self, Gate};
use crate::oauth::clients::protection;
use crate::oauth::consents::person_who_consents;
use crate::oauth::mint::{self, About};
use crate::oauth::{Error, Params, Reason, pkce, scope};
use crate::records::{ActorKind, Client, Code, Grant, GrantType, Refresh, User};
use crate::store::{Tx, rows};

/// How a redemption ended. A refusal that is recorded is a value: an error would roll the record back.
enum Redemption {
    Granted(Box<(Code, User)>),
    Refused(Error),
}

/// The refresh token to be, made before the transaction, which must be pure.
struct NewRefreshToken {
    refresh: RefreshId,
    secret: Secret<String>,
}

/// Redeems a code once. Checks are in the order of RFC 6749 §4.1.3; a second redemption revokes what the first one gave
/// (§4.1.2).
pub(super) async fn exchange(cx: &Cx, params: &Params, client: &Client) -> Result<TokenAnswer, Error> {
    let presented = params.require("code")?;
    let redirect_uri = params.find("redirect_uri").map(str::to_owned);
    let verifier = params.find("code_verifier").map(str::to_owned);
    let unknown = || unknown_code(Reason::CodeUnknown);
    let (id, secret) = token::split(presented).ok_or_else(unknown)?;
    let (id, secret) = (CodeId::parse(id).map_err(|_| unknown())?, Secret::from(secret));
    let new =
        NewRefreshToken { refresh: RefreshId::new(cx.now, cx.entropy()), secret: Secret::new(cx.entropy().token()) };
    let refresh_token = Secret::new(token::compose(new.refresh.as_str(), new.secret.expose()));
    let [issued, replayed, wasted] = [Entry::new(cx), Entry::new(cx), Entry::new(cx)];
    let (refused, refusal) = app_access::refused(cx, client, Gate::Code);
    let may_use = holder_may_use(cx, client, &id).await?;
    let (at, client_in_tx) = (cx.clone(), client.clone());
    let redemption = cx
        .store()
        .write(move |tx| {
            let found = rows::codes::find(tx, at.tenant.id, &id)?;
            let Some(code) = found.filter(|code| code.digest.matches(secret.expose())) else {
                return Ok(Redemption::Refused(unknown_code(why_unknown(&at, &id))));
            };
            if code.used_at.is_some() {
                if code.client == client_in_tx.id {
                    replay_revokes_family(tx, &at, &code, &replayed)?;
                }
                return Ok(Redemption::Refused(unknown_code(Reason::CodeUsed)));
            }
            if !code.term(at.settings().tokens.code).holds(at.now) {
                return Ok(Redemption::Refused(unknown_code(Reason::CodeExpired)));
            }
            // Used up whatever comes of it: a code is not guessed, so who has it and cannot use it took it from
            // somebody, and does not get another try.
            use_up(tx, &at, &code)?;
            let fits = code_is_for(&code, &client_in_tx, redirect_uri.as_deref())
                .and_then(|()| pkce::verifier_matches_challenge(code.challenge.as_deref(), verifier.as_deref()));
            if let Err(error) = fits {
                let (user, reason) = (code.user.clone(), error.public_description().to_string());
                let entry = wasted.clone().target(&code.client);
                entry.append(tx, &at, &Event::TokenCodeWasted { user, reason })?;
                return Ok(Redemption::Refused(error));
            }
            let Some((user, session)) = person_is_still_signed_in(tx, &at, &client_in_tx, &code)? else {
                return Ok(Redemption::Refused(unknown_code(Reason::SignInOver)));
            };
            let code = Code { session, ..code };
            if !may_use {
                refused.clone().by(ActorKind::User, &code.user).append(tx, &at, &refusal)?;
                return Ok(Redemption::Refused(no_access()));
            }
            begin_family(tx, &at, &client_in_tx, &code, &new)?;
            protection::note(tx, &at, &code)?;
            let entry = issued.clone().by(ActorKind::User, &code.user).target(&code.client);
            entry.append(tx, &at, &Event::TokenIssue { grant_type: None })?;
            Ok::<_, Error>(Redemption::Granted(Box::new((code, user))))
        })
        .await?;
    let (code, user) = match redemption {
        Redemption::Granted(granted) => *granted,
        Redemption::Refused(refusal) => return Err(refusal),
    };
    answer(cx, &about(client, &user, &code), gets_refresh(client, &code.scopes).then_some(refresh_token))
}

fn about<'a>(client: &'a Client, user: &'a User, code: &'a Code) -> About<'a> {
    About {
        client,
        user,
        session: &code.session,
        grant: &code.grant,
        scopes: &code.scopes,
        claims: code.claims.as_ref(),
        nonce: code.nonce.as_deref(),
        auth_time: code.auth_time,
        amr: &code.amr,
        acr: code.acr,
    }
}

/// "Ensure that the authorization code was issued to the authenticated client" and that the redirect URI is "identical"
/// (RFC 6749 §4.1.3).
fn code_is_for(code: &Code, client: &Client, redirect_uri: Option<&str>) -> Result<(), Error> {
    if code.client != client.id {
        return Err(unknown_code(Reason::CodeOfOther));
    }
    match redirect_uri {
        Some(uri) if uri == code.redirect_uri => Ok(()),
        Some(_) => Err(Error::invalid_grant("The `redirect_uri` is not the one of the authorization request.")
            .because(Reason::CodeRedirectUri)),
        None => Err(Error::invalid_request(
            "The parameter `redirect_uri` is missing; repeat the one of the authorization request.",
        )
        .because(Reason::CodeRedirectUriMissing)),
    }
}

/// Whether the person may use the app now. Asked before the transaction: conditions must not hold up other writers.
async fn holder_may_use(cx: &Cx, client: &Client, code: &CodeId) -> Result<bool, Error> {
    let code = rows::codes::find(&cx.read()?, cx.tenant.id, code)?;
    match code {
        Some(code) => app_access::may_use(cx, client, &code.user).await,
        None => Ok(false),
    }
}

fn use_up(tx: &mut Tx, cx: &Cx, code: &Code) -> Result<(), Error> {
    let mut used = code.clone();
    used.used_at = Some(cx.now);
    // The used code is kept as long as its tokens may live, so that a late replay still revokes them.
    used.expires_at = cx.now.plus(family_life(cx));
    Ok(rows::codes::put(tx, cx.tenant.id, Some(code), &used)?)
}

/// "If an authorization code is used more than once, the authorization server … SHOULD revoke (when possible) all
/// tokens previously issued based on that authorization code" (RFC 6749 §4.1.2).
fn replay_revokes_family(tx: &mut Tx, cx: &Cx, code: &Code, entry: &Entry) -> Result<(), Error> {
    cascade::revoke_grant(tx, cx, &code.grant)?;
    Ok(entry.clone().target(&code.grant).append(tx, cx, &Event::TokenCodeReplayed { user: code.user.clone() })?)
}

/// The session the code was made in still exists, or the one that came in its place when the person signed in again in
/// another tab; the person is not disabled, and has not withdrawn consent meanwhile. Answers the session too.
fn person_is_still_signed_in(
    tx: &Tx,
    cx: &Cx,
    client: &Client,
    code: &Code,
) -> Result<Option<(User, SessionId)>, Error> {
    let Some(session) = sessions::live_after(tx, cx, &code.user, &code.session)? else { return Ok(None) };
    let user = person_who_consents(cx, tx, client, (&code.user, &code.scopes))?;
    Ok(user.map(|user| (user, session.id)))
}

fn begin_family(tx: &mut Tx, cx: &Cx, client: &Client, code: &Code, new: &NewRefreshToken) -> Result<(), Error> {
    let with_refresh = gets_refresh(client, &code.scopes);
    let life = if with_refresh { family_life(cx) } else { Duration::from_secs(mint::access_life(cx, client)) };
    let grant = Grant {
        id: code.grant.clone(),
        client: code.client.clone(),
        user: code.user.clone(),
        session: code.session.clone(),
        scopes: code.scopes.clone(),
        claims: code.claims.clone(),
        auth_time: code.auth_time,
        amr: code.amr.clone(),
        acr: code.acr,
        created_at: cx.now,
        expires_at: cx.now.plus(life),
        revoked_at: None,
    };
    rows::grants::put(tx, cx.tenant.id, None, &grant)?;
    if with_refresh {
        let refresh = Refresh {
            id: new.refresh.clone(),
            digest: Digest::of(new.secret.expose()),
            grant: grant.id.clone(),
            created_at: cx.now,
            expires_at: cx.now.plus(cx.settings().tokens.refresh_idle).min(grant.expires_at),
            rotated: None,
            one_of: None,
            in_family: 1,
        };
        rows::grants::put_refresh(tx, cx.tenant.id, None, &refresh)?;
    }
    Ok(())
}

/// How long an app has access after one sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasts {
    /// What an access token lasts.
    pub access: Duration,
    /// When it gets refresh tokens: what one lasts unused, and all of them together.
    pub renewed: Option<(Duration, Duration)>,
}

/// How long this app has access after a sign-in with these scopes.
pub fn lasts(cx: &Cx, client: &Client, scopes: &[String]) -> Lasts {
    let access = Duration::from_secs(mint::access_life(cx, client));
    let whole = family_life(cx);
    let idle = cx.settings().tokens.refresh_idle.min(whole);
    Lasts { access, renewed: gets_refresh(client, scopes).then_some((idle, whole)) }
}

/// Refresh tokens are for those who asked to act while the person is away (OIDC Core §11).
fn gets_refresh(client: &Client, scopes: &[String]) -> bool {
    client.allows(GrantType::RefreshToken) && scope::holds(scopes, scope::OFFLINE_ACCESS)
}

/// How long the tokens of one code may live in all.
pub(super) fn family_life(cx: &Cx) -> Duration {
    cx.settings().tokens.refresh_absolute.max(cx.settings().tokens.access)
}

/// Why there is no such code, for the people who run the app: one that has run out is removed after a while.
fn why_unknown(cx: &Cx, id: &CodeId) -> Reason {
    let is_over = id.says_made_at().is_some_and(|made| made.plus(cx.settings().tokens.code) < cx.now);
    if is_over { Reason::CodeExpired } else { Reason::CodeUnknown }
}

fn unknown_code(reason: Reason) -> Error {
    Error::invalid_grant(
        "The code is unknown, expired, already used, or was given to another client. Start the sign-in again.",
    )
    .because(reason)
}

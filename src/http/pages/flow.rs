//! Where a person was going when one of our pages stopped them.

use actix_web::HttpResponse;

use super::forms::go;
use super::views::Shell;
use crate::base::id::SessionId;
use crate::cx::Cx;
use crate::http::extract::{Browser, own_path};
use crate::http::respond::Refusal;
use crate::http::respond::page;
use crate::http::routes;
use crate::oauth::Error;
use crate::oauth::authorize::{self, Brought, Ended, Interaction, PageRefusal, View};
use crate::records::Client;
use crate::store::rows;

/// What `continue` holds: an app's waiting request, an Auther page, or nothing.
pub enum Flow {
    /// Nowhere in particular.
    Home,
    /// A page of this site.
    Page(String),
    /// An authorization request that waits.
    App(Box<Waiting>),
    /// A request that waited is not answered any more, or not in this browser.
    Over {
        /// The request's parameters as a query.
        query: String,
        /// Why not.
        why: Ended,
    },
    /// A token that is not ours, or whose app is gone.
    Stale,
}

/// An authorization request that waits.
pub struct Waiting {
    /// As it travels.
    pub token: String,
    /// The request.
    pub interaction: Interaction,
    /// What of it is shown.
    pub view: View,
    /// Where the app may be reached: a form's last redirect may lead there.
    pub reaches: Vec<String>,
}

impl Flow {
    /// Reads the value of `continue`, as this browser brings it.
    pub fn read(browser: &Browser, text: &str) -> Result<Self, Error> {
        let cx = &browser.cx;
        if text.is_empty() {
            return Ok(Self::Home);
        }
        if let Some(path) = own_path(text) {
            return Ok(Self::Page(path.to_owned()));
        }
        let interaction = match Interaction::open(cx, text, browser.known_name())? {
            Brought::Waiting(interaction) => *interaction,
            Brought::Over { query, why } => return Ok(Self::Over { query, why }),
            Brought::Unknown => return Ok(Self::Stale),
        };
        let Some(view) = authorize::view(cx, &interaction)? else { return Ok(Self::Stale) };
        let reaches = reaches(cx, &interaction, &view)?;
        Ok(Self::App(Box::new(Waiting { token: text.to_owned(), interaction, view, reaches })))
    }

    /// The value of the hidden field `continue`.
    pub fn token(&self) -> &str {
        match self {
            Self::Home | Self::Over { .. } | Self::Stale => "",
            Self::Page(path) => path,
            Self::App(waiting) => &waiting.token,
        }
    }

    /// Where to go once the page has done its work.
    pub fn next(&self) -> String {
        match self {
            Self::Home | Self::Over { .. } | Self::Stale => routes::HOME.to_owned(),
            Self::Page(path) => path.clone(),
            Self::App(waiting) => waiting.resume(),
        }
    }

    /// Where to go after a sign-in on this page, which began this session: an app's request learns that it was for it.
    pub fn signed_in(&self, cx: &Cx, session: &SessionId) -> String {
        match self {
            Self::App(waiting) => waiting.resumed_as(cx, &waiting.interaction.proved_in(session)),
            _ => self.next(),
        }
    }

    /// The answer where there is nothing to go on with: the request begins anew in this browser, or a page says why not. A form that was
    /// drawn for it is not looked at.
    pub fn ended(&self, browser: &Browser) -> Option<Result<HttpResponse, Refusal>> {
        let refusal = match self {
            // Not for a browser that keeps no cookies: it would go round in circles.
            Self::Over { query, why: Ended::Elsewhere } if browser.known_name().is_some() => {
                return Some(Ok(go(&routes::authorize(query))));
            }
            Self::Over { query, why } => PageRefusal::over(*why, query),
            Self::Stale => PageRefusal::stale_interaction(),
            Self::Home | Self::Page(_) | Self::App(_) => return None,
        };
        Some(crate::http::oauth::refuse(&browser.cx, &refusal))
    }

    /// The frame, naming the app.
    pub fn shell(&self, cx: &Cx) -> Shell {
        match self {
            Self::App(waiting) => page::shell(cx).for_app(&waiting.view.client_name),
            _ => page::shell(cx),
        }
    }

    /// Where a form of the page may lead in the end.
    pub fn reaches(&self) -> &[String] {
        match self {
            Self::App(waiting) => &waiting.reaches,
            _ => &[],
        }
    }

    /// The waiting request, where a page makes no sense without one.
    pub fn app(&self) -> Option<&Waiting> {
        match self {
            Self::App(waiting) => Some(waiting),
            _ => None,
        }
    }
}

impl Waiting {
    /// Takes the request up again.
    pub fn resume(&self) -> String {
        routes::with_query(routes::AUTHORIZE[0], "interaction", &self.token)
    }

    /// Takes the request up again with what has happened on the page.
    pub fn resumed_as(&self, cx: &Cx, interaction: &Interaction) -> String {
        routes::with_query(routes::AUTHORIZE[0], "interaction", &interaction.seal(cx))
    }
}

/// The redirect URI, and everything else registered for the app: many send the browser on to another of their own origins, and Chromium
/// counts that as part of the form's journey too.
fn reaches(cx: &Cx, interaction: &Interaction, view: &View) -> Result<Vec<String>, Error> {
    /// More would only make the header long.
    const MOST: usize = 30;
    let client = match interaction.params()?.find("client_id").and_then(|id| id.parse().ok()) {
        Some(id) => rows::clients::find(&cx.read()?, cx.tenant, &id)?,
        None => None,
    };
    let registered = |client: Client| client.fields.redirect_uris.into_iter().chain(client.fields.origins);
    let others = client.into_iter().flat_map(registered).filter(|uri| *uri != view.redirect_uri);
    Ok(std::iter::once(view.redirect_uri.clone()).chain(others).take(MOST).collect())
}

/// The page where a request is needed and there is none.
pub fn stale(cx: &Cx) -> Result<HttpResponse, Refusal> {
    crate::http::oauth::refuse(cx, &PageRefusal::stale_interaction())
}

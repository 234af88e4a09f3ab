//! Where a person was going when one of our pages stopped them.

use super::views::Shell;
use crate::cx::Cx;
use crate::http::extract::own_path;
use crate::http::respond::Refusal;
use crate::http::respond::page;
use crate::http::routes;
use crate::oauth::Error;
use crate::oauth::authorize::{self, Interaction, View};
use crate::records::Client;
use crate::store::rows;

/// What `continue` holds: an app's waiting request, a page of ours, or nothing.
pub enum Flow {
    /// Nowhere in particular.
    Home,
    /// A page of this site.
    Page(String),
    /// An authorization request that waits.
    App(Box<Waiting>),
    /// A token that is not ours, or too old, or whose app is gone.
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
    /// Reads the value of `continue`.
    pub fn read(cx: &Cx, text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::Home);
        }
        if let Some(path) = own_path(text) {
            return Ok(Self::Page(path.to_owned()));
        }
        let Some(interaction) = Interaction::open(cx, text) else { return Ok(Self::Stale) };
        let Some(view) = authorize::view(cx, &interaction)? else { return Ok(Self::Stale) };
        let reaches = reaches(cx, &interaction, &view)?;
        Ok(Self::App(Box::new(Waiting { token: text.to_owned(), interaction, view, reaches })))
    }

    /// The value of the hidden field `continue`.
    pub fn token(&self) -> &str {
        match self {
            Self::Home | Self::Stale => "",
            Self::Page(path) => path,
            Self::App(waiting) => &waiting.token,
        }
    }

    /// Where to go once the page has done its work.
    pub fn next(&self) -> String {
        match self {
            Self::Home | Self::Stale => routes::HOME.to_owned(),
            Self::Page(path) => path.clone(),
            Self::App(waiting) => waiting.resume(),
        }
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
    let registered = |client: Client| client.redirect_uris.into_iter().chain(client.origins);
    let others = client.into_iter().flat_map(registered).filter(|uri| *uri != view.redirect_uri);
    Ok(std::iter::once(view.redirect_uri.clone()).chain(others).take(MOST).collect())
}

/// The page for a request that ran out.
pub fn stale(cx: &Cx) -> Result<actix_web::HttpResponse, Refusal> {
    crate::http::oauth::refuse(cx, &authorize::PageRefusal::stale_interaction())
}

//! What a page shows of that which it stopped: where the person goes once the page has done its work.
//!
//! What waits, in which browser, and what was proved for it, is decided by [`Interaction`].

use actix_web::HttpResponse;

use super::forms::go;
use crate::base::id::SessionId;
use crate::cx::Cx;
use crate::http::extract::Browser;
use crate::http::respond::Refusal;
use crate::http::respond::page;
use crate::http::views::Shell;
use crate::identity::interaction::{Ended, Interaction, PresentedInteraction, Resume};
use crate::oauth::Error;
use crate::oauth::authorize::{self, PageRefusal, View};
use crate::records::Wanted;
use crate::tenant::paths;

/// What `continue` holds: an app's waiting request, an Auther page, or nothing.
pub enum Flow {
    /// Nowhere in particular.
    Home,
    /// A page of this site.
    Page(Box<Interaction>),
    /// An authorization request that waits.
    App(Box<Waiting>),
    /// A request that waited is not answered any more, or not in this browser.
    Over {
        /// The request's parameters as a query.
        query: String,
        why: Ended,
    },
    /// A token that is not ours, or whose app is gone.
    Stale,
}

/// An authorization request that waits.
pub struct Waiting {
    /// As it travels.
    pub token: String,
    pub interaction: Interaction,
    /// What of it is shown.
    pub view: View,
}

impl Flow {
    /// Reads the value of `continue`, as this browser brings it.
    pub fn read(browser: &Browser, text: &str) -> Result<Self, Error> {
        let cx = &browser.cx;
        let interaction = match Interaction::open(cx, text, browser.known_name())? {
            PresentedInteraction::Nothing => return Ok(Self::Home),
            PresentedInteraction::Waiting(interaction) => interaction,
            PresentedInteraction::Over { resume: Resume::Authorization(query), why } => {
                return Ok(Self::Over { query, why });
            }
            PresentedInteraction::Over { resume: Resume::Page(_), .. } | PresentedInteraction::Unknown => {
                return Ok(Self::Stale);
            }
        };
        let query = match &interaction.resume {
            Resume::Page(_) => return Ok(Self::Page(interaction)),
            Resume::Authorization(query) => query,
        };
        let Some(view) = authorize::view(cx, query)? else { return Ok(Self::Stale) };
        Ok(Self::App(Box::new(Waiting { token: text.to_owned(), interaction: *interaction, view })))
    }

    /// What waits, if anything does.
    pub fn interaction(&self) -> Option<&Interaction> {
        match self {
            Self::Home | Self::Over { .. } | Self::Stale => None,
            Self::Page(interaction) => Some(interaction),
            Self::App(waiting) => Some(&waiting.interaction),
        }
    }

    /// Which level a sign-in for it is to have.
    pub fn wanted(&self) -> Wanted {
        match self {
            Self::App(waiting) => waiting.view.wanted,
            Self::Home | Self::Page(_) | Self::Over { .. } | Self::Stale => Wanted::POLICY,
        }
    }

    /// The value of the hidden field `continue`.
    pub fn token(&self) -> &str {
        match self {
            Self::Home | Self::Over { .. } | Self::Stale => "",
            Self::Page(interaction) => path(interaction).unwrap_or_default(),
            Self::App(waiting) => &waiting.token,
        }
    }

    /// Where to go once the page has done its work.
    pub fn next(&self, cx: &Cx) -> String {
        let home = || cx.tenant.urls.path(paths::HOME);
        match self {
            Self::Home | Self::Over { .. } | Self::Stale => home(),
            Self::Page(interaction) => path(interaction).map_or_else(home, str::to_owned),
            Self::App(waiting) => waiting.resume(cx),
        }
    }

    /// Where to go after a sign-in on this page, which began this session: an app's request learns that it was for it.
    pub fn signed_in(&self, cx: &Cx, session: &SessionId) -> String {
        match self {
            Self::App(waiting) => waiting.resumed_as(cx, &waiting.interaction.proved_in(session)),
            _ => self.next(cx),
        }
    }

    /// The answer where there is nothing to go on with: the request begins anew in this browser, or a page says why
    /// not. A form that was drawn for it is not looked at.
    pub fn ended(&self, browser: &Browser) -> Option<Result<HttpResponse, Refusal>> {
        let refusal = match self {
            // A page that was bookmarked, or left open: what it waited for is as good as when it came.
            Self::Over { query, why } if why.begins_anew(browser.known_name().is_some()) => {
                return Some(Ok(go(&browser.cx.tenant.urls.path_asking(paths::AUTHORIZE[0], query))));
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

    /// Whether a form of the page may end at an app.
    pub fn leads_away(&self) -> bool {
        self.app().is_some()
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
    pub fn resume(&self, cx: &Cx) -> String {
        cx.tenant.urls.path_with(paths::AUTHORIZE[0], "interaction", &self.token)
    }

    /// Takes the request up again with what has happened on the page.
    pub fn resumed_as(&self, cx: &Cx, interaction: &Interaction) -> String {
        cx.tenant.urls.path_with(paths::AUTHORIZE[0], "interaction", &interaction.seal(cx))
    }
}

/// The path of a page that waits; `None` for anything else.
fn path(interaction: &Interaction) -> Option<&str> {
    match &interaction.resume {
        Resume::Page(path) => Some(path),
        Resume::Authorization(_) => None,
    }
}

/// The page where a request is needed and there is none.
pub fn stale(cx: &Cx) -> Result<HttpResponse, Refusal> {
    crate::http::oauth::refuse(cx, &PageRefusal::stale_interaction())
}

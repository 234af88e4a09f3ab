//! What a person was about to do when one of our pages stopped them, between two visits of the browser: kept by the
//! browser, authenticated here.
//!
//! The page brings it back in the parameter or hidden field `continue`. A path of this site stands there as it is: it
//! opens nothing that its own page does not open to anybody. Everything else is a token: bound to the browser that
//! asked, works until it was answered once, and carries what the person has proved and chosen *for it*, each with the
//! session in which that happened. A sign-in that did not carry it, in another browser or another window, proves
//! nothing to it.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;

use crate::base::id::{InteractionId, SessionId, UserId};
use crate::base::quota::{Level, Quota};
use crate::base::secret::sha256;
use crate::cx::Cx;
use crate::store::{Error, Tx, rows};

pub use crate::records::interaction::{Interaction, Resume};

/// How long a person may take over our pages.
const LIFE: Duration = Duration::from_secs(3600);

/// How far a clock may be set back before a token counts as one from the future.
const LEEWAY: Duration = Duration::from_secs(60);

/// The purpose of the tag; no other value of this server can be taken for an interaction.
const PURPOSE: &str = "interaction";

/// Requests that one person may answer within [`LIFE`]: of each a note is kept for as long.
const ANSWERS: u32 = 600;

/// Bytes of the longest path that is taken.
const LONGEST_PATH: usize = 2000;

/// The count that [`ANSWERS`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(LIFE)
}

/// What `continue` is worth in the browser that brings it.
#[derive(Debug)]
pub enum PresentedInteraction {
    /// There is none.
    Nothing,
    /// It is to be answered, and may be.
    Waiting(Box<Interaction>),
    /// Something that began here and is not answered here and now. It may begin anew, like one that comes for the first
    /// time: with nothing proved.
    Over {
        /// What would have gone on.
        resume: Resume,
        /// Why it does not go on.
        why: Ended,
    },
    /// Not made here, or changed.
    Unknown,
}

/// Why what waited is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person took too long.
    Late,
    /// It was answered before.
    Answered,
    /// Another browser asked.
    Elsewhere,
}

impl Ended {
    /// Whether the request begins anew by itself, as one that comes for the first time, in a browser that keeps cookies
    /// or does not. What another browser began would go round in circles where no cookie is kept; what was answered
    /// begins anew only when the person says so, since the app has its answer.
    pub fn begins_anew(self, keeps_cookies: bool) -> bool {
        match self {
            Self::Late => true,
            Self::Elsewhere => keeps_cookies,
            Self::Answered => false,
        }
    }
}

impl Interaction {
    /// Something that begins to wait now, in the browser of this name, which is in this session if in any.
    pub fn begin(cx: &Cx, browser: &str, resume: Resume, session: Option<&SessionId>) -> Self {
        Self {
            id: InteractionId::new(cx.now, cx.entropy()),
            browser: digest(browser),
            resume,
            at: cx.now,
            session: session.cloned(),
            proved_in: None,
            chosen_in: None,
        }
    }

    /// The same as it waits from this visit on, in this session if in any: when it began, and what was proved and
    /// chosen for it, stays.
    pub fn again(&self, resume: Resume, session: Option<&SessionId>) -> Self {
        Self { resume, session: session.cloned(), ..self.clone() }
    }

    /// The value of `continue`: the path of a page, or a token that is URL-safe, authenticated, and not secret.
    pub fn seal(&self, cx: &Cx) -> String {
        if let Resume::Page(path) = &self.resume {
            return path.clone();
        }
        let body = serde_json::to_vec(self).unwrap_or_default();
        let tag = cx.app.mac.sign(cx.tenant.purpose(PURPOSE), &body);
        format!("{}.{tag}", BASE64URL_NOPAD.encode(&body))
    }

    /// Reads what the browser of this name brings; `None` when it has none yet.
    pub fn open(cx: &Cx, text: &str, browser: Option<&str>) -> Result<PresentedInteraction, Error> {
        if text.is_empty() {
            return Ok(PresentedInteraction::Nothing);
        }
        if let Some(path) = own_path(cx, text) {
            let page = Self::begin(cx, browser.unwrap_or_default(), Resume::Page(path.to_owned()), None);
            return Ok(PresentedInteraction::Waiting(Box::new(page)));
        }
        let Some(interaction) = Self::genuine(cx, text) else { return Ok(PresentedInteraction::Unknown) };
        let is_late = cx.now.since(interaction.at) > LIFE || interaction.at > cx.now.plus(LEEWAY);
        let why = if is_late {
            Ended::Late
        } else if browser.map(digest).as_ref() != Some(&interaction.browser) {
            Ended::Elsewhere
        } else if rows::interactions::is_answered(&cx.read()?, cx.tenant.id, &interaction.id)? {
            Ended::Answered
        } else {
            return Ok(PresentedInteraction::Waiting(Box::new(interaction)));
        };
        Ok(PresentedInteraction::Over { resume: interaction.resume, why })
    }

    fn genuine(cx: &Cx, token: &str) -> Option<Self> {
        let (body, tag) = token.split_once('.')?;
        let body = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
        if !cx.app.mac.verify(cx.tenant.purpose(PURPOSE), &body, tag) {
            return None;
        }
        serde_json::from_slice(&body).ok()
    }

    /// The same after a sign-in that carried it and began this session.
    pub fn proved_in(&self, session: &SessionId) -> Self {
        Self { proved_in: Some(session.clone()), ..self.clone() }
    }

    /// The same after the person has chosen, in this session, to go on with its account.
    pub fn chosen_in(&self, session: &SessionId) -> Self {
        Self { chosen_in: Some(session.clone()), ..self.clone() }
    }

    /// Whether this person may answer one more within the hour.
    pub fn may_answer(cx: &Cx, user: &UserId) -> bool {
        let level = Level::new("interaction", user.as_str(), ANSWERS);
        cx.process().answered_interactions.take(cx.tenant.id, &[level], cx.now).is_some()
    }

    /// Notes the answer, in the transaction that gives it; false when there was one before.
    pub fn answer(&self, tx: &mut Tx, cx: &Cx) -> Result<bool, Error> {
        rows::interactions::answer(tx, cx.tenant.id, &self.id, self.at.plus(LIFE + LEEWAY))
    }
}

/// What is kept of the name of a browser.
pub(super) fn digest(browser: &str) -> String {
    BASE64URL_NOPAD.encode(&sha256(browser.as_bytes()))
}

/// A path of the tenant: begins with one slash, holds nothing that a browser would read as the beginning of a host, and
/// is below the base path.
pub fn own_path<'t>(cx: &Cx, text: &'t str) -> Option<&'t str> {
    path_of_site(text).filter(|path| cx.tenant.urls.contain(path))
}

fn path_of_site(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('/')?;
    let is_own = !rest.starts_with('/') && !text.contains('\\') && text.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
    (is_own && text.len() <= LONGEST_PATH).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    #[test]
    fn bug_class_04_only_a_path_of_our_own_is_followed() {
        for good in ["/", "/account", "/admin/users?q=a#b", "/a//b"] {
            assert_eq!(path_of_site(good), Some(good));
        }
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/a\\b",
            "\\/evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/ /evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(path_of_site(bad), None, "{bad:?}");
        }
    }

    fn opened(home: &TestApp, text: &str, browser: Option<&str>) -> PresentedInteraction {
        Interaction::open(&home.cx(), text, browser).unwrap()
    }

    #[test]
    fn a_path_waits_as_it_is_and_a_request_in_a_token_of_its_browser() {
        let home = TestApp::new();
        let PresentedInteraction::Waiting(page) = opened(&home, "/account?tab=1", None) else { panic!("a page waits") };
        assert_eq!(
            (page.resume.clone(), page.seal(&home.cx())),
            (Resume::Page("/account?tab=1".into()), "/account?tab=1".into())
        );
        assert!(matches!(opened(&home, "", Some("b")), PresentedInteraction::Nothing));
        let request = Interaction::begin(&home.cx(), "b", Resume::Authorization("client_id=shop".into()), None);
        let token = request.seal(&home.cx());
        assert!(matches!(opened(&home, &token, Some("b")), PresentedInteraction::Waiting(same) if *same == request));
        for browser in [None, Some(""), Some("other")] {
            assert!(
                matches!(opened(&home, &token, browser), PresentedInteraction::Over { why: Ended::Elsewhere, .. }),
                "{browser:?}"
            );
        }
        for changed in [format!("{token}A"), format!("A{token}"), token.replace('.', ""), String::from("x.y")] {
            assert!(matches!(opened(&home, &changed, Some("b")), PresentedInteraction::Unknown), "{changed}");
        }
        home.advance(LIFE + Duration::from_millis(1));
        assert!(matches!(opened(&home, &token, Some("b")), PresentedInteraction::Over { why: Ended::Late, .. }));
    }

    #[test]
    fn a_token_from_before_there_were_several_kinds_is_read() {
        let home = TestApp::new();
        let id = InteractionId::new(home.cx().now, home.cx().entropy());
        let body =
            format!(r#"{{"i":"{id}","b":"{}","q":"client_id=shop","t":{}}}"#, digest("b"), home.cx().now.millis());
        let token = format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(body.as_bytes()),
            home.cx().app.mac.sign(home.cx().tenant.purpose(PURPOSE), body.as_bytes())
        );
        let PresentedInteraction::Waiting(read) = opened(&home, &token, Some("b")) else { panic!("it waits") };
        assert_eq!((read.id.clone(), read.resume.clone()), (id, Resume::Authorization("client_id=shop".into())));
    }

    #[test]
    fn what_is_the_same_is_the_same_request_or_the_same_page() {
        let home = TestApp::new();
        let begin = |resume| Interaction::begin(&home.cx(), "b", resume, None);
        let page = |path: &str| begin(Resume::Page(path.into()));
        let request = begin(Resume::Authorization("a=1".into()));
        assert!(page("/a").is_same(&page("/a")) && !page("/a").is_same(&page("/b")) && !page("/a").is_same(&request));
        let later = request.again(Resume::Authorization("a=2".into()), None);
        assert!(request.is_same(&later) && !request.is_same(&begin(Resume::Authorization("a=1".into()))));
    }
}

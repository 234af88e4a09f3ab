//! What every page has: the frame around it, and the small values many pages show.

use crate::base::text::shown;
use crate::config::{Contact, Look};
use crate::http::{assets, look};
use crate::records::User;
use crate::tenant::{Path, Urls};

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// Language of the page, a BCP 47 tag. The words are English so far.
    pub lang: String,
    /// The app a person came from, when one is known and proved.
    pub app: Option<AppName>,
    /// Who provides the sign-in: the name that is set, or the issuer's host (`id.example.com`).
    pub provider: String,
    /// Makes every address of the tenant.
    pub urls: Urls,
    /// Address of the stylesheet.
    pub styles: String,
    /// Address of the script with the small comforts.
    pub script: String,
    /// Address of the icon.
    pub icon: String,
    /// Its media type.
    pub icon_type: &'static str,
    /// The name that is set.
    pub brand: Option<String>,
    /// Address of the logo, when one is set; it is the icon too.
    pub logo: Option<String>,
    /// Address of a second stylesheet, when a colour is set.
    pub accent: Option<String>,
    /// Who helps people, when that is set.
    pub contact: Option<Contact>,
}

impl Shell {
    /// The frame for the pages of a tenant, with no app.
    pub fn new(urls: Urls) -> Self {
        Self {
            lang: "en".to_owned(),
            app: None,
            provider: urls.host().to_owned(),
            styles: assets::href(&urls, "auther.css"),
            script: assets::href(&urls, "auther.js"),
            icon: assets::href(&urls, "favicon.svg"),
            icon_type: "image/svg+xml",
            brand: None,
            logo: None,
            accent: None,
            contact: None,
            urls,
        }
    }

    /// The same frame with the name, the colour and the logo that are set.
    #[must_use]
    pub fn with_look(mut self, set: &Look) -> Self {
        if let Some(name) = &set.name {
            self.provider.clone_from(name);
        }
        if let Some((logo, media)) = look::logo_href(&self.urls, set) {
            self.icon.clone_from(&logo);
            self.icon_type = media;
            self.logo = Some(logo);
        }
        self.brand.clone_from(&set.name);
        self.contact.clone_from(&set.contact);
        self.accent = look::styles_href(&self.urls, set);
        self
    }

    /// The same frame, naming the app a person came from. What a stored name holds that is not seen is shown as its
    /// number.
    #[must_use]
    pub fn for_app(mut self, name: &str) -> Self {
        self.app = Some(AppName { name: shown(name).into_owned() });
        self
    }

    /// Where the page of a template is, and its form is sent.
    pub fn at(&self, page: Path) -> String {
        self.urls.path(page)
    }
}

/// An app as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName {
    /// The client's name.
    pub name: String,
}

impl AppName {
    /// The letter that stands for the app.
    pub fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// The account a page speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Full name; may be empty.
    pub name: String,
    /// E-mail address, or the username of an account without one.
    pub email: String,
}

impl Account {
    /// The account of a person as pages show it. What a stored name holds that is not seen is shown as its number.
    pub fn of(user: &User) -> Self {
        let name = user.profile.name.as_deref().unwrap_or_default();
        Self { name: shown(name).into_owned(), email: shown(&user.email).into_owned() }
    }
}

impl Account {
    /// The name, or the e-mail address of an account without a name.
    pub fn shown_name(&self) -> &str {
        if self.name.trim().is_empty() { &self.email } else { &self.name }
    }

    /// The letter that stands for the account.
    pub fn initial(&self) -> String {
        initial(self.shown_name())
    }
}

/// A way on: what it says and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads. From our own routes or validated: it is not checked here.
    pub href: String,
    pub label: String,
}

/// The first letter or digit, upper case; a dot when there is none.
fn initial(name: &str) -> String {
    name.chars()
        .find(|letter| letter.is_alphanumeric())
        .map_or_else(|| "·".to_owned(), |letter| letter.to_uppercase().collect())
}

#[cfg(test)]
impl Shell {
    pub(crate) fn sample() -> Self {
        Self::sample_below("")
    }

    /// The frame of a tenant with this base path.
    pub(crate) fn sample_below(base: &str) -> Self {
        let origin = crate::config::Issuer { host: "id.example.com".to_owned(), ..crate::testing::settings().issuer };
        Self::new(Urls::new(origin, base))
    }
}

#[cfg(test)]
impl Account {
    pub(crate) fn sample() -> Self {
        Self { name: "Ann Lindqvist".to_owned(), email: "ann@example.com".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_is_the_first_letter_that_can_be_read() {
        assert_eq!(initial("grafana"), "G");
        assert_eq!(initial("  «östra» "), "Ö");
        assert_eq!(initial("ßeta"), "SS");
        assert_eq!(initial("7zip"), "7");
        assert_eq!(initial("!?"), "·");
        assert_eq!(initial(""), "·");
    }

    #[test]
    fn an_account_without_a_name_shows_its_address() {
        assert_eq!(Account { name: " ".to_owned(), email: "a@b.c".to_owned() }.shown_name(), "a@b.c");
    }
}

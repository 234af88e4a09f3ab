//! Who helps people: what `look.contact` says, and where it leads.

use crate::base::canonical;

/// Who helps people who cannot get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// As it was written: an address or words.
    pub text: String,
    /// Where it leads, if it is an e-mail address or an https address.
    pub href: Option<String>,
}

impl Contact {
    /// What these words mean.
    pub fn of(words: String) -> Self {
        let href = match url::Url::parse(&words) {
            Ok(url) if url.scheme() == "https" => Some(url.to_string()),
            _ => canonical::email(&words).map(|address| format!("mailto:{address}")),
        };
        Self { text: words, href }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_there_and_words_lead_nowhere() {
        for (words, wanted) in [
            ("Help@Example.com", Some("mailto:help@example.com")),
            ("https://help.example.com/ask", Some("https://help.example.com/ask")),
            ("the IT desk, room 12", None),
            ("http://help.example.com", None),
            ("javascript:alert(1)", None),
            ("javascript:alert(1)@example.com", None),
            ("mailto:help@example.com", None),
        ] {
            let contact = Contact::of(words.to_owned());
            assert_eq!((contact.text.as_str(), contact.href.as_deref()), (words, wanted));
        }
    }
}

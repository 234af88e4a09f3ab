//! What the settings add to every page: a small stylesheet with the colour, and the logo. Both are below `/assets`,
//! under the hash of their content.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETag, EntityTag, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use data_encoding::HEXLOWER;

use super::assets;
use crate::base::secret::sha256;
use crate::config::Look;
use crate::config::look::{Accent, ImageFormat, Logo, Tones};
use crate::cx::Cx;
use crate::tenant::{Urls, paths};

/// A drawing that is opened by itself runs nothing and fetches nothing; it may colour itself.
const LOGO_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// The address of the stylesheet; none when no colour is set.
pub fn styles_href(urls: &Urls, look: &Look) -> Option<String> {
    let accent = look.accent.as_ref()?;
    Some(urls.path_below(paths::ASSETS, &format!("look.{}.css", short_hash(styles(accent).as_bytes()))))
}

/// The address of the logo and its media type; none when none is set.
pub fn logo_href(urls: &Urls, look: &Look) -> Option<(String, &'static str)> {
    let logo = look.logo.as_ref()?;
    let (kind, media) = kind_of(logo);
    Some((urls.path_below(paths::ASSETS, &format!("logo.{}.{kind}", hash_of(logo))), media))
}

/// Answers `GET` and `HEAD` for the stylesheet as it is now; 404 for one that was.
pub async fn serve_styles(request: HttpRequest, cx: Cx, hash: web::Path<String>) -> HttpResponse {
    let found = cx.settings().look.accent.as_ref().map(styles).filter(|css| short_hash(css.as_bytes()) == *hash);
    match found {
        Some(css) => answer(&request, &hash, "text/css; charset=utf-8", None, css.into()),
        None => assets::not_found(),
    }
}

/// Answers `GET` and `HEAD` for the logo as it is now; 404 for one that was.
pub async fn serve_logo(request: HttpRequest, cx: Cx, address: web::Path<(String, String)>) -> HttpResponse {
    let (hash, kind) = address.into_inner();
    let is_asked = |logo: &&Logo| hash_of(logo) == hash && kind_of(logo).0 == kind;
    match cx.settings().look.logo.as_ref().filter(is_asked) {
        Some(logo) => answer(&request, &hash, kind_of(logo).1, Some(LOGO_POLICY), Bytes::copy_from_slice(&logo.bytes)),
        None => assets::not_found(),
    }
}

/// The address holds the hash of the content: it may be kept for ever (RFC 8246).
fn answer(request: &HttpRequest, hash: &str, media: &str, policy: Option<&str>, body: Bytes) -> HttpResponse {
    let tag = EntityTag::new_strong(hash.to_owned());
    let is_known = assets::has_already(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag))
        .insert_header((CACHE_CONTROL, assets::FOR_EVER))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(policy) = policy {
        response.insert_header((CONTENT_SECURITY_POLICY, policy));
    }
    if is_known { response.finish() } else { response.insert_header((CONTENT_TYPE, media)).body(body) }
}

/// The tokens of `auther.css` that the colour replaces.
fn styles(accent: &Accent) -> String {
    let tokens = |Tones { accent, strong, on }: Tones| {
        format!(":root{{--accent:{accent};--accent-strong:{strong};--on-accent:{on}}}")
    };
    format!("{}\n@media (prefers-color-scheme:dark){{{}}}\n", tokens(accent.light), tokens(accent.dark))
}

fn kind_of(logo: &Logo) -> (&'static str, &'static str) {
    match logo.kind {
        ImageFormat::Svg => ("svg", "image/svg+xml"),
        ImageFormat::Png => ("png", "image/png"),
    }
}

fn hash_of(logo: &Logo) -> String {
    short(&logo.digest)
}

fn short_hash(bytes: &[u8]) -> String {
    short(&sha256(bytes))
}

fn short(digest: &[u8]) -> String {
    let mut hash = HEXLOWER.encode(digest);
    hash.truncate(8);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::look::{Colour, DARK, LIGHT};

    const STYLESHEET: &str = include_str!("../../assets/static/auther.css");

    fn urls() -> Urls {
        Urls::new(crate::testing::settings().issuer, "")
    }

    fn accent() -> Accent {
        Accent::of(Colour(0x7a, 0x1f, 0x5c)).unwrap()
    }

    /// What the stylesheet lays under text, as the contrast of a colour is checked against it.
    #[test]
    fn colours_are_checked_against_the_grounds_of_the_stylesheet() {
        let (light, rest) = STYLESHEET.split_once("prefers-color-scheme: dark").unwrap();
        let (dark, _) = rest.split_once("/* Elements */").unwrap();
        for (text, grounds) in [(light, LIGHT), (dark, DARK)] {
            let mut wanted = Vec::new();
            for name in ["--background: ", "--sunken: ", "--raised: "] {
                let (_, value) = text.split_once(name).unwrap();
                wanted.push(Colour::parse(value.split(';').next().unwrap()).unwrap());
            }
            for ground in wanted {
                assert!(grounds.contains(&ground), "{ground}");
            }
        }
    }

    #[test]
    fn the_stylesheet_replaces_tokens_that_exist_and_nothing_else() {
        let css = styles(&accent());
        assert!(css.starts_with(":root{--accent:#7a1f5c;"), "{css}");
        for token in css.split(['{', ';', '}']).filter(|part| part.trim().starts_with("--")) {
            let (name, value) = token.split_once(':').unwrap();
            assert!(STYLESHEET.contains(&format!("{name}: ")), "{name}");
            assert!(Colour::parse(value).is_some(), "{value}");
        }
    }

    #[test]
    fn nothing_set_adds_nothing() {
        assert_eq!(styles_href(&urls(), &Look::default()), None);
        assert_eq!(logo_href(&urls(), &Look::default()), None);
    }

    #[test]
    fn an_address_follows_from_the_content() {
        let look =
            |bytes: &[u8]| Look { logo: Some(Logo::of("logo".into(), bytes.to_vec()).unwrap()), ..Look::default() };
        let (one, media) = logo_href(&urls(), &look(b"<svg/>")).unwrap();
        assert!(one.starts_with("/assets/logo.") && one.ends_with(".svg") && media == "image/svg+xml");
        assert_ne!(one, logo_href(&urls(), &look(b"<svg />")).unwrap().0);
        assert_eq!(logo_href(&urls(), &look(b"\x89PNG\r\n\x1a\n")).unwrap().1, "image/png");
    }
}

//! The static files of the pages, carried inside the binary.
//!
//! A file is asked for as `/assets/{stem}.{hash}.{ext}`, where `hash` is the first eight hex digits of its SHA-256. That address always means the same
//! bytes, so browsers may keep it for ever. The plain name `/assets/{stem}.{ext}` works too and is asked about again each time.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETag, EntityTag, Header, IfNoneMatch, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use data_encoding::HEXLOWER;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What is under `assets/static`.
#[derive(RustEmbed)]
#[folder = "assets/static"]
struct Files;

/// How long, and whether, a browser may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// The address holds the hash of the content (RFC 8246).
    ForEver,
    /// The address may mean other bytes after an update: ask with the entity tag.
    AskAgain,
}

impl Keeping {
    fn header(self) -> &'static str {
        match self {
            Self::ForEver => "public, max-age=31536000, immutable",
            Self::AskAgain => "public, no-cache",
        }
    }
}

/// The address a page links a file by: `auther.css` gives `/assets/auther.0123abcd.css`.
/// A name that is no file of ours gives its plain address, which answers 404.
pub fn href(name: &str) -> String {
    match (Files::get(name), name.rsplit_once('.')) {
        (Some(file), Some((stem, extension))) => format!("/assets/{stem}.{}.{extension}", short_hash(&file)),
        _ => format!("/assets/{name}"),
    }
}

/// Answers `GET` and `HEAD /assets/{name}`: 200 with the file, 304 when the caller has it (RFC 9110 section 13.1.2), or 404.
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    answer(&request, &name)
}

/// Answers `/favicon.ico`, which browsers ask for unasked, with the drawn mark.
pub async fn favicon(request: HttpRequest) -> HttpResponse {
    answer(&request, "favicon.svg")
}

fn answer(request: &HttpRequest, name: &str) -> HttpResponse {
    let Some((file, content_type, keeping)) = find_file(name) else {
        return HttpResponse::NotFound()
            .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body("There is no such file.\n");
    };
    let tag = EntityTag::new_strong(short_hash(&file));
    let mut response = if has_already(request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag.clone()))
        .insert_header((CACHE_CONTROL, keeping.header()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if has_already(request, &tag) {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, content_type)).body(file.data.into_owned())
}

/// The file of an address, its content type, and how long it may be kept. A hash that is not today's finds nothing: an old page must not keep new
/// bytes under an old name.
fn find_file(address: &str) -> Option<(EmbeddedFile, &'static str, Keeping)> {
    let (stem, extension) = address.rsplit_once('.')?;
    let content_type = content_type(extension)?;
    if let Some(file) = Files::get(address) {
        return Some((file, content_type, Keeping::AskAgain));
    }
    let (stem, hash) = stem.rsplit_once('.')?;
    let file = Files::get(&format!("{stem}.{extension}"))?;
    (short_hash(&file) == hash).then_some((file, content_type, Keeping::ForEver))
}

fn content_type(extension: &str) -> Option<&'static str> {
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn short_hash(file: &EmbeddedFile) -> String {
    let mut hash = HEXLOWER.encode(&file.metadata.sha256_hash());
    hash.truncate(8);
    hash
}

/// `If-None-Match` compares weakly (RFC 9110 section 13.1.2).
fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|theirs| theirs.weak_eq(tag)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::{StatusCode, header};
    use actix_web::{App, body, test};

    async fn ask(address: &str, known: Option<&str>) -> HttpResponse {
        let app = test::init_service(
            App::new().route("/assets/{name}", web::get().to(serve)).route("/favicon.ico", web::get().to(favicon)),
        )
        .await;
        let mut request = test::TestRequest::get().uri(address);
        if let Some(tag) = known {
            request = request.insert_header((header::IF_NONE_MATCH, tag));
        }
        let (_, response) = test::call_service(&app, request.to_request()).await.into_parts();
        response.map_into_boxed_body()
    }

    fn told<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[actix_web::test]
    async fn a_hashed_address_may_be_kept_for_ever() {
        let response = ask(&href("auther.css"), None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(told(&response, "content-type"), "text/css; charset=utf-8");
        assert_eq!(told(&response, "x-content-type-options"), "nosniff");
        assert!(told(&response, "cache-control").contains("immutable"));
        let bytes = body::to_bytes(response.into_body()).await.unwrap();
        assert_eq!(bytes.as_ref(), Files::get("auther.css").unwrap().data.as_ref());
    }

    #[actix_web::test]
    async fn a_plain_address_is_asked_about_again() {
        let response = ask("/assets/form-post.js", None).await;
        assert_eq!(told(&response, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(told(&response, "cache-control"), "public, no-cache");
    }

    #[actix_web::test]
    async fn who_has_the_file_is_not_sent_it_again() {
        let tag = told(&ask("/assets/auther.js", None).await, "etag").to_owned();
        let response = ask("/assets/auther.js", Some(&format!("\"other\", W/{tag}"))).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(told(&response, "etag"), tag);
        assert_eq!(ask("/assets/auther.js", Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[actix_web::test]
    async fn a_stale_hash_or_an_unknown_name_is_not_found() {
        for address in [
            "/assets/auther.00000000.css",
            "/assets/nothing.css",
            "/assets/auther",
            "/assets/..%2fauther.css",
            "/assets/%2e%2e%2fpages%2flayout.html",
        ] {
            assert_eq!(ask(address, None).await.status(), StatusCode::NOT_FOUND, "{address}");
        }
        assert_eq!(href("nothing.css"), "/assets/nothing.css");
    }

    #[actix_web::test]
    async fn the_icon_browsers_ask_for_is_the_mark() {
        let response = ask("/favicon.ico", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(told(&response, "content-type"), "image/svg+xml");
    }

    #[::core::prelude::v1::test]
    fn every_file_has_an_address_and_a_type() {
        for name in Files::iter() {
            let address = href(&name);
            let found = find_file(address.trim_start_matches("/assets/"));
            assert_eq!(found.map(|found| found.2), Some(Keeping::ForEver), "{name}");
        }
    }
}

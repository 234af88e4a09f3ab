//! The static files of the pages, carried inside the binary.
//!
//! A file is asked for as `/assets/{stem}.{hash}.{ext}`, where `hash` is the first eight hex digits of its SHA-256.
//! That address always means the same bytes, so browsers may keep it for ever. The plain name `/assets/{stem}.{ext}`
//! works too and is asked about again each time.
//!
//! Modules name each other by relative addresses. They are asked for as `/assets/{version}/{path}`, where the version
//! is a hash over all files.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, PoisonError, RwLock};

use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETag, EntityTag, Header, IfNoneMatch, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::base::secret::sha256;
use crate::tenant::{Urls, paths};

/// What is under `assets/static`: for every page.
#[derive(RustEmbed)]
#[folder = "assets/static"]
struct Files;

/// What is under `assets/admin`.
#[derive(RustEmbed)]
#[folder = "assets/admin"]
struct Admin;

/// What is under `assets/account`.
#[derive(RustEmbed)]
#[folder = "assets/account"]
struct Account;

/// The hash over all files, in a program that carries them.
static VERSION: LazyLock<String> = LazyLock::new(digest);

/// Files packed so far, by the hash of what they hold.
static PACKED: LazyLock<RwLock<HashMap<[u8; 32], Bytes>>> = LazyLock::new(RwLock::default);

/// What an address that holds the hash of its content says of itself (RFC 8246).
pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// How long, and whether, a browser may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CachePolicy {
    /// The address holds the hash of the content (RFC 8246).
    ForEver,
    /// The address may mean other bytes after an update: ask with the entity tag.
    AskAgain,
}

impl CachePolicy {
    fn header(self) -> &'static str {
        match self {
            Self::ForEver => FOR_EVER,
            Self::AskAgain => "public, no-cache",
        }
    }
}

/// The address a page links a file by: `auther.css` gives `/assets/auther.0123abcd.css`.
/// A name that is no file of the assets gives its plain address, which answers 404.
pub fn href(urls: &Urls, name: &str) -> String {
    let hashed = match (Files::get(name), name.rsplit_once('.')) {
        (Some(file), Some((stem, extension))) => format!("{stem}.{}.{extension}", short_hash(&file)),
        _ => name.to_owned(),
    };
    urls.path_below(paths::ASSETS, &hashed)
}

/// The address of a module: `admin/app.js` gives `/assets/89abcdef/admin/app.js`. What it imports is below the same
/// version.
pub fn module(urls: &Urls, path: &str) -> String {
    urls.path_below(paths::ASSETS, &format!("{}/{path}", version()))
}

/// Answers `GET` and `HEAD /assets/{version}/{path}`. Another version than this one gets the file as it is now, to be
/// asked about again.
pub async fn serve_module(request: HttpRequest, address: web::Path<(String, String)>) -> HttpResponse {
    let (given, path) = address.into_inner();
    let keeping = if given == version() { CachePolicy::ForEver } else { CachePolicy::AskAgain };
    let found = module_file(&path).zip(path.rsplit_once('.').and_then(|(_, extension)| content_type(extension)));
    answer(&request, found.map(|(file, content_type)| (file, content_type, keeping)))
}

fn module_file(path: &str) -> Option<EmbeddedFile> {
    match path.split_once('/')? {
        ("static", name) => Files::get(name),
        ("admin", name) => Admin::get(name),
        ("account", name) => Account::get(name),
        _ => None,
    }
}

/// While developing, files are read from the folder and may change at any time.
fn version() -> String {
    if cfg!(debug_assertions) { digest() } else { VERSION.clone() }
}

fn digest() -> String {
    let named = |folder: &str, name: &str| format!("{folder}/{name}");
    let all = Files::iter().map(|name| named("static", &name));
    let all = all.chain(Admin::iter().map(|name| named("admin", &name)));
    let all = all.chain(Account::iter().map(|name| named("account", &name)));
    let mut paths: Vec<String> = all.collect();
    paths.sort_unstable();
    let mut hashes = String::new();
    for file in paths.iter().filter_map(|path| module_file(path)) {
        hashes.push_str(&HEXLOWER.encode(&file.metadata.sha256_hash()));
    }
    let mut digest = HEXLOWER.encode(&sha256(hashes.as_bytes()));
    digest.truncate(8);
    digest
}

/// Answers `GET` and `HEAD /assets/{name}`: 200 with the file, 304 when the caller has it (RFC 9110 section 13.1.2), or
/// 404.
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    answer(&request, find_file(&name))
}

/// Answers `/favicon.ico`, which browsers ask for unasked, with the drawn mark.
pub async fn favicon(request: HttpRequest) -> HttpResponse {
    answer(&request, find_file("favicon.svg"))
}

/// The answer where no file is.
pub(super) fn not_found() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body("There is no such file.\n")
}

fn answer(request: &HttpRequest, found: Option<(EmbeddedFile, &'static str, CachePolicy)>) -> HttpResponse {
    let Some((file, content_type, keeping)) = found else { return not_found() };
    // Another coding is another representation, with a tag of its own (RFC 9110 section 8.8.3.3).
    let packed = takes_gzip(request).then(|| gzipped(&file)).flatten();
    let tag = EntityTag::new_strong(short_hash(&file) + if packed.is_some() { "-gzip" } else { "" });
    let mut response = if has_already(request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag.clone()))
        .insert_header((CACHE_CONTROL, keeping.header()))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if has_already(request, &tag) {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, content_type));
    match packed {
        Some(packed) => response.insert_header((CONTENT_ENCODING, "gzip")).body(packed),
        None => response.body(file.data.into_owned()),
    }
}

/// Whether the answer may come packed (RFC 9110 section 12.5.3). These files hold no secret that its length could
/// betray.
fn takes_gzip(request: &HttpRequest) -> bool {
    let given = request.headers().get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    given.flat_map(|line| line.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').map_or((one, ""), |(coding, weight)| (coding, weight));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The file packed, if that makes it smaller: once in the life of the process.
fn gzipped(file: &EmbeddedFile) -> Option<Bytes> {
    let hash = file.metadata.sha256_hash();
    let known = PACKED.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
    let packed = known.or_else(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&file.data).ok()?;
        let packed = Bytes::from(encoder.finish().ok()?);
        PACKED.write().unwrap_or_else(PoisonError::into_inner).insert(hash, packed.clone());
        Some(packed)
    })?;
    (packed.len() < file.data.len()).then_some(packed)
}

/// The file of an address, its content type, and how long it may be kept. A hash that is not today's finds nothing: an
/// old page must not keep new bytes under an old name.
fn find_file(address: &str) -> Option<(EmbeddedFile, &'static str, CachePolicy)> {
    let (stem, extension) = address.rsplit_once('.')?;
    let content_type = content_type(extension)?;
    if let Some(file) = Files::get(address) {
        return Some((file, content_type, CachePolicy::AskAgain));
    }
    let (stem, hash) = stem.rsplit_once('.')?;
    let file = Files::get(&format!("{stem}.{extension}"))?;
    (short_hash(&file) == hash).then_some((file, content_type, CachePolicy::ForEver))
}

fn content_type(extension: &str) -> Option<&'static str> {
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

fn short_hash(file: &EmbeddedFile) -> String {
    let mut hash = HEXLOWER.encode(&file.metadata.sha256_hash());
    hash.truncate(8);
    hash
}

/// `If-None-Match` compares weakly (RFC 9110 section 13.1.2).
pub(super) fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|theirs| theirs.weak_eq(tag)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use actix_web::http::{StatusCode, header};
    use actix_web::{App, body, test};

    const HTM_PREACT: &str = "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7";

    fn urls() -> Urls {
        Urls::new(crate::testing::settings().issuer, "")
    }

    async fn ask(address: &str, known: Option<&str>) -> HttpResponse {
        let app = test::init_service(
            App::new()
                .route("/assets/{name}", web::get().to(serve))
                .route("/assets/{version}/{path:.*}", web::get().to(serve_module))
                .route("/favicon.ico", web::get().to(favicon)),
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
        let response = ask(&href(&urls(), "auther.css"), None).await;
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
        assert_eq!(href(&urls(), "nothing.css"), "/assets/nothing.css");
    }

    #[actix_web::test]
    async fn modules_live_below_the_version_of_all_files_and_nothing_else_does() {
        let modules = ["admin/app.js", "account/app.js", "static/core/api.js", "static/vendor/htm-preact.js"];
        for path in modules {
            let response = ask(&module(&urls(), path), None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(told(&response, "content-type"), "text/javascript; charset=utf-8");
            assert!(told(&response, "cache-control").contains("immutable"));
        }
        let older = ask("/assets/00000000/admin/app.js", None).await;
        assert_eq!((older.status(), told(&older, "cache-control")), (StatusCode::OK, "public, no-cache"));
        for path in
            ["pages/layout.html", "admin/../static/auther.css", "admin", "admin/", "other/app.js", "admin/no.js"]
        {
            assert_eq!(ask(&module(&urls(), path), None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[::core::prelude::v1::test]
    fn the_vendored_library_is_the_one_that_was_published() {
        // htm 3.1.1, preact/standalone.module.js, as its package has it.
        let file = Files::get("vendor/htm-preact.js").unwrap();
        assert_eq!(HEXLOWER.encode(&file.metadata.sha256_hash()), HTM_PREACT);
        assert!(Files::get("vendor/htm-preact.LICENSE.txt").is_some());
    }

    #[actix_web::test]
    async fn who_takes_gzip_gets_less_and_the_same() {
        let app = App::new().route("/assets/{name}", web::get().to(serve));
        let app = test::init_service(app).await;
        let asked = async |accepted: &str| {
            let request =
                test::TestRequest::get().uri("/assets/auther.css").insert_header(("accept-encoding", accepted));
            test::call_service(&app, request.to_request()).await.into_parts().1.map_into_boxed_body()
        };
        let plain = Files::get("auther.css").unwrap().data;
        for accepted in ["gzip", "br, gzip;q=0.5", "deflate, GZIP"] {
            let packed = asked(accepted).await;
            assert_eq!((told(&packed, "content-encoding"), told(&packed, "vary")), ("gzip", "Accept-Encoding"));
            assert!(told(&packed, "etag").ends_with("-gzip\""));
            let bytes = body::to_bytes(packed.into_body()).await.unwrap();
            assert!(bytes.len() * 2 < plain.len(), "{} of {}", bytes.len(), plain.len());
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_ref()).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, plain.as_ref());
        }
        for accepted in ["", "br", "gzip;q=0", "identity", "gzipped"] {
            assert_eq!(told(&asked(accepted).await, "content-encoding"), "", "{accepted}");
        }
    }

    #[actix_web::test]
    async fn the_icon_browsers_ask_for_is_the_mark() {
        let response = ask("/favicon.ico", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(told(&response, "content-type"), "image/svg+xml");
    }

    #[::core::prelude::v1::test]
    fn every_file_has_an_address_and_a_type() {
        // Declarations of types are for the checker and for editors: nothing links them, and they are not served.
        for name in Files::iter().filter(|name| !name.ends_with(".d.ts")) {
            let address = href(&urls(), &name);
            if !name.contains('/') {
                let found = find_file(address.trim_start_matches("/assets/"));
                assert_eq!(found.map(|found| found.2), Some(CachePolicy::ForEver), "{name}");
            }
            assert!(
                module_file(&format!("static/{name}")).is_some()
                    && name.rsplit_once('.').is_some_and(|(_, extension)| content_type(extension).is_some())
            );
        }
    }
}

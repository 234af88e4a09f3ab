//! The admin and account pages: a frame that loads modules, which call the JSON API as the person who is signed in.

use actix_web::{HttpRequest, HttpResponse};

use super::forms::go;
use crate::http::assets;
use crate::http::extract::Browser;
use crate::http::respond::Refusal;
use crate::http::respond::page::{Page, shell};
use crate::http::views::AppPage;
use crate::tenant::paths;

/// What both load before anything else.
const SHARED: [&str; 8] = [
    "static/vendor/htm-preact.js",
    "static/core/html.js",
    "static/core/urls.js",
    "static/core/router.js",
    "static/core/routed.js",
    "static/core/ui.js",
    "static/core/api.js",
    "static/core/data.js",
];

/// `GET /admin` and everything below. Who may see what is decided by the API, call by call; the frame holds nothing.
pub async fn admin(request: HttpRequest, browser: Browser) -> Result<HttpResponse, Refusal> {
    frame(&request, &browser, "Administration", "admin/app.js")
}

/// `GET /account` and everything below.
pub async fn account(request: HttpRequest, browser: Browser) -> Result<HttpResponse, Refusal> {
    frame(&request, &browser, "Your account", "account/app.js")
}

fn frame(request: &HttpRequest, browser: &Browser, title: &'static str, script: &str) -> Result<HttpResponse, Refusal> {
    let urls = &browser.cx.tenant.urls;
    if browser.signed_in.is_none() {
        // HTTP/2 gives the whole address.
        let here = request.uri().path_and_query().map_or("", |here| here.as_str());
        return Ok(go(&urls.path_with(paths::SIGN_IN, "continue", here)));
    }
    let view = AppPage {
        shell: shell(&browser.cx),
        title,
        script: assets::module(urls, script),
        modules: SHARED.map(|path| assets::module(urls, path)).to_vec(),
    };
    Page::of(&view).answer()
}

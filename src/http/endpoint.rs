//! What answers at a path, by method, with the guard around it.
//!
//! May use: `http::{guard, respond, routes}`. Start reading at [`Endpoint`].

use std::borrow::Cow;
use std::rc::Rc;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route, guard, web};

use super::guard::around;
use super::respond::Refusal;
use super::routes::{Matched, Openness};
use crate::tenant::Path;

/// What answers at one or more paths: each method its handler, anything else 405 with `Allow` (RFC 9110 §15.5.6).
///
/// `Endpoint::at(paths::USERINFO).get(show).post(show)` is handed to `config.service(…)`. `GET` answers `HEAD` as well.
///
/// What holds for its routes besides is said here too, and [`Matched`] carries it to what decides by it.
pub struct Endpoint {
    paths: Vec<String>,
    allowed: Vec<Cow<'static, str>>,
    routes: Vec<Box<dyn Fn() -> Route>>,
    openness: Option<Openness>,
    is_attempt: bool,
    is_health: bool,
    names_requests: bool,
}

impl Endpoint {
    /// An endpoint at these paths: one, or one and its aliases.
    pub fn at<const N: usize>(paths: [Path; N]) -> Self {
        Self::of(paths.map(|path| path.pattern().to_owned()).to_vec())
    }

    /// An endpoint below a path: `rest` has no slash before it.
    pub fn below(folder: Path, rest: &str) -> Self {
        Self::of(vec![format!("{}/{rest}", folder.pattern())])
    }

    fn of(paths: Vec<String>) -> Self {
        let (is_attempt, is_health, names_requests) = (false, false, false);
        let (allowed, routes, openness) = (Vec::new(), Vec::new(), None);
        Self { paths, allowed, routes, openness, is_attempt, is_health, names_requests }
    }

    /// Its `POST` tries something that could be guessed, or makes us hash a password: it is counted per address.
    #[must_use]
    pub fn attempt(mut self) -> Self {
        self.is_attempt = true;
        self
    }

    /// It tells the state of the server.
    #[must_use]
    pub fn health(mut self) -> Self {
        self.is_health = true;
        self
    }

    /// Who may call it from a page of another origin, where that is not what its family says.
    #[must_use]
    pub fn open_to(mut self, openness: Openness) -> Self {
        self.openness = Some(openness);
        self
    }

    /// Every caller may name the request (AuthZEN 1.0 §10.1.1).
    #[must_use]
    pub fn names_requests(mut self) -> Self {
        self.names_requests = true;
        self
    }

    fn matched(&self, path: &str) -> Matched {
        let matched = Matched::at(path);
        Matched {
            openness: self.openness.unwrap_or(matched.openness),
            is_attempt: self.is_attempt,
            is_health: self.is_health,
            names_requests: self.names_requests,
            ..matched
        }
    }

    /// Answers `GET` and `HEAD`.
    #[must_use]
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let methods = || guard::Any(guard::Get()).or(guard::Head());
        self.with("GET, HEAD", move || web::route().guard(methods()).to(handler.clone()))
    }

    /// Answers `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.with("POST", move || web::post().to(handler.clone()))
    }

    /// Answers another method.
    #[must_use]
    pub fn on<F, Args>(self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let name = method.to_string();
        self.with(name, move || web::method(method.clone()).to(handler.clone()))
    }

    /// Where it is.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The methods that do something of their own: `HEAD` does what `GET` does.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.allowed.iter().flat_map(|names| names.split(", ")).filter(|name| *name != "HEAD")
    }

    fn with(mut self, name: impl Into<Cow<'static, str>>, route: impl Fn() -> Route + 'static) -> Self {
        self.allowed.push(name.into());
        self.routes.push(Box::new(route));
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut actix_web::dev::AppService) {
        let allowed = self.allowed.join(", ");
        // A resource with one path is found by comparing texts, one with several by a regular expression.
        for path in &self.paths {
            let matched = self.matched(path);
            #[cfg(test)]
            tests::note(&matched, &allowed);
            let allowed = allowed.clone();
            let refuse = web::to(move |request: HttpRequest| {
                let allowed = allowed.clone();
                async move {
                    if request.method() == Method::OPTIONS {
                        return Ok(HttpResponse::NoContent().insert_header((header::ALLOW, allowed)).finish());
                    }
                    Err(Refusal::method_not_allowed(allowed))
                }
            });
            let resource = web::resource(path.as_str()).app_data(Rc::new(matched)).default_service(refuse);
            let resource = self.routes.iter().fold(resource, |resource, route| resource.route(route()));
            resource.wrap(from_fn(around)).register(config);
        }
    }
}

/// The answer where there is no endpoint.
pub async fn not_found() -> Result<HttpResponse, Refusal> {
    Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", "No such endpoint."))
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static REGISTERED: RefCell<Vec<(Method, Matched)>> = const { RefCell::new(Vec::new()) };
    }

    /// Remembers what was registered, for the walk over every route.
    pub(super) fn note(matched: &Matched, allowed: &str) {
        let methods = allowed.split(", ").map(|method| (method.parse().unwrap(), matched.clone()));
        REGISTERED.with_borrow_mut(|all| all.extend(methods));
    }

    /// Every route of the application that this thread made last, with a path that leads to it and what is decided by
    /// it.
    pub(in crate::http) fn registered_with() -> Vec<(Method, String, Matched)> {
        let all = REGISTERED.take();
        let filled = all.into_iter().map(|(method, matched)| {
            let path = matched.pattern.as_deref().unwrap().replace(['{', '}'], "");
            (method, path, matched)
        });
        filled.collect()
    }

    /// The same without the latter.
    pub(in crate::http) fn registered() -> Vec<(Method, String)> {
        registered_with().into_iter().map(|(method, path, _)| (method, path)).collect()
    }
}

//! The HTTP client. Every request has its end: in time, in bytes, in redirects; and every address is checked before it
//! is connected to.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, tls};
use tokio::sync::Semaphore;
use url::Url;

use super::Error;
use super::guard::Guard;
use super::names::{CheckedNames, Names, SystemNames};
use crate::config::Egress;
use crate::crypto;

/// Requests at a time; further ones wait, and their waiting counts.
const AT_ONCE: usize = 64;

/// Redirects that are followed at most.
const REDIRECTS: u8 = 3;

/// What one request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the beginning to the last byte of the answer, redirects included.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

impl Default for Limits {
    /// 10 seconds, 256 KiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(10), bytes: 256 * 1024 }
    }
}

/// A request in the making.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    follows: bool,
    limits: Limits,
}

impl Request {
    /// A GET of this URL.
    pub fn get(url: impl Into<String>) -> Self {
        let (method, headers, limits) = (Method::GET, Vec::new(), Limits::default());
        Self { method, url: url.into(), headers, body: None, follows: false, limits }
    }

    /// A POST of this body to this URL.
    pub fn post(url: impl Into<String>, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let this = Self { method: Method::POST, body: Some(body.into()), ..Self::get(url) };
        this.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// Adds a header. It is not sent to another origin when a redirect leads there.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Follows up to three redirects of a GET, each checked as the first URL was. Without this, and of a POST, a
    /// redirect is the answer.
    #[must_use]
    pub fn follow_redirects(mut self) -> Self {
        self.follows = self.method == Method::GET;
        self
    }

    /// What it may take, in the place of [`Limits::default`].
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    headers: HeaderMap,
    /// The body, as long as was allowed at most.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Asks others: over https and HTTP/1.1, without cookies, without a proxy of the environment, on a connection of its
/// own for each request. The rules are those of the settings it was made from: after a reload, make another. Cheap to
/// clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: Arc<Guard>,
    turns: Arc<Semaphore>,
}

impl Client {
    /// A client that may reach what is public and what `egress.allow` names, and believes the certificate authorities
    /// of this machine and those of `egress.extra_ca`. Errors: `SetUp`.
    pub fn new(egress: &Egress) -> Result<Self, Error> {
        Self::with_names(egress, Arc::new(SystemNames::default()))
    }

    /// The same with names from elsewhere.
    pub(super) fn with_names(egress: &Egress, names: Arc<dyn Names>) -> Result<Self, Error> {
        crypto::tls::install_provider();
        let broken = |error: reqwest::Error| Error::SetUp(error.to_string());
        let guard = Arc::new(Guard::new(egress.allow.clone()));
        let mut http = reqwest::Client::builder()
            .tls_version_min(tls::Version::TLS_1_2)
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            // A connection that is kept was checked by the addresses of earlier.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("auther/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(CheckedNames::new(names, Arc::clone(&guard)));
        if let Some(extra) = &egress.extra_ca {
            http = http.tls_certs_merge(Certificate::from_pem_bundle(extra.pem.as_bytes()).map_err(broken)?);
        }
        let http = http.build().map_err(broken)?;
        Ok(Self { http, guard, turns: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Sends a request and reads the whole answer, whatever its status is. Errors: there is none within the limits, or
    /// the destination may not be reached.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let time = request.limits.time;
        tokio::time::timeout(time, self.follow(request)).await.unwrap_or(Err(Error::TimedOut(time)))
    }

    async fn follow(&self, mut request: Request) -> Result<Response, Error> {
        let _turn = self.turns.acquire().await.map_err(|_| Error::SetUp(String::from("it is closed")))?;
        let url = Url::parse(&request.url).map_err(|_| Error::Url("it is no URL"))?;
        let mut url = self.guard.check_url(url)?;
        let mut redirects = 0;
        loop {
            let answer = self.http.execute(built(&mut request, &url)?).await?;
            let location = if request.follows { location(&answer) } else { None };
            let Some(location) = location else { return read(answer, request.limits.bytes).await };
            redirects += 1;
            if redirects > REDIRECTS {
                return Err(Error::TooManyRedirects(REDIRECTS));
            }
            let next = url.join(&location).map_err(|_| Error::Url("a redirect leads to what is no URL"))?;
            let next = self.guard.check_url(next)?;
            if next.origin() != url.origin() {
                request.headers.clear();
            }
            url = next;
        }
    }
}

fn built(request: &mut Request, url: &Url) -> Result<reqwest::Request, Error> {
    let mut built = reqwest::Request::new(request.method.clone(), url.clone());
    let wrong = || Error::Url("a header cannot be sent");
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        built.headers_mut().append(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
    }
    built.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // Only a GET is sent more than once, and it has none.
    *built.body_mut() = request.body.take().map(Into::into);
    Ok(built)
}

/// Where a redirect leads (RFC 9110 §15.4).
fn location(answer: &reqwest::Response) -> Option<String> {
    let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let value = answer.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Reads the body up to a bound. What is encoded is not read: its size is not that of what it becomes.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Response, Error> {
    let encodings = answer.headers().get_all(CONTENT_ENCODING);
    let encoded = encodings.iter().find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if let Some(coding) = encoded {
        return Err(Error::Encoded(String::from_utf8_lossy(coding.as_bytes()).into_owned()));
    }
    if answer.content_length().is_some_and(|length| length > most as u64) {
        return Err(Error::TooLarge(most));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(Error::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: answer.status().as_u16(), headers: std::mem::take(answer.headers_mut()), body })
}

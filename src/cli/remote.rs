//! How a command reaches the admin API: through the socket of a running server, or by becoming the server for one call.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::flags::{PageFlags, SortFlag};
use super::output::Failure;
use crate::base::clock::SystemClock;
use crate::base::entropy::OsEntropy;
use crate::config::{Loaded, Settings};
use crate::serve::{self, OneCall, socket};
use crate::tenant::paths;

/// How long an ordinary call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the question whether the server is ready may take.
const READY_TIMEOUT: Duration = Duration::from_secs(4);

/// How long to try again while another process has the file open without listening: a server that starts or stops, or
/// another command.
const BUSY: Duration = Duration::from_secs(10);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(25);

/// One request to the admin API.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
    slow: bool,
    makes_file: bool,
}

impl Call {
    fn new<'p>(method: Method, path: impl IntoIterator<Item = &'p str>) -> Self {
        let path = path.into_iter().map(str::to_owned).collect();
        Self { method, path, query: Vec::new(), body: None, slow: false, makes_file: false }
    }

    /// Reads; the path is given in segments below `/api/admin`.
    pub fn get<'p>(path: impl IntoIterator<Item = &'p str>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Makes or does something.
    pub fn post<'p>(path: impl IntoIterator<Item = &'p str>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A call that changes what is at this path of the admin API.
    pub fn patch<'p>(path: impl IntoIterator<Item = &'p str>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// Puts something in the place of what is there.
    pub fn put<'p>(path: impl IntoIterator<Item = &'p str>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A call that removes what is at this path of the admin API.
    pub fn delete<'p>(path: impl IntoIterator<Item = &'p str>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The same call with this body, as JSON.
    #[must_use]
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_value(body).ok();
        self
    }

    /// With this query parameter, if there is a value.
    #[must_use]
    pub fn query(mut self, name: &str, value: Option<String>) -> Self {
        self.query.extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    /// For this part of a list.
    #[must_use]
    pub fn page(self, page: &PageFlags) -> Self {
        self.query("limit", page.limit.map(|limit| limit.to_string())).query("after", page.after.clone())
    }

    /// The same call, whose list is sorted so.
    #[must_use]
    pub fn sort(self, order: SortFlag) -> Self {
        self.query("sort", order.sort)
    }

    /// Waits for the answer however long it takes.
    #[must_use]
    pub fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// May be the first one of an installation: makes the data file where there is none.
    #[must_use]
    pub fn making_the_file(mut self) -> Self {
        self.makes_file = true;
        self
    }

    /// The address; the host is only for the form's sake.
    fn url(&self) -> Result<Url, Failure> {
        let base = "http://localhost/api/admin";
        let mut url = Url::parse(base).map_err(|error| Failure::new("internal", error.to_string()))?;
        // Such a segment says where to go in a path, however it is escaped (WHATWG URL, "double-dot path segment"): the
        // call would reach something else.
        if let Some(name) = self.path.iter().find(|name| matches!(name.as_str(), "" | "." | "..")) {
            let message = format!("{name:?} cannot stand in an address. Name it by its identifier.");
            return Err(Failure::usage("unspeakable_name", message));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

/// The admin API of one data file.
#[derive(Debug)]
pub struct Remote {
    settings: Settings,
    /// The file that the settings come from.
    config: Option<PathBuf>,
    socket: PathBuf,
}

/// Why a call over the socket has no answer.
enum Unanswered {
    /// Nobody listens.
    Nobody,
    /// Anything else.
    Failed(Failure),
}

impl Remote {
    /// The API of the data file that the configuration names.
    pub fn new(loaded: Loaded) -> Self {
        let socket = socket::path_of(&loaded.settings.data);
        Self { settings: loaded.settings, config: loaded.file, socket }
    }

    /// The configuration of this command; that of a running server may be another.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the data file of the installation is.
    pub fn data(&self) -> &Path {
        &self.settings.data
    }

    /// Makes the call, through the running server or without one. Errors: what the API said.
    pub fn call(&self, call: Call) -> Result<Value, Failure> {
        actix_web::rt::System::new().block_on(async {
            let mut waited = Duration::ZERO;
            loop {
                match send(&self.socket, &call).await {
                    Ok(answer) => return Ok(answer),
                    Err(Unanswered::Failed(failure)) => return Err(failure),
                    Err(Unanswered::Nobody) => {}
                }
                match self.open(&call).await {
                    Ok(server) => return answer_alone(server, &call).await,
                    Err(error) if error.is_in_use() && waited < BUSY => {
                        tokio::time::sleep(PAUSE).await;
                        waited += PAUSE;
                    }
                    Err(error) if error.is_configuration() => {
                        return Err(Failure::usage("configuration", error.to_string()));
                    }
                    Err(error) => return Err(Failure::new("data_file", error.to_string())),
                }
            }
        })
    }

    /// As [`Self::call`], of an answer whose members are needed.
    pub fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let unread = |error| Failure::new("internal", format!("the answer cannot be read: {error}."));
        serde_json::from_value(self.call(call)?).map_err(unread)
    }

    /// Makes the call if a server runs; `None` when none does.
    pub fn call_if_running(&self, call: Call) -> Result<Option<Value>, Failure> {
        let answer = actix_web::rt::System::new().block_on(send(&self.socket, &call));
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Unanswered::Nobody) => Ok(None),
            Err(Unanswered::Failed(failure)) => Err(failure),
        }
    }

    /// What `/readyz` of the running server says in its one line. Errors: it is not ready, or none runs.
    pub fn ready(&self) -> Result<String, Failure> {
        let missing = || Failure::new("not_running", format!("no server runs over {}.", self.data().display()));
        actix_web::rt::System::new().block_on(async {
            let Ok(address) = socket::Address::of(&self.socket) else { return Err(missing()) };
            let client = over(&address).timeout(READY_TIMEOUT).build();
            let client = client.map_err(|error| Failure::new("socket", chain(&error)))?;
            let answer = client.get(format!("http://localhost{}", paths::READYZ.pattern())).send().await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) if error.is_connect() && !is_forbidden(&error) => return Err(missing()),
                Err(error) => return Err(Failure::new("socket", chain(&error))),
            };
            let is_ready = answer.status().is_success();
            let said = answer.text().await.map_err(|error| Failure::new("socket", chain(&error)))?;
            let said = said.trim_end().to_owned();
            if is_ready { Ok(said) } else { Err(Failure::new("not_ready", format!("{said}."))) }
        })
    }

    /// Opens the data file itself. One that is not there is made by the call alone that begins an installation: any
    /// other was given in the wrong folder, or without the configuration that names the file.
    async fn open(&self, call: &Call) -> Result<OneCall, serve::Error> {
        if !call.makes_file && !self.settings.data.exists() {
            let (data, config) = (self.settings.data.clone(), self.config.clone());
            return Err(serve::Error::NoDataFile { data, config });
        }
        OneCall::open(self.settings.clone(), Arc::new(SystemClock), Arc::new(OsEntropy)).await
    }
}

async fn answer_alone(server: OneCall, call: &Call) -> Result<Value, Failure> {
    let answer = send(server.socket(), call).await;
    server.close().await;
    answer.map_err(|unanswered| match unanswered {
        Unanswered::Nobody => Failure::new("internal", "the command could not reach its own server."),
        Unanswered::Failed(failure) => failure,
    })
}

/// What talks over the admin socket. No TLS: certificates of the machine are not read, and need not be there.
fn over(address: &socket::Address) -> reqwest::ClientBuilder {
    reqwest::Client::builder().unix_socket(address.as_path()).no_proxy().tls_certs_only([])
}

async fn send(socket: &Path, call: &Call) -> Result<Value, Unanswered> {
    let failed = |error: &dyn std::fmt::Display| {
        Unanswered::Failed(Failure::new("socket", format!("{}: {error}.", socket.display())))
    };
    let address = match socket::Address::of(socket) {
        Ok(address) => address,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Unanswered::Nobody),
        Err(error) => return Err(failed(&error)),
    };
    let client = over(&address);
    let client = if call.slow { client } else { client.timeout(CALL_TIMEOUT) };
    let client = client.build().map_err(|error| failed(&error))?;
    let mut request = client.request(call.method.clone(), call.url().map_err(Unanswered::Failed)?);
    if let Some(body) = &call.body {
        request = request.json(body);
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() && !is_forbidden(&error) => return Err(Unanswered::Nobody),
        Err(error) if error.is_connect() => return Err(failed(&"only root and the owner of the data file may use it")),
        Err(error) => return Err(failed(&chain(&error))),
    };
    let status = response.status();
    let body = response.bytes().await.map_err(|error| failed(&chain(&error)))?;
    let document = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
    match document {
        Some(document) if status.is_success() => Ok(document),
        Some(problem) => Err(Unanswered::Failed(refused(&problem, status.as_u16()))),
        None => Err(failed(&format_args!("the server answered {}", status.as_u16()))),
    }
}

/// Whether somebody listens and may not be talked to.
fn is_forbidden(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// RFC 9457 as one line.
fn refused(problem: &Value, status: u16) -> Failure {
    let member = |name: &str| problem.get(name).and_then(Value::as_str);
    let code = member("code").unwrap_or("failed");
    let mut message = match member("detail").or_else(|| member("title")) {
        Some(detail) => detail.to_owned(),
        None => format!("the server answered {status}."),
    };
    let fields = problem.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for field in fields {
        let part = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default();
        if !message.contains(part("message")) {
            message.push_str(&format!(" {}: {}", part("field"), part("message")));
        }
    }
    if status >= 500
        && let Some(request) = member("request_id")
    {
        message.push_str(&format!(" (request {request})"));
    }
    Failure::new(code, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_that_would_lead_to_another_address_is_refused() {
        for name in ["", ".", ".."] {
            for call in
                [Call::get(["groups", name]), Call::delete(["groups", name]), Call::get(["users", name, "groups"])]
            {
                assert_eq!(call.url().unwrap_err().code, "unspeakable_name", "{name}");
            }
        }
        assert!(Call::get(["groups", "..."]).url().is_ok());
    }

    #[test]
    fn a_name_in_the_path_is_escaped() {
        let url = Call::get(["users", "a/b?c@d e"]).query("user", Some(String::from("x&y"))).url().unwrap();
        assert_eq!(url.as_str(), "http://localhost/api/admin/users/a%2Fb%3Fc@d%20e?user=x%26y");
    }

    #[test]
    fn a_problem_becomes_one_line_with_every_field() {
        let problem = json!({
            "title": "Unprocessable", "status": 422, "code": "invalid_fields", "detail": "Two fields are wrong.",
            "errors": [{"field": "name", "message": "Give it a name."}, {"field": "type", "message": "Say which."}],
        });
        let failure = refused(&problem, 422);
        assert_eq!(failure.code, "invalid_fields");
        assert_eq!(failure.message, "Two fields are wrong. name: Give it a name. type: Say which.");
    }

    #[test]
    fn a_fault_names_its_request() {
        let failure = refused(&json!({"code": "internal", "detail": "It failed.", "request_id": "req_1"}), 500);
        assert_eq!(failure.message, "It failed. (request req_1)");
    }
}

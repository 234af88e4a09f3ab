//! A client that costs next to nothing: HTTP/1.1 over one kept connection, requests as ready bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest body that is read.
const MAX_BODY: usize = 1 << 20;

/// One kept connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
}

/// What came back.
pub struct Response {
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), line: String::new() })
    }

    /// Sends the bytes and reads the whole answer.
    pub fn send(&mut self, request: &[u8]) -> Result<Response> {
        self.stream.get_mut().write_all(request).context("sending a request")?;
        let mut head = String::new();
        let mut length = 0;
        loop {
            self.line.clear();
            ensure!(self.stream.read_line(&mut self.line).context("reading an answer")? > 0, "the server hung up");
            if self.line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = self.line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse::<usize>().context("the length of an answer")?;
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    bail!("the answer comes in chunks, which this client does not read");
                }
            }
            head.push_str(&self.line);
        }
        ensure!(length <= MAX_BODY, "the answer has {length} bytes");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).context("reading a body")?;
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).context("an answer without a status")?;
        Ok(Response { status, head, body })
    }

    /// As [`Connection::send`], for a request that must be answered with `status`.
    pub fn expect(&mut self, request: &[u8], status: u16) -> Result<Response> {
        let response = self.send(request)?;
        if response.status != status {
            let line = String::from_utf8_lossy(request);
            let asked = line.lines().next().unwrap_or_default();
            let said: String = String::from_utf8_lossy(&response.body).chars().take(300).collect();
            bail!("{asked} was answered {} instead of {status}: {said}", response.status);
        }
        Ok(response)
    }
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// A text member of a JSON body, found without reading all of it: the loader must stay cheaper than the server.
    pub fn member(&self, name: &str) -> Result<&str> {
        let body = std::str::from_utf8(&self.body).context("a body that is not text")?;
        let start = format!("\"{name}\":\"");
        let rest = body.split_once(&start).map(|(_, rest)| rest).with_context(|| format!("no {name} in: {body}"))?;
        rest.split_once('"').map(|(value, _)| value).with_context(|| format!("{name} has no end"))
    }
}

/// A `GET`; `headers` are whole lines with their ends.
pub fn get(host: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n").into_bytes()
}

/// A `POST` of this media type; `headers` as for [`get`].
pub fn post(host: &str, path: &str, headers: &str, media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )
    .into_bytes()
}

/// A `POST` of a form.
pub fn form(host: &str, path: &str, headers: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    post(host, path, headers, "application/x-www-form-urlencoded", &body)
}

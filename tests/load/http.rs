//! A client that costs next to nothing: HTTP/1.1 over one kept connection, requests as ready bytes.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a few requests may take before they are given up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What is read at once.
const CHUNK: usize = 16 << 10;

/// The largest head that is read.
const MAX_HEAD: usize = 64 << 10;

/// The largest body that is read.
const MAX_BODY: usize = 1 << 20;

/// One kept connection.
pub struct Connection {
    stream: TcpStream,
    /// Where the stream is read into.
    chunk: Vec<u8>,
    /// What has come of the present answer.
    answer: Vec<u8>,
}

/// What came back.
pub struct Response {
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    pub body: Vec<u8>,
}

/// Does `work` on the calling thread, which drives all its connections; an error when it takes longer than `limit`.
pub fn drive<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    done.with_context(|| format!("the server hangs: not everything was answered within {} s", limit.as_secs()))?
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, chunk: vec![0; CHUNK], answer: Vec::new() })
    }

    /// Sends the bytes and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Response> {
        self.write(request).await.context("sending a request")?;
        self.answer.clear();
        let end = loop {
            self.read().await?;
            if let Some(end) = head_length(&self.answer) {
                break end;
            }
            ensure!(self.answer.len() <= MAX_HEAD, "the answer has no end of its head");
        };
        let (head, body) = self.answer.split_at_checked(end).context("an answer without a head")?;
        let head = std::str::from_utf8(head).context("a head that is not text")?.to_owned();
        let length = body_length(&head)?;
        let mut body = body.to_vec();
        while body.len() < length {
            self.answer.clear();
            self.read().await?;
            body.extend_from_slice(&self.answer);
        }
        ensure!(body.len() == length, "the answer is longer than it says");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).context("an answer without a status")?;
        Ok(Response { status, head, body })
    }

    async fn write(&mut self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            let written = poll_fn(|cx| Pin::new(&mut self.stream).poll_write(cx, rest)).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Adds what has come to the answer, once something has.
    async fn read(&mut self) -> Result<()> {
        let mut chunk = ReadBuf::new(&mut self.chunk);
        let read = poll_fn(|cx| Pin::new(&mut self.stream).poll_read(cx, &mut chunk)).await;
        read.context("reading an answer")?;
        ensure!(!chunk.filled().is_empty(), "the server hung up");
        self.answer.extend_from_slice(chunk.filled());
        Ok(())
    }

    /// As [`Connection::send`], for a request that must be answered with `status`.
    pub async fn expect(&mut self, request: &[u8], status: u16) -> Result<Response> {
        let response = self.send(request).await?;
        if response.status != status {
            let line = String::from_utf8_lossy(request);
            let asked = line.lines().next().unwrap_or_default();
            let said: String = String::from_utf8_lossy(&response.body).chars().take(300).collect();
            bail!("{asked} was answered {} instead of {status}: {said}", response.status);
        }
        Ok(response)
    }
}

/// The length of the head with the empty line below it, once all of it is there.
fn head_length(answer: &[u8]) -> Option<usize> {
    const END: &[u8; 4] = b"\r\n\r\n";
    Some(answer.windows(END.len()).position(|window| window == END)? + END.len())
}

/// The length of the body that the head announces.
fn body_length(head: &str) -> Result<usize> {
    let mut length = 0;
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().context("the length of an answer")?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the answer comes in chunks, which this client does not read");
        }
    }
    ensure!(length <= MAX_BODY, "the answer has {length} bytes");
    Ok(length)
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

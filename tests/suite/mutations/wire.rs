//! HTTP/1.1 as bytes, so that a request may hold what no client library would send.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back: the status, and the head in lower case.
pub struct WireResponse {
    pub status: u16,
    pub head: String,
}

/// A connection that is opened again when the other side has closed it.
pub struct Wire {
    address: String,
    stream: Option<TcpStream>,
}

impl Wire {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    /// Sends a request and reads the whole answer. A connection that was closed before an answer is opened once more.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<WireResponse, Error> {
        let is_fresh = self.stream.is_none();
        match timeout(PATIENCE, self.attempt(request)).await {
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "no answer in time")),
            Ok(Err(_)) if !is_fresh => {
                self.stream = None;
                timeout(PATIENCE, self.attempt(request)).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
            }
            Ok(done) => done,
        }
    }

    async fn attempt(&mut self, request: &[u8]) -> Result<WireResponse, Error> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(&self.address).await?,
        };
        // A server that refuses a body closes before it has read it; its answer is there all the same.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = find(&bytes, b"\r\n\r\n") {
                if !bytes.starts_with(b"HTTP/1.1 100 ") {
                    break at + 4;
                }
                // Only the permission to go on (RFC 9110 §15.2.1): the answer comes behind it.
                bytes.drain(..at + 4);
                continue;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "closed without an answer"));
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let is_bodiless = request.starts_with(b"HEAD ") || matches!(status, 204 | 304);
        let length = header(&head, "content-length").and_then(|text| text.parse::<usize>().ok());
        let is_chunked = header(&head, "transfer-encoding").is_some();
        while !is_bodiless && !is_whole(&bytes[end..], length, is_chunked) {
            if stream.read_buf(&mut bytes).await? == 0 {
                break;
            }
        }
        if header(&head, "connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(WireResponse { status, head })
    }
}

fn is_whole(body: &[u8], length: Option<usize>, is_chunked: bool) -> bool {
    match length {
        Some(length) => body.len() >= length,
        None => is_chunked && body.ends_with(b"0\r\n\r\n"),
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

/// A request for people to read; long ones are cut.
pub fn readable(request: &[u8]) -> String {
    let shown = request.get(..2_000).unwrap_or(request);
    format!("{} ({} bytes)", String::from_utf8_lossy(shown), request.len())
}

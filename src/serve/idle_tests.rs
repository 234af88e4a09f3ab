//! Connections whose peer sends nothing more, at every place where it may stop, over HTTP/1.1 and HTTP/2: each one ends
//! by itself.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::tests::{Running, loaded};
use super::*;
use crate::store::rows::certificates::{self, Role};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types and flags of frames (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A field that is sent as it is, neither indexed nor compressed (RFC 7541 §6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// The fields of a request.
fn fields(method: &str, path: &str) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    pseudo.iter().chain(&form).flat_map(|(name, value)| field(name, value)).collect()
}

/// What a peer sends over HTTP/2 before it falls silent.
fn http2() -> Vec<(&'static str, Vec<u8>)> {
    let open = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let with = |frames: &[Vec<u8>]| [open.clone(), frames.concat()].concat();
    let token = fields("POST", "/oauth2/token");
    vec![
        ("nothing", Vec::new()),
        ("half a preface", PREFACE[..10].to_vec()),
        ("the preface", PREFACE.to_vec()),
        ("the settings", open.clone()),
        ("half a frame", [open.as_slice(), &frame(HEADERS, END_HEADERS, 1, &token)[..20]].concat()),
        ("fields that go on", with(&[frame(HEADERS, 0, 1, &token)])),
        ("a whole request", with(&[frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields("GET", "/healthz"))])),
        ("a request, no body", with(&[frame(HEADERS, END_HEADERS, 1, &token)])),
        ("a request, half a body", with(&[frame(HEADERS, END_HEADERS, 1, &token), frame(DATA, 0, 1, b"grant")])),
    ]
}

/// The same over HTTP/1.1.
fn http1() -> Vec<(&'static str, Vec<u8>)> {
    let whole = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let post = "POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 50\r\n\r\n";
    let texts = [
        ("nothing", String::new()),
        ("half a head", whole[..30].to_owned()),
        ("a whole request", whole.to_owned()),
        ("a request, half a second head", format!("{whole}{}", &whole[..30])),
        ("a request, no body", post.to_owned()),
        ("a request, half a body", format!("{post}grant")),
    ];
    texts.into_iter().map(|(about, text)| (about, text.into_bytes())).collect()
}

/// Sends this and reads until the server closes the connection; what it sent. Panics when it does not close.
fn until_closed(mut stream: impl Read + Write, about: &str, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    stream.flush().unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return received,
            Ok(read) => received.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => {
                return received;
            }
            Err(error) => panic!("{about}: the connection was not closed: {error}"),
        }
    }
}

fn connect(server: &Running) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some((KEEP_ALIVE + HEAD) * 5)).unwrap();
    stream
}

#[test]
fn bug_class_40_over_http_1_a_peer_that_falls_silent_loses_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[("AUTHER_TLS_MODE", "off")]));
    std::thread::scope(|scope| {
        for (about, bytes) in http1() {
            let stream = connect(&server);
            scope.spawn(move || {
                let received = String::from_utf8(until_closed(stream, about, &bytes)).unwrap();
                assert_eq!(
                    received.contains("HTTP/1.1 200"),
                    about.contains("whole") || about.contains("second"),
                    "{about}"
                );
                assert!(!about.contains("body") || received.starts_with("HTTP/1.1 408"), "{about}: {received}");
            });
        }
    });
    server.stop();
}

#[test]
fn bug_class_40_over_http_2_a_peer_that_falls_silent_loses_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(loaded(folder.path(), &[]));
    let authority = certificates::find(&Cx::for_system(server.app()).read().unwrap(), Role::Ca).unwrap().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let mut trusting = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    trusting.alpn_protocols = vec![b"h2".to_vec()];
    let trusting = Arc::new(trusting);
    std::thread::scope(|scope| {
        for (about, bytes) in http2() {
            let client = ClientConnection::new(trusting.clone(), ServerName::try_from("localhost").unwrap()).unwrap();
            let stream = StreamOwned::new(client, connect(&server));
            scope.spawn(move || {
                let received = until_closed(stream, about, &bytes);
                let answered = frames(&received).any(|(kind, stream)| (kind, stream) == (HEADERS, 1));
                assert_eq!(answered, about.contains("request"), "{about}");
            });
        }
    });
    server.stop();
}

/// Type and stream of each frame.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (u8, u8)> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        bytes = rest.get(length..).unwrap_or_default();
        Some((head[3], head[8]))
    })
}

//! The client against servers that mean no good. They listen on loopback, which `egress.allow` opens for the test.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::names::{Looked, Names};
use super::*;
use crate::config::{Egress, EgressRule, ExtraCa};
use crate::crypto::certificate::self_signed;
use crate::crypto::tls::provider;
use crate::testing::block_on;

/// The name under which the servers are known.
const NAME: &str = "hooks.example";

/// Long enough for an honest answer, short enough to wait for.
const SHORT: Limits = Limits { time: Duration::from_millis(400), bytes: 1000 };

/// A certificate for [`NAME`], and what makes a server of it.
struct Identity {
    pem: String,
    config: Arc<ServerConfig>,
}

fn identity() -> Identity {
    let (made, key) = self_signed(&[NAME, "127.0.0.1"]);
    let key = PrivateKeyDer::try_from(key).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
    let config = builder.unwrap().with_no_client_auth().with_single_cert(vec![made.der().clone()], key).unwrap();
    Identity { pem: made.pem(), config: Arc::new(config) }
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A server that answers each request as it likes, and remembers the heads it was sent.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn at(ip: [u8; 4], identity: &Identity, answer: impl Fn(&str, &mut Stream) + Send + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from((ip, 0))).unwrap();
        Self::on(listener, identity, answer)
    }

    fn on(listener: TcpListener, identity: &Identity, answer: impl Fn(&str, &mut Stream) + Send + 'static) -> Self {
        let (address, config) = (listener.local_addr().unwrap(), Arc::clone(&identity.config));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&seen);
        std::thread::spawn(move || {
            for tcp in listener.incoming() {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), tcp.unwrap());
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                heads.lock().unwrap().push(head.clone());
                answer(&head, &mut stream);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{NAME}:{}{path}", self.address.port())
    }
}

/// Answers with this, and nothing more.
fn says(text: String) -> impl Fn(&str, &mut Stream) + Send + 'static {
    move |_, stream| drop(stream.write_all(text.as_bytes()))
}

/// Begins with this, and then waits until the client goes away.
fn begins(text: &'static str) -> impl Fn(&str, &mut Stream) + Send + 'static {
    move |_, stream| {
        let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        let _ = stream.read(&mut [0; 64]);
    }
}

/// Says this again and again for as long as it is listened to.
fn floods(head: &'static str, again: String) -> impl Fn(&str, &mut Stream) + Send + 'static {
    move |_, stream| {
        let _ = stream.write_all(head.as_bytes());
        while stream.write_all(again.as_bytes()).is_ok() {}
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// Gives one list of addresses after the other, the last one for ever, and counts how often it was asked.
struct Changing {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Changing {
    fn of(answers: &[&[[u8; 4]]]) -> Arc<Self> {
        let list = |answer: &&[[u8; 4]]| answer.iter().map(|ip| IpAddr::V4(Ipv4Addr::from(*ip))).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(list).collect()), asked: AtomicUsize::new(0) })
    }
}

impl Names for Changing {
    fn look_up(&self, _host: String) -> Looked {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    }
}

/// A client that believes this certificate and may reach these addresses.
fn client(identity: &Identity, allow: &[&str], names: Arc<dyn Names>) -> Client {
    let allow = allow.iter().map(|text| EgressRule::Net(text.parse().unwrap())).collect();
    let extra_ca = Some(ExtraCa { path: PathBuf::from("ca.pem"), pem: identity.pem.clone() });
    Client::with_names(&Egress { allow, extra_ca }, names).unwrap()
}

fn here() -> Arc<Changing> {
    Changing::of(&[&[[127, 0, 0, 1]]])
}

/// What a GET of this server gives, within short limits.
fn get(server: &Server, identity: &Identity) -> Result<Response, Error> {
    let client = client(identity, &["127.0.0.1/32"], here());
    block_on(client.send(Request::get(server.url("/")).within(SHORT).follow_redirects()))
}

#[test]
fn an_honest_server_is_asked_and_answers() {
    let identity = identity();
    let text = "HTTP/1.1 201 Created\r\nretry-after: 7\r\nset-cookie: a=b\r\ncontent-length: 4\r\n\r\ndone";
    let server = Server::at([127, 0, 0, 1], &identity, says(text.to_owned()));
    let client = client(&identity, &["127.0.0.1/32"], here());
    let request = Request::post(server.url("/hook?x=1"), "application/json", "{}").header("x-signature", "abc");
    let answer = block_on(client.send(request)).unwrap();
    assert_eq!((answer.status, answer.header("Retry-After"), &*answer.body), (201, Some("7"), &b"done"[..]));
    // The cookie is not kept.
    block_on(client.send(Request::get(server.url("/")))).unwrap();
    let seen = server.seen();
    assert!(seen[0].starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{seen:?}");
    for header in
        ["content-type: application/json", "x-signature: abc", "accept-encoding: identity", "user-agent: auther/"]
    {
        assert!(seen[0].contains(header), "{header}: {seen:?}");
    }
    assert!(!seen[1].contains("cookie"), "{seen:?}");
}

#[test]
fn loopback_is_refused_without_a_rule_and_nobody_is_connected_to() {
    let identity = identity();
    let server = Server::at([127, 0, 0, 1], &identity, says(ok("secret")));
    let client = client(&identity, &[], here());
    for url in [server.url("/"), format!("https://127.0.0.1:{}/", server.address.port())] {
        let refused = block_on(client.send(Request::get(url).within(SHORT)));
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("127.0.0.1")), "{refused:?}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn redirects_to_metadata_addresses_and_private_networks_are_refused() {
    let identity = identity();
    for inner in ["169.254.169.254", "10.0.0.1", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166"] {
        let server = Server::at([127, 0, 0, 1], &identity, says(to(&format!("https://{inner}/latest/meta-data"))));
        let refused = get(&server, &identity);
        assert!(matches!(refused, Err(Error::Refused(_))), "{inner}: {refused:?}");
    }
    let server = Server::at([127, 0, 0, 1], &identity, says(to("http://hooks.example/")));
    assert!(matches!(get(&server, &identity), Err(Error::Url(_))), "a redirect from https to http");
}

#[test]
fn a_redirect_to_a_name_that_leads_inside_is_refused() {
    let identity = identity();
    let server = Server::at([127, 0, 0, 1], &identity, says(to("https://metadata.example/")));
    let names = Changing::of(&[&[[127, 0, 0, 1]], &[[169, 254, 169, 254]]]);
    let client = client(&identity, &["127.0.0.1/32"], names);
    let refused = block_on(client.send(Request::get(server.url("/")).within(SHORT).follow_redirects()));
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("metadata.example")), "{refused:?}");
}

#[test]
fn redirects_are_followed_only_if_asked_for_and_only_so_many() {
    let identity = identity();
    let once = |head: &str, stream: &mut Stream| {
        let text = if head.starts_with("GET /end ") { ok("end") } else { to("/end") };
        stream.write_all(text.as_bytes()).unwrap();
    };
    let server = Server::at([127, 0, 0, 1], &identity, once);
    assert_eq!(get(&server, &identity).unwrap().body, b"end");
    let client = client(&identity, &["127.0.0.1/32"], here());
    let plain = block_on(client.send(Request::get(server.url("/")))).unwrap();
    assert_eq!((plain.status, plain.header("location")), (302, Some("/end")));
    let post = Request::post(server.url("/"), "text/plain", "x").follow_redirects();
    assert_eq!(block_on(client.send(post)).unwrap().status, 302);
    let round = Server::at([127, 0, 0, 1], &identity, says(to("/again")));
    assert!(matches!(get(&round, &identity), Err(Error::TooManyRedirects(3))));
    assert_eq!(round.seen().len(), 4);
}

#[test]
fn headers_are_not_sent_on_to_another_origin() {
    let identity = identity();
    let other = Server::at([127, 0, 0, 1], &identity, says(ok("other")));
    let server = Server::at([127, 0, 0, 1], &identity, says(to(&other.url("/"))));
    let client = client(&identity, &["127.0.0.1/32"], here());
    let request = Request::get(server.url("/")).header("authorization", "Bearer x").follow_redirects();
    assert_eq!(block_on(client.send(request)).unwrap().body, b"other");
    assert!(server.seen()[0].contains("authorization"));
    assert!(!other.seen()[0].contains("authorization"), "{:?}", other.seen());
}

#[test]
fn a_name_that_changes_its_address_is_connected_to_where_it_was_checked() {
    let identity = identity();
    let allowed = Server::at([127, 0, 0, 1], &identity, says(ok("allowed")));
    // The same port on another address of this machine, which no rule opens.
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 2], allowed.address.port()))).unwrap();
    let other = Server::on(listener, &identity, says(ok("other")));
    let names = Changing::of(&[&[[127, 0, 0, 1]], &[[127, 0, 0, 2]]]);
    let client = client(&identity, &["127.0.0.1/32"], names.clone());
    let get = || block_on(client.send(Request::get(allowed.url("/")).within(SHORT)));
    assert_eq!(get().unwrap().body, b"allowed");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "looked up once per request");
    // The next request looks it up anew, on no connection of before.
    assert!(matches!(get(), Err(Error::Refused(_))));
    assert_eq!((names.asked.load(Ordering::SeqCst), other.seen().len()), (2, 0));
    // One address of several that is refused refuses the name.
    let mixed = Changing::of(&[&[[127, 0, 0, 1], [127, 0, 0, 2]]]);
    let client = self::client(&identity, &["127.0.0.1/32"], mixed);
    let refused = block_on(client.send(Request::get(allowed.url("/")).within(SHORT)));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!((allowed.seen().len(), other.seen().len()), (1, 0));
}

#[test]
fn huge_bodies_are_not_read_to_their_end() {
    let identity = identity();
    let said = Server::at(
        [127, 0, 0, 1],
        &identity,
        says(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1_u64 << 40)),
    );
    assert!(matches!(get(&said, &identity), Err(Error::TooLarge(1000))));
    let endless = floods("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", String::from("5\r\nhello\r\n"));
    let chunked = Server::at([127, 0, 0, 1], &identity, endless);
    assert!(matches!(get(&chunked, &identity), Err(Error::TooLarge(1000))));
    let until_closed = Server::at([127, 0, 0, 1], &identity, floods("HTTP/1.1 200 OK\r\n\r\n", "x".repeat(700)));
    assert!(matches!(get(&until_closed, &identity), Err(Error::TooLarge(1000))));
    let just = Server::at([127, 0, 0, 1], &identity, says(ok(&"x".repeat(1000))));
    assert_eq!(get(&just, &identity).unwrap().body.len(), 1000);
}

#[test]
fn heads_without_end_are_given_up() {
    let identity = identity();
    let server =
        Server::at([127, 0, 0, 1], &identity, floods("HTTP/1.1 200 OK\r\n", format!("x-a: {}\r\n", "b".repeat(999))));
    let answer = get(&server, &identity);
    assert!(matches!(answer, Err(Error::Failed(_))), "{answer:?}");
}

#[test]
fn slow_servers_are_given_up_at_every_stage() {
    let identity = identity();
    for beginning in ["", "HTTP/1.1 200 OK\r\nx-slow: ", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
        let server = Server::at([127, 0, 0, 1], &identity, begins(beginning));
        let answer = get(&server, &identity);
        assert!(matches!(answer, Err(Error::TimedOut(_))), "{beginning:?}: {answer:?}");
        assert_eq!(server.seen().len(), 1);
    }
    // Somebody who accepts and never shakes hands.
    let mute = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let url = format!("https://{NAME}:{}/", mute.local_addr().unwrap().port());
    let client = client(&identity, &["127.0.0.1/32"], here());
    assert!(matches!(block_on(client.send(Request::get(url).within(SHORT))), Err(Error::TimedOut(_))));
}

#[test]
fn a_name_server_that_does_not_answer_costs_no_more_than_the_time_of_the_request() {
    struct Silent;
    impl Names for Silent {
        fn look_up(&self, _host: String) -> Looked {
            Box::pin(std::future::pending())
        }
    }
    let client = client(&identity(), &[], Arc::new(Silent));
    assert!(matches!(block_on(client.send(Request::get("https://a.example/").within(SHORT))), Err(Error::TimedOut(_))));
}

#[test]
fn compressed_answers_are_not_unpacked() {
    let identity = identity();
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let text = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 4\r\n\r\n\x1f\x0babc");
        let server = Server::at([127, 0, 0, 1], &identity, says(text));
        let answer = get(&server, &identity);
        assert!(matches!(&answer, Err(Error::Encoded(what)) if what == coding), "{answer:?}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (identity, stranger) = (identity(), identity());
    let server = Server::at([127, 0, 0, 1], &stranger, says(ok("secret")));
    let answer = get(&server, &identity);
    assert!(matches!(&answer, Err(Error::Failed(why)) if why.contains("certificate")), "{answer:?}");
    assert!(server.seen().iter().all(String::is_empty), "{:?}", server.seen());
    // One for another name, too.
    let server = Server::at([127, 0, 0, 1], &identity, says(ok("secret")));
    let client = client(&identity, &["127.0.0.1/32"], here());
    let url = format!("https://other.example:{}/", server.address.port());
    assert!(matches!(block_on(client.send(Request::get(url).within(SHORT))), Err(Error::Failed(_))));
}

#[test]
fn an_error_does_not_repeat_the_url() {
    let client = client(&identity(), &["127.0.0.1/32"], here());
    let closed = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().local_addr().unwrap();
    let url = format!("https://{NAME}:{}/hook?token=verysecret", closed.port());
    let error = block_on(client.send(Request::get(url).within(SHORT))).unwrap_err();
    assert!(!error.to_string().contains("verysecret"), "{error}");
}

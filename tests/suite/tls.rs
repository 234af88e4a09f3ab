//! TLS of our own, and callers that take their time.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use auther::base::Clock as _;
use auther::base::clock::SystemClock;
use auther::config::Tls;
use auther::store::rows::certificates::{self, Role};
use reqwest::{Certificate, Client};

use crate::harness::{ADMIN, Home, PASSWORD, Response};

async fn over_tls() -> Home {
    let home = Home::with(|settings| {
        settings.tls = Tls::LocalCa;
        settings.issuer.https = true;
        settings.issuer = settings.issuer.on_port(0);
    })
    .await;
    // Anyone who checks a certificate asks the machine's clock.
    home.advance(SystemClock.now().since(home.now())).await;
    home
}

/// A client that trusts what the server exports, and nothing else. The certificate is read as `auther admin ca` would.
fn trusting(home: &Home) -> Client {
    let ca = certificates::find(&home.cx().read().unwrap(), Role::Ca).unwrap().unwrap();
    let ca = Certificate::from_pem(ca.pem.as_bytes()).unwrap();
    Client::builder().tls_certs_only([ca]).cookie_store(true).pool_max_idle_per_host(0).no_proxy().build().unwrap()
}

#[tokio::test]
async fn the_exported_authority_is_all_that_a_client_needs() {
    let home = over_tls().await;
    assert!(home.origin.starts_with("https://"), "{}", home.origin);
    let http = trusting(&home);
    let document = Response::of(http.get(home.url("/.well-known/openid-configuration"))).await;
    assert_eq!(document.json()["issuer"], home.origin);
    let body = serde_json::json!({"email": ADMIN, "password": PASSWORD});
    let answer = Response::of(http.post(home.url("/api/auth/sign-in/email")).json(&body)).await;
    let cookies: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert!(!cookies.is_empty());
    assert!(cookies.iter().all(|line| line.starts_with("__Host-") && line.contains("Secure")), "{cookies:?}");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let exported = Response::of(http.get(home.url("/api/admin/ca")).bearer_auth(token)).await;
    assert!(exported.json()["pem"].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    let distrusting = Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    assert!(distrusting.get(home.url("/healthz")).send().await.is_err());
}

#[tokio::test]
async fn half_a_handshake_and_slow_requests_hold_nobody_up() {
    let (secure, plain) = (over_tls().await, Home::new().await);
    let mut slow = Vec::new();
    for number in 0..64 {
        let mut half = TcpStream::connect(secure.address).unwrap();
        half.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01][..number % 6]).unwrap();
        let mut head = TcpStream::connect(plain.address).unwrap();
        head.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ").unwrap();
        let mut body = TcpStream::connect(plain.address).unwrap();
        let start = "POST /oauth2/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\
                     content-type: application/x-www-form-urlencoded\r\n\r\ngrant";
        body.write_all(start.as_bytes()).unwrap();
        slow.extend([half, head, body]);
    }
    let patience = Duration::from_secs(10);
    let secure_answer = trusting(&secure).get(secure.url("/healthz")).timeout(patience).send().await.unwrap();
    assert_eq!(secure_answer.status(), 200);
    let browser = plain.browser();
    for _ in 0..20 {
        let answer = browser.http.get(plain.url("/api/auth/jwks")).timeout(patience).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    drop(slow);
}

#[tokio::test]
async fn t40_what_is_no_http_is_refused_without_a_fault() {
    let home = Home::new().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%zz%00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    ] {
        let text = String::from_utf8_lossy(&exchange(&home, bytes)).into_owned();
        let status = text.split(' ').nth(1).unwrap_or("0").to_owned();
        assert!(!status.starts_with('5'), "{text}");
    }
    assert_eq!(home.browser().get("/healthz").await.status, 200);
}

/// Sends bytes, closes the sending side, reads the answer.
fn exchange(home: &Home, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut stream = TcpStream::connect(home.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // An error means that the server has closed already.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

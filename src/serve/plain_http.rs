//! Plain HTTP on a port that speaks TLS: the answer says where to go, instead of a connection that breaks.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The most that is read of a head, in bytes: enough for the first line of what a person typed.
const MOST: usize = 4096;

/// Longest target that is led on, in bytes: no head of an answer is longer than servers take.
const LONGEST_TARGET: usize = 2048;

/// Whether the peer speaks HTTP/1 where a TLS handshake is expected: a handshake begins with the byte 22 (RFC 8446
/// §5.1), a request with the letters of its method (RFC 9112 §3). Nothing is taken from the stream. `None` of a peer
/// that is gone, or says nothing for this long.
pub(super) async fn is_spoken(stream: &TcpStream, patience: Duration) -> Option<bool> {
    let mut first = [0];
    match timeout(patience, stream.peek(&mut first)).await {
        Ok(Ok(1)) => Some(first[0].is_ascii_uppercase()),
        _ => None,
    }
}

/// Reads the head and answers: a `GET` is led to the same path of the issuer (308, RFC 9110 §15.4.9), everything else
/// is refused, since what it carried has been readable on its way. Then the connection ends.
pub(super) async fn answer(mut stream: TcpStream, issuer: &str, patience: Duration) {
    let talk = async {
        let head = read_head(&mut stream).await;
        stream.write_all(answer_to(&head, issuer).as_bytes()).await?;
        stream.shutdown().await
    };
    // Who is too slow, or gone, gets no answer.
    let _ = timeout(patience, talk).await;
}

async fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while head.len() < MOST && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(read @ 1..) => head.extend(part.iter().take(read)),
            Ok(0) | Err(_) => break,
        }
    }
    head
}

fn answer_to(head: &[u8], issuer: &str) -> String {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_path =
        target.starts_with('/') && target.len() <= LONGEST_TARGET && target.bytes().all(|byte| byte.is_ascii_graphic());
    let (status, location) = match method {
        "GET" | "HEAD" if is_path => ("308 Permanent Redirect", format!("location: {issuer}{target}\r\n")),
        _ => ("400 Bad Request", String::new()),
    };
    let body = format!("This port speaks https, and the request came in plain http. The address is {issuer}/\n");
    let sent = if method == "HEAD" { "" } else { &body };
    format!(
        "HTTP/1.1 {status}\r\n{location}content-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{sent}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://auth.example.com";

    #[test]
    fn a_get_is_led_to_the_issuer_and_nothing_else_is() {
        let led = answer_to(b"GET /admin?x=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n", ISSUER);
        assert!(
            led.starts_with("HTTP/1.1 308 ") && led.contains("\r\nlocation: https://auth.example.com/admin?x=1\r\n"),
            "{led}"
        );
        assert!(led.ends_with("The address is https://auth.example.com/\n"));
        let head = answer_to(b"HEAD / HTTP/1.1\r\n\r\n", ISSUER);
        assert!(head.starts_with("HTTP/1.1 308 ") && head.ends_with("\r\n\r\n"));
        for other in [
            &b"POST /oauth2/token HTTP/1.1\r\n\r\nclient_secret=x"[..],
            b"GET //evil\nx HTTP/1.1\r\n\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\n\r\n",
            b"GET /\x7f HTTP/1.1\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\n\r\n",
            b"",
        ] {
            let said = answer_to(other, ISSUER);
            assert!(said.starts_with("HTTP/1.1 400 ") && !said.contains("location:"), "{said}");
        }
        let long = answer_to(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LONGEST_TARGET)).as_bytes(), ISSUER);
        assert!(long.starts_with("HTTP/1.1 400 ") && long.len() < 1024, "no head that is too long");
    }
}

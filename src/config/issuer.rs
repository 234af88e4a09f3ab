//! The issuer: the public origin of this server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::value::Wrong;

/// The public origin of this server, in its normal form. Clients compare it byte by byte (OpenID Connect Discovery 1.0
/// §4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// `https://auth.example.com` or `https://localhost:8443`: no slash at the end, no default port.
    pub text: String,
    /// Whether the scheme is https.
    pub https: bool,
    /// Name or address without port; an IPv6 address in brackets.
    pub host: String,
    /// The port, the scheme's default included.
    pub port: u16,
}

impl Issuer {
    /// The origin as browsers send it (RFC 6454 §6.2): the issuer has no path, so it is the same text.
    pub fn origin(&self) -> &str {
        &self.text
    }

    /// The same server on another port: for a default issuer once port 0 has become a real one.
    pub fn on_port(&self, port: u16) -> Self {
        Self::of(self.https, self.host.clone(), port)
    }

    /// The issuer of a server whose configuration names none.
    pub(super) fn of(https: bool, host: String, port: u16) -> Self {
        let scheme = if https { "https" } else { "http" };
        let usual = if https { 443 } else { 80 };
        let text = if port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") };
        Self { text, https, host, port }
    }

    /// Whether only the machine itself can open it.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.text).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
    }

    /// Reads a typed issuer: an absolute http or https URL of nothing but scheme, host and port; http for loopback
    /// only.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let url = absolute(text)?;
        only_an_origin(&url)?;
        let https = url.scheme() == "https";
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(wrong("names no host", EXAMPLE));
        };
        if port == 0 {
            return Err(wrong("has port 0", "write the port that clients connect to, or leave issuer out"));
        }
        if !https && !is_loopback(&host) {
            return Err(wrong(
                format!("= {text:?} is not encrypted"),
                "use https://; http:// is accepted for localhost, 127.0.0.1 and [::1] only",
            ));
        }
        Ok(Self::of(https, host.to_string(), port))
    }
}

const EXAMPLE: &str = "write it as https://auth.example.com";

fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong { what: what.into(), remedy: remedy.into() }
}

fn absolute(text: &str) -> Result<Url, Wrong> {
    let refused = || wrong(format!("= {text:?} is not an absolute http or https URL"), EXAMPLE);
    // The URL standard forgives spaces and missing slashes; anyone who compares issuers does not.
    let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
    let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let clean = !rest.starts_with('/') && !text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control());
    if known && clean { Url::parse(text).map_err(|_| refused()) } else { Err(refused()) }
}

fn only_an_origin(url: &Url) -> Result<(), Wrong> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password", EXAMPLE));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or fragment", "end it after host and port"));
    }
    if url.path() != "/" {
        let remedy = "end it after host and port: Auther answers at the root of its host, and a proxy in front must not \
                      move it under a path";
        return Err(wrong(format!("has the path {:?}", url.path()), remedy));
    }
    Ok(())
}

/// Hosts that never leave the machine (RFC 6761 §6.3, W3C Secure Contexts §3.1).
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => Ipv4Addr::is_loopback(address),
        Host::Ipv6(address) => Ipv6Addr::is_loopback(address) || IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_brought_to_its_normal_form() {
        for (typed, normal, port) in [
            ("https://auth.example.com", "https://auth.example.com", 443),
            ("https://auth.example.com/", "https://auth.example.com", 443),
            ("HTTPS://Auth.Example.com:443", "https://auth.example.com", 443),
            ("https://auth.example.com:8443", "https://auth.example.com:8443", 8443),
            ("http://localhost:8080/", "http://localhost:8080", 8080),
            ("http://[::1]:9", "http://[::1]:9", 9),
            ("http://app.localhost", "http://app.localhost", 80),
        ] {
            let issuer = Issuer::parse(typed).unwrap();
            assert_eq!((issuer.text.as_str(), issuer.port), (normal, port), "{typed}");
            assert_eq!(issuer.origin(), normal);
        }
    }

    #[test]
    fn anything_but_an_origin_is_refused() {
        for typed in [
            "auth.example.com",
            "ftp://auth.example.com",
            "https:auth.example.com",
            "https:///auth.example.com",
            "https://auth.example.com ",
            "https://auth.example.com/sso",
            "https://auth.example.com/?",
            "https://auth.example.com/#x",
            "https://me@auth.example.com",
            "https://",
            "https://localhost:0",
            "http://auth.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
        ] {
            assert!(Issuer::parse(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn an_issuer_moves_to_another_port() {
        let issuer = Issuer::of(true, String::from("localhost"), 0);
        assert_eq!(issuer.on_port(443).text, "https://localhost");
        assert_eq!(issuer.on_port(5000).text, "https://localhost:5000");
    }
}

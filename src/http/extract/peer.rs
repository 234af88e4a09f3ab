//! Who is at the other end, when proxies stand between.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether a peer is one of our proxies.
pub(super) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&peer))
}

/// The address of the client: the peer itself, unless it is a trusted proxy that names another. The list is read from its end: each
/// trusted hop vouches for the address before it, and the first that is not ours is the client. What cannot be read, and a
/// `Forwarded` that contradicts `X-Forwarded-For` (the proxy writes one; the other came from the client), ends the walk: the
/// last address that was vouched for stands.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let by_standard = chain(headers, &FORWARDED).map(|text| walk(peer, forwarded(&text), trusted));
    let by_custom = chain(headers, &X_FORWARDED_FOR).map(|text| walk(peer, plain(&text), trusted));
    match (by_standard, by_custom) {
        (Some(one), Some(two)) if one != two => peer,
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

/// The lines of a list header as one (RFC 9110 §5.3). A line that is not readable text becomes an entry that is no address.
fn chain(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("?")).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn walk(peer: IpAddr, entries: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut reached = peer;
    for entry in entries.into_iter().rev() {
        if !is_trusted(reached, trusted) {
            break;
        }
        let Some(address) = entry else { break };
        reached = address;
    }
    reached
}

/// The entries of `X-Forwarded-For`.
fn plain(text: &str) -> Vec<Option<IpAddr>> {
    text.split(',').map(|entry| address(entry.trim())).collect()
}

/// The `for` of each element of `Forwarded` (RFC 7239 §4).
fn forwarded(text: &str) -> Vec<Option<IpAddr>> {
    split_outside_quotes(text, ',').into_iter().map(node).collect()
}

/// RFC 7239 §6: an address, quoted when it holds a colon; `unknown` and `_hidden` are no addresses, a repeated `for` is no element.
fn node(element: &str) -> Option<IpAddr> {
    let mut nodes = split_outside_quotes(element, ';').into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let value = nodes.next()?;
    if nodes.next().is_some() {
        return None;
    }
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    address(value)
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok();
    parsed.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn resolve(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn bug_class_35_a_stranger_cannot_name_another_address() {
        assert_eq!(resolve("192.0.2.9", &[("x-forwarded-for", "198.51.100.1")]), "192.0.2.9");
        assert_eq!(resolve("192.0.2.9", &[("forwarded", "for=198.51.100.1")]), "192.0.2.9");
        assert_eq!(resolve("127.0.0.1", &[("x-forwarded-for", "198.51.100.1")]), "127.0.0.1");
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        for (name, value, wanted) in [
            ("x-forwarded-for", "198.51.100.1", "198.51.100.1"),
            ("x-forwarded-for", "203.0.113.5, 198.51.100.1", "198.51.100.1"),
            ("x-forwarded-for", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("x-forwarded-for", "198.51.100.1:4711", "198.51.100.1"),
            ("x-forwarded-for", "2001:db8::1", "2001:db8::1"),
            ("x-forwarded-for", "::ffff:198.51.100.1", "198.51.100.1"),
            ("x-forwarded-for", "10.0.0.3", "10.0.0.3"),
            ("forwarded", "for=198.51.100.1;proto=https", "198.51.100.1"),
            ("forwarded", "For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("forwarded", "for=203.0.113.5, proto=https;for=198.51.100.1", "198.51.100.1"),
            ("forwarded", "for=\"a,b;for=1.2.3.4\", for=198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(resolve("10.0.0.1", &[(name, value)]), wanted, "{name}: {value}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "198.51.100.1");
    }

    #[test]
    fn what_cannot_be_read_is_not_believed() {
        for (name, value) in [
            ("x-forwarded-for", ""),
            ("x-forwarded-for", "198.51.100.1, unknown"),
            ("x-forwarded-for", "198.51.100.1,"),
            ("forwarded", "for=unknown"),
            ("forwarded", "for=_hidden"),
            ("forwarded", "by=198.51.100.1"),
            ("forwarded", "for=198.51.100.1;for=198.51.100.2"),
            ("forwarded", "for=\"198.51.100.1"),
        ] {
            assert_eq!(resolve("10.0.0.1", &[(name, value)]), "10.0.0.1", "{name}: {value}");
        }
    }

    #[test]
    fn bug_class_31_a_client_cannot_slip_in_the_header_its_proxy_does_not_write() {
        let lines = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "10.0.0.1");
        let lines = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "198.51.100.1");
    }
}

//! Who is at the other end, when proxies stand between.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether a peer is one of our proxies.
pub(super) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&peer))
}

/// The address of the client: the peer itself, unless it is a trusted proxy. A proxy must say for whom it asks. Its
/// list is read from its end: each trusted hop vouches for the address before it, and the first that is not ours is the
/// client. `None`, not known, where a proxy says nothing, where what is reached cannot be read (`unknown`, an empty
/// entry, broken quotes), and where `Forwarded` contradicts `X-Forwarded-For`: the proxy writes one, the other came
/// from the client. It is never the proxy's own address: that would be a client that says nothing of itself in the
/// proxy's place.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return Some(peer);
    }
    let by_standard = chain(headers, &FORWARDED, forwarded).map(|entries| walk(entries, trusted));
    let by_custom = chain(headers, &X_FORWARDED_FOR, plain).map(|entries| walk(entries, trusted));
    match (by_standard, by_custom) {
        (Some(one), Some(two)) if one != two => None,
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => None,
    }
}

/// The entries of all lines of a list header, in order (RFC 9110 §5.3); `None` where there is no such header. Each line
/// is read by itself: a quote that a client left open does not reach into the line that its proxy added. A line that
/// cannot be read is one entry that is no address.
fn chain(
    headers: &HeaderMap,
    name: &HeaderName,
    read: impl Fn(&str) -> Option<Vec<Option<IpAddr>>>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut entries = None;
    for line in headers.get_all(name) {
        let read = line.to_str().ok().and_then(&read).unwrap_or_else(|| vec![None]);
        entries.get_or_insert_with(Vec::new).extend(read);
    }
    entries
}

/// The first address from the end that is no trusted proxy, or the first of all; `None` when the walk comes to an entry
/// that is no address.
fn walk(entries: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut reached = None;
    for entry in entries.into_iter().rev() {
        let address = entry?;
        reached = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    reached
}

/// The entries of a line of `X-Forwarded-For`.
fn plain(text: &str) -> Option<Vec<Option<IpAddr>>> {
    Some(text.split(',').map(|entry| address(entry.trim_matches(SPACES))).collect())
}

/// Optional whitespace (RFC 9110 §5.6.3).
const SPACES: [char; 2] = [' ', '\t'];

/// The `for` of each element of a line of `Forwarded`. `None` when the line is not what RFC 7239 §4 describes: a reader
/// that guesses where a quote ends can be led to take a client's text for its proxy's.
fn forwarded(text: &str) -> Option<Vec<Option<IpAddr>>> {
    let (mut elements, mut rest) = (Vec::new(), text);
    loop {
        let (nodes, behind) = element(rest)?;
        // Without `for`, or with two of them, an element names nobody.
        elements.push(match nodes.as_slice() {
            [node] => address(node),
            _ => None,
        });
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Some(elements),
            None => return None,
        }
    }
}

/// The values of `for` in the first element of a text, and what follows it: `[ pair ] *( ";" [ pair ] )` (RFC 7239 §4).
fn element(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut nodes, mut rest) = (Vec::new(), text.trim_start_matches(SPACES));
    loop {
        if let Some((name, value)) = rest.split_once('=').filter(|(name, _)| !name.is_empty() && is_token(name)) {
            let (value, behind) = if value.starts_with('"') { quoted(value)? } else { token(value)? };
            if name.eq_ignore_ascii_case("for") {
                nodes.push(value);
            }
            rest = behind;
        }
        rest = rest.trim_start_matches(SPACES);
        match rest.strip_prefix(';') {
            Some(next) => rest = next.trim_start_matches(SPACES),
            None => return Some((nodes, rest)),
        }
    }
}

fn token(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| matches!(c, ',' | ';') || SPACES.contains(&c)).unwrap_or(text.len());
    let (value, rest) = text.split_at_checked(end)?;
    // Some proxies write an IPv6 address without the quotes that it needs.
    let is_value = value.bytes().all(|byte| is_token_byte(byte) || matches!(byte, b':' | b'[' | b']'));
    (is_value && !value.is_empty()).then(|| (value.to_owned(), rest))
}

/// RFC 9110 §5.6.4.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.strip_prefix('"')?.chars());
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            '\\' => value.push(letters.next()?),
            letter => value.push(letter),
        }
    }
}

fn is_token(text: &str) -> bool {
    text.bytes().all(is_token_byte)
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80` (RFC 7239 §6).
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || {
        let bare = text.strip_prefix('[')?.strip_suffix(']')?;
        bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let address = text.parse::<IpAddr>().ok().or_else(bracketed).or_else(with_port);
    address.map(|address| address.to_canonical())
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
        let address = client_address(peer.parse().unwrap(), &headers, &trusted);
        address.map_or_else(|| String::from("unknown"), |address| address.to_string())
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
            ("forwarded", "for=\"a\\\",for=1.2.3.4\";by=x , for=\"198.51.100.1:80\" ; proto=http;", "198.51.100.1"),
            ("forwarded", "for=[2001:db8::1]", "2001:db8::1"),
            ("forwarded", "for=unknown, for=198.51.100.1", "198.51.100.1"),
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
    fn a_line_of_the_client_does_not_spoil_the_line_of_its_proxy() {
        for forged in ["for=\"", "for=1.2.3.4;x=\"", "\u{1}", ",,,", ""] {
            for (name, value) in [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "198.51.100.1")] {
                let forged = forged.replace('\u{1}', "?");
                assert_eq!(resolve("10.0.0.1", &[(name, &forged), (name, value)]), "198.51.100.1", "{name}: {forged}");
            }
        }
    }

    /// Every way not to say who asks. None is the proxy's own address, and none the address that stands beside it.
    #[test]
    fn bug_class_35_a_client_that_its_proxy_does_not_name_is_unknown() {
        for value in [
            "",
            " ",
            ",",
            "unknown",
            "_hidden",
            "198.51.100.1, unknown",
            "198.51.100.1,",
            "198.51.100.1, ,",
            "198.51.100.1, 10.0.0.2,",
            "unknown, 10.0.0.2",
            "198.51.100.1 10.0.0.2",
            "198.51.100.256",
            "198.51.100.1:99999",
            "[198.51.100.1]",
            "fe80::1%eth0",
            "\"198.51.100.1\"",
        ] {
            assert_eq!(resolve("10.0.0.1", &[("x-forwarded-for", value)]), "unknown", "X-Forwarded-For: {value}");
        }
        for value in [
            "",
            "for",
            "for=",
            "for=unknown",
            "for=_hidden",
            "for=\"_hidden\"",
            "by=198.51.100.1",
            "for=198.51.100.1;for=198.51.100.2",
            "for=\"198.51.100.1",
            "for=198.51.100.1\"",
            "for=198.51.100.1;x=\", for=10.0.0.2",
            "for=1.2.3.4;x=\", for=198.51.100.1",
            "for=198.51.100.1;;x",
            "for=198.51.100.1 for=198.51.100.2",
            "for = 198.51.100.1",
            "for=198.51.100.1, for=unknown",
            "for=198.51.100.1,",
            "for=unknown, for=10.0.0.2",
            "198.51.100.1",
        ] {
            assert_eq!(resolve("10.0.0.1", &[("forwarded", value)]), "unknown", "Forwarded: {value}");
            assert_eq!(resolve("192.0.2.9", &[("forwarded", value)]), "192.0.2.9", "no proxy: {value}");
        }
        assert_eq!(
            resolve("10.0.0.1", &[]),
            "unknown",
            "a proxy can be made to leave the header out (Connection: x-forwarded-for)"
        );
    }

    #[test]
    fn bug_class_31_a_client_cannot_slip_in_the_header_its_proxy_does_not_write() {
        let lines = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "unknown");
        let lines = [("forwarded", "for=unknown"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "unknown");
        let lines = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(resolve("10.0.0.1", &lines), "198.51.100.1");
    }
}

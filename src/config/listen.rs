//! Addresses: where we listen, whom we believe, where we may connect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::settings::{EgressRule, Listen};
use super::value::Wrong;

/// Reads one entry of `listen`. `8443` and `localhost:8443` are this machine, `:8443` is every interface; other hosts
/// are written as addresses, because a name can move.
pub(super) fn listen(text: &str) -> Result<Listen, Wrong> {
    let addresses = match text.rsplit_once(':') {
        None => loopback(port(text, text)?),
        Some(("", number)) => everywhere(port(number, text)?),
        Some((host, number)) if host.eq_ignore_ascii_case("localhost") => loopback(port(number, text)?),
        Some(_) => vec![text.parse().map_err(|_| no_address(text))?],
    };
    Ok(Listen { text: text.to_owned(), addresses })
}

fn port(number: &str, text: &str) -> Result<u16, Wrong> {
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| digits).ok_or_else(|| no_address(text))
}

fn loopback(port: u16) -> Vec<SocketAddr> {
    vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
}

/// IPv6 first: where it takes IPv4 along, the second address is already covered.
fn everywhere(port: u16) -> Vec<SocketAddr> {
    vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
}

fn no_address(text: &str) -> Wrong {
    Wrong {
        what: format!("has no address in {text:?}"),
        remedy: String::from("write 8443, :8443, localhost:8443, 192.0.2.1:8443 or [2001:db8::1]:8443"),
    }
}

/// Reads a network; a bare address is the network of that address alone.
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    find_network(text).ok_or_else(|| Wrong {
        what: format!("has no network in {text:?}"),
        remedy: String::from("write 10.0.0.0/8, 2001:db8::/32 or one address"),
    })
}

fn find_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Reads one entry of `egress.allow`: a network, an address or a host name.
pub(super) fn egress_rule(text: &str) -> Result<EgressRule, Wrong> {
    match find_network(text) {
        Some(network) => Ok(EgressRule::Net(network)),
        None if is_host_name(text) => Ok(EgressRule::Host(text.to_ascii_lowercase())),
        None => Err(Wrong {
            what: format!("has neither network nor host name in {text:?}"),
            remedy: String::from("write 10.0.0.0/8, one address or hooks.example.com, without scheme and port"),
        }),
    }
}

/// RFC 1123 §2.1: labels of letters, digits and hyphens, 253 characters in all. A last label of digits would be an
/// address.
pub(super) fn is_host_name(text: &str) -> bool {
    let label_is_fit = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last_is_digits = text.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= 253 && !last_is_digits && text.split('.').all(label_is_fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        listen(text).unwrap().addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_way_to_write_an_address_is_read() {
        assert_eq!(addresses("8443"), ["127.0.0.1:8443", "[::1]:8443"]);
        assert_eq!(addresses("localhost:8443"), ["127.0.0.1:8443", "[::1]:8443"]);
        assert_eq!(addresses(":8443"), ["[::]:8443", "0.0.0.0:8443"]);
        assert_eq!(addresses("[::]:8443"), ["[::]:8443"]);
        assert_eq!(addresses("127.0.0.1:0"), ["127.0.0.1:0"]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", ":", "localhost", "localhost:", "auth.example.com:443", "127.0.0.1", "::1", "+80", "70000", "::1:80"]
        {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bare_address_is_a_network_of_one() {
        assert_eq!(network("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
        assert_eq!(network("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
        assert!(network("10.0.0.0/33").is_err());
        assert!(network("proxy.example").is_err());
    }

    #[test]
    fn an_egress_rule_is_a_network_or_a_host() {
        assert_eq!(egress_rule("Hooks.Example.com").unwrap(), EgressRule::Host(String::from("hooks.example.com")));
        assert!(matches!(egress_rule("10.0.0.0/8"), Ok(EgressRule::Net(_))));
        for text in ["https://hooks.example.com", "hooks.example.com:443", "*.example.com", "10.0.0.300", "a..b"] {
            assert!(egress_rule(text).is_err(), "{text}");
        }
    }
}

//! Which addresses are counted as one: whoever has one address of a subscriber has all of them.

use std::net::{IpAddr, Ipv6Addr};

/// The network of one subscriber: an IPv4 address, or the /64 that one IPv6 subscriber has at the least. An IPv4 address
/// that is written as one of IPv6 (RFC 4291 §2.5.5.2) is IPv4.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The network of one site, the largest that one customer is given: the IPv6 /48. IPv4 knows no such thing.
pub fn site(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
        }
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_class_31_all_addresses_of_a_subscriber_are_one() {
        let near = |text: &str| subscriber(text.parse().unwrap()).to_string();
        let wide = |text: &str| site(text.parse().unwrap()).map(|network| network.to_string());
        assert_eq!(near("2001:db8:0:1:ffff::2"), "2001:db8:0:1::");
        assert_eq!(wide("2001:db8:0:1:ffff::2").as_deref(), Some("2001:db8::"));
        assert_eq!((near("::ffff:192.0.2.1"), wide("::ffff:192.0.2.1")), (String::from("192.0.2.1"), None));
        assert_eq!(near("192.0.2.1"), "192.0.2.1");
    }
}

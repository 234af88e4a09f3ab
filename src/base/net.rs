//! Which addresses are counted as one: anyone who has one address of a subscriber has all of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of one subscriber: an IPv4 address, or the /64 that one IPv6 subscriber has at the least. An IPv4
/// address that is written as one of IPv6 (RFC 4291 §2.5.5.2) is IPv4.
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

/// The networks of an address at three widths, as texts: the subscriber's; that of a customer, which of IPv4 is the
/// /24; and that of a provider, the /16 or the /32.
pub fn networks(address: IpAddr) -> [String; 3] {
    let wide = match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            [(IpAddr::V4(Ipv4Addr::new(a, b, c, 0)), 24), (IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), 16)]
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            let provider = IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0));
            [(site(address).unwrap_or(provider), 48), (provider, 32)]
        }
    };
    let [customer, provider] = wide.map(|(network, bits)| format!("{network}/{bits}"));
    [subscriber(address).to_string(), customer, provider]
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

    #[test]
    fn networks_go_from_one_sender_to_a_provider() {
        assert_eq!(networks("192.0.2.7".parse().unwrap()), ["192.0.2.7", "192.0.2.0/24", "192.0.0.0/16"]);
        assert_eq!(networks("::ffff:192.0.2.7".parse().unwrap()), networks("192.0.2.7".parse().unwrap()));
        let wide = networks("2001:db8:1:2:3::4".parse().unwrap());
        assert_eq!(wide, ["2001:db8:1:2::", "2001:db8:1::/48", "2001:db8::/32"]);
    }
}

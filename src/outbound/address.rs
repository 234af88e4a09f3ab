//! What an address is, by the registries of IANA: whether it is of the public internet, of a private network, or of
//! something that requests from outside must never reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Globally reachable.
    Public,
    /// This machine or a private network: loopback, RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// Everything else that is not globally reachable: link-local, multicast, documentation, reserved, and addresses
    /// that lead elsewhere than they say (6to4, Teredo, NAT64 of something that is not public).
    Special,
    /// Where a cloud gives credentials to every program on its machine.
    Metadata,
}

/// Metadata services of IPv4: nearly all clouds; two of Amazon's containers; Alibaba, Oracle and Azure.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// Metadata services of IPv6: Amazon's machines and containers; Google.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// What an address is. An IPv4 address that is written as one of IPv6 (RFC 4291 §2.5.5.2) is IPv4.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address.to_canonical() {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

/// The IANA IPv4 Special-Purpose Address Registry, RFC 5771 (multicast) and RFC 1112 §4 (reserved).
fn kind_of_v4(address: Ipv4Addr) -> Kind {
    if METADATA_V4.contains(&address) {
        return Kind::Metadata;
    }
    match address.octets() {
        [10 | 127, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Kind::Private,
        [0 | 224..=255, ..] | [169, 254, ..] => Kind::Special,
        // IETF protocol assignments, documentation (three networks), the relays of 6to4, measurements.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18..=19, ..] => {
            Kind::Special
        }
        _ => Kind::Public,
    }
}

/// The IANA IPv6 Special-Purpose Address Registry; of the rest only 2000::/3 is assigned as global unicast.
fn kind_of_v6(address: Ipv6Addr) -> Kind {
    if METADATA_V6.contains(&address) {
        return Kind::Metadata;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => Kind::Private,
        // NAT64 (RFC 6052): what it leads to is the IPv4 address in the last four bytes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => match kind_of_v4(v4_of(high, low)) {
            Kind::Private => Kind::Special,
            other => other,
        },
        // IETF protocol assignments with Teredo, documentation (two networks), 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => Kind::Special,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Special,
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(kind_wanted: Kind, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(kind(address.parse().unwrap()), kind_wanted, "{address}");
        }
    }

    #[test]
    fn addresses_are_what_the_registries_say() {
        is(Kind::Public, &["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.0.1", "172.32.0.1", "192.167.1.1"]);
        is(Kind::Public, &["100.63.0.1", "100.128.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255"]);
        is(Kind::Public, &["2606:4700::1111", "2001:200::1", "2400::1", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"]);
        is(Kind::Private, &["127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.9.9", "192.168.0.1"]);
        is(Kind::Private, &["100.64.0.1", "::1", "fc00::1", "fdff::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3"]);
        is(Kind::Special, &["0.0.0.0", "0.1.2.3", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"]);
        is(Kind::Special, &["192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "198.18.0.1", "192.0.0.8"]);
        is(Kind::Special, &["::", "::7f00:1", "fe80::1", "ff02::1", "fec0::1", "2001:db8::1", "2001::1", "3fff::1"]);
        is(Kind::Special, &["2002:7f00:1::", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "4000::1"]);
    }

    #[test]
    fn metadata_services_are_known_in_every_way_to_write_them() {
        is(Kind::Metadata, &["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"]);
        is(Kind::Metadata, &["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"]);
    }
}

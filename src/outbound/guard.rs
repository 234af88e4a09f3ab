//! What may be reached. Decided by address: a name is whatever its owner makes of it, and may mean something else a
//! moment later.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{self, Kind};
use super::error::{Error, Refused};
use crate::config::EgressRule;

/// What says which destinations a request may have.
#[derive(Debug)]
pub(super) struct Guard {
    allow: Vec<EgressRule>,
}

impl Guard {
    /// A guard that lets through what is public, and what these rules name.
    pub(super) fn new(allow: Vec<EgressRule>) -> Self {
        Self { allow }
    }

    /// Reads where a request goes, and checks what can be checked before its name is looked up: https, no user
    /// information (RFC 9110 §4.2.4), and an address in the place of a name. The fragment is taken out. Errors: `Url`,
    /// `Refused`.
    pub(super) fn check_url(&self, mut url: Url) -> Result<Url, Error> {
        if url.scheme() != "https" {
            return Err(Error::Url("it does not begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Url("it holds a name or a password"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Error::Url("it names no host")),
        };
        if let Some(address) = literal {
            self.check(&address.to_string(), &[address])?;
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// Checks all addresses of a host: one that is refused refuses all, since nobody knows which of them would be
    /// connected to. Errors: the first that is refused.
    pub(super) fn check(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Refused> {
        let refused = addresses.iter().find(|address| !self.admits(host, **address));
        refused.map_or(Ok(()), |address| Err(Refused { host: host.to_owned(), address: *address }))
    }

    /// A network opens what lies in it, save metadata services: those must be named one by one, by their address. A
    /// host name opens the private networks to that host; where its name leads is not for its rule to say, so nothing
    /// else.
    fn admits(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let kind = address::kind(address);
        kind == Kind::Public
            || self.allow.iter().any(|rule| match rule {
                EgressRule::Net(network) if kind == Kind::Metadata => {
                    network.prefix_len() == network.max_prefix_len() && network.contains(&address)
                }
                EgressRule::Net(network) => network.contains(&address),
                EgressRule::Host(name) => {
                    kind == Kind::Private && host.trim_end_matches('.').eq_ignore_ascii_case(name)
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allow: &[&str]) -> Guard {
        let rule = |text: &&str| {
            let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(Into::into));
            network.map_or_else(|| EgressRule::Host((*text).to_owned()), EgressRule::Net)
        };
        Guard::new(allow.iter().map(rule).collect())
    }

    fn admits(allow: &[&str], host: &str, addresses: &[&str]) -> bool {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        guard(allow).check(host, &addresses).is_ok()
    }

    #[test]
    fn public_addresses_are_open_and_all_others_need_a_rule() {
        assert!(admits(&[], "a.example", &["1.1.1.1", "2606:4700::1111"]));
        for inner in ["127.0.0.1", "10.0.0.1", "169.254.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"] {
            assert!(!admits(&[], "a.example", &[inner]), "{inner}");
        }
        assert!(admits(&["10.0.0.0/8"], "a.example", &["10.1.2.3"]));
        assert!(admits(&["10.0.0.0/8"], "a.example", &["::ffff:10.1.2.3"]));
        assert!(!admits(&["10.0.0.0/8"], "a.example", &["192.168.0.1"]));
    }

    #[test]
    fn one_refused_address_refuses_its_host() {
        assert!(!admits(&[], "a.example", &["1.1.1.1", "127.0.0.1"]));
    }

    #[test]
    fn a_host_name_opens_private_networks_and_nothing_else() {
        assert!(admits(&["hooks.internal"], "hooks.internal", &["10.0.0.1"]));
        assert!(admits(&["hooks.internal"], "Hooks.internal.", &["127.0.0.1"]));
        assert!(!admits(&["hooks.internal"], "other.internal", &["10.0.0.1"]));
        assert!(!admits(&["hooks.internal"], "hooks.internal", &["169.254.1.1"]));
        assert!(!admits(&["hooks.internal"], "hooks.internal", &["169.254.169.254"]));
    }

    #[test]
    fn metadata_services_are_opened_by_their_own_address_only() {
        for wide in ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.0/24"] {
            assert!(!admits(&[wide], "a.example", &["169.254.169.254"]), "{wide}");
        }
        assert!(admits(&["169.254.169.254"], "a.example", &["169.254.169.254"]));
        assert!(!admits(&["fd00::/8"], "a.example", &["fd00:ec2::254"]));
    }

    #[test]
    fn a_url_is_https_names_a_host_and_nobody() {
        let check = |allow: &[&str], url: &str| guard(allow).check_url(url.parse().unwrap());
        assert!(check(&[], "https://a.example/x").is_ok());
        for bad in ["http://a.example/", "ftp://a.example/", "file:///etc/passwd", "https://u@a.example/", "data:,x"] {
            assert!(matches!(check(&[], bad), Err(Error::Url(_))), "{bad}");
        }
        assert!(matches!(check(&[], "https://u:p@a.example/"), Err(Error::Url(_))));
        assert_eq!(check(&[], "https://a.example/x#y").unwrap().as_str(), "https://a.example/x");
    }

    #[test]
    fn an_address_is_known_however_a_url_writes_it() {
        for inner in ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"] {
            let checked = guard(&[]).check_url(format!("https://{inner}/").parse().unwrap());
            assert!(matches!(checked, Err(Error::Refused(_))), "{inner}: {checked:?}");
        }
        assert!(guard(&["127.0.0.1"]).check_url("https://127.0.0.1:8443/".parse().unwrap()).is_ok());
    }
}

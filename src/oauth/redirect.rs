//! Redirect URIs: what may be registered, and when a request's one is the registered one.

use url::{Host, Url};

use crate::records::ClientFields;

/// Longest redirect URI in bytes.
const MAX_LENGTH: usize = 2048;

/// How much of two URIs is compared to find out how much they are alike, in characters: the work grows with the product
/// of both.
const COMPARED: usize = 256;

/// Schemes that a browser or system gives a meaning of its own: sending a code there would run or leak it.
const FORBIDDEN_SCHEMES: [&str; 19] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "data",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "resource",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Hosts that are this machine (RFC 8252 §7.3). No other spelling of a loopback address counts.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Ends of names that are given out within a network only (RFC 8375, the reserved `.internal`, and the habit of
/// routers).
const PRIVATE_NAMES: [&str; 3] = [".lan", ".home.arpa", ".internal"];

/// Which plain `http` addresses an app may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Those of this machine.
    Loopback,
    /// Those of a private network, too, where an administrator says so: who listens there reads the codes.
    Private,
}

impl PlainHttp {
    /// As a client has it.
    pub fn of(client: &ClientFields) -> Self {
        if client.allow_private_http { Self::Private } else { Self::Loopback }
    }
}

/// Whether a URI is plain `http` to another machine, which [`PlainHttp::Private`] allows on some.
pub fn is_private_http(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() == "http" && is_private(&url))
}

/// An address of a private network (RFC 1918, RFC 4193, and RFC 6598 as private networks over others use it), or a name
/// that is given out in one only.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => {
            let [first, second, ..] = address.octets();
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        Some(Host::Ipv6(address)) => (address.segments()[0] & 0xfe00) == 0xfc00,
        Some(Host::Domain(name)) => {
            PRIVATE_NAMES.iter().any(|end| name.strip_suffix(end).is_some_and(|label| !label.is_empty()))
        }
        None => false,
    }
}

/// Whether this text may be registered as a redirect or post-logout URI; the error says what to change.
///
/// Absolute, without a fragment (RFC 6749 §3.1.2), without user information or wildcard (RFC 9700 §4.1.3), `https`, or
/// `http` on loopback or where `plain` allows it, or a custom scheme of an app (RFC 8252 §7.1). The text must already
/// be in the form that a parser gives back, so that what is stored, compared and emitted is one and the same string.
pub fn check_registrable(text: &str, plain: PlainHttp) -> Result<(), String> {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(format!("A redirect URI has 1 to {MAX_LENGTH} characters."));
    }
    if !text.bytes().all(|b| (0x21..=0x7e).contains(&b))
        || text.contains(['\\', '"', '<', '>', '`', '{', '}', '|', '^'])
    {
        return Err(format!("`{}` holds characters that a URI cannot have.", shown(text)));
    }
    if text.contains('*') {
        return Err(format!(
            "`{}` has a wildcard (*). Each redirect URI is written out and matched exactly.",
            shown(text)
        ));
    }
    if text.contains('#') {
        return Err(format!("`{}` has a fragment (#…); a redirect URI cannot (RFC 6749 section 3.1.2).", shown(text)));
    }
    let Ok(url) = Url::parse(text) else {
        return Err(format!(
            "`{}` is not an absolute URI. Write it whole, as in https://app.example.com/callback.",
            shown(text)
        ));
    };
    if text.starts_with("urn:ietf:wg:oauth:2.0:oob") {
        return Err(String::from(
            "Codes are not shown to be copied (urn:ietf:wg:oauth:2.0:oob): anybody can be talked into giving one away. An app on a device listens at http://127.0.0.1/ instead (RFC 8252 section 7.3).",
        ));
    }
    if FORBIDDEN_SCHEMES.contains(&url.scheme()) {
        return Err(format!("The scheme `{}:` is not allowed in a redirect URI.", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).is_some_and(|a| a.contains('@')) {
        return Err(format!("`{}` has user information (…@); remove it.", shown(text)));
    }
    match url.scheme() {
        "https" | "http" => check_web(text, &url, plain),
        scheme => check_custom(text, scheme),
    }
}

fn check_web(text: &str, url: &Url, plain: PlainHttp) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.contains('*') || host.ends_with('.') {
        return Err(format!("`{}` needs one exact host name; wildcards are not possible.", shown(text)));
    }
    let is_private = is_private(url);
    let may_be_plain = LOOPBACK_HOSTS.contains(&host) || (plain == PlainHttp::Private && is_private);
    if url.scheme() == "http" && !may_be_plain {
        let rule = match (plain, is_private) {
            (PlainHttp::Loopback, true) => {
                "http works for localhost, 127.0.0.1 and [::1]; on a private network if the client is set to allow_private_http."
            }
            (PlainHttp::Private, _) => {
                "http works for localhost, 127.0.0.1, [::1], private addresses, and names that end in .lan, .home.arpa or .internal."
            }
            _ => "http works for localhost, 127.0.0.1 and [::1] only.",
        };
        return Err(format!("`{}` is plain http. Use https; {rule}", shown(text)));
    }
    // The parser lower-cases the host, resolves dot segments and drops default ports. A text it would change
    // would be compared as one thing and visited as another.
    let normal = url.as_str();
    let same = normal == text || normal.strip_suffix('/').is_some_and(|n| n == text && url.path() == "/");
    if same {
        Ok(())
    } else {
        Err(format!("Write `{}` as `{}`; the two mean the same place.", shown(text), shown(normal)))
    }
}

fn check_custom(text: &str, scheme: &str) -> Result<(), String> {
    let rest = text.get(scheme.len()..).unwrap_or_default();
    if !text.starts_with(scheme) {
        return Err(format!("Write the scheme of `{}` in lower case.", shown(text)));
    }
    if scheme.len() < 2 || rest.len() < 3 {
        return Err(format!(
            "`{}` is too short for a custom-scheme URI; write it as in myapp://auth/callback.",
            shown(text)
        ));
    }
    Ok(())
}

/// "Comparing the two URIs using simple string comparison" (RFC 9700 §4.1.3, RFC 3986 §6.2.1), with the one exception
/// that the port of a registered loopback URI is not compared when `any_port` is set, for native apps (RFC 8252 §7.3).
pub fn is_registered(requested: &str, registered: &[String], any_port: bool) -> bool {
    registered.iter().any(|uri| uri == requested || (any_port && differs_in_loopback_port_only(requested, uri)))
}

fn differs_in_loopback_port_only(requested: &str, registered: &str) -> bool {
    match (split_loopback(requested), split_loopback(registered)) {
        (Some((host, rest)), Some((registered_host, registered_rest))) => {
            host == registered_host && rest == registered_rest
        }
        _ => false,
    }
}

/// Host and everything after the port of an `http` loopback URI. The port may be absent; else it is 1 to 65535.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    let after = uri.strip_prefix("http://")?;
    let host = LOOPBACK_HOSTS.into_iter().find(|host| after.starts_with(host))?;
    let rest = after.get(host.len()..)?;
    let rest = match rest.strip_prefix(':') {
        Some(port_and_rest) => {
            let digits = port_and_rest.bytes().take_while(u8::is_ascii_digit).count();
            let port = port_and_rest.get(..digits)?;
            let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
            is_port.then(|| port_and_rest.get(digits..)).flatten()?
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some((host, rest))
}

/// The registered URI that looks most like the requested one, by the beginning of both.
pub fn nearest<'u>(requested: &str, registered: &'u [String]) -> Option<&'u String> {
    let beginning = |uri: &str| uri.chars().take(COMPARED).collect::<String>();
    let requested = beginning(requested);
    let alike = registered.iter().map(|uri| (strsim::jaro_winkler(&requested, &beginning(uri)), uri));
    alike.max_by(|(one, _), (two, _)| one.total_cmp(two)).map(|(_, uri)| uri)
}

/// Whether both are `http` or `https` URIs on one host, whatever the scheme and port; all names of this machine are one
/// host.
pub fn is_on_host_of(one: &str, other: &str) -> bool {
    let host = |uri: &str| {
        let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let is_plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let host = url.host_str().filter(|host| !host.is_empty()).filter(is_plain)?;
        Some(if LOOPBACK_HOSTS.contains(&host) { String::from("localhost") } else { host.to_owned() })
    };
    host(one).is_some_and(|named| host(other).as_ref() == Some(&named))
}

/// The web origin (RFC 6454 §6.2) of an `http` or `https` URI; `None` for custom schemes.
pub fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// Whether a text is an origin as a browser sends it: of the web, or of an app that shows its own pages under a scheme
/// of its own (`capacitor://localhost`, `tauri://localhost`), which the URL standard gives none.
pub fn is_origin(text: &str) -> bool {
    let of_shell = |url: Url| {
        let is_plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let host = url.host_str().filter(|host| !host.is_empty()).filter(is_plain)?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        (!url.is_special()).then(|| format!("{}://{host}{port}", url.scheme()))
    };
    origin(text).or_else(|| Url::parse(text).ok().and_then(of_shell)).as_deref() == Some(text)
}

/// The URI with parameters appended to its query, keeping what it has (RFC 6749 §4.1.2, appendix B).
pub fn with_query(uri: &str, parameters: &[(String, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    if query.is_empty() {
        return uri.to_owned();
    }
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{query}")
}

fn authority(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("://")?;
    after.split(['/', '?']).next()
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;

//! The variables of a process, as values.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// A set of environment variables, taken once. Printing it shows names only.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// The same without what Kubernetes and Docker set in a container beside services whose names begin like the prefix
    /// (`auther`, `auther-web`, `auther-smtp`): nobody typed them, whatever key they look like.
    pub(super) fn without_service_links(&self, prefix: &str) -> Self {
        let is_link = |name: &str, value: &OsStr| {
            name.strip_prefix(prefix).is_some_and(|rest| self.is_service_link(name, rest, value))
        };
        let kept = self.0.iter().filter(|(name, value)| !is_link(name, value));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// `{SVC}_SERVICE_HOST`, `{SVC}_SERVICE_PORT` with or without a port's name, `{SVC}_PORT=tcp://…`, and
    /// `{SVC}_PORT_{number}_TCP…` (Kubernetes, "Accessing the Service", environment variables; Docker's links alike).
    /// `AUTHER_PORT=8443` is a mistake of a person, `AUTHER_PORT=tcp://…` is not. A port that a setting could mean
    /// is a link only beside the host that belongs to it.
    fn is_service_link(&self, name: &str, rest: &str, value: &OsStr) -> bool {
        let parts: Vec<&str> = rest.split('_').collect();
        let is_url = value.to_str().is_some_and(|value| value.contains("://"));
        let has_host = |length: usize| {
            let service = name.get(..name.len().saturating_sub(length)).unwrap_or_default();
            self.0.contains_key(&format!("{service}SERVICE_HOST"))
        };
        match parts.as_slice() {
            [.., "SERVICE", "HOST"] => true,
            [.., "PORT"] if is_url => parts.len() == 1 || has_host("PORT".len()),
            _ => parts.windows(2).any(|pair| match pair {
                ["SERVICE", "PORT"] => true,
                ["PORT", number] => number.starts_with(|c: char| c.is_ascii_digit()),
                _ => false,
            }),
        }
    }

    /// The value of a variable, if it is set.
    pub fn find(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// Every variable with its value, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &OsString)> {
        self.0.iter()
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_the_environment_shows_no_value() {
        let env: Environment = [("AUTHER_MASTER_KEY", "hunter2")].into_iter().collect();
        assert_eq!(format!("{env:?}"), "{\"AUTHER_MASTER_KEY\"}");
    }

    fn kept(variables: &[(&str, &str)]) -> Vec<String> {
        let env: Environment = variables.iter().copied().collect();
        env.without_service_links("AUTHER_").iter().map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn what_kubernetes_sets_for_any_service_is_passed_over() {
        for service in ["AUTHER", "AUTHER_WEB", "AUTHER_2_ADMIN", "AUTHER_SMTP", "AUTHER_LISTEN", "AUTHER_PORT"] {
            let set = [
                (format!("{service}_SERVICE_HOST"), "10.0.0.1"),
                (format!("{service}_SERVICE_PORT"), "8443"),
                (format!("{service}_SERVICE_PORT_HTTPS"), "8443"),
                (format!("{service}_PORT"), "tcp://10.0.0.1:8443"),
                (format!("{service}_PORT_8443_TCP"), "tcp://10.0.0.1:8443"),
                (format!("{service}_PORT_8443_TCP_PROTO"), "tcp"),
                (format!("{service}_PORT_8443_TCP_PORT"), "8443"),
                (format!("{service}_PORT_8443_TCP_ADDR"), "10.0.0.1"),
            ];
            let set: Vec<(&str, &str)> = set.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            assert_eq!(kept(&set), Vec::<String>::new(), "{service}");
        }
    }

    #[test]
    fn what_a_person_typed_stays() {
        for (name, value) in [
            ("AUTHER_PORT", "8443"),
            ("AUTHER_WEB_PORT", "8443"),
            ("AUTHER_SMTP_PORT", "587"),
            ("AUTHER_SMTP_PORT", "tcp://10.0.0.1:25"),
            ("AUTHER_SERVICE", "x"),
            ("AUTHER_ISUER", "https://a.example"),
            ("OTHER_SERVICE_HOST", "10.0.0.1"),
        ] {
            assert_eq!(kept(&[(name, value)]), [name], "{value}");
        }
    }
}

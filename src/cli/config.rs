//! `auther config`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::flags::ServeFlags;
use super::output::{Failure, Output, say};
use crate::config::{self, Loaded};
use crate::serve;

/// `auther config`: takes the flags of `serve`, so that one can see what they would do.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What `serve` would be given.
    #[command(flatten)]
    pub flags: ServeFlags,
    /// Print exactly one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with the configuration.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting, its value and where the value comes from
    Show,
    /// Say whether the configuration is right, and warn of what has no effect; every mistake with its place otherwise
    Check,
}

impl ConfigCommand {
    /// Does it with a configuration that was found right.
    pub fn run(self, loaded: &Loaded, output: Output) -> Result<(), Failure> {
        match self {
            Self::Show if output.json => output.show(&config::document(loaded), Value::to_string),
            Self::Show => say(config::table(loaded).trim_end()),
            Self::Check => {
                let mistakes = serve::mistakes_in_files(&loaded.settings);
                if !mistakes.is_empty() {
                    return Err(Failure::usage("configuration", mistakes.join("\n")));
                }
                let (document, text) = checked(loaded);
                output.show(&document, |_| text)
            }
        }
    }
}

/// What there is to say of a configuration without mistakes: as JSON, and for people.
fn checked(loaded: &Loaded) -> (Value, String) {
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    let warnings = &loaded.settings.warnings;
    let lines = warnings.iter().map(|warning| format!("\nWarning: {warning}"));
    let right = format!("The configuration is right ({}).", file.as_deref().unwrap_or("no file"));
    let text = std::iter::once(right).chain(lines).collect();
    (json!({"ok": true, "file": file, "warnings": warnings}), text)
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::cli::overrides;
    use crate::config::Environment;
    use crate::crypto::certificate::self_signed;

    const WRONG: &str = r#"registration = "everybody"

[[clients]]
client_id = "blog"
type = "spa"
redirect_uris = ["javascript:alert(1)", "http://evil.com/x"]
post_logout_redirect_uris = ["nope"]
origins = ["https://a.example/path"]

[[clients]]
client_id = "svc"
type = "m2m"
auth_method = "private_key_jwt"
jwks = { keys = [{ kty = "EC", crv = "P-256", x = "AA", y = "AA", d = "AA" }] }
"#;

    #[test]
    fn what_the_server_would_refuse_of_a_client_is_told_with_all_else_and_its_place() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("auther.toml"), WRONG).unwrap();
        let load = || config::load(&overrides(ServeFlags::default()), &Environment::default(), folder.path());
        let said = load().unwrap_err().to_string();
        let lines: Vec<&str> = said.lines().map(|line| line.rsplit_once("auther.toml:").unwrap().1).collect();
        let wanted = [
            "1: registration cannot be",
            "6: client \"blog\": redirect_uris: The scheme `javascript:` is not allowed in a redirect URI; correct it",
            "6: client \"blog\": redirect_uris: `http://evil.com/x` is plain http; use https",
            "7: client \"blog\": post_logout_redirect_uris: `nope` is not an absolute URI; write it whole",
            "8: client \"blog\": origins: `https://a.example/path` is not an origin; write scheme and host",
            "14: client \"svc\": jwks: The JWK set holds a private key; register the public half only",
        ];
        assert_eq!(lines.len(), wanted.len(), "{said}");
        for (line, wanted) in lines.iter().zip(wanted) {
            assert!(line.starts_with(wanted), "{line}\n{wanted}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
    }

    #[test]
    fn the_files_that_a_server_would_open_are_opened() {
        serve::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (made, key) = self_signed(&["auth.example.com"]);
        let pem = |label: &str, bytes: &[u8]| {
            format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(bytes))
        };
        let (_, other) = self_signed(&["auth.example.com"]);
        std::fs::write(at("cert.pem"), made.pem()).unwrap();
        std::fs::write(at("key.pem"), pem("PRIVATE KEY", &key)).unwrap();
        std::fs::write(at("other.pem"), pem("PRIVATE KEY", &other)).unwrap();
        std::fs::write(at("encrypted.pem"), pem("ENCRYPTED PRIVATE KEY", &key)).unwrap();
        let legacy = format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{}\n", BASE64.encode(&key));
        std::fs::write(at("legacy.pem"), legacy).unwrap();
        for (cert, key, data, wanted) in [
            ("cert.pem", "key.pem", "auther.redb", ""),
            ("cert.pem", "other.pem", "auther.redb", "are not a certificate and its key"),
            ("cert.pem", "none.pem", "auther.redb", "which does not exist"),
            ("none.pem", "key.pem", "auther.redb", "which does not exist"),
            ("key.pem", "key.pem", "auther.redb", "it holds no certificate"),
            ("cert.pem", "encrypted.pem", "auther.redb", "is encrypted, and nobody is there"),
            ("cert.pem", "legacy.pem", "auther.redb", "is encrypted, and nobody is there"),
            ("cert.pem", "key.pem", "nowhere/auther.redb", "the folder of"),
        ] {
            let text = format!(
                "issuer = \"https://auth.example.com\"\ndata = {:?}\n[tls]\nmode = \"files\"\ncert = {:?}\nkey = {:?}\n",
                at(data),
                at(cert),
                at(key)
            );
            std::fs::write(at("auther.toml"), text).unwrap();
            let loaded = config::load(&overrides(ServeFlags::default()), &Environment::default(), folder.path());
            let said = match loaded {
                Err(mistakes) => mistakes.to_string(),
                Ok(loaded) => match ConfigCommand::Check.run(&loaded, Output { json: true }) {
                    Err(failure) => failure.message,
                    Ok(()) => String::new(),
                },
            };
            assert!(said.contains(wanted) && said.is_empty() == wanted.is_empty(), "{key}: {said}");
        }
    }

    #[test]
    fn a_right_configuration_with_a_key_that_nothing_reads_is_right_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("auther.toml"), "smtp.host = \"m.example\"\nsmtp.from = \"a@b.example\"\n")
            .unwrap();
        let loaded = config::load(&overrides(ServeFlags::default()), &Environment::default(), folder.path()).unwrap();
        let (document, text) = checked(&loaded);
        assert_eq!((&document["ok"], &document["warnings"][0]["place"]["line"]), (&true.into(), &1.into()));
        assert!(text.starts_with("The configuration is right"), "{text}");
        assert!(text.contains("auther.toml:1: smtp.host has no effect in this version"), "{text}");
    }
}

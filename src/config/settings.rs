//! What the configuration means: plain values with units, checked, ready to be used.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::Effective;
use super::declaration::ClientDeclaration;
use super::issuer::Issuer;
use super::look::Look;
use super::mistakes::Mistake;
use crate::base::Secret;

/// Everything that can be set. Printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we are to the outside.
    pub issuer: Issuer,
    /// Where we listen; never empty.
    pub listen: Vec<Listen>,
    /// Where the data file is.
    pub data: PathBuf,
    /// Where the certificate comes from.
    pub tls: Tls,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What the pages show of the operator.
    pub look: Look,
    /// Who may sign up.
    pub registration: Registration,
    /// Audience of access tokens when a client names none; empty means the issuer.
    pub audiences: Vec<String>,
    /// Seals the secrets in the data file; without it a key in the file does.
    pub master_key: Option<Secret<String>>,
    /// Limits against guessing.
    pub rate_limit: RateLimit,
    /// What is logged, and how.
    pub log: Log,
    /// The cost of a password hash.
    pub password: Password,
    /// Lifetimes of sessions.
    pub session: Session,
    /// Lifetimes of codes and tokens.
    pub tokens: Tokens,
    /// The life of a token-signing key.
    pub keys: Keys,
    /// The data file's memory.
    pub store: Store,
    /// The audit log.
    pub audit: Audit,
    /// Policies.
    pub policy: Policy,
    /// Bounds on what is taken in.
    pub limits: Limits,
    /// How the process serves.
    pub server: Server,
    /// Connections we open.
    pub egress: Egress,
    /// The mail server; none means no mail is sent.
    pub smtp: Option<Smtp>,
    /// Clients declared in the configuration.
    pub clients: Vec<ClientDeclaration>,
    /// Keys with new values that wait for a restart; none at the start.
    pub waiting: Vec<&'static str>,
    /// What was accepted and does not do what it seems to, each with its place.
    pub warnings: Vec<Mistake>,
    /// Every key with its value as it was typed and where that was, in the order of the schema.
    pub origins: Vec<Effective>,
}

/// One entry of `listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address as it was typed.
    pub text: String,
    /// Every address the entry stands for, to be bound in this order. It is enough that one can be bound: a machine may
    /// lack IPv6, and `[::]` may already cover `0.0.0.0`. With port 0 the later ones take the port the first was given.
    pub addresses: Vec<SocketAddr>,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// A certificate authority of our own, kept in the data file.
    LocalCa,
    /// PEM files, read again when they change.
    Files {
        /// The certificate chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Plain HTTP, for loopback or behind a proxy that ends TLS.
    Off,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nobody; an administrator makes the accounts.
    Closed,
    /// Who holds an invitation.
    Invite,
    /// Anyone may make an account.
    Open,
}

/// Limits against guessing.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Off only for tests and measurements.
    pub enabled: bool,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The shape of a line.
    pub format: LogFormat,
    /// Directives as the `EnvFilter` of tracing reads them; checked.
    pub level: String,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people to read.
    Text,
    /// One JSON object per line.
    Json,
}

/// The cost of a password hash (argon2id, RFC 9106 §3.1), and how many at a time.
#[derive(Clone, Debug)]
pub struct Password {
    /// Memory per hash, in KiB; at least eight times `parallelism`.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Threads that hash; 0 means one per core.
    pub threads: usize,
    /// Hashes that may wait for a thread.
    pub queue: usize,
}

/// Lifetimes of sessions.
#[derive(Clone, Debug)]
pub struct Session {
    /// From the last refresh to the end.
    pub lifetime: Duration,
    /// Use moves the end once this much has passed since the last refresh; not longer than `lifetime`.
    pub refresh_after: Duration,
    /// From the sign-in to the end, however much it is used.
    pub absolute: Duration,
    /// How long a proof of who somebody is counts for what outlives a session or changes how one signs in.
    pub fresh: Duration,
}

/// Lifetimes of codes and tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Authorization code (RFC 6749 §4.1.2: ten minutes at the most).
    pub code: Duration,
    /// Access token.
    pub access: Duration,
    /// ID token.
    pub id: Duration,
    /// A refresh token that is not used; not longer than `refresh_absolute`.
    pub refresh_idle: Duration,
    /// All refresh tokens that follow from one authorization.
    pub refresh_absolute: Duration,
    /// How long after a rotation the old refresh token is answered as a repeat and not as theft.
    pub refresh_grace: Duration,
    /// Bytes that `permissions` and `abac_required` may take together, as JSON.
    pub permissions_bytes: usize,
    /// Bytes of a whole ID or access token, as it is sent.
    pub max_bytes: usize,
}

/// The life of a token-signing key.
#[derive(Clone, Debug)]
pub struct Keys {
    /// How long a key signs.
    pub rotate: Duration,
    /// How long before its first use a key is published; shorter than `rotate`.
    pub publish_ahead: Duration,
    /// How long a key stays published after its last use; not shorter than any token lives.
    pub keep: Duration,
}

/// The data file's memory.
#[derive(Clone, Debug)]
pub struct Store {
    /// Pages kept in memory, in bytes.
    pub cache_bytes: usize,
}

/// The audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// How long a row is kept.
    pub keep: Duration,
}

/// Policies.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How long an evaluation is kept.
    pub keep: Duration,
    /// Names of members whose values are left out of recorded contexts.
    pub redact: Vec<String>,
}

/// Bounds on what is taken in.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// Groups and parents above each other that a permission check follows.
    pub check_depth: usize,
    /// Groups and other sets that a check looks into.
    pub check_sets: usize,
    /// Relations of objects that a check visits.
    pub check_nodes: usize,
}

/// How the process serves: workers, connections and their bounds.
#[derive(Clone, Debug)]
pub struct Server {
    /// Threads that answer requests; 0 means one per core.
    pub workers: usize,
    /// Connections of the public listeners that are taken at once, if the system gives as many open files.
    pub connections: usize,
    /// Those from one address or IPv6 /64. Loopback and trusted proxies may have three quarters of all.
    pub connections_per_address: usize,
}

/// Connections we open.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Where we may connect although the address is private.
    pub allow: Vec<EgressRule>,
    /// Further certificate authorities to believe.
    pub extra_ca: Option<ExtraCa>,
}

/// One entry of `egress.allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EgressRule {
    /// A network, or one address.
    Net(IpNet),
    /// A host name in lower case.
    Host(String),
}

/// A file of certificate authorities.
#[derive(Clone, Debug)]
pub struct ExtraCa {
    /// Where the socket is.
    pub path: PathBuf,
    /// Its content: PEM (RFC 7468 §5) with at least one certificate.
    pub pem: String,
}

/// The mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// The port of the proxy.
    pub port: u16,
    /// Name and password, when it asks for them.
    pub login: Option<SmtpLogin>,
    /// The sender of all mail.
    pub from: String,
    /// How the connection is protected.
    pub tls: SmtpTls,
}

/// Name and password for the mail server.
#[derive(Clone, Debug)]
pub struct SmtpLogin {
    /// The name that the proxy asks for.
    pub username: String,
    /// The password that goes with it.
    pub password: Secret<String>,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS after `STARTTLS` (RFC 3207), or no mail.
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// No encryption here: a proxy does it, or nobody but this machine is served.
    Off,
}

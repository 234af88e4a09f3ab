//! The real server: the release binary on loopback, in a folder of its own, watched through /proc.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use auther::crypto::jose::SigningKey;

use super::http::{self, Connection};
use super::machine;

/// The name of the data file in the server's folder.
pub const DATA: &str = "auther.redb";

/// The secret of every declared client.
pub const SECRET: &str = "a-secret-of-the-load-benchmark-0123456789";

/// Where the app of the sign-in rows lives.
pub const REDIRECT_URI: &str = "https://app.example.com/callback";

/// How long a start may take: the first RSA key is made on the way.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that uses no CPU for so long has nothing to do.
const REST: Duration = Duration::from_millis(300);

/// Between two looks at whether it answers.
const PAUSE: Duration = Duration::from_millis(1);

/// Clock ticks per second in /proc, fixed in the kernel's interface.
const TICKS: f64 = 100.0;

/// A running server.
pub struct Server {
    child: Child,
    folder: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// The `Host` of every request.
    pub host: String,
    /// What the unit of CPU time is measured with while it is under load.
    pub unit: Arc<SigningKey>,
}

impl Server {
    /// Starts `binary` in `folder`, over the data file there or a new one, and waits for the first answer of `/readyz`.
    pub fn start(binary: &Path, folder: &Path, log_level: &str, unit: Arc<SigningKey>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0").context("finding a free port")?.local_addr()?.port();
        fs::write(folder.join("auther.toml"), configuration(port, log_level))?;
        let log = File::create(folder.join("server.log"))?;
        let child = Command::new(binary)
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let host = format!("localhost:{port}");
        let mut server = Self { child, folder: folder.to_path_buf(), address, host, unit };
        server.await_answer(|server| http::get(&server.host, "/readyz", ""))?;
        Ok(server)
    }

    /// Waits until it can sign with RSA and rests: keys are made after the first answers.
    pub fn await_keys(&mut self) -> Result<()> {
        self.await_answer(|server| server.client_credentials("machine-rs256"))?;
        self.await_rest()
    }

    /// Waits until it does nothing.
    pub fn await_rest(&self) -> Result<()> {
        let begun = machine::start();
        loop {
            let before = self.cpu()?;
            std::thread::sleep(REST);
            if self.cpu()? <= before {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server does not come to rest: {}", self.last_words());
            }
        }
    }

    fn await_answer(&mut self, request: impl Fn(&Self) -> Vec<u8>) -> Result<()> {
        let begun = machine::start();
        loop {
            let answer =
                http::drive(http::PATIENCE, async { Connection::open(self.address).await?.send(&request(self)).await });
            if answer.as_ref().is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.last_words());
            }
            if begun.elapsed() > PATIENCE {
                bail!("the server does not answer: {}", self.last_words());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// A request for a token of a machine.
    pub fn client_credentials(&self, client: &str) -> Vec<u8> {
        self.token_request(client, &[("grant_type", "client_credentials")])
    }

    /// A request to the token endpoint with the secret in the header.
    pub fn token_request(&self, client: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
        http::form(&self.host, "/api/auth/oauth2/token", &basic(client), pairs)
    }

    /// CPU time of all its threads so far, in seconds.
    pub fn cpu(&self) -> Result<f64> {
        let text = self.proc("stat")?;
        // The name of the process, in parentheses, may hold spaces.
        let fields = text.rsplit_once(") ").map(|(_, rest)| rest).context("an unreadable stat")?;
        let ticks = |at: usize| fields.split(' ').nth(at).and_then(|text| text.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("an unreadable stat")?;
        Ok((user + system) / TICKS)
    }

    /// Resident memory, in bytes.
    pub fn resident(&self) -> Result<f64> {
        let text = self.proc("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("an unreadable VmRSS")?;
        Ok(kib * 1024.0)
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("reading {path}: {}", self.last_words()))
    }

    /// Ends it as an operator would.
    pub fn stop(mut self) -> Result<()> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().context("running kill")?;
        let status = self.child.wait()?;
        if told.success() && status.success() {
            return Ok(());
        }
        bail!("the server ended with {status}: {}", self.last_words())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The header line with which a declared client proves itself.
pub fn basic(client: &str) -> String {
    let pair = data_encoding::BASE64.encode(format!("{client}:{SECRET}").as_bytes());
    format!("authorization: Basic {pair}\r\n")
}

fn configuration(port: u16, log_level: &str) -> String {
    let machine = |algorithm: &str| {
        let name = algorithm.to_ascii_lowercase();
        format!(
            "[[clients]]\nclient_id = \"machine-{name}\"\ntype = \"m2m\"\nclient_secret = \"{SECRET}\"\n\
             signing_alg = \"{algorithm}\"\n\n"
        )
    };
    format!(
        "issuer = \"http://localhost:{port}\"\nlisten = [\"127.0.0.1:{port}\"]\ndata = \"{DATA}\"\ntls.mode = \"off\"\n\
         rate_limit.enabled = false\nlog.level = \"{log_level}\"\n\n{}{}\
         [[clients]]\nclient_id = \"app\"\ntype = \"web\"\nclient_secret = \"{SECRET}\"\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\nrequire_pkce = true\n",
        machine("RS256"),
        machine("ES256"),
    )
}

//! The real binary as a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

use super::PASSWORD;

/// A process that is killed when the test ends, whatever way; with the other end of what it prints to.
pub struct Killed(pub Child, Lines<BufReader<ChildStdout>>);

impl Drop for Killed {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program in a folder of its own, quiet, with cheap hashes and without limits of attempts.
pub fn auther(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auther"));
    command.current_dir(folder).env_clear().env("AUTHER_LOG_LEVEL", "warn").env("AUTHER_RATE_LIMIT_ENABLED", "false");
    command.env("AUTHER_PASSWORD_MEMORY_KIB", "8").env("AUTHER_PASSWORD_ITERATIONS", "1");
    command.stdin(Stdio::null());
    command
}

/// Where a server in this folder writes what it logs.
pub fn log_of(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// Starts the server; answers once it serves, with its origin.
pub fn serve(folder: &Path) -> (Killed, String) {
    let mut command = auther(folder);
    command.args(["serve", "--tls", "off", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(File::create(log_of(folder)).unwrap()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut child = Killed(child, stdout.lines());
    let line = child.1.find_map(|line| line.ok().filter(|line| line.contains(" serves ")));
    let origin = line.expect("it says where it serves").split_whitespace().last().unwrap().to_owned();
    (child, origin)
}

/// Runs `auther admin … --json`.
pub fn admin(folder: &Path, words: &[&str]) -> Output {
    auther(folder).arg("admin").args(words).arg("--json").output().unwrap()
}

/// What a command printed; it succeeded.
pub fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Makes a person with the password that everybody has.
pub fn create_user(folder: &Path, email: &str, more: &[&str]) -> Output {
    if !folder.join("auther.redb").exists() {
        // A person is made in an installation that there is.
        assert!(auther(folder).args(["admin", "setup-link"]).output().unwrap().status.success());
    }
    let mut command = auther(folder);
    command.args(["admin", "user", "create", "--json", "--password-stdin", "--email", email]).args(more);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

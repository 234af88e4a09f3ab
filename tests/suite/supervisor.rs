//! What a supervisor sees of the process: systemd its state, a container its health, a terminal its signals.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::harness::process::{Killed, auther, log_of, serve};

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

fn healthcheck(folder: &Path) -> Output {
    auther(folder).arg("healthcheck").output().unwrap()
}

/// Asks until the server is ready: the first key of RS256 is made after the first answers.
fn ready(folder: &Path) -> Output {
    loop {
        let answer = healthcheck(folder);
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        if !said.contains("is still being made") {
            return answer;
        }
        assert_eq!(answer.status.code(), Some(1), "{said}");
    }
}

#[test]
fn systemd_is_told_when_it_serves_that_it_is_well_and_that_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hear = || {
        let mut heard = [0; 200];
        let length = systemd.recv(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..length]).trim_end().to_owned()
    };
    let mut command = auther(folder.path());
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "100000");
    command.args(["serve", "--tls", "off", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    assert_eq!([hear(), hear(), hear()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    signal(&child, "TERM");
    let last = std::iter::repeat_with(hear).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_health_check_says_by_its_exit_code_whether_the_server_is_ready_and_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let none = healthcheck(folder.path());
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no server runs"), "{none:?}");
    assert!(!folder.path().join("auther.redb").exists(), "a question makes no data file");
    let none = auther(folder.path()).args(["healthcheck", "--json"]).output().unwrap();
    assert!(String::from_utf8_lossy(&none.stderr).starts_with("{\"error\":{\"code\":\"not_running\""), "{none:?}");
    let mut command = auther(folder.path());
    command.env("AUTHER_LOG_LEVEL", "info").args(["serve", "--tls", "off", "--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::null()).stderr(fs::File::create(log_of(folder.path())).unwrap());
    let child = command.spawn().unwrap();
    // Until it listens nobody answers.
    let answer = std::iter::repeat_with(|| ready(folder.path())).find(|answer| answer.status.success()).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "ready\n");
    let answer = auther(folder.path()).args(["healthcheck", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "{\"status\":\"ready\"}\n");
    let listed = auther(folder.path()).args(["admin", "user", "list"]).output().unwrap();
    assert!(listed.status.success());
    signal(&child, "TERM");
    child.wait_with_output().unwrap();
    let log = fs::read_to_string(log_of(folder.path())).unwrap();
    let is_well = |line: &&str| line.contains("/readyz") && line.contains("status=200");
    assert!(log.contains("/api/admin/users") && log.lines().find(is_well).is_none(), "{log}");
}

/// More than once, since the first seconds are the ones in which keys are made: the cryptography library must not be
/// taken down under a thread that uses it.
#[test]
fn a_second_signal_ends_it_at_once_while_a_request_is_in_flight_and_keys_are_made() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let (mut server, origin): (Killed, String) = serve(folder.path());
        let address = origin.trim_start_matches("http://").replace("localhost", "127.0.0.1");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /api/auth/sign-in/email HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
        // An answer to another request: the first has been taken by then.
        let mut other = TcpStream::connect(stream.peer_addr().unwrap()).unwrap();
        other.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        std::io::copy(&mut other, &mut std::io::sink()).unwrap();
        signal(&server.0, "INT");
        signal(&server.0, "TERM");
        let ended = server.0.wait().unwrap();
        assert!(matches!(ended.code(), Some(130)), "{ended:?}");
    }
}

//! What the system gives the process.

use super::Finding;
use crate::base::connections::{Bounds, available_files};
use crate::config::Settings;

/// How many connections are taken, and whether the system gives files for as many as were configured.
pub(super) fn connections(settings: &Settings) -> Finding {
    of_files(settings, available_files())
}

fn of_files(settings: &Settings, files: u64) -> Finding {
    const NAME: &str = "connections";
    let wanted = settings.server.connections;
    let Bounds { all, per_address, .. } = Bounds::new(files, wanted, settings.server.connections_per_address);
    if all < wanted {
        let message =
            format!("The system gives {files} open files: {all} connections are taken at once, not {wanted}.");
        let fix = "Let it have more open files (LimitNOFILE= of the systemd unit, --ulimit nofile= of a container, `ulimit -n`), or set server.connections to what there is.";
        return Finding::warn(NAME, message, fix);
    }
    Finding::ok(
        NAME,
        format!(
            "{all} connections are taken at once, {per_address} from one address; the system gives {files} open files."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn too_few_files_for_the_connections_are_told() {
        let settings = crate::testing::settings();
        let little = of_files(&settings, 1024);
        assert_eq!(
            (little.state, little.message.contains("840 connections")),
            (State::Warn, true),
            "{}",
            little.message
        );
        assert_eq!(of_files(&settings, 65_536).state, State::Ok);
    }
}

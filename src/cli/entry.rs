//! The ways in: `auther admin setup-link`, `recover` and `ca`.

use clap::Args;

use super::output::{Failure, Output, aside, text};
use super::remote::{Call, Remote};
use crate::http::admin::entry::Recovery;

/// `recover`.
#[derive(Args, Debug)]
pub struct RecoverArgs {
    /// E-mail address, username or id
    email: String,
}

/// A new link for the first administrator.
pub fn setup_link(remote: &Remote, output: Output) -> Result<(), Failure> {
    let answer = remote.call(Call::post(["setup-link"]).making_the_file())?;
    output.show(&answer, |answer| {
        format!("Set-up link, works once, until {}:\n\n  {}", text(answer, "expires_at"), text(answer, "url"))
    })
}

/// A link with which a person, of any role, sets a new password.
pub fn recover(args: RecoverArgs, remote: &Remote, output: Output) -> Result<(), Failure> {
    let answer = remote.call(Call::post(["recover"]).body(&Recovery { email: args.email }))?;
    output.show(&answer, |answer| {
        format!("Recovery link, works once, until {}:\n\n  {}", text(answer, "expires_at"), text(answer, "url"))
    })
}

/// The local CA's certificate.
pub fn ca(remote: &Remote, output: Output) -> Result<(), Failure> {
    let answer = remote.call(Call::get(["ca"]))?;
    if !output.json {
        // Beside the answer, which goes into a file.
        aside(&format!("SHA-256 {}", text(&answer, "fingerprint")));
    }
    output.show(&answer, |answer| answer.get("pem").and_then(|pem| pem.as_str()).unwrap_or_default().to_owned())
}

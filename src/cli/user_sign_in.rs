//! `auther admin user link` and `unlock`: how a person gets in.

use clap::Args;

use super::flags::NamedPerson;
use super::output::{Failure, Output, text};
use super::remote::{Call, Remote};
use crate::http::admin::user_sign_in::NewSignInLink;

/// `user link`.
#[derive(Args, Debug)]
pub struct LinkArgs {
    #[command(flatten)]
    named: NamedPerson,
    /// Seconds until it stops working, an hour to 7 days [default: 86400, a day]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(3600..=604_800))]
    expires_in: Option<u64>,
}

impl LinkArgs {
    /// Prints a link with which a person signs in once and sets a password. Errors: those of the call.
    pub fn run(self, remote: &Remote, output: Output) -> Result<(), Failure> {
        let body = NewSignInLink { expires_in: self.expires_in };
        let answer = remote.call(Call::post(["users", &self.named.user, "link"]).body(&body))?;
        output.show(&answer, |answer| {
            let (email, end, url) = (text(answer, "email"), text(answer, "expires_at"), text(answer, "url"));
            format!("Sign-in link for {email}, works once, until {end}:\n\n  {url}")
        })
    }
}

/// Lifts the pause after failed sign-ins. Errors: those of the call.
pub fn unlock(named: &NamedPerson, remote: &Remote, output: Output) -> Result<(), Failure> {
    let answer = remote.call(Call::post(["users", &named.user, "unlock"]))?;
    output.show(&answer, |answer| match (text(answer, "email"), text(answer, "failures")) {
        (email, none) if none == "0" => format!("No failed sign-ins of {email} were counted: nobody had to wait."),
        (email, failures) => format!("{email} can sign in at once; failed sign-ins that were forgotten: {failures}."),
    })
}

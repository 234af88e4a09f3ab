//! What can go wrong with people, in domain words.

use crate::rights::{Denied, MayDeny};
use crate::store;
use crate::store::rows::users::Taken;

/// A rule about people said no, or something below failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address that mail could reach.
    #[error("this is not a valid e-mail address")]
    InvalidEmail,
    /// Not 3 to 30 of `a–z 0–9 _ . -`, beginning with a letter or digit.
    #[error("a username has 3 to 30 letters, digits, dots, dashes or underscores and begins with a letter or digit")]
    InvalidUsername,
    /// It begins as identifiers do that are given out here.
    #[error("a username does not begin with `{0}`: identifiers do")]
    ReservedUsername(&'static str),
    /// Another person has the address. Told to administrators only: sign-up does not reveal it.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// Another person has the username.
    #[error("this username is taken")]
    UsernameTaken,
    /// Fewer than 8 characters.
    #[error("the password is too short: use at least 8 characters")]
    PasswordTooShort,
    /// More than 128 characters or 1 KiB.
    #[error("the password is too long: use at most 128 characters")]
    PasswordTooLong,
    /// One of those that are tried first.
    #[error(
        "this is one of the 10,000 most common passwords, which are tried first: use another one, such as a few unrelated words"
    )]
    PasswordTooCommon,
    /// Made of the name, the username or the address of the account.
    #[error(
        "the password is made of the name or the address of the account: use another one, such as a few unrelated words"
    )]
    PasswordFromName,
    /// There is no such person or session.
    #[error("not found")]
    NotFound,
    /// Unknown person, wrong password, no password, disabled account: one answer for all.
    #[error("the name or the password is wrong")]
    InvalidCredentials,
    /// Many attempts failed, by this caller or at this name: the next one is heard at its turn. The same for a name
    /// that nobody has.
    #[error(
        "too many attempts with this name, or from this network, failed lately: wait {retry_after_seconds} s and send the same again"
    )]
    Delayed {
        /// When the caller's turn comes.
        retry_after_seconds: u64,
    },
    /// The password pool is full.
    #[error("too many sign-ins at once: try again in {retry_after_seconds} s")]
    Busy {
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// Nobody may sign up here.
    #[error("registration is closed: an administrator makes the accounts")]
    RegistrationClosed,
    /// The invitation is missing, unknown, used, expired or for another address.
    #[error("the invitation is not valid, or no longer")]
    InvalidInvite,
    /// The link is unknown, used, expired or replaced by a newer one.
    #[error("the link is not valid, or no longer")]
    InvalidLink,
    /// Nobody could administer the installation afterwards.
    #[error("this is the last administrator: make another one first")]
    LastAdministrator,
    /// The account changed since the form was drawn.
    #[error("the account was changed by somebody else meanwhile: load it again")]
    Conflict,
    /// A field holds something that it cannot.
    #[error("`{field}` {problem}")]
    InvalidField {
        /// The field of the body that is wrong.
        field: String,
        /// What is wrong with it, as the end of a sentence.
        problem: String,
    },
    /// Several fields hold something that they cannot.
    #[error("{}", sentences(.0))]
    Several(Vec<Error>),
    /// The proof of who somebody is lies too far back for something this sensitive.
    #[error(
        "confirm that it is you: this needs the password again. Send it to POST /api/auth/verify-password, or sign in again"
    )]
    SessionNotFresh,
    /// The account is disabled. Told to administrators only.
    #[error("the account is disabled: enable it first")]
    Disabled,
    /// The caller lacks the right to the change.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something else of our own failed.
    #[error("{0}")]
    Internal(String),
}

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller's: the message may be shown.
    Caller,
    /// Nobody's: the same request may succeed later.
    Load,
    /// Ours: log it, show a request id only.
    Internal,
}

impl Error {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidEmail => "invalid_email",
            Self::InvalidUsername | Self::ReservedUsername(_) => "invalid_username",
            Self::EmailTaken => "email_taken",
            Self::UsernameTaken => "username_taken",
            Self::PasswordTooShort => "password_too_short",
            Self::PasswordTooLong => "password_too_long",
            Self::PasswordTooCommon => "password_too_common",
            Self::PasswordFromName => "password_from_name",
            Self::NotFound => "not_found",
            Self::InvalidCredentials => "invalid_credentials",
            Self::Delayed { .. } => "sign_in_delayed",
            Self::Busy { .. } => "busy",
            Self::RegistrationClosed => "registration_closed",
            Self::InvalidInvite => "invalid_invite",
            Self::InvalidLink => "invalid_link",
            Self::LastAdministrator => "last_administrator",
            Self::Conflict => "conflict",
            Self::InvalidField { .. } | Self::Several(_) => "invalid_field",
            Self::SessionNotFresh => "session_not_fresh",
            Self::Disabled => "disabled",
            Self::Denied(_) => "forbidden",
            Self::Store(_) | Self::Internal(_) => "internal",
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Store(_) | Self::Internal(_) => Fault::Internal,
            Self::Busy { .. } => Fault::Load,
            _ => Fault::Caller,
        }
    }

    pub(super) fn field(field: &str, problem: impl Into<String>) -> Self {
        Self::InvalidField { field: field.to_owned(), problem: problem.into() }
    }
}

/// What is wrong with several fields, as one text.
fn sentences(mistakes: &[Error]) -> String {
    mistakes.iter().map(Error::to_string).collect::<Vec<_>>().join("; ")
}

/// Collects what is wrong with the fields of an account, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Mistakes(Vec<Error>);

impl Mistakes {
    /// The value of a field; nothing, and its mistake is noted, where it has one.
    pub(super) fn take<T: Default>(&mut self, read: Result<T, Error>) -> T {
        read.unwrap_or_else(|error| {
            self.0.push(error);
            T::default()
        })
    }

    /// Goes on if there are none. Errors: the only one, or all of them.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        match self.0.len() {
            0 => Ok(()),
            1 => self.0.pop().map_or(Ok(()), Err),
            _ => Err(Error::Several(self.0)),
        }
    }
}

impl MayDeny for Error {
    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }
}

impl From<Taken> for Error {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Email => Self::EmailTaken,
            Taken::Username => Self::UsernameTaken,
        }
    }
}

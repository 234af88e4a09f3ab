//! What went wrong with a form, in words.

/// The mistakes of one form: a sentence about the whole, and one per field. Shown in a summary that takes focus, and
/// beside the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormErrors {
    /// About the form as a whole: what happened, why, the next step.
    pub summary: Option<String>,
    /// About single fields, in the order of the form.
    pub fields: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Id of the input: `identifier`, `password` or `name`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl FormErrors {
    /// No mistakes.
    pub fn none() -> Self {
        Self::default()
    }

    /// One sentence about the whole form.
    pub fn saying(summary: impl Into<String>) -> Self {
        Self { summary: Some(summary.into()), fields: Vec::new() }
    }

    /// The same mistakes and one more, at the field with this id.
    #[must_use]
    pub fn and(mut self, field: &'static str, message: impl Into<String>) -> Self {
        self.fields.push(FieldError { field, message: message.into() });
        self
    }

    /// The one answer for an unknown account, a wrong password and a disabled account.
    pub fn not_matching() -> Self {
        Self::saying(
            "That e-mail (or username) and password don’t match. Try again. If you are sure of both, the account may be disabled.",
        )
    }

    /// What is missing of a sign-in; nothing was tried.
    pub fn blank(identifier: bool, password: bool) -> Self {
        let errors = Self::none();
        let errors = if identifier { errors.and("identifier", "Enter your e-mail or username.") } else { errors };
        if password { errors.and("password", "Enter your password.") } else { errors }
    }

    /// Many attempts failed, at this name or from this network; `seconds` until this browser's turn. The same whether
    /// there is an account with this name or not.
    pub fn delayed(seconds: u64) -> Self {
        Self::saying(format!(
            "Too many sign-ins with this name, or from this network, failed lately. The password was not looked at: type it again in {}, \
             and if it is right you are in.",
            wait(seconds)
        ))
    }

    /// More sign-ins than the server can check at once; `seconds` until it is worth trying again.
    pub fn overloaded(seconds: u64) -> Self {
        Self::saying(format!(
            "More people are signing in than this server can check at once. Try again in {}.",
            wait(seconds)
        ))
    }

    /// The form's own protection did not fit, and no change of session explains it: cookies are off.
    pub fn stale() -> Self {
        Self::saying("The browser does not keep cookies for this site, so nothing was sent. Allow them, and try again.")
    }

    /// Somebody signed in or out in another tab since the form was drawn.
    pub fn out_of_date() -> Self {
        Self::saying(
            "Somebody signed in or out in another tab since this page was loaded, so nothing was sent. Try again.",
        )
    }

    /// The page was opened under another address than the issuer's.
    pub fn opened_elsewhere(opened: &str, issuer: &str) -> Self {
        Self::saying(format!(
            "This page was opened at {opened}, but the address of this server is {issuer}. Open it there: nothing was sent."
        ))
    }

    /// Whether there is any mistake.
    pub fn any(&self) -> bool {
        self.summary.is_some() || !self.fields.is_empty()
    }

    /// The message for the field with this id.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|wrong| wrong.field == field).map(|wrong| wrong.message.as_str())
    }
}

/// A wait in words, rounded up to what people count in: `1 second`, `45 seconds`, `2 minutes`, `3 hours`.
pub(super) fn wait(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_units_people_count_in() {
        assert_eq!(wait(0), "1 second");
        assert_eq!(wait(1), "1 second");
        assert_eq!(wait(90), "90 seconds");
        assert_eq!(wait(91), "2 minutes");
        assert_eq!(wait(5400), "90 minutes");
        assert_eq!(wait(5401), "2 hours");
    }

    #[test]
    fn a_message_is_found_by_the_id_of_its_field() {
        let errors = FormErrors::none().and("name", "too long").and("password", "too short");
        assert_eq!(errors.of("password"), Some("too short"));
        assert_eq!(errors.of("identifier"), None);
        assert!(errors.any());
        assert!(!FormErrors::none().any());
    }
}

//! What is left of a panic that was caught.

use std::any::Any;

/// What a panic said, for logs and errors: the text of its message where there is one.
pub fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| String::from("(no message)"))
}

//! Subjects that are nobody here. They may be somebody of another system, and a tuple may speak of them. A slip of
//! the pen looks the same, so the person who writes one is told at once.

use super::Error;
use super::check::{API_KEY, USER};
use super::model::Models;
use super::model::names::nearest;
use crate::base::id::{ApiKeyId, GroupId, UserId};
use crate::base::text::isolated;
use crate::cx::Cx;
use crate::records::SubjectRef;
use crate::records::tuple::{ANY, GROUP, SUBJECT_TYPES};
use crate::store::Read;

/// What there is to say of a subject that a tuple or a question names, as a sentence: its type is not known here, or it
/// is no person, group or key of this installation. `None` for who is here, and for objects of an app's own types.
pub fn note(cx: &Cx, from: &(impl Read + ?Sized), subject: &SubjectRef) -> Result<Option<String>, Error> {
    let (kind, id) = (subject.kind.as_str(), subject.id.as_str());
    let (is_here, what) = match kind {
        USER => (id.parse::<UserId>().is_ok(), "person"),
        GROUP => (id.parse::<GroupId>().is_ok(), "group"),
        API_KEY => (id.parse::<ApiKeyId>().is_ok(), "API key"),
        _ if SUBJECT_TYPES.contains(&kind) => (true, ""),
        _ => return Ok(unknown_type(cx, from, kind)?.map(|kind| of_no_type(&kind))),
    };
    if is_here || id == ANY {
        return Ok(None);
    }
    let id = isolated(id);
    Ok(Some(format!("there is no {what} {id} here. It was taken for the name of one in another system.")))
}

/// The type, when no model declares it.
fn unknown_type(cx: &Cx, from: &(impl Read + ?Sized), kind: &str) -> Result<Option<String>, Error> {
    let is_declared = Models::current(cx, from)?.find(from, kind)?.is_some();
    Ok((!is_declared).then(|| kind.to_owned()))
}

fn of_no_type(kind: &str) -> String {
    let meant = nearest(kind, SUBJECT_TYPES);
    let meant = meant.map(|known| format!(" Did you mean `{known}`?")).unwrap_or_default();
    format!("no model declares the type {}, so nothing here is of it.{meant}", isolated(kind))
}

//! How many tuples an app, and those who manage its grants, may write about the objects of the app.

use std::time::Duration;

use crate::base::id::ClientId;
use crate::base::quota::{Level, Quota};
use crate::cx::Cx;
use crate::store::{self, rows};

/// Tuples of the whole installation above which only administrators write more.
pub const MOST: u64 = 5_000_000;

/// Tuples of one app that are written in a minute.
pub const IN_A_MINUTE: u32 = 6_000;

/// The count that [`IN_A_MINUTE`] bounds.
pub(crate) fn quota() -> Quota {
    Quota::new(Duration::from_secs(60))
}

/// Whether one more tuple may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// The app wrote too many in this minute.
    TooManyThisMinute,
    /// The installation has too many tuples.
    Full,
}

/// Whether one more tuple may be written about the objects of this app now. It counts as written.
pub fn admit(cx: &Cx, client: &ClientId) -> Result<Admission, store::Error> {
    admit_below(cx, client, MOST)
}

fn admit_below(cx: &Cx, client: &ClientId, most: u64) -> Result<Admission, store::Error> {
    if rows::tuples::count(&cx.read()?)? >= most {
        return Ok(Admission::Full);
    }
    let level = Level::new("grant", client.as_str(), IN_A_MINUTE);
    let taken = cx.process().client_tuples.take(cx.tenant.id, &[level], cx.now);
    Ok(if taken.is_some() { Admission::Admitted } else { Admission::TooManyThisMinute })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tuples::write;
    use crate::records::{SubjectRef, TupleKey};
    use crate::testing::{TestApp, block_on};

    #[test]
    fn an_app_writes_so_many_in_a_minute_and_others_are_not_concerned() {
        let home = TestApp::new();
        let (shop, wiki): (ClientId, ClientId) = ("shop".parse().unwrap(), "wiki".parse().unwrap());
        let yes = (0..IN_A_MINUTE + 10).filter(|_| admit(&home.cx(), &shop).unwrap() == Admission::Admitted).count();
        assert_eq!(yes, usize::try_from(IN_A_MINUTE).unwrap());
        assert_eq!(admit(&home.cx(), &shop).unwrap(), Admission::TooManyThisMinute);
        assert_eq!(admit(&home.cx(), &wiki).unwrap(), Admission::Admitted);
        home.advance(Duration::from_secs(60));
        assert_eq!(admit(&home.cx(), &shop).unwrap(), Admission::Admitted);
    }

    #[test]
    fn a_full_installation_has_no_room_for_apps() {
        let home = TestApp::new();
        let shop: ClientId = "shop".parse().unwrap();
        let key = TupleKey {
            entity_type: String::from("groups"),
            entity_id: String::from("*"),
            relation: String::from("viewer"),
            subject: SubjectRef::new("service", "x"),
        };
        assert_eq!(admit_below(&home.cx(), &shop, 1).unwrap(), Admission::Admitted);
        block_on(write(&home.cx(), key.into())).unwrap();
        assert_eq!(admit_below(&home.cx(), &shop, 1).unwrap(), Admission::Full);
    }
}

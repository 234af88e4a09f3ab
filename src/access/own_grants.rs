//! How many tuples are written about an app's own objects by the app itself, and by those who manage its grants: many, and not without end.

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

/// Whether there is room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Yes,
    /// The app wrote very many in this minute.
    Later,
    /// There are too many tuples.
    No,
}

/// Whether one more tuple may be written about the objects of this app now. It counts as written.
pub fn room(cx: &Cx, client: &ClientId) -> Result<Room, store::Error> {
    room_below(cx, client, MOST)
}

fn room_below(cx: &Cx, client: &ClientId, most: u64) -> Result<Room, store::Error> {
    if rows::tuples::count(&cx.read()?)? >= most {
        return Ok(Room::No);
    }
    let level = Level::new("grant", client.as_str(), IN_A_MINUTE);
    let taken = cx.process().own_tuples.take(&[level], cx.now);
    Ok(if taken.is_some() { Room::Yes } else { Room::Later })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tuples::write;
    use crate::records::{SubjectRef, TupleKey};
    use crate::testing::{Home, block_on};

    #[test]
    fn an_app_writes_so_many_in_a_minute_and_others_are_not_concerned() {
        let home = Home::new();
        let (shop, wiki): (ClientId, ClientId) = ("shop".parse().unwrap(), "wiki".parse().unwrap());
        let yes = (0..IN_A_MINUTE + 10).filter(|_| room(&home.cx(), &shop).unwrap() == Room::Yes).count();
        assert_eq!(yes, usize::try_from(IN_A_MINUTE).unwrap());
        assert_eq!(room(&home.cx(), &shop).unwrap(), Room::Later);
        assert_eq!(room(&home.cx(), &wiki).unwrap(), Room::Yes);
        home.advance(Duration::from_secs(60));
        assert_eq!(room(&home.cx(), &shop).unwrap(), Room::Yes);
    }

    #[test]
    fn a_full_installation_has_no_room_for_apps() {
        let home = Home::new();
        let shop: ClientId = "shop".parse().unwrap();
        let key = TupleKey {
            entity_type: String::from("groups"),
            entity_id: String::from("*"),
            relation: String::from("viewer"),
            subject: SubjectRef::new("service", "x"),
        };
        assert_eq!(room_below(&home.cx(), &shop, 1).unwrap(), Room::Yes);
        block_on(write(&home.cx(), key.into())).unwrap();
        assert_eq!(room_below(&home.cx(), &shop, 1).unwrap(), Room::No);
    }
}

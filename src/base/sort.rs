//! In which order a list is, when it is not that of its keys, and the cursors of such a list.

use std::cmp::Ordering;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::canonical;
use super::clock::Moment;

/// What cursors of sorted lists begin with, and no identifier does.
const MARK: char = '.';

/// Longest cursor, in bytes: the longest text that counts, escaped, with room to spare.
const MAX_CURSOR: usize = 4_096;

/// Something of which there are sorted lists.
pub trait Sortable {
    /// What they can be sorted by, named as in JSON.
    const FIELDS: &'static [&'static str];

    /// The value of one of these fields.
    fn rank(&self, field: &str) -> Rank;

    /// What tells two with the same value apart.
    fn key(&self) -> &str;
}

/// A value to sort by. What has none comes last in either direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rank {
    #[serde(rename = "t")]
    Time(Moment),
    /// By letters, in any spelling.
    #[serde(rename = "s")]
    Text(String),
    /// It has no value.
    #[serde(rename = "n")]
    Absent,
}

impl Rank {
    /// A text, of which the first 256 characters count.
    pub fn text(text: &str) -> Self {
        Self::Text(canonical::identifier(text))
    }

    /// A text that may be missing.
    pub fn text_if(text: Option<&str>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }

    /// A time that may be missing.
    pub fn time_if(at: Option<Moment>) -> Self {
        at.map_or(Self::Absent, Self::Time)
    }
}

/// The order of a list, and where in it to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    pub(super) field: &'static str,
    descending: bool,
    pub(super) after: Option<(Rank, String)>,
}

/// What a cursor says: the order it was made in, as it was written, and the last item before it.
type Cursor = (String, Rank, String);

impl Sort {
    /// The order that `name` or `-name` says: by a field of `R`, with `-` from the end. `None` when there is no such
    /// field.
    pub fn of<R: Sortable>(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let field = R::FIELDS.iter().copied().find(|field| *field == name)?;
        Some(Self { field, descending, after: None })
    }

    /// The same order from a cursor on; `None` when the cursor was not made by it.
    pub fn after(self, cursor: &str) -> Option<Self> {
        let encoded = cursor.strip_prefix(MARK).filter(|encoded| encoded.len() <= MAX_CURSOR)?;
        let decoded = BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?;
        let (order, rank, key): Cursor = serde_json::from_slice(&decoded).ok()?;
        (order == self.name()).then_some(Self { after: Some((rank, key)), ..self })
    }

    /// The name of the field that is sorted by.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// As it is written: the field, with `-` in front when it is from the end.
    fn name(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.field)
    }

    pub(super) fn cursor(&self, rank: &Rank, key: &str) -> String {
        let text = serde_json::to_vec(&(self.name(), rank, key)).unwrap_or_default();
        format!("{MARK}{}", BASE64URL_NOPAD.encode(&text))
    }

    pub(super) fn compare(&self, (one, one_key): (&Rank, &str), (other, other_key): (&Rank, &str)) -> Ordering {
        let missing = (*one == Rank::Absent).cmp(&(*other == Rank::Absent));
        let order = one.cmp(other).then_with(|| one_key.cmp(other_key));
        missing.then(if self.descending { order.reverse() } else { order })
    }
}

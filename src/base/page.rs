//! Cursor paging: `{"items":[…],"next":cursor|null}`, the one shape of every list.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::secret::sha256;
use super::sort::Sort;

/// The most items one page holds.
pub const MAX_LIMIT: usize = 500;

/// Items of a page when the caller names no number.
pub const DEFAULT_LIMIT: usize = 100;

/// Which page is wanted: at most `limit` items after the cursor.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Between 1 and [`MAX_LIMIT`].
    pub limit: usize,
    /// The `next` of the page before; `None` for the first page, and in an order of its own.
    pub after: Option<String>,
    /// Another order than that of the list, which has its own cursor.
    pub sort: Option<Sort>,
}

impl PageRequest {
    /// A request with the limit brought into bounds.
    pub fn new(limit: Option<usize>, after: Option<String>) -> Self {
        Self { limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT), after, sort: None }
    }

    /// A request in another order, from where `sort` says on.
    pub fn sorted(limit: Option<usize>, sort: Sort) -> Self {
        Self { sort: Some(sort), ..Self::new(limit, None) }
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Pass as `after` to read on; `null` at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of up to `limit` rows out of `limit + 1` fetched ones; `cursor` names a row.
    pub fn from_rows(mut rows: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(cursor) } else { None };
        Self { items: rows, next }
    }

    /// The same page with every item turned into another shape.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(shape).collect(), next: self.next }
    }
}

/// A cursor of the list with this name that stands behind `place`, where places are free text: what somebody made up is
/// told from it.
pub fn cursor_behind(list: &str, place: &str) -> String {
    BASE64URL_NOPAD.encode(format!("{list}\0{place}").as_bytes())
}

/// The place that a cursor from [`cursor_behind`] with the same `list` stands behind; `None` for any other text.
pub fn place_of(list: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
    Some(text.strip_prefix(list)?.strip_prefix('\0')?.to_owned())
}

/// The name of a list that is made for one query, for [`cursor_behind`] and [`place_of`]: a cursor is good for the same
/// query only. `None` for what cannot be written as JSON.
pub fn list_of_query(list: &str, query: &impl Serialize) -> Option<String> {
    let digest = sha256(&serde_json::to_vec(query).ok()?);
    Some(format!("{list} {}", BASE64URL_NOPAD.encode(digest.get(..DIGEST)?)))
}

/// So many bytes of a query's digest are in its cursors.
const DIGEST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = cursor_behind("models", "abc:invoice");
        assert_eq!(place_of("models", &cursor).as_deref(), Some("abc:invoice"));
        for (list, text) in
            [("clients", &*cursor), ("models", "zz"), ("models", "abc:invoice"), ("models", ""), ("model", &cursor)]
        {
            assert_eq!(place_of(list, text), None, "{list} {text}");
        }
    }

    #[test]
    fn a_cursor_of_a_query_is_good_for_that_query_only() {
        let list = |permission: &str| list_of_query("objects", &("ann", permission)).unwrap();
        let cursor = cursor_behind(&list("read"), "doc_1");
        assert_eq!(place_of(&list("read"), &cursor).as_deref(), Some("doc_1"));
        assert_eq!(place_of(&list("write"), &cursor), None);
    }

    #[test]
    fn a_page_names_its_successor_only_when_there_is_one() {
        let page = Page::from_rows(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!((page.items, page.next.as_deref()), (vec![1, 2], Some("2")));
        let last = Page::from_rows(vec![1, 2], 2, ToString::to_string);
        assert_eq!(last.next, None);
        assert_eq!(PageRequest::new(Some(0), None).limit, 1);
        assert_eq!(PageRequest::new(Some(usize::MAX), None).limit, MAX_LIMIT);
    }
}

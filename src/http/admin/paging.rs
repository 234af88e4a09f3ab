//! What lists are asked with in a query, and how a page of one is made.

use std::str::FromStr;

use crate::base::canonical::Search;
use crate::base::long_work::Busy;
use crate::base::page::{PageRequest, cursor_behind, place_of};
use crate::base::sort::{Sort, Sortable};
use crate::cx::Cx;
use crate::http::extract::Query;
use crate::http::respond::{FieldProblem, Refusal};

/// The value of a query parameter; twice the same name is refused.
pub(super) fn parameter<'q>(query: &'q Query, name: &str) -> Result<Option<&'q str>, Refusal> {
    let mut values = query.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let first = values.next();
    if values.next().is_some() {
        return Err(wrong_parameter(name, "is given twice"));
    }
    Ok(first)
}

/// `limit` and `after` of a list whose cursors are identifiers of the kind `Id`.
pub(super) fn page_request<Id: FromStr>(query: &Query) -> Result<PageRequest, Refusal> {
    let limit = limit(query)?;
    let after = parameter(query, "after")?;
    if after.is_some_and(|after| after.parse::<Id>().is_err()) {
        return Err(wrong_parameter("after", "is not a cursor of this list"));
    }
    Ok(PageRequest::new(limit, after.map(str::to_owned)))
}

/// `limit` and `after` of a list whose places are free text: its cursors are made by [`onward`].
pub(super) fn named_request(query: &Query, list: &str) -> Result<PageRequest, Refusal> {
    let after = match parameter(query, "after")? {
        None => None,
        Some(cursor) => {
            Some(place_of(list, cursor).ok_or_else(|| wrong_parameter("after", "is not a cursor of this list"))?)
        }
    };
    Ok(PageRequest::new(limit(query)?, after))
}

/// The `next` of such a list.
pub(super) fn onward(list: &str, next: Option<&String>) -> Option<String> {
    next.map(|place| cursor_behind(list, place))
}

fn limit(query: &Query) -> Result<Option<usize>, Refusal> {
    parameter(query, "limit")?
        .map(|text| text.parse().map_err(|_| wrong_parameter("limit", "is not a number")))
        .transpose()
}

/// As [`page_request`], of a list that `sort` can bring into another order: cursors are then good for that order only.
pub(super) fn sorted_request<Id: FromStr, R: Sortable>(query: &Query) -> Result<PageRequest, Refusal> {
    let Some(text) = parameter(query, "sort")? else { return page_request::<Id>(query) };
    let sort = Sort::of::<R>(text).ok_or_else(|| {
        let fields = R::FIELDS.join(", ");
        wrong_parameter(
            "sort",
            &format!("is none of {fields}, each perhaps with a - before it for the other direction"),
        )
    })?;
    let sort = match parameter(query, "after")? {
        None => sort,
        Some(cursor) => {
            sort.after(cursor).ok_or_else(|| wrong_parameter("after", "is not a cursor of this list in this order"))?
        }
    };
    Ok(PageRequest::sorted(limit(query)?, sort))
}

/// Makes a page: among the long work when it is sorted, for which everything is looked at, or when few of many rows are
/// wanted.
pub(super) async fn paged<T: Send + 'static, E: Send + 'static>(
    cx: &Cx,
    request: PageRequest,
    read: impl Fn(&Cx, &PageRequest) -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal>
where
    Refusal: From<E>,
{
    let is_sorted = request.sort.is_some();
    let read = move |cx: &Cx| Ok::<_, Busy>(read(cx, &request));
    let page = if is_sorted { cx.look_long(read).await? } else { cx.look(read).await? };
    Ok(page?)
}

/// A query parameter that is `true` or `false`.
pub(super) fn flag(query: &Query, name: &str) -> Result<Option<bool>, Refusal> {
    parameter(query, name)?
        .map(|text| text.parse().map_err(|_| wrong_parameter(name, "is neither true nor false")))
        .transpose()
}

/// `search`: nothing when it is blank.
pub(super) fn search(query: &Query) -> Result<Option<Search>, Refusal> {
    Ok(parameter(query, "search")?.and_then(Search::new))
}

pub(super) fn wrong_parameter(name: &str, problem: &str) -> Refusal {
    let message = format!("The query parameter {name} {problem}.");
    let field = FieldProblem { field: name.to_owned(), message: message.clone() };
    Refusal::malformed(message).with_fields(vec![field])
}

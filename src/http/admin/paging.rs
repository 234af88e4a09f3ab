//! What lists are asked with in a query, and how a page of one is made.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::base::canonical::Search;
use crate::base::long_work::Busy;
use crate::base::page::{PageRequest, cursor_behind, place_of};
use crate::base::sort::{Sort, Sortable};
use crate::cx::Cx;
use crate::http::extract::params;
use crate::http::respond::Refusal;
use crate::records;
use crate::store::Order;

/// Which page of a list is wanted.
#[derive(Debug, Default, serde::Deserialize, ToSchema)]
pub struct PageQuery {
    /// How many at the most.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 500, default = 100)]
    limit: Option<Limit>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// A number of items. In a query that has parts of its own, it is handed on as a text.
#[derive(Clone, Copy, Debug)]
struct Limit(usize);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Limit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
                text.parse().map(Limit).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Number)
    }
}

impl PageQuery {
    /// Of a list whose cursors are identifiers of the kind `Id`.
    pub(super) fn request<Id: FromStr>(&self) -> Result<PageRequest, Refusal> {
        if self.after.as_ref().is_some_and(|after| after.parse::<Id>().is_err()) {
            return Err(not_of_this_list());
        }
        Ok(PageRequest::new(self.limit(), self.after.clone()))
    }

    /// Of a list whose places are free text: its cursors are made by [`onward`].
    pub(super) fn named_request(&self, list: &str) -> Result<PageRequest, Refusal> {
        let after = self.after.as_ref().map(|cursor| place_of(list, cursor).ok_or_else(not_of_this_list));
        Ok(PageRequest::new(self.limit(), after.transpose()?))
    }

    /// As [`PageQuery::request`], of a list that can be brought into another order: cursors are then good for that
    /// order only.
    pub(super) fn sorted_request<Id: FromStr>(&self, sort: Option<&Sort>) -> Result<PageRequest, Refusal> {
        let Some(sort) = sort.cloned() else { return self.request::<Id>() };
        let sort = match &self.after {
            None => sort,
            Some(cursor) => sort
                .after(cursor)
                .ok_or_else(|| wrong_parameter("after", "This is not a cursor of this list in this order."))?,
        };
        Ok(PageRequest::sorted(self.limit(), sort))
    }

    /// How many items were asked for, if a number was.
    pub(super) fn limit(&self) -> Option<usize> {
        self.limit.map(|Limit(limit)| limit)
    }
}

fn not_of_this_list() -> Refusal {
    wrong_parameter("after", "This is not a cursor of this list.")
}

/// The `next` of such a list.
pub(super) fn onward(list: &str, next: Option<&String>) -> Option<String> {
    next.map(|place| cursor_behind(list, place))
}

/// In which direction of time a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

impl Direction {
    /// The order of the store; the newest first where none is named.
    pub(super) fn order(this: Option<Self>) -> Order {
        match this {
            Some(Self::Asc) => Order::Ascending,
            Some(Self::Desc) | None => Order::Descending,
        }
    }
}

/// `sort` of a list: by a field, with `-` before it from the end.
macro_rules! sorts {
    ($($name:ident: $record:ty;)*) => {$(
        /// In which order a list of these is. A cursor is good for the order that it was made in.
        #[derive(Debug)]
        pub struct $name(pub Sort);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Sort::of::<$record>(&text).map(Self).ok_or_else(|| D::Error::custom("no such order"))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                orders(<$record>::FIELDS)
            }
        }

        impl ToSchema for $name {}
    )*};
}

sorts! {
    SortOfUsers: records::User;
    SortOfClients: records::Client;
    SortOfGroups: records::Group;
    SortOfSessions: records::Session;
    SortOfApiKeys: records::ApiKey;
}

/// One of these fields, forwards or from the end.
fn orders(fields: &[&str]) -> RefOr<Schema> {
    let words: Vec<String> = fields.iter().flat_map(|field| [(*field).to_owned(), format!("-{field}")]).collect();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
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

/// What is looked for: nothing when it is blank.
pub(super) fn search(text: Option<&String>) -> Option<Search> {
    text.and_then(|text| Search::new(text))
}

/// Refuses a parameter for what its type cannot say.
pub(super) fn wrong_parameter(name: &str, problem: &str) -> Refusal {
    params::wrong(name, problem)
}

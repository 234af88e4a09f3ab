//! The audit log as a file: everything that a filter accepts, one page of the log after the other, as it is read.

use std::fmt::Write as _;
use std::io;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::audit::{AuditFilter, Row, filter};
use super::operation::{Operation, get};
use super::paging::{Direction, paged};
use crate::audit::{self, Entry, Event, Filter};
use crate::base::page::{MAX_LIMIT, PageRequest};
use crate::cx::Cx;
use crate::http::extract::{Admin, ExportAudit, Params, PlatformRight};
use crate::http::respond::{HandlerResult, Refusal};
use crate::store::Order;

/// The columns of a file of comma-separated values, as members of a row.
const COLUMNS: [&str; 11] =
    ["at", "action", "outcome", "actor_kind", "actor", "target", "ip", "user_agent", "request", "detail", "id"];

/// Which shape a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON Lines: a row of the log in each line.
    #[default]
    Jsonl,
    /// Comma-separated values (RFC 4180), with a line of names first.
    Csv,
}

/// Which rows a file holds, and how.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExportQuery {
    /// `jsonl` when absent.
    format: Option<Format>,
    /// Oldest or newest first.
    order: Option<Direction>,
    #[serde(flatten)]
    filter: AuditFilter,
}

/// The operation of this file.
pub fn operations() -> Vec<Operation> {
    let words = "The audit log as a file: all rows that are asked for, JSON Lines or comma-separated values";
    vec![get("audit/export", words).needs("export on audit").asks::<ExportQuery>().gives_file()]
}

/// `GET audit/export`: all rows that the filter accepts, as of now. They are read a page at a time while they are sent,
/// so neither memory nor a thread is held for them; with each page the right is asked for again.
pub async fn export(admin: Admin<ExportAudit>, query: Params<ExportQuery>) -> HandlerResult {
    let (cx, ExportQuery { format, order, filter: asked }) = (admin.cx, query.0);
    let format = format.unwrap_or_default();
    let mut wanted = filter(&cx, asked)?;
    // What is written from now on is not in it: a file ends.
    wanted.until = Some(wanted.until.map_or(cx.now, |until| until.min(cx.now)));
    let name = format!("audit-{}.{}", cx.now.rfc3339().replace(':', ""), format.ending());
    audit::record(&cx, Entry::new(&cx), Event::AuditExport { format: format.ending() }).await?;
    let mut pages = Pages { cx, wanted, order: Direction::order(order), format, after: Some(None) };
    // The first page is read before anything is answered: what is wrong with it is a refusal.
    let first = format.heading() + &pages.next().await?.unwrap_or_default();
    let rest = stream::unfold(pages, |mut pages| async {
        let page = pages.next().await.map_err(|refusal| io::Error::other(refusal.to_string())).transpose()?;
        if page.is_err() {
            pages.after = None;
        }
        Some((page.map(Bytes::from), pages))
    });
    let body = stream::once(async { Ok::<_, io::Error>(Bytes::from(first)) }).chain(rest);
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(Box::pin(body)))
}

/// The pages of the log that are still to be sent.
struct Pages {
    cx: Cx,
    wanted: Filter,
    order: Order,
    format: Format,
    /// The cursor of the next page; `None` behind the last one.
    after: Option<Option<String>>,
}

impl Pages {
    /// The lines of the next page; `None` behind the last one. A page may have no line and still have a successor.
    async fn next(&mut self) -> Result<Option<String>, Refusal> {
        let Some(after) = self.after.take() else { return Ok(None) };
        ExportAudit::require(&self.cx)?;
        let (wanted, order) = (self.wanted.clone(), self.order);
        let request = PageRequest::new(Some(MAX_LIMIT), after);
        let page = paged(&self.cx, request, move |cx, request| audit::page(cx, &wanted, order, request)).await?;
        self.after = page.next.map(Some);
        let lines = page.items.into_iter().filter_map(|row| serde_json::to_value(Row::from(row)).ok());
        Ok(Some(lines.map(|row| self.format.line(&row)).collect()))
    }
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn heading(self) -> String {
        match self {
            Self::Jsonl => String::new(),
            Self::Csv => COLUMNS.join(",") + "\r\n",
        }
    }

    fn line(self, row: &Value) -> String {
        match self {
            Self::Jsonl => format!("{row}\n"),
            Self::Csv => {
                let cells = COLUMNS.map(|column| match row.get(column) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => cell(text),
                    Some(other) => cell(&other.to_string()),
                });
                cells.join(",") + "\r\n"
            }
        }
    }
}

/// A text as a cell, in quotes (RFC 4180 §2). What a spreadsheet would take for a formula gets an apostrophe before it:
/// strangers choose user agents and names.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let mut cell = String::with_capacity(text.len() + 3);
    let _ = write!(cell, "\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""));
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::users::{self, NewUser};
    use crate::records::{SubjectRef, TupleKey};
    use crate::testing::TestApp;

    #[tokio::test]
    async fn a_file_ends_when_the_right_to_it_is_taken_away() {
        let home = TestApp::new();
        let new = NewUser { email: String::from("ann@example.com"), ..NewUser::default() };
        let ann = users::create(&home.cx(), new).await.unwrap();
        let (entity_type, entity_id, relation) = (String::from("audit"), String::from("*"), String::from("viewer"));
        let key = TupleKey { entity_type, entity_id, relation, subject: SubjectRef::new("user", ann.id.as_str()) };
        crate::access::tuples::write(&home.cx(), key.clone().into()).await.unwrap();
        let cx = home.cx();
        for _ in 0..=MAX_LIMIT {
            audit::record(&cx, Entry::new(&cx), Event::UserEnable {}).await.unwrap();
        }
        let (wanted, format) = (Filter::default(), Format::Jsonl);
        let mut pages = Pages { cx: home.cx_of(&ann.id), wanted, order: Order::Descending, format, after: Some(None) };
        assert_eq!(pages.next().await.unwrap().unwrap().lines().count(), MAX_LIMIT);
        crate::access::tuples::remove_by_id(&home.cx(), &key.id()).await.unwrap();
        assert!(pages.next().await.is_err());
    }

    #[test]
    fn a_cell_keeps_what_it_holds_and_is_no_formula() {
        assert_eq!(cell("a \"b\",\r\nc"), "\"a \"\"b\"\",\r\nc\"");
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(cell(text), format!("\"'{text}\""), "{text:?}");
        }
        assert_eq!(cell("a=1"), "\"a=1\"");
        assert_eq!(cell(""), "\"\"");
    }
}

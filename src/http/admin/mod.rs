//! The admin API: everything that the command line and the admin pages do, as JSON below `/api/admin`.
//!
//! May use: `http::extract`, `http::respond`, `http::routes`, the rules. Every handler names [`Admin`](super::extract::Admin) or
//! [`Local`] in its signature. Lists are `{"items","next"}`, times are RFC 3339, refusals RFC 9457 problems with a `code`.
//! Start reading at [`configure`]; one file per noun.

mod api_keys;
mod audit;
mod backup;
mod check;
mod clients;
mod doctor;
mod entry;
mod failures;
mod groups;
mod integration;
mod keys;
mod local;
mod me;
mod models;
mod openapi;
mod outbox;
mod overview;
mod policies;
mod sessions;
mod settings;
mod tuples;
mod user_details;
mod users;
mod writers;

use std::str::FromStr;

use actix_web::http::Method;
use actix_web::web::ServiceConfig;

pub use local::Local;

use super::extract::Query;
use super::respond::{FieldProblem, Refusal};
use super::routes::{ADMIN_API, Endpoint};
use crate::base::canonical::Search;
use crate::base::long_work::Busy;
use crate::base::page::{PageRequest, cursor_behind, place_of};
use crate::base::sort::{Sort, Sortable};
use crate::cx::Cx;

/// Where endpoints are registered: in the application, or in a list of what there is.
trait Registry {
    /// Takes an endpoint.
    fn service(&mut self, endpoint: Endpoint) -> &mut Self;
}

impl Registry for ServiceConfig {
    fn service(&mut self, endpoint: Endpoint) -> &mut Self {
        Self::service(self, endpoint)
    }
}

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    register(config);
}

/// Every route, once: the application and the description of the API are both made of this.
fn register(config: &mut impl Registry) {
    people(config);
    apps(config);
    config
        .service(at("openapi.json").get(openapi::show))
        .service(at("me").get(me::show))
        .service(at("overview").get(overview::show))
        .service(at("settings").get(settings::list))
        .service(at("doctor").get(doctor::examine))
        .service(at("groups").get(groups::list).post(groups::create))
        .service(
            at("groups/{group}").get(groups::show).on(Method::PATCH, groups::update).on(Method::DELETE, groups::delete),
        )
        .service(at("groups/{group}/deletion").get(groups::deletion))
        .service(at("groups/{group}/members").get(groups::members).post(groups::add_member))
        .service(at("groups/{group}/members/{type}/{id}").on(Method::DELETE, groups::remove_member))
        .service(at("models").get(models::list))
        .service(at("models/validate").post(models::validate))
        .service(at("models/import").post(models::import))
        .service(at("models/{type}").get(models::show).on(Method::PUT, models::put).on(Method::DELETE, models::delete))
        .service(at("models/{type}/dry-run").post(models::dry_run))
        .service(at("tuples/dry-run").post(tuples::dry_run))
        .service(at("tuples").get(tuples::list).post(tuples::write))
        .service(at("tuples/remove").post(tuples::remove))
        .service(at("tuples/import").post(tuples::import))
        .service(at("tuples/{tuple}").get(tuples::show).on(Method::DELETE, tuples::delete))
        .service(at("check").post(check::ask))
        .service(at("keys").get(keys::list))
        .service(at("keys/rotate").post(keys::rotate))
        .service(at("keys/{kid}/retire").post(keys::retire))
        .service(at("sessions").get(sessions::list))
        .service(at("sessions/{session}").on(Method::DELETE, sessions::revoke))
        .service(at("api-keys").get(api_keys::list).post(api_keys::create))
        .service(
            at("api-keys/{key}")
                .get(api_keys::show)
                .on(Method::PATCH, api_keys::update)
                .on(Method::DELETE, api_keys::revoke),
        )
        .service(at("audit").get(audit::list))
        .service(at("outbox").get(outbox::list))
        .service(at("outbox/{delivery}").on(Method::DELETE, outbox::delete))
        .service(at("outbox/{delivery}/retry").post(outbox::retry))
        .service(at("policies/validate").post(policies::validate))
        .service(at("policies/test").post(policies::test))
        .service(at("policies/evaluations").get(policies::list))
        .service(at("policies/versions").get(policies::versions))
        .service(at("policies/switched-off").get(policies::switched_off))
        .service(at("policies/switched-off/{script}").on(Method::DELETE, policies::switch_on))
        .service(at("backup").post(backup::create))
        .service(at("ca").get(entry::ca))
        .service(at("setup-link").post(entry::setup_link))
        .service(at("recover").post(entry::recover));
}

fn at(path: &str) -> Endpoint {
    Endpoint::at([format!("{ADMIN_API}/{path}").as_str()])
}

fn people(config: &mut impl Registry) {
    config
        .service(at("users").get(users::list).post(users::create))
        .service(at("users/{user}").get(users::show).on(Method::PATCH, users::update).on(Method::DELETE, users::delete))
        .service(at("users/{user}/deletion").get(users::deletion))
        .service(at("users/{user}/groups").get(user_details::groups))
        .service(at("users/{user}/access").get(user_details::access))
        .service(at("users/{user}/token").get(user_details::token))
        .service(at("users/{user}/sessions").on(Method::DELETE, sessions::revoke_all))
        .service(at("users/{user}/consents").get(user_details::consents))
        .service(at("users/{user}/consents/{client}").on(Method::DELETE, user_details::revoke_consent))
        .service(at("users/{user}/password").post(users::set_password))
        .service(at("users/{user}/disable").post(users::disable))
        .service(at("users/{user}/enable").post(users::enable))
        .service(at("invites").post(users::invite));
}

fn apps(config: &mut impl Registry) {
    config
        .service(at("clients").get(clients::list).post(clients::create))
        .service(
            at("clients/{client}")
                .get(clients::show)
                .on(Method::PATCH, clients::update)
                .on(Method::DELETE, clients::delete),
        )
        .service(at("clients/{client}/deletion").get(clients::deletion))
        .service(at("clients/{client}/integration").get(integration::show))
        .service(at("clients/{client}/failures").get(failures::list))
        .service(at("clients/{client}/failures/{failure}/fix").post(failures::fix))
        .service(at("clients/{client}/rotate-secret").post(clients::rotate_secret))
        .service(at("clients/{client}/disable").post(clients::disable))
        .service(at("clients/{client}/enable").post(clients::enable));
}

/// The value of a query parameter; twice the same name is refused.
fn parameter<'q>(query: &'q Query, name: &str) -> Result<Option<&'q str>, Refusal> {
    let mut values = query.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let first = values.next();
    if values.next().is_some() {
        return Err(wrong_parameter(name, "is given twice"));
    }
    Ok(first)
}

/// `limit` and `after` of a list whose cursors are identifiers of the kind `Id`.
fn page_request<Id: FromStr>(query: &Query) -> Result<PageRequest, Refusal> {
    let limit = limit(query)?;
    let after = parameter(query, "after")?;
    if after.is_some_and(|after| after.parse::<Id>().is_err()) {
        return Err(wrong_parameter("after", "is not a cursor of this list"));
    }
    Ok(PageRequest::new(limit, after.map(str::to_owned)))
}

/// `limit` and `after` of a list whose places are free text: its cursors are made by [`onward`].
fn named_request(query: &Query, list: &str) -> Result<PageRequest, Refusal> {
    let after = match parameter(query, "after")? {
        None => None,
        Some(cursor) => {
            Some(place_of(list, cursor).ok_or_else(|| wrong_parameter("after", "is not a cursor of this list"))?)
        }
    };
    Ok(PageRequest::new(limit(query)?, after))
}

/// The `next` of such a list.
fn onward(list: &str, next: Option<&String>) -> Option<String> {
    next.map(|place| cursor_behind(list, place))
}

fn limit(query: &Query) -> Result<Option<usize>, Refusal> {
    parameter(query, "limit")?
        .map(|text| text.parse().map_err(|_| wrong_parameter("limit", "is not a number")))
        .transpose()
}

/// As [`page_request`], of a list that `sort` can bring into another order: cursors are then good for that order only.
fn sorted_request<Id: FromStr, R: Sortable>(query: &Query) -> Result<PageRequest, Refusal> {
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

/// Makes a page: among the long work when it is sorted, for which everything is looked at, or when few of many rows are wanted.
async fn paged<T: Send + 'static, E: Send + 'static>(
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
fn flag(query: &Query, name: &str) -> Result<Option<bool>, Refusal> {
    parameter(query, name)?
        .map(|text| text.parse().map_err(|_| wrong_parameter(name, "is neither true nor false")))
        .transpose()
}

/// `search`: nothing when it is blank.
fn search(query: &Query) -> Result<Option<Search>, Refusal> {
    Ok(parameter(query, "search")?.and_then(Search::new))
}

fn wrong_parameter(name: &str, problem: &str) -> Refusal {
    let message = format!("The query parameter {name} {problem}.");
    let field = FieldProblem { field: name.to_owned(), message: message.clone() };
    Refusal::malformed(message).with_fields(vec![field])
}

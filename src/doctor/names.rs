//! Identifiers that could be taken for names, and names for identifiers: what older files may hold.

use std::collections::BTreeSet;

use super::Finding;
use crate::access::check::USER;
use crate::base::id;
use crate::base::page::{MAX_LIMIT, Page, PageRequest};
use crate::cx::Cx;
use crate::records::tuple::{GROUP, MEMBER};
use crate::store::rows::{clients, groups, tuples, users};
use crate::store::{Error, Read};

/// Accounts and groups that are looked at, each: a look at the names of one costs four reads.
const MAX_LOOKED: usize = 10_000;

/// Findings that are told by name.
const MAX_TOLD: usize = 5;

/// Texts that were found, of which few are told.
#[derive(Default)]
struct Found {
    told: Vec<String>,
    count: usize,
    is_cut: bool,
}

impl Found {
    fn note(&mut self, text: String) {
        self.count += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(text);
        }
    }

    fn words(&self) -> String {
        let more = if self.count > self.told.len() { ", …" } else { "" };
        format!("{}{more}", self.told.join(", "))
    }
}

/// No tuple speaks of a subject of another system by what is also the name of an account or a group here: somebody may
/// have meant those.
pub fn names(cx: &Cx) -> Finding {
    const NAME: &str = "names";
    let found = match cx.read().and_then(|from| foreign_names(cx, &from)) {
        Ok(found) => found,
        Err(error) => return super::installation::unread(NAME, &error),
    };
    if found.count == 0 {
        let seen =
            if found.is_cut { format!(" ({MAX_LOOKED} accounts and groups were looked at)") } else { String::new() };
        return Finding::ok(
            NAME,
            format!("No tuple speaks of somebody elsewhere by the name of an account or a group here{seen}."),
        );
    }
    let message = format!(
        "Tuples speak of {} subjects by what is also the name of an account or a group here: {}. A tuple holds identifiers: these are of another \
         system, and give the account or the group nothing.",
        found.count,
        found.words()
    );
    let fix = "If another system calls somebody so, leave them. If the account was meant, see `auther admin tuple list --as-is --subject TYPE:NAME`, write them \
               again with `auther admin tuple add`, which looks the name up, and remove the old ones by their id.";
    Finding::warn(NAME, message, fix)
}

fn foreign_names(cx: &Cx, from: &impl Read) -> Result<Found, Error> {
    let mut found = Found::default();
    let cut_people = each(
        |request| users::page(from, cx.tenant.id, request),
        |user| {
            let names = [Some(&user.email), user.username.as_ref()].into_iter().flatten();
            let spellings: BTreeSet<String> = names.flat_map(|name| [name.clone(), name.to_lowercase()]).collect();
            for name in spellings {
                if !tuples::speaking_of(from, cx.tenant.id, USER, &name, 1)?.is_empty() {
                    found.note(format!("{USER}:{name}"));
                }
            }
            Ok(())
        },
    )?;
    let cut_groups = each(
        |request| groups::page(from, cx.tenant.id, request),
        |group| {
            let is_object = !tuples::holders(from, cx.tenant.id, (GROUP, &group.name, MEMBER), 1)?.is_empty();
            if is_object || !tuples::speaking_of(from, cx.tenant.id, GROUP, &group.name, 1)?.is_empty() {
                found.note(format!("{GROUP}:{}", group.name));
            }
            Ok(())
        },
    )?;
    found.is_cut = cut_people || cut_groups;
    Ok(found)
}

/// No client and no username begins as identifiers do that are given out here.
pub fn identifiers(cx: &Cx) -> Finding {
    const NAME: &str = "identifiers";
    let found = match cx.read().and_then(|from| chosen_identifiers(cx, &from)) {
        Ok(found) => found,
        Err(error) => return super::installation::unread(NAME, &error),
    };
    if found.count == 0 {
        return Finding::ok(NAME, "No client and no username could be taken for an identifier of another kind.");
    }
    let message = format!(
        "{} could be taken for identifiers of another kind: {}. Such a client gets no token of its own.",
        found.count,
        found.words()
    );
    Finding::warn(NAME, message, "Register the client under another id, and give the person another username.")
}

fn chosen_identifiers(cx: &Cx, from: &impl Read) -> Result<Found, Error> {
    let mut found = Found::default();
    let cut_clients = each(
        |request| clients::page(from, cx.tenant.id, request),
        |client| {
            if id::foreign_prefix(client.id.as_str()).is_some() {
                found.note(format!("the client {}", client.id));
            }
            Ok(())
        },
    )?;
    let cut_people = each(
        |request| users::page(from, cx.tenant.id, request),
        |user| {
            if let Some(name) = user.username.as_deref().filter(|name| id::reserved_prefix(name).is_some()) {
                found.note(format!("the username {name}"));
            }
            Ok(())
        },
    )?;
    found.is_cut = cut_clients || cut_people;
    Ok(found)
}

/// Looks at all, or at the first [`MAX_LOOKED`]; answers whether there are more.
fn each<T>(
    page: impl Fn(&PageRequest) -> Result<Page<T>, Error>,
    mut look: impl FnMut(&T) -> Result<(), Error>,
) -> Result<bool, Error> {
    let (mut looked, mut request) = (0, PageRequest::new(Some(MAX_LIMIT), None));
    loop {
        let page = page(&request)?;
        page.items.iter().try_for_each(&mut look)?;
        looked += page.items.len();
        request.after = page.next;
        if request.after.is_none() || looked >= MAX_LOOKED {
            return Ok(request.after.is_some());
        }
    }
}

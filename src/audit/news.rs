//! What keeps the log from being filled: rows that strangers and ordinary people can cause at will are counted by who
//! causes them.
//!
//! In a minute so many rows of one kind are written of one known actor, and so many of one address, of the networks
//! around it, and of all strangers together. The first event of another actor is never hidden by those of somebody
//! else: known actors do not share a count with strangers, and networks do not with other networks. What is left out is
//! counted, and the next row of the same kind and origin says how many (`left_out`); what no row says is written once a
//! minute as `audit.left_out`. What administrators do is never left out.

use std::net::IpAddr;
use std::time::Duration;

use super::{Entry, Event, actor};
use crate::base::net::networks;
use crate::base::quota::{Level, Quota};
use crate::cx::Cx;
use crate::records::{ActorKind, AuditRow};
use crate::store::rows::audit as rows;
use crate::store::{self, Tx};

/// For how long it is counted, and for how long the same event is not told again.
const WINDOW: Duration = Duration::from_secs(60);

/// Rows of one kind in a minute that tell of refusals: of one actor or address.
const REFUSALS: u32 = 10;

/// How many times that the wider networks of an address may write, and all strangers.
const WIDER: [u32; 3] = [3, 6, 30];

/// Rows of one kind in a minute of all known actors together.
const KNOWN: u32 = 6_000;

/// Of whose rows the count is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    All,
    /// Only those of people and keys about what is theirs. Somebody else's is for administrators.
    Own,
    /// Only those of clients.
    Clients,
}

/// Kinds of rows that ordinary use causes, and how many of one actor, or of one address, are written in a minute.
const EVERYDAY: &[(&str, Of, u32)] = &[
    ("api_key.create", Of::Own, 60),
    ("api_key.delete", Of::Own, 60),
    ("api_key.delete_expired", Of::Own, 60),
    ("api_key.exchange", Of::All, 30),
    ("api_key.update", Of::Own, 60),
    ("app.refused", Of::All, 30),
    ("authorize.grant", Of::All, 60),
    ("consent.allow", Of::All, 60),
    ("consent.deny", Of::All, 60),
    ("consent.revoke", Of::Own, 60),
    ("session.end", Of::Own, 60),
    ("session.end_others", Of::Own, 60),
    ("token.code_replayed", Of::All, 30),
    ("token.code_wasted", Of::All, 30),
    ("token.issue", Of::All, 60),
    ("token.refresh_reused", Of::All, 30),
    ("token.revoke", Of::All, 60),
    ("tuple.remove", Of::Clients, 1_200),
    ("tuple.write", Of::Clients, 1_200),
    ("user.change_password", Of::Own, 60),
    ("user.confirm_password", Of::Own, 30),
    ("user.sign_in", Of::All, 100),
    ("user.sign_up", Of::All, 30),
    ("user.update", Of::Own, 60),
];

/// The count of rows.
pub(crate) fn quota() -> Quota {
    Quota::new(WINDOW)
}

/// By whom something was caused.
enum Cause {
    /// Somebody with a credential.
    Known(String),
    /// Nobody known, from here.
    Address(IpAddr),
    /// The machine itself, or a request without an address.
    Here,
}

impl Cause {
    fn of(known: (ActorKind, Option<&str>), ip: Option<IpAddr>) -> Self {
        match (known, ip) {
            ((ActorKind::Anonymous, _) | (_, None), Some(ip)) => Self::Address(ip),
            ((ActorKind::Anonymous, _) | (_, None), None) => Self::Here,
            ((kind, Some(id)), _) => Self::Known(format!("{kind:?} {id}")),
        }
    }

    /// The narrowest name of it.
    fn name(&self) -> String {
        match self {
            Self::Known(name) => name.clone(),
            Self::Address(ip) => networks(*ip).into_iter().next().unwrap_or_default(),
            Self::Here => String::from("here"),
        }
    }

    /// By what its rows of a kind are counted, `most` of them in a minute.
    fn levels(&self, kind: &str, most: u32) -> Vec<Level> {
        let times = |by: u32| most.saturating_mul(by);
        match self {
            Self::Known(name) => vec![Level::new(kind, name, most), Level::new(kind, "known", KNOWN.max(most))],
            Self::Address(ip) => {
                let [one, network, provider] = networks(*ip);
                let [of_network, of_provider, of_all] = WIDER.map(times);
                vec![
                    Level::new(kind, &one, most),
                    Level::new(kind, &network, of_network),
                    Level::new(kind, &provider, of_provider),
                    Level::new(kind, "strangers", of_all),
                ]
            }
            Self::Here => vec![Level::new(kind, "here", times(WIDER[0]))],
        }
    }
}

/// Whether an event is to be told that its `event` names: a kind, a space, and what tells it from others. It is when
/// the same from the same actor or address was not told within the last minute, and there is room. Answers how many
/// like it were left out before.
pub fn news(cx: &Cx, event: &str) -> Option<u64> {
    let (kind, id) = actor(&cx.actor);
    let cause = Cause::of((kind, id.as_deref()), cx.request.counted());
    let kind = event.split(' ').next().unwrap_or_default();
    let mut levels = vec![Level::new(kind, &format!("{event} {}", cause.name()), 1)];
    levels.extend(cause.levels(kind, REFUSALS));
    cx.process().audit_rows.take(cx.tenant.id, &levels, cx.now)
}

/// Puts an event in the log that strangers can repeat at will, or that happens too often for a row each, if it is
/// [`news`]. Nobody waits for it, and what is not news costs no more than this question.
pub fn tell(cx: &Cx, event: &str, what: impl FnOnce() -> (Entry, Event)) {
    if let Some(left_out) = news(cx, event) {
        let (entry, event) = what();
        let (tenant, row) = (cx.tenant.id, entry.after(left_out).row(&event));
        cx.store().write_unwatched(move |tx| rows::append(tx, tenant, &row));
    }
}

/// Whether there is room for a row, and how many like it were left out before. There always is for what administrators
/// do.
pub(super) fn admit(cx: &Cx, row: &AuditRow) -> Option<u64> {
    let everyday = EVERYDAY.iter().find(|(kind, ..)| *kind == row.action);
    let Some((kind, _, most)) = everyday.filter(|(_, of, _)| is_counted(*of, row)) else { return Some(0) };
    let cause = Cause::of((row.actor_kind, row.actor.as_deref()), cx.request.counted());
    cx.process().audit_rows.take(cx.tenant.id, &cause.levels(kind, *most), cx.now)
}

fn is_counted(of: Of, row: &AuditRow) -> bool {
    let is_own = || {
        let named = |name: &str| row.detail.get(name).and_then(serde_json::Value::as_str);
        let theirs = [row.target.as_deref(), named("owner"), named("user")];
        row.actor.is_some() && theirs.contains(&row.actor.as_deref())
    };
    match (of, row.actor_kind) {
        (_, ActorKind::Local | ActorKind::System) => false,
        (Of::All, _) => true,
        (Of::Own, _) => is_own(),
        (Of::Clients, kind) => kind == ActorKind::Client,
    }
}

/// Writes what was left out and no row tells.
pub async fn tell_left_out(cx: &Cx) -> Result<(), store::Error> {
    let unsaid = cx.process().audit_rows.unsaid(cx.tenant.id, cx.now);
    let row = |(kind, left_out): (String, u64)| Entry::new(cx).target(kind).row(&Event::AuditLeftOut { left_out });
    let told: Vec<AuditRow> = unsaid.into_iter().map(row).collect();
    if told.is_empty() {
        return Ok(());
    }
    let tenant = cx.tenant.id;
    cx.store().write(move |tx: &mut Tx| told.iter().try_for_each(|row| rows::append(tx, tenant, row))).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audit::{Filter, page};
    use crate::base::id::{ClientId, TenantId, UserId};
    use crate::base::page::PageRequest;
    use crate::cx::{Actor, RequestFacts};
    use crate::store::Order;
    use crate::testing::{TestApp, block_on};

    fn from(home: &TestApp, address: &str) -> Cx {
        let ip = Some(address.parse().unwrap());
        let cx = home.stranger();
        Cx { request: Arc::new(RequestFacts { ip, ..RequestFacts::clone(&cx.request) }), ..cx }
    }

    fn person(home: &TestApp) -> Cx {
        let cx = home.stranger();
        let id = UserId::new(cx.now, cx.entropy());
        cx.with_actor(Actor::User(id))
    }

    fn rows_of(home: &TestApp, action: &str) -> Vec<AuditRow> {
        block_on(home.parts.store.write(|_| Ok::<_, store::Error>(()))).unwrap();
        let filter = Filter { action: Some(action.to_owned()), ..Filter::default() };
        page(&home.stranger(), &filter, Order::Ascending, &PageRequest::new(Some(500), None)).unwrap().items
    }

    fn refuse(cx: &Cx, what: &str) {
        tell(cx, &format!("client.authenticate {what}"), || {
            (Entry::new(cx), Event::ClientAuthenticate { reason: None })
        });
    }

    #[test]
    fn the_same_event_is_told_once_a_minute_with_how_many_were_left_out() {
        let home = TestApp::new();
        (0..5).for_each(|_| refuse(&home.stranger(), "wiki"));
        refuse(&home.stranger(), "shop");
        home.advance(WINDOW);
        refuse(&home.stranger(), "wiki");
        let told: Vec<_> =
            rows_of(&home, "client.authenticate").iter().map(|row| row.detail.get("left_out").cloned()).collect();
        assert_eq!(told, [None, None, Some(4.into())]);
    }

    #[test]
    fn a_flood_from_a_network_hides_nobody_else() {
        let home = TestApp::new();
        for n in 0..12_800_u32 {
            refuse(&from(&home, &format!("2001:db8:1:{:x}::{n:x}", n % 500)), &n.to_string());
        }
        let flood = rows_of(&home, "client.authenticate").len();
        assert_eq!(flood, 30, "of one /48");
        // Elsewhere, a stranger and a person are told at once.
        refuse(&from(&home, "2001:db9::1"), "wiki");
        refuse(&person(&home), "wiki");
        assert_eq!(rows_of(&home, "client.authenticate").len(), flood + 2);
        // From everywhere there is an end, and still a person is told.
        for n in 0..5_000_u32 {
            refuse(&from(&home, &format!("{}.{}.3.4", n % 200 + 1, n / 200)), "wiki");
        }
        let all = rows_of(&home, "client.authenticate").len();
        assert_eq!(all, 301, "those of strangers, and the person");
        refuse(&person(&home), "wiki");
        assert_eq!(rows_of(&home, "client.authenticate").len(), all + 1);
        assert!(home.stranger().process().audit_rows.remembered(TenantId::DEFAULT) < 2_000);
    }

    #[test]
    fn what_no_row_tells_is_summed_up() {
        let home = TestApp::new();
        (0..1_000).for_each(|n| refuse(&home.stranger(), &n.to_string()));
        home.advance(WINDOW);
        block_on(tell_left_out(&home.stranger())).unwrap();
        let told = rows_of(&home, "audit.left_out");
        assert_eq!((told.len(), told[0].target.as_deref()), (1, Some("client.authenticate")));
        assert_eq!(told[0].detail["left_out"], 990);
        block_on(tell_left_out(&home.stranger())).unwrap();
        assert_eq!(rows_of(&home, "audit.left_out").len(), 1);
    }

    fn append(cx: &Cx, entry: Entry, event: Event) {
        let at = cx.clone();
        cx.store().write_blocking::<_, store::Error, _>(move |tx| entry.append(tx, &at, &event)).unwrap();
    }

    const ISSUE: Event = Event::TokenIssue { grant_type: None };

    fn update() -> Event {
        Event::UserUpdate { fields: Vec::new(), changes: None }
    }

    #[test]
    fn what_is_counted_is_an_event() {
        let known = |kind: &str| Event::ALL.iter().any(|event| event.action == kind);
        EVERYDAY.iter().for_each(|(kind, ..)| assert!(known(kind), "{kind}"));
        assert!(known(rows::SIGN_IN));
    }

    #[test]
    fn everyday_rows_of_one_actor_are_counted_and_those_of_another_are_there() {
        let home = TestApp::new();
        let (busy, calm) = (person(&home), person(&home));
        (0..100).for_each(|_| append(&busy, Entry::new(&busy), ISSUE));
        append(&calm, Entry::new(&calm), ISSUE);
        assert_eq!(rows_of(&home, "token.issue").len(), 61);
        home.advance(WINDOW);
        let later = Cx { now: home.stranger().now, ..busy };
        append(&later, Entry::new(&later), ISSUE);
        let rows = rows_of(&home, "token.issue");
        assert_eq!((rows.len(), rows[61].detail["left_out"].as_u64()), (62, Some(40)));
    }

    #[test]
    fn what_administrators_do_is_never_left_out() {
        let home = TestApp::new();
        let admin = person(&home);
        for n in 0..200 {
            let (tuple, typed, changes) = (String::new(), None, None);
            let write = Event::TupleWrite { tuple, typed, conditional: false, created: true, changes };
            append(&admin, Entry::new(&admin).target(format!("usr_{n}")), update());
            append(&admin, Entry::new(&admin).target(format!("tpl_{n}")), write);
            append(&admin, Entry::new(&admin).target("wiki"), Event::ClientUpdate { changes: None });
        }
        for action in ["user.update", "tuple.write", "client.update"] {
            assert_eq!(rows_of(&home, action).len(), 200, "{action}");
        }
        // Their own account is everyday, and so is what clients write.
        let Actor::User(id) = &admin.actor else { panic!("no person") };
        (0..200).for_each(|_| append(&admin, Entry::new(&admin).target(id), update()));
        assert_eq!(rows_of(&home, "user.update").len(), 260);
        let client = home.stranger().with_actor(Actor::Client("wiki".parse::<ClientId>().unwrap()));
        (0..1_300).for_each(|_| append(&client, Entry::new(&client), Event::TupleRemove { tuple: String::new() }));
        let filter = Filter { actor: Some(String::from("wiki")), ..Filter::default() };
        let mut count = 0;
        let mut request = PageRequest::new(Some(500), None);
        loop {
            let page = page(&home.stranger(), &filter, Order::Ascending, &request).unwrap();
            count += page.items.len();
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        assert_eq!(count, 1_200);
    }

    #[test]
    fn sign_ins_that_are_left_out_are_still_counted_by_the_hour() {
        let home = TestApp::new();
        (0..150).for_each(|_| {
            append(
                &home.stranger(),
                Entry::new(&home.stranger()),
                Event::UserSignInFailed {
                    identifier: None,
                    reason: "unknown",
                    step: None,
                    proof: "password",
                    rule: "person_is_known",
                },
            )
        });
        assert_eq!(rows_of(&home, "user.sign_in").len(), 100);
        let hours =
            crate::store::rows::sign_ins::latest(&home.stranger().read().unwrap(), home.stranger().tenant.id, 9)
                .unwrap();
        assert_eq!(hours.iter().map(|(_, hour)| hour.failed).sum::<u64>(), 150);
    }
}

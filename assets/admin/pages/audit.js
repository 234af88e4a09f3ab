// The audit log: what happened, narrowed by the address, each entry opening to its details; and following it as it is written.
import { admin } from "../../static/core/api.js";
import { Loaded, SearchField, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useRef, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Button, Code, curl, Elsewhere, Empty, Facts, Header, Id, relative, Tag, Wrong } from "../../static/core/ui.js";
import { adminApi, adminPage } from "../../static/core/urls.js";
import { device, shell } from "../../static/core/words.js";
import { Named } from "../people.js";
import { reasonOf } from "../reasons.js";
import { useMay } from "../rights.js";

/** @import { AuditRow } from "../../api" */

// What an action is called when it was done; the other actions are called by their own name.
const TITLES = {
  "user.sign_in": "Signed in",
  "user.sign_up": "Signed up",
  "user.create": "User created",
  "user.unlock": "Pause after failed sign-ins lifted",
  "user.update": "User changed",
  "user.delete": "User deleted",
  "user.disable": "User disabled",
  "user.enable": "User enabled",
  "user.set_password": "Password set",
  "user.change_password": "Password changed",
  "user.confirm_password": "Password confirmed",
  "invite.create": "Invitation created",
  "session.end": "Session ended",
  "session.end_all": "All sessions ended",
  "session.end_others": "Other sessions ended",
  "client.create": "App registered",
  "client.update": "App changed",
  "client.delete": "App deleted",
  "client.disable": "App disabled",
  "client.enable": "App enabled",
  "client.rotate_secret": "App secret rotated",
  "client.declare": "App declared in the configuration",
  "client.withdraw": "App withdrawn from the configuration",
  "app.refused": "Refused by app rule",
  "client.fix": "Redirect URI added",
  "authorize.grant": "Signed in to app",
  "consent.allow": "Consent given",
  "consent.deny": "Consent denied",
  "consent.revoke": "Consent revoked",
  "token.issue": "Token issued",
  "token.revoke": "Token revoked",
  "token.preview": "Token previewed",
  "token.refresh_reused": "Refresh token used twice",
  "token.code_replayed": "Code used twice",
  "group.create": "Group created",
  "group.update": "Group changed",
  "group.delete": "Group deleted",
  "tuple.write": "Grant given",
  "tuple.remove": "Grant removed",
  "model.put": "Model saved",
  "model.delete": "Model deleted",
  "api_key.create": "API key created",
  "api_key.update": "API key changed",
  "api_key.delete": "API key revoked",
  "api_key.delete_expired": "Expired API key removed",
  "api_key.exchange": "API key exchanged",
  "api_key.use": "API key used",
  "key.activate": "Signing key in use",
  "key.publish": "Signing key published",
  "key.remove": "Signing key removed",
  "audit.export": "Audit log downloaded",
  "backup.create": "Backup created",
  "outbox.delete": "Delivery deleted",
  "outbox.retry": "Delivery tried again",
  "policy.switch_on": "Policy switched on",
  "access.bypass": "Allowed as administrator",
  "setup_link.create": "Set-up link created",
  "setup_link.redeem": "Set-up link used",
  "recovery_link.create": "Sign-in link created",
  "recovery_link.redeem": "Sign-in link used",
};
const NOUNS = {
  user: "People",
  access: "Access",
  session: "Sessions",
  invite: "Invitations",
  client: "Apps",
  app: "Refused by apps",
  authorize: "Sign-ins of apps",
  consent: "Consents",
  token: "Tokens",
  group: "Groups",
  tuple: "Grants",
  model: "Models",
  api_key: "API keys",
  key: "Signing keys",
  backup: "Backups",
  outbox: "Deliveries",
  policy: "Policies",
  audit: "Audit log",
  setup_link: "Set-up links",
  recovery_link: "Sign-in links",
};

// A failure is told as one: nobody signed in.
const FAILED = {
  "user.sign_in": "Could not sign in",
  "user.sign_up": "Could not sign up",
  "user.confirm_password": "Password not confirmed",
  "client.authenticate": "App authentication failed",
  "token.refuse": "Code or token refused",
  "token.code_wasted": "Code rejected",
  "access.refuse": "Admin access refused",
  "token.introspect": "Asked about the token of another app",
  "outbox.give_up": "Delivery given up",
  "policy.switch_off": "Policy switched off",
  "audit.left_out": "Rows left out",
};
const titleOf = ({ action, outcome }) => (outcome === "failure" && FAILED[action]) || TITLES[action] || action;

const OF_APPS = /^(client|app|authorize|consent|token)\./;
const PREFIXES = { usr: "user", grp: "group", key: "apikey" };

function kindOf(id, action) {
  return PREFIXES[/^([a-z]+)_[a-z0-9]{20,}$/.exec(id)?.[1]] || (OF_APPS.test(action) ? "client" : "");
}

/** @param {{ row: AuditRow, [more: string]: any }} given */
function Actor({ row, link }) {
  if (row.actor_kind === "user" && row.actor) return html`<${Named} kind="user" id=${row.actor} link=${link} />`;
  if (row.actor_kind === "client" && row.actor) return html`<${Named} kind="client" id=${row.actor} link=${link} />`;
  if (row.actor_kind === "key" && row.actor) return html`<${Named} kind="apikey" id=${row.actor} link=${link} />`;
  return { local: "the command line", system: "Auther itself", anonymous: "unknown visitor" }[row.actor_kind] || row.actor || row.actor_kind;
}

/** @param {{ row: AuditRow, [more: string]: any }} given */
function Target({ row, link }) {
  const kind = kindOf(row.target, row.action);
  return kind ? html`<${Named} kind=${kind} id=${row.target} link=${link} />` : html`<code>${row.target}</code>`;
}

const here = (values) => adminPage(`/audit?${new URLSearchParams(values)}`);

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

// A moment to the second, and how long ago that is: what stands on paper or in a picture has to say when.
function Exact({ at }) {
  const moment = new Date(at);
  const day = moment.getFullYear() === new Date().getFullYear() ? DAY : DAY_AND_YEAR;
  return html`<time datetime=${at} title=${at}>${day.format(moment)} ${CLOCK.format(moment)}</time> <span class="ago">${relative(moment)}</span>`;
}

// One entry: a line that opens.
/** @param {{ row: AuditRow, [more: string]: any }} given */
export function Entry({ row, fresh = false }) {
  const [open, setOpen] = useState(false);
  return html`<details class=${fresh ? "entry fresh" : "entry"} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>
      <span class="when"><${Exact} at=${row.at} /></span>
      <span class="what"><strong>${titleOf(row)}</strong> ${row.outcome === "failure" && !FAILED[row.action] && html`<${Tag} kind="bad">failed</${Tag}>`}${reasonOf(row) && html` <span class="muted">${reasonOf(row)}</span>`}</span>
      <span class="whom"><${Actor} row=${row} link=${false} />${row.target && row.target !== row.actor && html` <span class="muted" aria-label="on">→</span> <${Target} row=${row} link=${false} />`}</span>
    </summary>
    ${open && html`<${Details} row=${row} />`}
  </details>`;
}

/** @param {{ row: AuditRow, [more: string]: any }} given */
function Details({ row }) {
  const only = (name, value) => html`<a class="only" href=${here({ [name]: value })}>only these</a>`;
  return html`<div class="entry-details"><${Facts} rows=${[
    ["Action", html`<code>${row.action}</code> ${only("action", row.action)}`],
    ["Result", row.outcome],
    ["By", html`<${Actor} row=${row} link=${true} />${row.actor && row.actor !== "local" && html` ${only("actor", row.actor)}`}`],
    ["On", row.target && html`<${Target} row=${row} link=${true} /> ${only("target", row.target)}`],
    ["When", html`<code>${row.at}</code>`],
    ["From", html`${row.ip && html`<code>${row.ip}</code>`} ${row.user_agent && html`<span title=${row.user_agent}>${device(row.user_agent)}</span>`}`],
    ["Reference", row.request && html`<${Id}>${row.request}</${Id}> ${only("request", row.request)}`],
    ["Entry", html`<${Id}>${row.id}</${Id}>`],
  ]} />${Object.keys(row.detail || {}).length > 0 && html`<${Code} text=${JSON.stringify(row.detail, null, 2)} />`}</div>`;
}

const ENOUGH = 20;
const FOLLOW_EVERY = 3000;

// A page may be short and still have a next: read on until there is something to show.
async function readOn(filter, after, signal) {
  /** @type {{ items: any[], next?: string | null }} */
  const found = { items: [], next: after };
  for (let pages = 0; pages < 8; pages += 1) {
    const page = await admin.get("/audit", { limit: 50, ...filter, after: found.next }, signal);
    found.items.push(...page.items);
    found.next = page.next;
    if (!page.next || found.items.length >= ENOUGH) break;
  }
  return found;
}

// The log under a filter; with `follow`, what is new comes by itself.
export function Log({ filter, follow = false, empty, children }) {
  const key = JSON.stringify(filter);
  const first = useLoaded((signal) => readOn(filter, undefined, signal), [key]);
  const [older, setOlder] = useState(null);
  const [newer, setNewer] = useState([]);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setOlder(null);
    setNewer([]);
  }, [first.value]);
  const items = [...newer, ...(first.value?.items || []), ...(older?.items || [])];
  const newest = useRef(null);
  newest.current = items;
  useEffect(() => {
    if (!follow) return undefined;
    const timer = setInterval(async () => {
      if (document.hidden) return;
      try {
        const page = await admin.get("/audit", { ...filter, limit: 50 });
        const known = new Set(newest.current.map((row) => row.id));
        const unseen = page.items.filter((row) => !known.has(row.id));
        if (unseen.length > 0) setNewer((old) => [...unseen, ...old]);
        setProblem(null);
      } catch (error) {
        setProblem(error);
      }
    }, FOLLOW_EVERY);
    return () => clearInterval(timer);
  }, [follow, key]);
  const more = async () => {
    setBusy(true);
    try {
      const page = await readOn(filter, next);
      setOlder({ items: [...(older?.items || []), ...page.items], next: page.next });
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const next = older ? older.next : first.value?.next;
  return html`<${Loaded} from=${first}>${() => html`
    <${Wrong} problem=${problem} />
    ${
      items.length === 0
        ? html`<${Empty} title=${empty}>${children}</${Empty}>`
        : html`<div class="log">${items.map((row, n) => html`<${Entry} key=${row.id} row=${row} fresh=${n < newer.length} />`)}</div>`
    }
    <div class="list-end"><span class="muted" aria-live="polite">${items.length} ${next ? "shown" : "in all"}</span>${next && html`<${Button} busy=${busy} onClick=${more}>Show older</${Button}>`}</div>`}</${Loaded}>`;
}

const HOUR = 36e5;
/** @type {[name: string, title: string, milliseconds?: number][]} */
const PERIODS = [
  ["1h", "last hour", HOUR],
  ["24h", "last 24 hours", 24 * HOUR],
  ["7d", "last 7 days", 168 * HOUR],
  ["30d", "last 30 days", 720 * HOUR],
  ["own", "between …"],
];
const NARROWED = ["search", "action", "result", "period", "since", "until", "actor", "target", "request"];

function Choice({ name, title, value, children }) {
  return html`<label class="chip"><span>${title}</span><select value=${value} onChange=${(event) => setQuery({ [name]: event.target.value })}><option value="" selected=${!value}>any</option>${children}</select></label>`;
}

function Moment({ name, title, value }) {
  const told = (event) => setQuery({ [name]: event.target.value ? new Date(event.target.value).toISOString() : "" });
  const local = value ? new Date(new Date(value).getTime() - new Date(value).getTimezoneOffset() * 6e4).toISOString().slice(0, 16) : "";
  return html`<label class="chip moment"><span>${title}</span><input type="datetime-local" value=${local} onChange=${told} /></label>`;
}

function Narrowing({ query, follow }) {
  const search = (text) => setQuery(/^req_/.test(text) ? { request: text, search: "" } : { search: text, request: "" });
  const action = query("action");
  return html`<form class="narrow" role="search" onSubmit=${(event) => event.preventDefault()}>
    <${SearchField} label="Search, or a reference code" value=${query("request") || query("search")} tell=${search} />
    <${Choice} name="action" title="Action" value=${action}>${Object.entries(NOUNS).map(
      ([noun, title]) => html`<optgroup key=${noun} label=${title}>
      <option value=${noun} selected=${action === noun}>${title}: all</option>
      ${Object.keys(TITLES)
        .filter((one) => one.startsWith(`${noun}.`))
        .map((one) => html`<option key=${one} value=${one} selected=${action === one}>${TITLES[one]}</option>`)}</optgroup>`,
    )}</${Choice}>
    <${Choice} name="result" title="Result" value=${query("result")}>${["success", "failure"].map((one) => html`<option key=${one} value=${one} selected=${query("result") === one}>${one}</option>`)}</${Choice}>
    <${Choice} name="period" title="When" value=${query("period")}>${PERIODS.map(([one, title]) => html`<option key=${one} value=${one} selected=${query("period") === one}>${title}</option>`)}</${Choice}>
    ${query("period") === "own" && html`<${Moment} name="since" title="from" value=${query("since")} /><${Moment} name="until" title="to" value=${query("until")} />`}
    <${Button} kind=${follow ? "small pressed" : "small"} aria-pressed=${follow} onClick=${() => setQuery({ follow: follow ? "" : "1" })}>${follow ? "Following" : "Follow"}</${Button}>
  </form>`;
}

// What is narrowed by clicking, each to be taken out again.
function Chosen({ query }) {
  const chips = [
    ["actor", "by", query("actor")],
    ["target", "on", query("target")],
  ].filter(([, , value]) => value);
  if (chips.length === 0) return null;
  return html`<ul class="chosen">${chips.map(
    ([
      name,
      word,
      value,
    ]) => html`<li key=${name}><span class="muted">${word}</span> ${kindOf(value, "") ? html`<${Named} kind=${kindOf(value, "")} id=${value} link=${false} />` : html`<code>${value}</code>`}
    <button type="button" class="quiet" aria-label=${`remove: ${word} ${value}`} onClick=${() => setQuery({ [name]: "" })}>remove</button></li>`,
  )}</ul>`;
}

// What is shown, as files: everything that the filter accepts.
function Downloads({ filter }) {
  if (!useMay("export on audit")) return null;
  const href = (format) => adminApi(`/audit/export?${new URLSearchParams({ ...filter, format })}`);
  return ["csv", "jsonl"].map((format) => html`<a key=${format} class="button" href=${href(format)} download>Download ${format.toUpperCase()}</a>`);
}

export function Audit() {
  const address = useAddress();
  const query = (name) => address.query.get(name) || "";
  const follow = query("follow") === "1";
  const span = PERIODS.find(([name]) => name === query("period"))?.[2];
  // To the minute, so that the same filter stays the same while it is looked at.
  const began = span && new Date(Math.floor((Date.now() - span) / 6e4) * 6e4).toISOString();
  const [since] = useFixed(began, query("period"));
  const filter = Object.fromEntries(
    Object.entries({
      search: query("search"),
      action: query("action"),
      result: query("result"),
      actor: query("actor"),
      target: query("target"),
      request: query("request"),
      since: since || query("since"),
      until: query("until"),
    }).filter(([, value]) => value),
  );
  const flags = ["action", "actor", "target", "since"]
    .filter((name) => filter[name])
    .map((name) => ` --${name} ${shell(filter[name])}`)
    .join("");
  return html`
    <${Header} title="Audit" purpose="Who did what, to whom, from where. Entries cannot be edited."><${Downloads} filter=${filter} /></${Header}>
    <${Narrowing} query=${query} follow=${follow} />
    <${Chosen} query=${query} />
    ${follow && html`<p class="status" role="status"><i class="pulse"></i>New entries come by themselves.</p>`}
    <${Log} filter=${filter} follow=${follow} empty=${Object.keys(filter).length ? "Nothing fits" : "Nothing happened yet"}>
      ${Object.keys(filter).length ? html`<p>No entry fits what is searched for. <${Button} onClick=${() => setQuery(Object.fromEntries(NARROWED.map((name) => [name, ""])))}>Show all</${Button}></p>` : html`<p>Sign-ins and every change are written here.</p>`}
    </${Log}>
    <${Elsewhere} command=${`auther admin audit list${flags}${follow ? " --follow" : ""}\nauther admin audit export${flags} > audit.jsonl`} request=${curl("GET", `/audit?${new URLSearchParams({ limit: "50", ...filter })}`)} />`;
}

// A value that stays as it was first, until `on` changes.
function useFixed(value, on) {
  const kept = useRef({});
  if (kept.current.on !== on) kept.current = { on, value };
  return [kept.current.value];
}

// Settings: what is in effect, where each value comes from and how to change it; and what the server says of its own health.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Code, curl, Elsewhere, Empty, Header, Tabs, Tag } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count } from "../../static/core/words.js";
import { useShown } from "../rights.js";
import { Outbox } from "./outbox.js";

const all = [
  ["values", "Configuration", Values],
  ["health", "Health", Health],
  ["outbox", "Outbox", Outbox, "manage_platform on platform"],
];

export function Settings() {
  const tab = useAddress().query.get("tab");
  const tabs = useShown(all);
  const [name, , Part] = tabs.find(([one]) => one === tab) || tabs[0];
  return html`
    <${Header} title="Settings" purpose="What is in effect on this server. It is changed in its configuration file, its environment or its flags, never from here." />
    <${Tabs} tabs=${tabs} current=${name} href=${(one) => (one === "values" ? adminPage("/settings") : adminPage(`/settings?tab=${one}`))} />
    <${Part} />`;
}

const ORIGINS = { default: "default", file: "configuration file", environment: "environment", flag: "flag" };
const TITLES = {
  look: "How the pages look",
  tls: "Certificate",
  rate_limit: "Limits on attempts",
  log: "Log",
  password: "Password hashing",
  session: "Sessions",
  tokens: "Tokens",
  keys: "Signing keys",
  store: "Data file",
  audit: "Audit",
  policy: "Policies",
  limits: "Limits",
  server: "Server",
  egress: "Calls to elsewhere",
  smtp: "Mail",
};

const isEmpty = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
/** @type {[end: string, units: [size: number, one: string, many?: string][]][]} */
const UNITS = [
  [
    "_seconds",
    [
      [86400, "day"],
      [3600, "hour"],
      [60, "minute"],
    ],
  ],
  ["_kib", [[1024, "MiB", "MiB"]]],
];

// A number in a larger unit than that of its key, when it is a whole number of them.
function larger({ key, value }) {
  const units = UNITS.find(([end]) => key.endsWith(end))?.[1] || [];
  const [size, ...words] = units.find(([size]) => Number(value) >= size && Number(value) % size === 0) || [];
  return size ? count(Number(value) / size, ...words) : "";
}

const drawn = ({ key, value, secret }) =>
  isEmpty(value)
    ? html`<span class="muted">not set</span>`
    : secret
      ? html`<span class="muted">set, and kept secret</span>`
      : html`<code>${Array.isArray(value) ? value.join(", ") : String(value)}</code>${larger({ key, value }) && html` <span class="muted">${larger({ key, value })}</span>`}`;

// A value as the file writes it (TOML).
function toml(value) {
  if (Array.isArray(value) && value.length === 0) return '["…"]';
  if (isEmpty(value)) return '"…"';
  if (Array.isArray(value)) return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
  if (typeof value === "number" || typeof value === "boolean" || /^(\d+|true|false)$/.test(value)) return String(value);
  return JSON.stringify(value);
}

function Setting({ item }) {
  const changed = item.origin !== "default";
  const shown = item.secret ? "" : item.value;
  return html`<details class="setting"><summary>
      <code class="name">${item.key}</code><span class="value">${drawn(item)}</span><span class="tags">${item.has_effect === false && html`<${Tag} kind=${changed ? "warn" : ""}>no effect yet</${Tag}>`}${item.waiting && html`<${Tag} kind="warn">changes at the next start</${Tag}>`}${changed && html`<${Tag} kind="good">${ORIGINS[item.origin] || item.origin}</${Tag}>`}</span></summary>
    <div class="how">${item.description && html`<p>${typed(item.description)}</p>`}
      ${item.has_effect === false && html`<p>Nothing reads this key in this version. It is accepted, so that a configuration that names it goes on working.</p>`}
      ${item.place && html`<p>It comes from ${item.place}.</p>`}
      ${item.waiting && html`<p>Another value is configured by now. It waits for a restart of the server.</p>`}
      <p class="lead">In <code>auther.toml</code>:</p><${Code} text=${`${item.key} = ${toml(shown)}`} />
      <p class="lead">Or in the environment, which wins over the file:</p><${Code} text=${`${item.variable}=${isEmpty(shown) ? "…" : Array.isArray(shown) ? shown.join(",") : shown}`} />
      <p>${item.reloadable ? html`Then send the server SIGHUP (<code>systemctl reload auther</code>): nobody is interrupted.` : "Then restart the server."}</p></div></details>`;
}

function Values() {
  const { query } = useAddress();
  const from = useLoaded((signal) => admin.get("/settings", {}, signal), []);
  const search = (query.get("search") || "").toLowerCase();
  const own = query.get("origin") === "own";
  const fits = (item) =>
    (!own || item.origin !== "default" || item.waiting) &&
    (!search || `${item.key} ${item.description || ""} ${item.variable || ""}`.toLowerCase().includes(search));
  return html`<${Loaded} from=${from} lines=${10}>${(answer) => {
    const items = (answer.items || answer).filter(fits);
    const groups = new Map();
    for (const item of items) {
      const title = item.key.includes(".") ? TITLES[item.key.split(".")[0]] || item.key.split(".")[0] : "General";
      groups.set(title, [...(groups.get(title) || []), item]);
    }
    return html`
      <form class="narrow" role="search" onSubmit=${(event) => event.preventDefault()}>
        <label class="unseen" for="search">Search the settings</label><input id="search" type="search" placeholder="Search the settings" value=${query.get("search") || ""} onInput=${(event) => setQuery({ search: event.target.value })} />
        <label class="chip"><span>Show</span><select value=${own ? "own" : ""} onChange=${(event) => setQuery({ origin: event.target.value })}><option value="" selected=${!own}>all</option><option value="own" selected=${own}>what somebody set</option></select></label></form>
      ${items.length === 0 && html`<${Empty} title="Nothing fits"><p>${own && !search ? "Everything is as it comes: an empty configuration is a working one." : "No setting fits what is searched for."}</p></${Empty}>`}
      ${[...groups].map(([title, part]) => html`<section key=${title} class="settings"><h2>${title}</h2><div class="setting-list">${part.map((item) => html`<${Setting} key=${item.key} item=${item} />`)}</div></section>`)}
      <${Elsewhere} command="auther config show\nauther config check" request=${curl("GET", "/settings")} />`;
  }}</${Loaded}>`;
}

const HEALTH = { ok: ["good", "OK"], warn: ["warn", "warning"], fail: ["bad", "broken"] };

const spoken = (name) => (name === "tls" ? "TLS" : name[0].toUpperCase() + name.slice(1).replaceAll("_", " "));

// What stands between backticks is to be typed.
const typed = (text) => text.split("`").map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part));
const URGENT = ["fail", "warn", "ok"];

function Health() {
  const from = useLoaded((signal) => admin.get("/doctor", {}, signal), []);
  return html`<${Loaded} from=${from} lines=${8}>${({ items }) => html`
    <ul class="health">${[...items]
      .sort((one, two) => URGENT.indexOf(one.state) - URGENT.indexOf(two.state))
      .map((item) => {
        const [kind, word] = HEALTH[item.state] || ["", item.state];
        return html`<li key=${item.name}><${Tag} kind=${kind}>${word}</${Tag}><div><h2>${spoken(item.name)}</h2><p>${typed(item.message)}</p>${item.fix && html`<p class="lead">${typed(item.fix)}</p>`}</div></li>`;
      })}</ul>
    <${Elsewhere} command="auther admin doctor" request=${curl("GET", "/doctor")} />`}</${Loaded}>`;
}

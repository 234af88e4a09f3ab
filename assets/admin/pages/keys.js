// Keys: those with which machines call, and those that tokens are signed with. Two tabs.
import { admin } from "../../static/core/api.js";
import { List, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate, setQuery, useAddress } from "../../static/core/router.js";
import { Button, curl, Elsewhere, Empty, Form, Header, SecretPanel, Tabs, Tag, Time } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { Named } from "../people.js";
import { Suggestions } from "../relations.js";
import { May, useShown } from "../rights.js";
import { fieldsOf, fromForm, newForm, placed } from "./key-fields.js";
import { SigningKeys } from "./signing-keys.js";

const tabs = [
  ["api", "API keys", null, "view_all on api_keys"],
  ["signing", "Signing keys", null, "view on keys"],
];

export function Keys() {
  const { query } = useAddress();
  const shown = useShown(tabs);
  const [tab] = shown.find(([name]) => name === query.get("tab")) || shown[0] || tabs[0];
  return html`
    <${Header} title="Keys" purpose=${tab === "api" ? "API keys let scripts and services call your APIs." : "Signing keys: what every token is signed with."}>
      ${tab === "api" && html`<${May} to="manage_platform on platform"><a class="button primary" href=${adminPage("/keys/create")}>New API key</a></${May}>`}</${Header}>
    <${Tabs} tabs=${shown} current=${tab} href=${(name) => (name === "api" ? adminPage("/keys") : adminPage(`/keys?tab=${name}`))} />
    ${tab === "api" ? html`<${ApiKeys} owner=${query.get("owner")} />` : html`<${SigningKeys} />`}`;
}

export function KeyState({ item }) {
  if (item.expired) return html`<${Tag} kind="warn">expired</${Tag}>`;
  if (!item.enabled) return html`<${Tag} kind="bad">disabled</${Tag}>`;
  if (item.remaining === 0) return html`<${Tag} kind="warn">used up</${Tag}>`;
  return html`<${Tag} kind="good">active</${Tag}>`;
}

const columns = [
  {
    title: "Name",
    sort: "name",
    cell: (key) => html`<span class="over"><span>${key.name}</span><code class="under" title="The first characters of the key">${key.start}…</code></span>`,
  },
  { title: "Owner", cell: (key) => html`<${Named} kind="user" id=${key.owner} />` },
  { title: "App", cell: (key) => (key.client ? html`<${Named} kind="client" id=${key.client} />` : html`<span class="muted">any</span>`) },
  { title: "Made", sort: "-created_at", cell: (key) => html`<${Time} at=${key.created_at} />`, tight: true },
  { title: "Last used", sort: "-last_used_at", cell: (key) => html`<${Time} at=${key.last_used_at} />`, tight: true },
  { title: "Ends", sort: "expires_at", cell: (key) => html`<${Time} at=${key.expires_at} />`, tight: true },
  { title: "State", cell: (key) => html`<${KeyState} item=${key} />`, tight: true },
];

function ApiKeys({ owner }) {
  const clients = useLoaded((signal) => admin.get("/clients", { limit: 500 }, signal), []);
  const filters = [{ name: "client", title: "App", options: (clients.value?.items || []).map((client) => [client.client_id, client.name]) }];
  const load = ({ client, ...rest }, signal) => admin.get("/api-keys", owner ? { ...rest, owner } : { ...rest, client }, signal);
  return html`
    ${owner && html`<div class="notice undo"><p>Only the keys of <${Named} kind="user" id=${owner} />.</p><${Button} kind="small" onClick=${() => setQuery({ owner: "" })}>Show all</${Button}></div>`}
    <${List} key=${owner} caption="API keys" filters=${owner ? [] : filters} columns=${columns} href=${(key) => adminPage(`/keys/${key.id}`)} load=${load}
      empty=${() => html`<${Empty} title="No API key yet"><p>For a cron job, a pipeline, a service: a key is exchanged for a token of fifteen minutes, or asks one question by itself. It may do what it is given, and nothing of its owner's.</p>
        <${May} to="manage_platform on platform"><p><a class="button primary" href=${adminPage("/keys/create")}>New API key</a></p></${May}></${Empty}>`} />
    <${Elsewhere} command="auther admin api-key list" request=${curl("GET", "/api-keys")} />`;
}

export function NewKey() {
  const clients = useLoaded((signal) => admin.get("/clients", { limit: 500 }, signal), []);
  const [made, setMade] = useState(null);
  const [owner, setOwner] = useState("");
  const bind = [
    ["", "No app: its tokens are for the audiences of this server"],
    ...(clients.value?.items || []).map((client) => [client.client_id, `${client.name} (${client.client_id})`]),
  ];
  const more = { client: { options: bind }, owner: { list: "owner-suggestions", onKeyUp: (event) => setOwner(event.target.value) } };
  const fields = fieldsOf({ isNew: true }).map((field) => ({ ...field, ...more[field.name] }));
  const send = (values) =>
    admin.post("/api-keys", fromForm(values)).catch((problem) => {
      throw placed(problem);
    });
  const example = { name: "CI/CD Pipeline Key", owner: "ann@example.com", expires_in: 2592000 };
  return html`
    <${Header} title="New API key" purpose="For a machine: a cron job, a pipeline, a service." back=${{ href: adminPage("/keys"), title: "Keys" }} />
    <section class="panel">
      <${Form} fields=${fields} initial=${newForm} action="Make the key" send=${send} done=${setMade} cancel=${() => navigate(adminPage("/keys"))} />
      <${Suggestions} id="owner-suggestions" kind="user" text=${owner} />
    </section>
    <${Elsewhere} command="auther admin api-key create --name 'CI/CD Pipeline Key' --owner ann@example.com --expires-in 2592000" request=${curl("POST", "/api-keys", example)} />
    ${
      made &&
      html`<${SecretPanel} title=${`The key ${made.name}`} note="It is shown this once; only a hash of it is kept here. It may do nothing yet: give it relations on the next page."
      secrets=${[["API key", made.key], ["As an environment variable", `AUTHER_API_KEY=${made.key}`]]} saved=${() => navigate(adminPage(`/keys/${made.id}`))} />`
    }`;
}

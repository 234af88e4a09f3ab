// Clients: the apps and machines that are registered, and a new one.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate } from "../../static/core/router.js";
import { curl, Elsewhere, Empty, Form, Header, SecretPanel, Tag, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { May } from "../rights.js";
import { defaultMethod, flags, fromForm, grantOptions, methodOptions, placeholders, typeOptions, types } from "./client-fields.js";

/** @import { Client } from "../../api" */

function Redirects({ uris }) {
  if (uris.length === 0) return html`<span class="muted">none</span>`;
  return html`<code>${uris[0]}</code>${uris.length > 1 && html` <span class="muted">and ${uris.length - 1} more</span>`}`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function States({ client }) {
  return html`<span class="tags">${client.disabled ? html`<${Tag} kind="bad">disabled</${Tag}>` : html`<${Tag} kind="good">active</${Tag}>`}
    ${client.access_policy === "restricted" && html`<${Tag}>restricted</${Tag}>`}
    ${client.managed_by === "config" && html`<${Tag}>in the configuration</${Tag}>`}</span>`;
}

const columns = [
  { title: "Name", sort: "name", cell: (client) => client.name },
  { title: "Client id", cell: (client) => html`<code>${client.client_id}</code>` },
  { title: "Kind", cell: (client) => types[client.type].title },
  { title: "People come back to", cell: (client) => html`<${Redirects} uris=${client.redirect_uris} />` },
  { title: "State", cell: (client) => html`<${States} client=${client} />`, tight: true },
  { title: "Registered", sort: "-created_at", cell: (client) => html`<${Time} at=${client.created_at} />`, tight: true },
];

const filters = [
  { name: "type", title: "Kind", options: Object.entries(types).map(([key, { title }]) => [key, title]) },
  {
    name: "disabled",
    title: "State",
    options: [
      ["false", "active"],
      ["true", "disabled"],
    ],
  },
];

export function Clients() {
  return html`
    <${Header} title="Clients" purpose="The apps that people sign in to, and machines that get tokens for themselves."><${May} to="create on clients"><a class="button primary" href=${adminPage("/clients/register")}>Register a client</a></${May}></${Header}>
    <${List} caption="Clients" search="Search by name or id" filters=${filters} columns=${columns} keyOf=${(client) => client.client_id}
      href=${(client) => adminPage(`/clients/${encodeURIComponent(client.client_id)}`)} load=${(query, signal) => admin.get("/clients", query, signal)}
      empty=${() => html`<${Empty} title="No app is registered yet"><p>Register the first one: a name, its kind, and where people come back to. Then copy the code for it.</p>
        <${May} to="create on clients"><p><a class="button primary" href=${adminPage("/clients/register")}>Register a client</a></p></${May}></${Empty}>`} />
    <${Elsewhere} command="auther admin client list" request=${curl("GET", "/clients")} />`;
}

const isA =
  (...kinds) =>
  (values) =>
    kinds.includes(values.type);

const redirects = (type, label, hint) => ({ name: "redirect_uris", label, kind: "area", rows: 3, placeholder: placeholders[type], hint, when: isA(type) });

const method = (type, hint) => ({
  name: `method_${type}`,
  label: "Token endpoint auth method",
  kind: "select",
  options: methodOptions(type),
  hint,
  when: isA(type),
});

const fields = [
  { name: "name", label: "Name", autocomplete: "off", hint: "People see it when they sign in: “Sign in to My Backend App”." },
  { name: "type", label: "Type", kind: "radio", options: typeOptions },
  redirects("web", "Redirect URLs", "Where people come back to, exactly as the app sends it; one in each line. http works for localhost."),
  redirects("spa", "Redirect URLs", "Where people come back to, exactly as the app sends it; one in each line. Their origins may call the token endpoint."),
  redirects("native", "Redirect URLs", "A scheme of your own, an App Link, or http://127.0.0.1/callback, where any port fits. One per line."),
  method("web", "How its server proves itself when it redeems a code. Keep client_secret_basic unless your library wants another."),
  method("spa", "What ships to people cannot keep a secret. PKCE proves it instead."),
  method("native", "What ships to people cannot keep a secret. PKCE proves it instead."),
  method("m2m", "How the machine proves itself."),
  {
    name: "jwks",
    label: "Public keys (JWK set)",
    kind: "area",
    placeholder: '{"keys":[…]}',
    hint: "The public half only.",
    when: (values) => values[`method_${values.type}`] === "private_key_jwt",
  },
  { name: "grants_people", label: "Grant types", kind: "checks", options: grantOptions.slice(0, 2), when: isA("spa", "native") },
  { name: "grants_web", label: "Grant types", kind: "checks", options: grantOptions, when: isA("web") },
  {
    name: "audiences",
    label: "Audience of its access tokens",
    optional: true,
    placeholder: "https://api.example.com",
    hint: "The API that it calls. Without one it is the issuer.",
    autocomplete: "off",
  },
  {
    name: "client_id",
    label: "Client id",
    optional: true,
    autocomplete: "off",
    spellcheck: "false",
    hint: "Generated if empty. It cannot change later.",
  },
  { name: "trusted", label: "Trusted: skip the consent page", kind: "check", when: isA("web", "spa", "native") },
];

const initial = { type: "web", grants_people: ["authorization_code", "refresh_token"], grants_web: ["authorization_code", "refresh_token"] };
for (const type of Object.keys(types)) initial[`method_${type}`] = defaultMethod(type);

// What is sent: what the kind needs, and nothing that stands as it would anyway.
function body(values) {
  const { type } = values;
  const grants = { web: values.grants_web, m2m: ["client_credentials"] }[type] || values.grants_people;
  const chosen = { name: values.name, type, token_endpoint_auth_method: values[`method_${type}`], grant_types: grants };
  if (type !== "m2m") Object.assign(chosen, { redirect_uris: values.redirect_uris, trusted: values.trusted });
  for (const name of ["audiences", "client_id"]) if (values[name].trim()) chosen[name] = values[name].trim();
  if (chosen.token_endpoint_auth_method === "private_key_jwt") chosen.jwks = values.jwks;
  return fromForm(chosen);
}

// Mistakes that the API tells of its fields belong beside those that stand in for them here.
function placed(problem, type) {
  const { token_endpoint_auth_method: about, grant_types: grants } = problem.fields || {};
  if (about) problem.fields[`method_${type}`] = about;
  if (grants) problem.fields[type === "web" ? "grants_web" : "grants_people"] = grants;
  return problem;
}

const example = { name: "My Backend App", type: "web", redirect_uris: [placeholders.web] };

export function NewClient() {
  const [made, setMade] = useState(null);
  const send = (values) =>
    admin.post("/clients", body(values)).catch((problem) => {
      throw placed(problem, values.type);
    });
  const open = (client) => navigate(adminPage(`/clients/${encodeURIComponent(client.client_id)}?tab=integration`));
  const done = (client) => {
    if (client.client_secret) return setMade(client);
    toast(`${client.name} is registered.`);
    return open(client);
  };
  return html`
    <${Header} title="Register a client" purpose="An app that people sign in to, or a machine that gets tokens for itself." back=${{ href: adminPage("/clients"), title: "Clients" }} />
    <section class="panel"><${Form} fields=${fields} initial=${initial} action="Register" send=${send} done=${done} cancel=${() => navigate(adminPage("/clients"))} /></section>
    <${Elsewhere} command=${`auther admin client create ${flags(example)}`} request=${curl("POST", "/clients", example)} />
    ${made && html`<${Saved} client=${made} title=${`${made.name} is registered`} saved=${() => open(made)} />`}`;
}

// The secret, the once that it is shown.
/** @param {{ client: Client, [more: string]: any }} given */
export function Saved({ client, title, saved }) {
  const environment = `AUTHER_CLIENT_ID=${client.client_id}\nAUTHER_CLIENT_SECRET=${client.client_secret}`;
  return html`<${SecretPanel} title=${title} saved=${saved} note="The secret is shown this once; only a hash of it is kept here. Store it where your app reads its settings."
    secrets=${[["Client id", client.client_id], ["Client secret", client.client_secret], ["Both, as environment variables", environment]]} />`;
}

// What belongs to a person: sessions, groups, permissions, apps, tokens, API keys, and what they did.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Ask, Button, Confirm, Copy, curl, Elsewhere, Empty, Form, Table, Tag, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count, device, listing, shell } from "../../static/core/words.js";
import { Named } from "../people.js";
import { May, useMay } from "../rights.js";
import { Log } from "./audit.js";

/** @import { Session, User } from "../../api" */

// Sessions

/** @param {{ session: Session, [more: string]: any }} given */
export function EndSession({ session, who, done }) {
  const [open, setOpen] = useState(false);
  const apps = session.clients.length;
  const ended = (answer) => {
    setOpen(false);
    toast("The session ended.");
    done(answer);
  };
  if (!useMay("revoke_all on sessions")) return null;
  return html`<${Button} kind="small danger" onClick=${() => setOpen(true)} aria-label=${`Revoke ${device(session.user_agent)}`}>Revoke</${Button}>
    ${
      open &&
      html`<${Ask} title="End this session" action="End session" close=${() => setOpen(false)} done=${ended} send=${() => admin.remove(`/sessions/${session.id}`)}>
      <p>${who ? html`${who} is signed out of ` : "Signs out "}<strong>${device(session.user_agent)}</strong>${session.ip && html` at ${session.ip}`}${
        apps > 0 ? `, and the tokens of ${count(apps, "app")} that came from it stop being renewed.` : "."
      }</p></${Ask}>`
    }`;
}

export const sessionColumns = [
  {
    title: "Device",
    cell: (session) =>
      html`<span class="over"><span title=${session.user_agent || undefined}>${device(session.user_agent)}</span><span class="under">${session.ip || "address unknown"}</span></span>`,
  },
  {
    title: "Apps",
    cell: (session) =>
      session.clients.length === 0
        ? html`<span class="muted">none</span>`
        : html`<span class="tags">${session.clients.map((client) => html`<${Named} key=${client} kind="client" id=${client} />`)}</span>`,
  },
  { title: "Signed in", sort: "-created_at", cell: (session) => html`<${Time} at=${session.created_at} />` },
  { title: "Last seen", cell: (session) => html`<${Time} at=${session.last_seen_at} />` },
];

/** @param {{ user: User, [more: string]: any }} given */
export function SessionsTab({ user }) {
  const from = useLoaded((signal) => admin.get("/sessions", { user: user.id, limit: 500 }, signal), [user.id, user.version]);
  const [all, setAll] = useState(false);
  const done = ({ ended }) => {
    setAll(false);
    toast(`${count(ended.sessions, "session")} ended.`);
    from.reload();
  };
  const actions = { title: "", tight: true, cell: (session) => html`<${EndSession} session=${session} who=${user.name || user.email} done=${from.reload} />` };
  return html`<${Loaded} from=${from}>${({ items }) =>
    items.length === 0
      ? html`<${Empty} title="Signed in nowhere"><p>A session begins when ${user.name || user.email} signs in, and is listed here until it ends.</p></${Empty}>`
      : html`<div class="bar"><p>${count(items.length, "session")}</p><${May} to="revoke_all on sessions"><${Button} kind="danger small" onClick=${() => setAll(true)}>Revoke all</${Button}></${May}></div>
      <${Table} caption="Sessions" columns=${[...sessionColumns, { title: "Ends", cell: (session) => html`<${Time} at=${session.expires_at} />` }, actions]} items=${items} />
      ${
        all &&
        html`<${Confirm} title="End all sessions" type=${user.email} action="End all" close=${() => setAll(false)} send=${() => admin.remove(`/users/${user.id}/sessions`)} done=${done}
        loses=${`Signs ${user.email} out of ${listing(items.map((one) => device(one.user_agent)))}. Apps cannot renew the tokens that came from them.`} />`
      }`}</${Loaded}>
    <${Elsewhere} command=${`auther admin session list --user ${shell(user.email)}\nauther admin session revoke ses_…\nauther admin session revoke --user ${shell(user.email)}`} request=${`${curl("GET", `/sessions?user=${user.id}`)}\n${curl("DELETE", `/users/${user.id}/sessions`)}`} />`;
}

// Groups

/** @param {{ user: User, [more: string]: any }} given */
export function GroupsTab({ user }) {
  const from = useLoaded((signal) => admin.get(`/users/${user.id}/groups`, {}, signal), [user.id]);
  const groups = useLoaded((signal) => admin.get("/groups", { limit: 500 }, signal), []);
  const [leaving, setLeaving] = useState(null);
  const mayFill = useMay("manage_members on groups");
  const member = (group) => `/groups/${group.id}/members`;
  const left = () => {
    toast(`${user.email} left ${leaving.name}.`);
    setLeaving(null);
    from.reload();
  };
  const columns = [
    { title: "Group", cell: (group) => group.name },
    { title: "Why", cell: (group) => (group.direct ? "put in by name" : html`<span class="muted">through another group</span>`) },
    {
      title: "",
      tight: true,
      cell: (group) =>
        group.direct &&
        html`<${May} to="manage_members on groups"><${Button} kind="small danger" aria-label=${`Remove from ${group.name}`} onClick=${() => setLeaving(group)}>Remove</${Button}></${May}>`,
    },
  ];
  return html`<${Loaded} from=${from}>${({ items }) => {
    const free = (groups.value?.items || []).filter((group) => !items.some((one) => one.id === group.id && one.direct));
    const field = { name: "group", label: "Add to a group", kind: "select", options: [["", "choose one"], ...free.map((group) => [group.id, group.name])] };
    return html`
      ${
        items.length === 0
          ? html`<${Empty} title="In no group"><p>What is granted to a group holds for everybody in it. ${groups.value?.items.length === 0 ? html`<a href=${adminPage("/groups/create")}>Make the first group</a>.` : "Add them to one below."}</p></${Empty}>`
          : html`<${Table} caption="Groups" columns=${columns} items=${items} href=${(group) => adminPage(`/groups/${group.id}`)} />`
      }
      ${
        mayFill &&
        free.length > 0 &&
        html`<section class="panel form"><${Form} key=${free.length} fields=${[field]} action="Add"
        send=${({ group }) => {
          if (!group) throw Object.assign(new Error("Choose a group."), { fields: { group: "Choose a group." } });
          return admin.post(`/groups/${group}/members`, { subject_id: user.id });
        }} done=${() => {
          toast("Added.");
          from.reload();
        }} /></section>`
      }
      ${
        leaving &&
        html`<${Ask} title=${`Remove from ${leaving.name}`} action="Remove" close=${() => setLeaving(null)} done=${left} send=${() => admin.remove(`${member(leaving)}/user/${user.id}`)}>
        <p>${user.email} leaves <strong>${leaving.name}</strong> and loses what only this group gave.</p></${Ask}>`
      }`;
  }}</${Loaded}>
  <${Elsewhere} command=${`auther admin user groups ${shell(user.email)}\nauther admin group add-member Engineering ${shell(user.email)}`} request=${curl("POST", "/groups/Engineering/members", { subject_id: user.email })} />`;
}

// Permissions

export function useClients() {
  return useLoaded((signal) => admin.get("/clients", { limit: 500 }, signal), []).value?.items || [];
}

export function ChooseApp({ clients, value, none, name = "client" }) {
  return html`<label class="chip"><span>App</span><select value=${value} onChange=${(event) => setQuery({ [name]: event.target.value })}>
    <option value="" selected=${!value}>${none}</option>
    ${clients.map((client) => html`<option key=${client.client_id} value=${client.client_id} selected=${client.client_id === value}>${client.name}</option>`)}
  </select></label>`;
}

const accessColumns = [
  { title: "Type", cell: (item) => html`<code>${item.entity_type}</code>` },
  { title: "Which", cell: (item) => (item.entity_id === "*" ? "all of them" : html`<code>${item.entity_id}</code>`) },
  {
    title: "May",
    cell: (item) =>
      html`<span class="tags">${item.permissions.map((permission) => {
        const asks = item.abac_required.includes(permission);
        return html`<${Tag} key=${permission} kind=${asks ? "warn" : ""}>${permission}${asks && " if a policy allows"}</${Tag}>`;
      })}</span>`,
  },
];

/** @param {{ user: User, [more: string]: any }} given */
export function AccessTab({ user }) {
  const client = useAddress().query.get("client") || "";
  const clients = useClients();
  const from = useLoaded((signal) => admin.get(`/users/${user.id}/access`, { client }, signal), [user.id, client]);
  const tester = adminPage(`/access/tester?subject_type=user&subject_id=${encodeURIComponent(user.id)}`);
  return html`
    <div class="bar"><p class="lead">What they may do now, by their own grants and by those of their groups.${user.roles.includes("admin") && " As an administrator they may do everything else here too."}</p><${ChooseApp} clients=${clients} value=${client} none="every app, and Auther" /></div>
    <${Loaded} from=${from}>${({ items, truncated }) =>
      items.length === 0
        ? html`<${Empty} title="No permissions"><p>${user.name || user.email} holds nothing${client ? " on the types of this app" : ""}. Give a relation at <a href=${adminPage("/access/grants")}>Grants</a>, or add them to a group.</p></${Empty}>`
        : html`<${Table} caption="Permissions" columns=${accessColumns} items=${items} keyOf=${(item) => `${item.entity_type}:${item.entity_id}`} />
        ${truncated && html`<p class="muted">There are more than are shown here. Choose an app to see less at once.</p>`}
        <p><a href=${tester}>Ask why, at the tester</a></p>`}</${Loaded}>
    <${Elsewhere} command=${`auther admin user access ${shell(user.email)}${client ? ` --client ${client}` : ""}`} request=${curl("GET", `/users/${user.id}/access${client ? `?client=${client}` : ""}`)} />`;
}

// Apps

/** @param {{ user: User, [more: string]: any }} given */
export function AppsTab({ user }) {
  const from = useLoaded((signal) => admin.get(`/users/${user.id}/consents`, {}, signal), [user.id]);
  const [taking, setTaking] = useState(null);
  const path = (consent) => `/users/${user.id}/consents/${encodeURIComponent(consent.client_id)}`;
  const done = () => {
    toast("The app has to ask again.");
    setTaking(null);
    from.reload();
  };
  const columns = [
    { title: "App", cell: (consent) => consent.client_name || consent.client_id },
    { title: "May see", cell: (consent) => html`<span class="tags">${consent.scopes.map((scope) => html`<${Tag} key=${scope}>${scope}</${Tag}>`)}</span>` },
    { title: "Allowed", cell: (consent) => html`<${Time} at=${consent.created_at} />` },
    {
      title: "",
      tight: true,
      cell: (consent) =>
        html`<${May} to="update on users"><${Button} kind="small danger" aria-label=${`Take back from ${consent.client_name || consent.client_id}`} onClick=${() => setTaking(consent)}>Take back</${Button}></${May}>`,
    },
  ];
  return html`<${Loaded} from=${from}>${({ items }) =>
    items.length === 0
      ? html`<${Empty} title="No app is connected"><p>When ${user.name || user.email} lets an app see their account, it is listed here. Apps that are trusted do not ask and are not listed.</p></${Empty}>`
      : html`<${Table} caption="Connected apps" columns=${columns} items=${items} keyOf=${(consent) => consent.client_id} href=${(consent) => adminPage(`/clients/${encodeURIComponent(consent.client_id)}`)} />`}</${Loaded}>
  ${
    taking &&
    html`<${Ask} title="Take the consent back" action="Take back" close=${() => setTaking(null)} done=${done} send=${() => admin.remove(path(taking))}>
    <p><strong>${taking.client_name || taking.client_id}</strong> loses the tokens it holds for ${user.email}, and asks again at the next sign-in.</p></${Ask}>`
  }
  <${Elsewhere} command=${`auther admin user consents ${shell(user.email)}\nauther admin user revoke-consent ${shell(user.email)} CLIENT_ID`} request=${curl("GET", `/users/${user.id}/consents`)} />`;
}

// Token

const SCOPES = ["openid", "profile", "email", "phone", "address", "offline_access"];
const MEANS = {
  iss: "who issued it",
  sub: "who it is about",
  aud: "who it is for",
  exp: "works until",
  iat: "issued",
  nbf: "works from",
  auth_time: "signed in",
  azp: "the app that asked",
  client_id: "the app that asked",
  scope: "what was asked for",
  jti: "the token's own id",
  sid: "the session",
  nonce: "what the app sent along",
  acr: "how strong the sign-in was",
  amr: "how they signed in",
  permissions: "what they may do, by type",
  abac_required: "permissions to ask about, since a policy decides",
  email: "their address",
  email_verified: "whether the address is theirs",
  name: "their name",
  at_hash: "binds it to the access token",
};
const REFUSED = {
  user_disabled: "the account is disabled",
  client_disabled: "the app is disabled",
  access_denied: "the app is for others: it is restricted, and this person holds none of owner, admin and use of it",
};
const MOMENTS = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);

function Claims({ title, claims }) {
  const text = JSON.stringify(claims, null, 2);
  const drawn = (name, value) => {
    if (MOMENTS.has(name) && typeof value === "number")
      return html`<code>${value}</code> <span class="muted"><${Time} at=${new Date(value * 1000).toISOString()} /></span>`;
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return html`<code>${value.join(", ")}</code>`;
    if (value !== null && typeof value === "object") return html`<pre class="value">${JSON.stringify(value, null, 1)}</pre>`;
    return html`<code>${String(value)}</code>`;
  };
  return html`<section class="panel"><div class="bar"><h2>${title}</h2><${Copy} text=${text} label="Copy JSON" /></div>
    <dl class="claims">${Object.entries(claims).map(([name, value]) => html`<div key=${name}><dt><code>${name}</code>${MEANS[name] && html`<span>${MEANS[name]}</span>`}</dt><dd>${drawn(name, value)}</dd></div>`)}</dl></section>`;
}

/** @param {{ user: User, [more: string]: any }} given */
export function TokenTab({ user }) {
  const { query } = useAddress();
  const clients = useClients().filter((client) => client.type !== "m2m");
  const client = query.get("client") || clients[0]?.client_id || "";
  const allowed = clients.find((one) => one.client_id === client)?.scopes || [];
  const scopes = allowed.length === 0 ? SCOPES : SCOPES.filter((scope) => allowed.includes(scope));
  const asked = (query.get("scope") ?? "openid profile email").split(" ");
  const has = (scope) => asked.includes(scope);
  const chosen = scopes.filter(has).join(" ");
  const toggle = (scope) => setQuery({ scope: SCOPES.filter((one) => (one === scope ? !has(one) : has(one))).join(" ") || "openid" });
  const from = useLoaded(
    (signal) => (clients.length > 0 && client ? admin.get(`/users/${user.id}/token`, { client, scope: chosen }, signal) : Promise.resolve(null)),
    [user.id, client, chosen, clients.length > 0],
  );
  return html`
    <p class="lead">What an app would get if ${user.name || user.email} signed in to it now. It is a preview: nothing is signed and no app gets it.</p>
    <div class="narrow"><${ChooseApp} clients=${clients} value=${client} none="choose one" />
      <fieldset class="scopes-choice"><legend class="unseen">Scopes</legend>${scopes.map((scope) => html`<label key=${scope} class="pick"><input type="checkbox" checked=${has(scope)} disabled=${scope === "openid"} onChange=${() => toggle(scope)} /><span>${scope}</span></label>`)}</fieldset></div>
    <${Loaded} from=${from}>${(value) =>
      value === null
        ? html`<${Empty} title="Choose an app"><p>Tokens differ from app to app: in audience, scopes and permissions. ${clients.length === 0 && html`<a href=${adminPage("/clients/register")}>Register the first app</a>.`}</p></${Empty}>`
        : html`${value.refused && html`<div class="notice"><h2>No token at the moment</h2><p>${user.name || user.email} cannot sign in to this app: ${REFUSED[value.refused] || value.refused}. This is what the token would contain.</p></div>`}
        <div class="columns">${value.id_token && html`<${Claims} title="ID token" claims=${value.id_token} />`}<${Claims} title="Access token" claims=${value.access_token} /></div>`}</${Loaded}>
    <${Elsewhere} command=${`auther admin user token ${shell(user.email)} --client ${shell(client || "CLIENT_ID")}${chosen
      .split(" ")
      .filter(Boolean)
      .map((scope) => ` --scope ${scope}`)
      .join("")}`} request=${curl("GET", `/users/${user.id}/token?${new URLSearchParams({ client: client || "CLIENT_ID", scope: chosen })}`)} />`;
}

// API keys

const keyColumns = [
  { title: "Name", cell: (key) => key.name },
  { title: "Begins with", cell: (key) => html`<code>${key.start}…</code>` },
  {
    title: "State",
    cell: (key) =>
      key.expired ? html`<${Tag} kind="bad">expired</${Tag}>` : key.enabled ? html`<${Tag} kind="good">works</${Tag}>` : html`<${Tag} kind="bad">off</${Tag}>`,
  },
  { title: "App", cell: (key) => (key.client ? html`<${Named} kind="client" id=${key.client} />` : html`<span class="muted">none</span>`) },
  { title: "Used", cell: (key) => html`${count(key.uses, "time")}${key.last_used_at && html`, <${Time} at=${key.last_used_at} />`}` },
  { title: "Expires", cell: (key) => html`<${Time} at=${key.expires_at} />` },
];

/** @param {{ user: User, [more: string]: any }} given */
export function KeysTab({ user }) {
  const from = useLoaded((signal) => admin.get("/api-keys", { owner: user.id }, signal), [user.id]);
  const [gone, setGone] = useState(null);
  const done = () => {
    toast(`${gone.name} stopped working.`);
    setGone(null);
    from.reload();
  };
  const actions = {
    title: "",
    tight: true,
    cell: (key) =>
      html`<${May} to="revoke on api_keys"><${Button} kind="small danger" aria-label=${`Revoke ${key.name}`} onClick=${() => setGone(key)}>Revoke</${Button}></${May}>`,
  };
  return html`<${Loaded} from=${from}>${({ items }) =>
    items.length === 0
      ? html`<${Empty} title="No API keys"><p>A key lets a machine call in the name of its owner's project, with rights of its own. <a href=${adminPage("/keys")}>Make one at Keys</a>.</p></${Empty}>`
      : html`<${Table} caption="API keys" columns=${[...keyColumns, actions]} items=${items} />`}</${Loaded}>
  ${
    gone &&
    html`<${Confirm} title=${`Revoke ${gone.name}`} type=${gone.name} action="Revoke" loses=${`Deletes the key ${gone.start}… with everything that was granted to it. Whatever calls with it is turned away at once.`}
    close=${() => setGone(null)} send=${() => admin.remove(`/api-keys/${gone.id}`)} done=${done} />`
  }
  <${Elsewhere} command=${`auther admin api-key create --name 'CI pipeline' --owner ${shell(user.email)}`} request=${curl("GET", `/api-keys?owner=${user.id}`)} />`;
}

// Activity

/** @type {[filter: string, title: string, words: string][]} */
const ACTIVITY = [
  ["search", "everything", "What they did, and what was done to their account."],
  ["actor", "what they did", "What they did."],
  ["target", "what was done to them", "What was done to their account."],
];

/** @param {{ user: User, [more: string]: any }} given */
export function ActivityTab({ user }) {
  const { query } = useAddress();
  // Who could not sign in did nothing by name: failed sign-ins are among what was done to them.
  const [whose, , words] = ACTIVITY.find(([name]) => name === query.get("of")) || ACTIVITY[0];
  return html`
    <div class="bar"><p class="lead">${words}</p>
      <label class="chip"><span>Show</span><select value=${whose} onChange=${(event) => setQuery({ of: event.target.value === ACTIVITY[0][0] ? "" : event.target.value })}>
        ${ACTIVITY.map(([name, title]) => html`<option key=${name} value=${name} selected=${whose === name}>${title}</option>`)}</select></label></div>
    <${Log} filter=${{ [whose]: user.id }} empty="Nothing yet" />
    <${Elsewhere} command=${`auther admin audit list --${whose} ${user.id}`} request=${curl("GET", `/audit?${whose}=${user.id}`)} />`;
}

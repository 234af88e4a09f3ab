// Users: the list, a new one, and an invitation to become one.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate } from "../../static/core/router.js";
import { Button, curl, Dialog, Elsewhere, Empty, Form, Header, SecretPanel, Tag, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count } from "../../static/core/words.js";
import { Several } from "../people.js";
import { May, useMay } from "../rights.js";

/** @import { User } from "../../api" */

/** @param {{ user: User, [more: string]: any }} given */
export function State({ user }) {
  return html`${user.disabled ? html`<${Tag} kind="bad">disabled</${Tag}>` : html`<${Tag} kind="good">active</${Tag}>`}
    ${user.roles.includes("admin") && html`<${Tag}>administrator</${Tag}>`}
    ${!user.email_verified && html`<${Tag} kind="warn">address not verified</${Tag}>`}
    ${!user.has_password && html`<${Tag}>no password</${Tag}>`}`;
}

const columns = [
  { title: "E-mail", sort: "email", cell: (user) => user.email },
  { title: "Name", sort: "name", cell: (user) => user.name || html`<span class="muted">none</span>` },
  { title: "State", cell: (user) => html`<span class="tags"><${State} user=${user} /></span>` },
  { title: "Created", sort: "-created_at", tight: true, cell: (user) => html`<${Time} at=${user.created_at} />` },
];

const filters = [
  {
    name: "disabled",
    title: "State",
    options: [
      ["false", "active"],
      ["true", "disabled"],
    ],
  },
  { name: "role", title: "Role", options: [["admin", "administrator"]] },
];

export function Users() {
  const [inviting, setInviting] = useState(false);
  const [version, setVersion] = useState(0);
  const [mayBan, mayChange] = [useMay("ban on users"), useMay("update on users")];
  const shared = { nameOf: (user) => user.email, done: () => setVersion(version + 1) };
  const bulk = (items) => html`
    ${
      mayBan &&
      html`<${Several} ...${shared} items=${items.filter((user) => !user.disabled)} verb="Disable" each=${(user) => admin.post(`/users/${user.id}/disable`)} said=${(n) => `${count(n, "person is", "people are")} disabled.`}>
      Every session of theirs ends, and their API keys stop working. Nothing is deleted.</${Several}>`
    }
    ${
      mayChange &&
      html`<${Several} ...${shared} items=${items.filter((user) => user.disabled)} verb="Enable" danger=${false} each=${(user) => admin.post(`/users/${user.id}/enable`)} said=${(n) => `${count(n, "person", "people")} may sign in again.`}>
      They may sign in again.</${Several}>`
    }`;
  return html`
    <${Header} title="Users" purpose="The people who can sign in."><${May} to="create on users"><${Button} onClick=${() => setInviting(true)}>Invite</${Button}><a class="button primary" href=${adminPage("/users/create")}>New user</a></${May}></${Header}>
    <${List} caption="Users" search="Search by e-mail, name or id" filters=${filters} columns=${columns} version=${version} bulk=${(mayBan || mayChange) && bulk} href=${(user) => adminPage(`/users/${user.id}`)}
      load=${(query, signal) => admin.get("/users", query, signal)}
      empty=${() => html`<${Empty} title="Nobody is here yet"><p>People sign in to your apps with an account here. <a href=${adminPage("/users/create")}>Make the first one</a>, or let people sign up by setting <code>registration</code>.</p></${Empty}>`} />
    <${Elsewhere} command="auther admin user list" request=${curl("GET", "/users")} />
    ${inviting && html`<${Invite} close=${() => setInviting(false)} />`}`;
}

const DAY = 86400;
const invitation = [
  {
    name: "email",
    label: "E-mail",
    kind: "email",
    optional: true,
    autocomplete: "off",
    hint: "Then only this address can use it. Without one, anyone who has the link can.",
  },
  {
    name: "expires_in",
    label: "It works for",
    kind: "select",
    options: [
      [DAY, "1 day"],
      [7 * DAY, "7 days"],
      [30 * DAY, "30 days"],
    ].map(([seconds, title]) => [String(seconds), title]),
  },
];

function Invite({ close }) {
  const [made, setMade] = useState(null);
  if (made)
    return html`<${SecretPanel} title="The invitation" secrets=${[[made.email ? `Send this link to ${made.email}` : "Send this link", made.url]]} note="It is shown this once, and works once." saved=${close} />`;
  const send = ({ email, expires_in }) => admin.post("/invites", { email: email || null, expires_in: Number(expires_in) });
  return html`<${Dialog} title="Invite somebody" close=${close}>
    <p class="lead">You get a link with which one person makes an account of their own.</p>
    <${Form} fields=${invitation} initial=${{ expires_in: String(7 * DAY) }} action="Make the link" send=${send} done=${setMade} cancel=${close} />
    <${Elsewhere} command="auther admin user invite --email ann@example.org" request=${curl("POST", "/invites", { email: "ann@example.org", expires_in: 7 * DAY })} />
  </${Dialog}>`;
}

const fields = [
  { name: "email", label: "E-mail", kind: "email", autocomplete: "off" },
  { name: "name", label: "Name", optional: true, autocomplete: "off" },
  { name: "username", label: "Username", optional: true, autocomplete: "off", hint: "A second way to sign in, beside the e-mail address." },
  {
    name: "password",
    label: "Password",
    kind: "password",
    optional: true,
    autocomplete: "new-password",
    hint: "Without one, you make a sign-in link on the next page, and they choose it themselves.",
  },
  { name: "email_verified", label: "The address is verified", kind: "check" },
  { name: "admin", label: "Administrator: may do everything here", kind: "check" },
];

export function NewUser() {
  /** @param {Record<string, any>} values */
  const send = (values) =>
    admin.post("/users", /** @type {import("../../api").NewUser} */ (Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""))));
  const done = (user) => {
    toast(`${user.email} was created.`);
    navigate(adminPage(`/users/${user.id}`));
  };
  return html`
    <${Header} title="New user" purpose="Somebody who can sign in." back=${{ href: adminPage("/users"), title: "Users" }} />
    <section class="panel form"><${Form} fields=${fields} initial=${{ email_verified: true }} action="Create user" send=${send} done=${done} cancel=${() => navigate(adminPage("/users"))} /></section>
    <${Elsewhere} command="auther admin user create --email ann@example.org --name Ann" request=${curl("POST", "/users", { email: "ann@example.org", name: "Ann" })} />`;
}

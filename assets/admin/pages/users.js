// Users: the list, and a new one.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html } from "../../static/core/html.js";
import { navigate } from "../../static/core/router.js";
import { Elsewhere, Empty, Form, Header, Tag, Time, curl, toast } from "../../static/core/ui.js";

const columns = [
  { title: "E-mail", cell: (user) => user.email },
  { title: "Name", cell: (user) => user.name || html`<span class="muted">none</span>` },
  { title: "State", cell: (user) => html`${user.disabled ? html`<${Tag} kind="bad">disabled</${Tag}>` : html`<${Tag} kind="good">active</${Tag}>`}${user.roles.includes("admin") && html` <${Tag}>administrator</${Tag}>`}` },
  { title: "Created", cell: (user) => html`<${Time} at=${user.created_at} />` },
];

const filters = [
  { name: "disabled", title: "State", options: [["false", "active"], ["true", "disabled"]] },
  { name: "role", title: "Role", options: [["admin", "administrator"]] },
];

export function Users() {
  return html`
    <${Header} title="Users" purpose="The people who can sign in."><a class="button primary" href="/admin/users/create">New user</a></${Header}>
    <${List} caption="Users" search="Search by e-mail, name or id" filters=${filters} columns=${columns} href=${(user) => `/admin/users/${user.id}`}
      load=${(query, signal) => admin.get("/users", query, signal)}
      empty=${() => html`<${Empty} title="Nobody is here yet"><p>People sign in to your apps with an account here. Make the first one, or let people sign up by setting <code>registration</code>.</p></${Empty}>`} />
    <${Elsewhere} command="auther admin user list" request=${curl("GET", "/api/admin/users")} />`;
}

const fields = [
  { name: "email", label: "E-mail", kind: "email", autocomplete: "off" },
  { name: "name", label: "Name", optional: true, autocomplete: "off" },
  { name: "username", label: "Username", optional: true, autocomplete: "off", hint: "A second way to sign in, beside the e-mail address." },
  { name: "password", label: "Password", kind: "password", optional: true, autocomplete: "new-password", hint: "Without one, they cannot sign in until you set one or send a recovery link." },
  { name: "email_verified", label: "The address is verified", kind: "check" },
  { name: "admin", label: "Administrator: may do everything here", kind: "check" },
];

export function NewUser() {
  const send = (values) => admin.post("/users", Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "")));
  const done = (user) => {
    toast(`${user.email} was created.`);
    navigate(`/admin/users/${user.id}`);
  };
  return html`
    <${Header} title="New user" purpose="Somebody who can sign in." back=${{ href: "/admin/users", title: "Users" }} />
    <section class="panel"><${Form} fields=${fields} action="Create user" send=${send} done=${done} cancel=${() => navigate("/admin/users")} /></section>
    <${Elsewhere} command="auther admin user create --email ann@example.org --name Ann" request=${curl("POST", "/api/admin/users", { email: "ann@example.org", name: "Ann" })} />`;
}

// One person: who they are, and everything that belongs to them, a tab each. Profile and password are here, the rest in user-tabs.js.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate, useAddress } from "../../static/core/router.js";
import { Ask, Button, curl, Dialog, Elsewhere, Facts, Form, Header, Id, SecretPanel, Tabs, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count, shell } from "../../static/core/words.js";
import { Delete, EditForm } from "../people.js";
import { reasonOf } from "../reasons.js";
import { ForThose, May, useMay, useShown } from "../rights.js";
import { lineAt, readJson } from "./text-editor.js";
import { AccessTab, ActivityTab, AppsTab, GroupsTab, KeysTab, SessionsTab, TokenTab } from "./user-tabs.js";
import { State } from "./users.js";

/** @import { User } from "../../api" */

// Address, name, what draws it, and which rights it needs beyond those of the page.
const tabs = [
  ["profile", "Profile", ProfileTab],
  ["sessions", "Sessions", SessionsTab, "view_all on sessions"],
  ["groups", "Groups", GroupsTab, "view on groups"],
  ["access", "Permissions", AccessTab, "view on tuples"],
  ["apps", "Apps", AppsTab],
  ["token", "Token", TokenTab, "view on tuples", "view on clients"],
  ["keys", "API keys", KeysTab, "view_all on api_keys"],
  ["activity", "Activity", ActivityTab, "view on audit"],
];

export function User({ id }) {
  const path = `/users/${encodeURIComponent(id)}`;
  const from = useLoaded((signal) => admin.get(path, {}, signal), [id]);
  const back = { href: adminPage("/users"), title: "Users" };
  if (from.value === undefined) return html`<${Header} title="User" back=${back} /><${Loaded} from=${from}>${() => null}</${Loaded}>`;
  return html`<${Person} key=${from.value.id} first=${from.value} back=${back} />`;
}

function Person({ first, back }) {
  const { query } = useAddress();
  const [user, setUser] = useState(first);
  const shown = useShown(tabs);
  const [name, , Tab] = shown.find(([tab]) => tab === query.get("tab")) || shown[0];
  const path = `/users/${user.id}`;
  return html`
    <${Header} title=${user.name || user.email} purpose=${html`${user.name && html`${user.email} `}<span class="tags"><${State} user=${user} /></span>`} back=${back}>
      <${May} to="update on users">${!user.disabled && html`<${SignInLink} user=${user} />`}<${Password} user=${user} saved=${setUser} /></${May}>
      <${May} to=${user.disabled ? "update on users" : "ban on users"}>${user.disabled ? html`<${Enable} user=${user} saved=${setUser} />` : html`<${Disable} user=${user} saved=${setUser} />`}</${May}>
      <${May} to="delete on users"><${Delete} path=${path} what=${user.name ? `${user.name} (${user.email})` : user.email} name=${user.email} done=${() => navigate(adminPage("/users"))} /></${May}>
    </${Header}>
    ${!user.disabled && html`<${Pause} user=${user} />`}
    <${Tabs} tabs=${shown} current=${name} href=${(tab) => adminPage(`${path}${tab === "profile" ? "" : `?tab=${tab}`}`)} />
    <${Tab} key=${name} user=${user} saved=${setUser} />`;
}

const ended = (answer) => (answer.ended?.sessions ? ` ${count(answer.ended.sessions, "session")} ended.` : "");

/** @param {{ user: User, [more: string]: any }} given */
function Disable({ user, saved }) {
  const [open, setOpen] = useState(false);
  const done = (answer) => {
    setOpen(false);
    saved(answer);
    toast(`${user.name || user.email} is disabled.${ended(answer)}`);
  };
  return html`<${Button} onClick=${() => setOpen(true)}>Disable</${Button}>
    ${
      open &&
      html`<${Ask} title=${`Disable ${user.name || user.email}`} action="Disable" close=${() => setOpen(false)} done=${done} send=${() => admin.post(`/users/${user.id}/disable`)}>
      <p>Every session ends, apps lose what they hold for this person, and the person's API keys stop working. Nothing is deleted: enable the account again to let them back in.</p></${Ask}>`
    }`;
}

const HOUR = 3600;
const linkFields = [
  {
    name: "expires_in",
    label: "It works for",
    kind: "select",
    options: [
      [HOUR, "1 hour"],
      [24 * HOUR, "1 day"],
      [3 * 24 * HOUR, "3 days"],
      [7 * 24 * HOUR, "7 days"],
    ].map(([seconds, title]) => [String(seconds), title]),
  },
];

// A link with which they sign in once and set a password: nobody invents one for them.
/** @param {{ user: User, [more: string]: any }} given */
function SignInLink({ user }) {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState(null);
  const close = () => {
    setOpen(false);
    setMade(null);
  };
  const path = `/users/${user.id}/link`;
  const send = ({ expires_in }) => admin.post(path, { expires_in: Number(expires_in) });
  return html`<${Button} onClick=${() => setOpen(true)}>Make a sign-in link</${Button}>
    ${made && html`<${SecretPanel} title="Sign-in link" secrets=${[[`Send this link to ${user.email}`, made.url]]} note="It is shown this once, and works once. Anyone who has it can sign in as this person." saved=${close} />`}
    ${
      open &&
      !made &&
      html`<${Dialog} title=${`Make a sign-in link for ${user.email}`} close=${close}>
      <p class="lead">With it they sign in once and ${user.has_password ? "set a new password. Until then everything stays as it is; then every session of theirs ends." : "choose their first password."} A newer link takes the place of an older one.</p>
      <${Form} fields=${linkFields} initial=${{ expires_in: String(24 * HOUR) }} action="Make the link" send=${send} done=${setMade} cancel=${close} />
      <${Elsewhere} command=${`auther admin user link ${shell(user.email)}`} request=${curl("POST", path, { expires_in: 24 * HOUR })} />
    </${Dialog}>`
    }`;
}

// What keeps somebody from signing in at the moment, and the way out. Shown to who may do something about it.
/** @param {{ user: User, [more: string]: any }} given */
function Pause({ user }) {
  const path = `/users/${user.id}`;
  const [busy, setBusy] = useState(false);
  const seesLog = useMay("view on audit");
  const from = useLoaded(
    async (signal) => {
      const pause = await admin.get(`${path}/pause`, {}, signal);
      const asks = pause.failures > 0 && seesLog;
      const failures = asks ? (await admin.get("/audit", { target: user.id, action: "user.sign_in", result: "failure", limit: 1 }, signal)).items : [];
      return { ...pause, last: failures[0] };
    },
    [user.id, user.version],
  );
  const pause = from.value;
  if (!pause?.failures) return null;
  const unlock = async () => {
    setBusy(true);
    try {
      await admin.post(`${path}/unlock`);
      toast(`${user.email} can sign in at once.`);
      from.reload();
    } catch (problem) {
      toast(problem.message, "bad");
    }
    setBusy(false);
  };
  return html`<div class="notice" id="sign-in-pause" role="status">
    <h2>${count(pause.failures, "failed sign-in")} in a row</h2>
    <p>${pause.wait_seconds > 0 ? `The next attempt waits for up to ${waits(pause.wait_seconds)}; the right password works then.` : "The next attempt is checked at once."}${
      pause.last && html` Last: ${reasonOf(pause.last)}, <${Time} at=${pause.last.at} />.`
    }</p>
    <${May} to="update on users"><p><${Button} kind="small" busy=${busy} onClick=${unlock}>Unlock</${Button}></p></${May}>
  </div>`;
}

const waits = (seconds) => (seconds <= 90 ? count(seconds, "second") : count(Math.ceil(seconds / 60), "minute"));

/** @param {{ user: User, [more: string]: any }} given */
function Enable({ user, saved }) {
  const [busy, setBusy] = useState(false);
  const enable = async () => {
    setBusy(true);
    try {
      saved(await admin.post(`/users/${user.id}/enable`));
      toast(`${user.email} may sign in again.`);
    } catch (problem) {
      toast(problem.message, "bad");
    }
    setBusy(false);
  };
  return html`<${Button} busy=${busy} onClick=${enable}>Enable</${Button}>`;
}

const passwordField = [{ name: "password", label: "New password", kind: "password", autocomplete: "new-password" }];

/** @param {{ user: User, [more: string]: any }} given */
function Password({ user, saved }) {
  const [open, setOpen] = useState(false);
  const done = (answer) => {
    setOpen(false);
    saved(answer);
    toast(`The password of ${user.email} is set.${ended(answer)}`);
  };
  return html`<${Button} onClick=${() => setOpen(true)}>Set password</${Button}>
    ${
      open &&
      html`<${Dialog} title=${`Set a password for ${user.email}`} close=${() => setOpen(false)}>
      <p class="lead">Every session of theirs ends: they sign in again with the new one. Send it to them privately, or make a sign-in link instead: then they choose it themselves.</p>
      <${Form} fields=${passwordField} action="Set password" send=${(values) => admin.post(`/users/${user.id}/password`, values)} done=${done} cancel=${() => setOpen(false)} />
      <${Elsewhere} command=${`auther admin user set-password ${shell(user.email)}`} request=${curl("POST", `/users/${user.id}/password`, { password: "…" })} />
    </${Dialog}>`
    }`;
}

const account = [
  { name: "email", label: "E-mail", kind: "email", autocomplete: "off" },
  { name: "email_verified", label: "The address is verified", kind: "check" },
  { name: "username", label: "Username", optional: true, autocomplete: "off", hint: "A second way to sign in, beside the e-mail address." },
  { name: "admin", label: "Administrator: may do everything here", kind: "check" },
];
const profile = [
  ["name", "Name"],
  ["given_name", "Given name"],
  ["family_name", "Family name"],
  ["nickname", "Nickname"],
  ["picture", "Picture", "url", "Address of an image."],
  ["website", "Website", "url"],
  ["phone_number", "Telephone", "tel"],
  ["birthdate", "Birthdate", "text", "As 1990-01-31."],
  ["zoneinfo", "Time zone", "text", "Such as Europe/Berlin."],
  ["locale", "Language", "text", "Such as de-DE."],
].map(([name, label, kind = "text", hint]) => ({ name, label, kind, hint, autocomplete: "off" }));
const attributes = [
  {
    name: "attributes",
    label: "Attributes",
    kind: "area",
    hint: "A JSON object of your own. Policies read it as context.user.attributes; apps do not see it.",
  },
];

/** @param {{ user: User, [more: string]: any }} given */
function ProfileTab({ user, saved }) {
  const path = `/users/${user.id}`;
  const read = () => admin.get(path);
  const patch = (change) => admin.patch(path, Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value === "" ? null : value])));
  const done = (answer) => {
    saved(answer);
    toast("Saved.");
  };
  const sendAttributes = ({ attributes: text, ...rest }) => {
    const { value: parsed, slip } = readJson(text || "{}");
    if (slip) {
      const message = `This is no JSON: line ${lineAt(text, slip.at)}: ${slip.message}`;
      throw Object.assign(new Error(message), { fields: { attributes: message } });
    }
    return admin.patch(path, { attributes: parsed, ...rest });
  };
  return html`<div class="sides">
    <${ForThose} who="update on users"><div class="stack">
      <section class="panel"><h2>Account</h2><${EditForm} fields=${account} record=${user} read=${read} send=${patch} saved=${done}
        value=${(from, field) => (field.name === "admin" ? from.roles.includes("admin") : from[field.name])} /></section>
      <section class="panel"><h2>Profile</h2><p class="lead">What apps can see, if they ask for it. An emptied field is removed.</p>
        <div class="two"><${EditForm} fields=${profile} record=${user} read=${read} send=${patch} saved=${done} /></div></section>
      <section class="panel"><h2>Attributes</h2><${EditForm} fields=${attributes} record=${user} read=${read} send=${sendAttributes} saved=${done}
        value=${(from) => JSON.stringify(from.attributes, null, 2)} /></section>
    </div></${ForThose}>
    <section class="panel"><h2>Facts</h2><${Facts} rows=${[
      ["Id", html`<${Id}>${user.id}</${Id}>`],
      ["Created", html`<${Time} at=${user.created_at} />`],
      ["Changed", html`<${Time} at=${user.updated_at} />`],
      ["Password", user.has_password ? "set" : html`<span class="muted">none</span>`],
      ["Roles", user.roles.length ? user.roles.join(", ") : html`<span class="muted">none</span>`],
    ]} /></section>
  </div>
  <${Elsewhere} command=${`auther admin user update ${shell(user.email)} --name ${shell(user.name || "Ann Lee")}`} request=${curl("PATCH", path, { name: user.name || "Ann Lee", version: user.version })} />`;
}

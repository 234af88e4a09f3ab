// The profile: what apps learn about a person, as far as the person decides it.
import { account } from "../static/core/api.js";
import { html } from "../static/core/html.js";
import { Elsewhere, Facts, Form, Header, Id, Tag, Time, toast } from "../static/core/ui.js";
import { ownCall } from "./parts.js";

const fields = [
  { name: "name", label: "Name", autocomplete: "name", hint: "As apps show it." },
  {
    name: "username",
    label: "Username",
    optional: true,
    autocomplete: "username",
    spellcheck: "false",
    autocapitalize: "off",
    hint: "A second way to sign in, beside your e-mail address.",
  },
  {
    name: "image",
    label: "Picture",
    kind: "url",
    optional: true,
    placeholder: "https://…",
    autocomplete: "photo",
    hint: "The address of a picture of you, for apps.",
  },
];

export function Profile({ me, changed }) {
  const { user } = me;
  const before = { name: user.name, username: user.username || "", image: user.image || "" };
  const send = async (values) => {
    const different = Object.entries(values).filter(([name, value]) => value.trim() !== before[name]);
    if (different.length === 0) return null;
    const { available } =
      values.username.trim() && values.username.trim() !== before.username
        ? await account.post("/is-username-available", { username: values.username.trim() })
        : { available: true };
    if (!available) throw Object.assign(new Error("Somebody else has this username."), { fields: { username: "Somebody else has this username." } });
    return account.post("/update-user", Object.fromEntries(different.map(([name, value]) => [name, value.trim() || null])));
  };
  const done = (answer) => {
    toast(answer ? "Your profile is saved." : "Nothing was changed.");
    if (answer) changed();
  };
  const initial = (user.name || user.email).slice(0, 1).toUpperCase();
  return html`
    <${Header} title="Profile" purpose="What apps learn about you when you let them in." />
    <div class="account"><span class="initial" aria-hidden="true">${initial}</span><span class="who"><b>${user.name || user.email}</b><span>${user.name ? user.email : ""}</span></span>
      ${user.role === "admin" && html`<${Tag}>administrator</${Tag}>`}</div>
    <div class="columns">
      <section class="panel"><h2>About you</h2><${Form} key=${user.updatedAt} fields=${fields} initial=${before} action="Save" send=${send} done=${done} /></section>
      <section class="panel"><h2>Managed by your administrator</h2><${Facts} rows=${[
        [
          "E-mail",
          html`<span>${user.email}</span> ${user.emailVerified ? html`<${Tag} kind="good">verified</${Tag}>` : html`<${Tag} kind="warn">not verified</${Tag}>`}`,
        ],
        ["Since", html`<${Time} at=${user.createdAt} />`],
        ["Changed", html`<${Time} at=${user.updatedAt} />`],
        ["Your id", html`<${Id}>${user.id}</${Id}>`],
      ]} /><p class="hint">An administrator changes the e-mail address.</p></section>
    </div>
    <${Elsewhere} request=${ownCall("POST", "/update-user", { name: user.name || "Ann" })} />`;
}

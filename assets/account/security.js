// How somebody signs in. Each way is a section of its own.
import { account } from "../static/core/api.js";
import { html, useState } from "../static/core/html.js";
import { Elsewhere, Form, Header, toast } from "../static/core/ui.js";
import { ownCall } from "./parts.js";

export function Security({ me }) {
  return html`
    <${Header} title="Security" purpose="How you sign in." />
    <${Password} me=${me} />
    <${Elsewhere} request=${ownCall("POST", "/change-password", { currentPassword: "…", newPassword: "…" })} />`;
}

const kind = (values) => (values.show ? "text" : "password");
const plain = { spellcheck: "false", autocapitalize: "off" };

const fields = [
  { name: "currentPassword", label: "Current password", kind, autocomplete: "current-password", ...plain },
  {
    name: "newPassword",
    label: "New password",
    kind,
    autocomplete: "new-password",
    ...plain,
    hint: "Use a long passphrase, such as a few unrelated words.",
  },
  { name: "show", label: "Show what I type", kind: "check" },
];

function Password({ me }) {
  const [round, setRound] = useState(0);
  const send = async ({ show, ...values }) => {
    const missing = Object.fromEntries(
      fields
        .filter(({ name }) => name in values)
        .filter(({ name }) => !values[name])
        .map(({ name, label }) => [name, `Enter the ${label.toLowerCase()}.`]),
    );
    if (Object.keys(missing).length > 0) throw Object.assign(new Error("Something is missing."), { fields: missing });
    try {
      return await account.post("/change-password", values);
    } catch (problem) {
      if (problem.code === "INVALID_PASSWORD") problem.fields = { currentPassword: problem.message };
      if (/^PASSWORD_(TOO|FROM)_/.test(problem.code)) problem.fields = { newPassword: problem.message };
      throw problem;
    }
  };
  const done = () => {
    toast("Your password is changed. You are signed out everywhere else.");
    setRound((n) => n + 1);
  };
  return html`<section class="panel"><h2>Password</h2>
    <p class="lead">Changing it signs you out everywhere but here, and switches your API keys off until you switch them on again.</p>
    <input class="unseen" type="text" name="username" autocomplete="username" value=${me.user.email} readonly tabindex="-1" aria-hidden="true" />
    <${Form} key=${round} fields=${fields} action="Change password" send=${send} done=${done} />
  </section>`;
}

// Deleting the own account: what goes is said, the address is typed, the password proves who asks.
import { account } from "../static/core/api.js";
import { useLoaded } from "../static/core/data.js";
import { html } from "../static/core/html.js";
import { Elsewhere, Form, Header } from "../static/core/ui.js";
import { homePage } from "../static/core/urls.js";
import { count, listing } from "../static/core/words.js";
import { ownCall } from "./parts.js";

const some = (number, what) => (number > 0 ? count(number, what) : null);

async function whatGoes(signal) {
  const [sessions, apps, keys] = await Promise.all(
    ["/list-sessions", "/list-consents", "/api-key/list"].map((path) => account.get(path, undefined, signal).catch(() => [])),
  );
  return [some(sessions.length, "session"), some(apps.length, "connected app"), some(keys.length, "API key")].filter(Boolean);
}

export function Leave({ me }) {
  const { email } = me.user;
  const goes = useLoaded(whatGoes, []);
  const fields = [
    { name: "email", label: `Type ${email}`, autocomplete: "off", spellcheck: "false", autocapitalize: "off" },
    { name: "password", label: "Password", kind: "password", autocomplete: "current-password" },
  ];
  const send = async ({ email: typed, password }) => {
    if (typed.trim() !== email) throw Object.assign(new Error(""), { fields: { email: `Type ${email} to go on.` } });
    try {
      return await account.post("/delete-user", password ? { password } : {});
    } catch (problem) {
      if (problem.code === "INVALID_PASSWORD") problem.fields = { password: problem.message };
      throw problem;
    }
  };
  const gone = goes.value ?? [];
  const lost = gone.length > 0 ? `With it go ${listing([...gone, "everything that was granted to you"])}.` : "With it goes everything that was granted to you.";
  return html`
    <${Header} title="Delete account" purpose="For good, and at once." />
    <section class="panel">
      <p>Deletes the account <b>${email}</b>. ${lost} Nobody can bring it back, and apps you used may keep what they have of you.</p>
      <${Form} fields=${fields} action="Delete my account" danger=${true} send=${send} done=${() => location.assign(homePage)} />
    </section>
    <${Elsewhere} request=${ownCall("POST", "/delete-user", { password: "…" })} />`;
}

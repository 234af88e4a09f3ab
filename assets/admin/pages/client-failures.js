// What went wrong lately when this app sent people here, in plain words, with the repair where one is safe.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { Button, Copy, curl, Elsewhere, Empty, Time, toast, Wrong } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { useMay } from "../rights.js";

/** @import { Client } from "../../api" */

const fieldTitles = { redirect_uris: "redirect URIs" };

/** @param {{ client: Client, [more: string]: any }} given */
export function Failures({ client, reload }) {
  const path = `/clients/${encodeURIComponent(client.client_id)}/failures`;
  const loaded = useLoaded((signal) => admin.get(path, undefined, signal), [client.client_id]);
  const again = () => {
    loaded.reload();
    reload();
  };
  return html`
    <div class="side-by-side"><p class="lead">What this app sent in the last 7 days that was refused: sign-ins, codes and secrets.</p><${Button} kind="small" onClick=${loaded.reload}>Refresh</${Button}></div>
    <${Loaded} from=${loaded}>${({ items }) => {
      if (items.length === 0) {
        return html`<${Empty} title="Nothing failed lately"><p>If people cannot sign in and nothing shows up here, the app does not reach this server, or sends another client id. Let it begin a sign-in, then look again.</p></${Empty}>`;
      }
      return html`<ul class="failures">${items.map((one) => html`<${Failure} key=${one.id} one=${one} path=${path} client=${client} fixed=${again} />`)}</ul>`;
    }}</${Loaded}>
    <${Elsewhere} command=${command(loaded.value?.items || [], client)} request=${curl("GET", path)} />`;
}

function command(items, client) {
  const list = `auther admin client failures ${shell(client.client_id)}`;
  const fixable = items.find((one) => one.fix);
  return fixable ? `${list}\nauther admin client fix ${shell(client.client_id)} ${fixable.id}` : list;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Failure({ one, path, client, fixed }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const may = useMay("update on clients");
  const fix = async () => {
    setBusy(true);
    try {
      await admin.post(`${path}/${encodeURIComponent(one.id)}/fix`);
      toast("That is registered now. Let the app try again.");
      fixed();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<li class="panel">
    <div class="side-by-side"><h2>${one.message}</h2><span class="muted">${one.count > 1 && `${one.count} times, last `}<${Time} at=${one.at} /></span></div>
    ${one.sent && html`<${Compared} one=${one} />`}
    <${Wrong} problem=${problem} />
    <div class="side-by-side">${
      one.fix && may
        ? html`<${Button} kind="primary" busy=${busy} onClick=${fix}>Add what was sent to the ${fieldTitles[one.fix.field] || one.fix.field}</${Button}>`
        : html`<span class="lead">${advice(one, client)}</span>`
    }
      <span class="muted"><code>${one.error}</code></span></div>
  </li>`;
}

// What to do where one click would not be safe. Anybody can send a request in the name of an app.
function advice(one, client) {
  if (one.error !== "redirect_uri_mismatch") return one.next_step;
  if (client.managed_by === "config") return "This client is declared in the configuration file: add the address there if it is the app's, or correct the app.";
  return html`Is this address the app's? Then add it under <a href=${adminPage(`/clients/${encodeURIComponent(client.client_id)}?tab=settings`)}>Settings</a>. Otherwise correct the app.`;
}

// What was sent above what is registered, with the part that differs marked.
function Compared({ one: { sent, registered, error } }) {
  const isAlike = ["redirect_uri_mismatch", "code_redirect_uri"].includes(error) && registered;
  return html`<dl class="facts wide compared">
    <div><dt>The app sent</dt><dd><code>${isAlike ? marked(sent, ...difference(sent, registered)) : sent}</code><${Copy} text=${sent} /></dd></div>
    ${registered && html`<div><dt>${["invalid_scope", "scopes_ignored"].includes(error) ? "It may ask for" : "Registered"}</dt><dd><code>${isAlike ? marked(registered, ...difference(registered, sent)) : registered}</code></dd></div>`}
  </dl>`;
}

// Where the first text stops being the second, and where it is the second again.
function difference(text, other) {
  let from = 0;
  while (from < text.length && text[from] === other[from]) from += 1;
  let tail = 0;
  while (tail < text.length - from && tail < other.length - from && text.at(-1 - tail) === other.at(-1 - tail)) tail += 1;
  return [from, text.length - tail];
}

function marked(text, from, to) {
  return html`${text.slice(0, from)}${to > from && html`<mark>${text.slice(from, to)}</mark>`}${text.slice(to)}`;
}

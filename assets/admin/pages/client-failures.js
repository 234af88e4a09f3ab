// What went wrong lately when this app sent people here, in plain words, with the repair where one is safe.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { Button, Copy, Elsewhere, Empty, Time, Wrong, curl, toast } from "../../static/core/ui.js";
import { shell } from "../../static/core/words.js";

const fieldTitles = { redirect_uris: "redirect URIs", scopes: "scopes", origins: "allowed origins", grant_types: "grant types", post_logout_redirect_uris: "redirect URIs after logging out" };

const flag = { redirect_uris: "redirect-uri", scopes: "scope", origins: "origin", grant_types: "grant", post_logout_redirect_uris: "post-logout-redirect-uri" };

export function Failures({ client, reload }) {
  const path = `/clients/${encodeURIComponent(client.client_id)}/failures`;
  const loaded = useLoaded((signal) => admin.get(path, undefined, signal), [client.client_id]);
  const again = () => {
    loaded.reload();
    reload();
  };
  return html`
    <div class="side-by-side"><p class="lead">Sign-ins that this app began and that could not go on. They are forgotten after a while.</p><${Button} kind="small" onClick=${loaded.reload}>Look again</${Button}></div>
    <${Loaded} from=${loaded}>${(answer) => {
      const items = Array.isArray(answer) ? answer : answer.items;
      if (items.length === 0) {
        return html`<${Empty} title="Nothing failed lately"><p>If people cannot sign in and nothing shows up here, the app does not reach this server, or sends another client id. Let it begin a sign-in, then look again.</p></${Empty}>`;
      }
      return html`<ul class="failures">${items.map((one) => html`<${Failure} key=${one.id} one=${one} path=${path} client=${client} fixed=${again} />`)}</ul>`;
    }}</${Loaded}>
    <${Elsewhere} command=${command(loaded.value, client)} request=${curl("GET", `/api/admin${path}`)} />`;
}

function command(answer, client) {
  const fix = (Array.isArray(answer) ? answer : answer?.items || []).find((one) => one.fix)?.fix;
  if (!fix || !flag[fix.field]) return `auther admin client show ${shell(client.client_id)}`;
  const all = [...client[fix.field], fix.add];
  return `auther admin client update ${shell(client.client_id)} ${all.map((value) => `--${flag[fix.field]} ${shell(value)}`).join(" ")}`;
}

function Failure({ one, path, client, fixed }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
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
  const registered = [one.registered].flat().filter(Boolean);
  const isFixable = one.fix && client.managed_by === "admin";
  return html`<li class="panel">
    <div class="side-by-side"><h2>${one.message}</h2><span class="muted"><${Time} at=${one.at} /></span></div>
    ${one.sent && html`<${Compared} sent=${one.sent} registered=${registered} />`}
    <${Wrong} problem=${problem} />
    <div class="side-by-side">${isFixable
      ? html`<${Button} kind="primary" busy=${busy} onClick=${fix}>Add what was sent to the ${fieldTitles[one.fix.field] || one.fix.field}</${Button}>`
      : html`<span class="lead">${one.fix ? "This client is declared in the configuration file: add it there." : "Correct this in the app."}</span>`}
      <span class="muted"><code>${one.error}</code></span></div>
  </li>`;
}

// What was sent above what is registered, with the part that differs marked.
function Compared({ sent, registered }) {
  const nearest = [...registered].sort((one, other) => alike(other, sent) - alike(one, sent))[0];
  const [from, to] = nearest === undefined ? [0, sent.length] : difference(sent, nearest);
  const [nearFrom, nearTo] = nearest === undefined ? [0, 0] : difference(nearest, sent);
  return html`<dl class="facts wide compared">
    <div><dt>The app sent</dt><dd><code>${marked(sent, from, to)}</code><${Copy} text=${sent} /></dd></div>
    ${registered.map((uri) => html`<div key=${uri}><dt>Registered</dt><dd><code>${uri === nearest ? marked(uri, nearFrom, nearTo) : uri}</code></dd></div>`)}
  </dl>`;
}

function alike(one, other) {
  const [from, to] = difference(one, other);
  return Math.max(one.length, other.length) - Math.max(to - from, difference(other, one)[1] - difference(other, one)[0]);
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

// One client: what it is, its tabs, and what can be done with all of it. Each tab is a file of its own.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate, useAddress } from "../../static/core/router.js";
import { Button, Confirm, Dialog, Form, Header, Id, Skeleton, Tabs, Tag, Time, toast, Wrong } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count, listing, taken } from "../../static/core/words.js";
import { May, useMay, useShown } from "../rights.js";
import { Access } from "./client-access.js";
import { Failures } from "./client-failures.js";
import { hasSecret, types } from "./client-fields.js";
import { Settings } from "./client-settings.js";
import { Saved } from "./clients.js";

/** @import { Client } from "../../api" */

// The printed code is long, and loaded when it is looked at.
function Integration(given) {
  const loaded = useLoaded(() => import("./integration.js"), []);
  return html`<${Loaded} from=${loaded}>${({ Integration: Part }) => html`<${Part} ...${given} />`}</${Loaded}>`;
}

// Address, name, what draws it, and the right that it needs beyond those of the page.
const tabs = [
  ["settings", "Settings", Settings],
  ["access", "Access", Access, "view on tuples"],
  ["integration", "Integration", Integration],
  ["failures", "Failures", Failures],
];

export const pathOf = (id) => `/clients/${encodeURIComponent(id)}`;

export function Client({ id }) {
  const client = useLoaded((signal) => admin.get(pathOf(id), undefined, signal), [id]);
  // While it is loaded anew, what was there stays.
  if (client.problem?.status === 404)
    return html`<${Header} title="Client" back=${{ href: adminPage("/clients"), title: "Clients" }} /><${Wrong} problem=${client.problem} />`;
  return html`<${Loaded} from=${client}>${(value, reload) => html`<${Loads} client=${value} reload=${reload} />`}</${Loaded}>`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Loads({ client, reload }) {
  const { query } = useAddress();
  const [open, setOpen] = useState("");
  const [made, setMade] = useState(null);
  const shown = useShown(tabs);
  const [tab, , Part] = shown.find(([name]) => name === query.get("tab")) || shown[0];
  const isOurs = client.managed_by === "admin";
  const [round, setRound] = useState(0);
  const close = () => setOpen("");
  const after = (text) => () => {
    close();
    toast(text);
    reload();
  };
  return html`
    <${Header} title=${client.name} purpose=${types[client.type].title} back=${{ href: adminPage("/clients"), title: "Clients" }}>
      ${
        isOurs &&
        html`
        <${May} to="update on clients">
          ${hasSecret(client) && html`<${Button} onClick=${() => setOpen("rotate")}>Rotate secret</${Button}>`}
          <${Button} onClick=${() => setOpen(client.disabled ? "enable" : "disable")}>${client.disabled ? "Enable" : "Disable"}</${Button}>
        </${May}>
        <${May} to="delete on clients"><${Button} kind="danger" onClick=${() => setOpen("delete")}>Delete</${Button}></${May}>`
      }
    </${Header}>
    <ul class="line-facts">
      <li><${Id}>${client.client_id}</${Id}></li>
      <li><${State} client=${client} /></li>
      <li><span class="muted">Registered</span><${Time} at=${client.created_at} /></li>
      ${hasSecret(client) && html`<${Secrets} secrets=${client.secrets} />`}
    </ul>
    <${Protection} client=${client} changed=${() => {
      setRound(round + 1);
      reload();
    }} />
    <${Tabs} tabs=${shown} current=${tab} href=${(name) => adminPage(`${pathOf(client.client_id)}?tab=${name}`)} />
    <${Part} key=${`${tab} ${round}`} client=${client} reload=${reload} />
    ${
      open === "rotate" &&
      html`<${Rotate} client=${client} close=${close} done=${(rotated) => {
        close();
        setMade(rotated);
      }} />`
    }
    ${open === "enable" && html`<${Enable} client=${client} close=${close} done=${after(`${client.name} is enabled.`)} />`}
    ${
      open === "disable" &&
      html`<${Lose} client=${client} close=${close} done=${after(`${client.name} is disabled.`)} action="Disable" send=${() => admin.post(`${pathOf(client.client_id)}/disable`)}
      loses=${(counts) => `Nobody can sign in to ${client.name} until it is enabled again. ${counts?.refresh_families ? `It stops renewing tokens for ${count(counts.refresh_families, "sign-in")}; access` : "Access"} tokens that are out end by themselves.`} />`
    }
    ${
      open === "delete" &&
      html`<${Lose} client=${client} close=${close} action="Delete" send=${() => admin.remove(pathOf(client.client_id))}
      done=${() => {
        toast(`${client.name} was deleted.`);
        navigate(adminPage("/clients"));
      }}
      loses=${(counts) => `Deletes ${listing([client.name, taken(counts)].filter(Boolean))}. Its id and its secret stop working at once. This cannot be undone.`} />`
    }
    ${
      made &&
      html`<${Saved} client=${made} title=${`A new secret for ${made.name}`} saved=${() => {
        setMade(null);
        reload();
      }} />`
    }`;
}

// What the sign-ins of the last days say of the app: a step that is safe by now, or a danger.
/** @param {{ client: Client, [more: string]: any }} given */
function Protection({ client, changed }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const may = useMay("update on clients");
  // The server says it of a client that is shown by itself.
  const { all, bare, days } = client.sign_ins ?? { all: 0, bare: 0, days: 0 };
  const demand = async () => {
    setBusy(true);
    try {
      await admin.patch(pathOf(client.client_id), { require_pkce: true, version: client.version });
      toast(`${client.name} has to use PKCE from now on.`);
      setProblem(null);
      changed();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  if (client.is_unprotected) {
    return html`<div class="notice"><h2>Nothing ties its sign-ins to the browser that began them</h2>
      <p>${bare} of ${count(all, "sign-in")} in the last ${days} days carried neither PKCE, nor a nonce, nor a state. Somebody can send people a link that signs them in to ${client.name} as another person.</p>
      <p>Let the app send a state and compare it when it comes back, or use PKCE. Most OpenID Connect libraries do both by themselves.</p></div>`;
  }
  if (!client.could_require_pkce) return null;
  return html`<div class="notice undo"><p>All ${all} sign-ins of the last ${days} days carried PKCE S256.${client.managed_by === "config" ? html` Set <code>require_pkce = true</code> in the configuration file, and a stolen code is of no use to anybody.` : " Require it, and a stolen code is of no use to anybody."}</p>
    ${client.managed_by === "admin" && may && html`<${Button} kind="small" busy=${busy} onClick=${demand}>Require it</${Button}>`}</div>
    <${Wrong} problem=${problem} />`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function State({ client }) {
  return html`<span class="tags">${client.disabled ? html`<${Tag} kind="bad">disabled</${Tag}>` : html`<${Tag} kind="good">active</${Tag}>`}
    ${client.access_policy === "restricted" && html`<${Tag}>restricted</${Tag}>`}
    ${client.trusted && html`<${Tag}>trusted</${Tag}>`}
    ${client.managed_by === "config" && html`<${Tag}>in the configuration</${Tag}>`}</span>`;
}

function Secrets({ secrets }) {
  if (secrets.length === 0) return html`<li><${Tag} kind="warn">no secret</${Tag}></li>`;
  return secrets.map(
    (secret, n) =>
      html`<li key=${secret.created_at}><span class="muted">${secrets.length > 1 && n === 0 ? "Old secret" : "Secret"} made</span><${Time} at=${secret.created_at} />${
        secret.expires_at && html`, ends <${Time} at=${secret.expires_at} />`
      }</li>`,
  );
}

const overlaps = [
  ["0", "Stop the old one at once", "When somebody else may know it."],
  ["3600", "Both work for an hour", "Time to put the new one into one app."],
  ["86400", "Both work for a day", "Time for a release."],
  ["604800", "Both work for a week", "Time for many places."],
];

/** @param {{ client: Client, [more: string]: any }} given */
function Rotate({ client, close, done }) {
  const fields = [{ name: "overlap", label: "What happens to the old secret", kind: "radio", options: overlaps }];
  const send = ({ overlap }) => admin.post(`${pathOf(client.client_id)}/rotate-secret`, { overlap_seconds: Number(overlap) });
  return html`<${Dialog} title=${`Rotate the secret of ${client.name}`} close=${close}>
    <p>Makes a new secret, which is shown once.</p>
    <${Form} fields=${fields} initial=${{ overlap: "86400" }} action="Make a new secret" send=${send} done=${done} cancel=${close} />
  </${Dialog}>`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Enable({ client, close, done }) {
  return html`<${Dialog} title=${`Enable ${client.name}`} close=${close}>
    <p>People can sign in to it again. What was revoked stays revoked: they sign in anew.</p>
    <${Form} fields=${[]} action="Enable" send=${() => admin.post(`${pathOf(client.client_id)}/enable`)} done=${done} cancel=${close} />
  </${Dialog}>`;
}

// Asks before something goes, and says how much: `loses(counts)` is the sentence.
/** @param {{ client: Client, [more: string]: any }} given */
function Lose({ client, action, loses, send, done, close }) {
  const preview = useLoaded((signal) => admin.get(`${pathOf(client.client_id)}/deletion`, undefined, signal), [client.client_id]);
  if (preview.loading) return html`<${Dialog} title=${`${action} ${client.name}`} close=${close}><${Skeleton} lines=${2} /></${Dialog}>`;
  return html`<${Confirm} title=${`${action} ${client.name}`} loses=${loses(preview.value)} type=${client.name} action=${action} send=${send} done=${done} close=${close} />`;
}

// Signing keys: their age and state, the next one, and taking one out that others may know.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { Button, Confirm, Copy, curl, Dialog, Elsewhere, Form, Table, Tag, Time, toast } from "../../static/core/ui.js";
import { accountApi } from "../../static/core/urls.js";
import { May } from "../rights.js";

const states = { current: ["good", "active"], next: ["", "next"], retired: ["", "retired"] };
const order = ["current", "next", "retired", "RS256", "ES256", "EdDSA"];
const place = (key) => order.indexOf(key.state) * 10 + order.indexOf(key.alg);
const DAY = 864e5;

// How long a key has signed, or will have waited.
function Since({ item }) {
  if (item.state === "next") return html`published <${Time} at=${item.created_at} />`;
  if (item.state === "retired") return html`stopped <${Time} at=${item.retired_at} />`;
  const days = Math.floor((Date.now() - new Date(item.activated_at).getTime()) / DAY);
  return html`began <${Time} at=${item.activated_at} />${days >= 30 && html` <${Tag} kind="warn">${days} days old</${Tag}>`}`;
}

export function SigningKeys() {
  const loaded = useLoaded((signal) => admin.get("/keys", undefined, signal), []);
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  const columns = [
    { title: "Key", cell: (key) => html`<span class="id"><code>${key.kid}</code><${Copy} text=${key.kid} /></span>` },
    { title: "Algorithm", cell: (key) => key.alg },
    { title: "State", cell: (key) => html`<${Tag} kind=${states[key.state][0]}>${states[key.state][1]}</${Tag}>` },
    { title: "Since", cell: (key) => html`<${Since} item=${key} />` },
    {
      title: "",
      tight: true,
      cell: (key) =>
        html`<${May} to="rotate on keys"><${Button} kind="small" aria-label=${`Retire ${key.kid}`} onClick=${() => setOpen(key)}>Retire</${Button}></${May}>`,
    },
  ];
  const done = (text) => () => {
    close();
    toast(text);
    loaded.reload();
  };
  return html`
    <div class="side-by-side"><p class="lead">Keys rotate every 30 days, unless the settings <code>keys.*</code> say otherwise. Each is published 1 day early and kept for 60 days. Apps fetch them from <code>${accountApi("/jwks")}</code>.</p>
      <${May} to="rotate on keys"><${Button} onClick=${() => setOpen("rotate")}>Rotate now</${Button}></${May}></div>
    <${Loaded} from=${loaded}>${({ items }) => html`<${Table} caption="Signing keys" columns=${columns} keyOf=${(key) => key.kid}
      items=${[...items].sort((one, other) => place(one) - place(other))} />`}</${Loaded}>
    <${Elsewhere} command="auther admin key list\nauther admin key rotate" request=${`${curl("GET", "/keys")}\n${curl("POST", "/keys/rotate", {})}`} />
    ${open === "rotate" && html`<${Rotate} close=${close} done=${done("The next keys sign now.")} />`}
    ${
      open?.kid &&
      html`<${Confirm} title="Retire this signing key" type=${open.kid} action="Retire" close=${close} done=${done("The key is retired.")} send=${() => admin.post(`/keys/${encodeURIComponent(open.kid)}/retire`)}
      loses=${`For a key that others may have got hold of. Every token that ${open.kid} signed stops verifying: people are sent through sign-in again by their apps, machines get new tokens.${
        open.state === "current" ? " The next key takes over at once; apps that have cached the keys may fail until they fetch them." : ""
      }`} />`
    }`;
}

const choices = [
  ["", "All algorithms"],
  ["RS256", "RS256"],
  ["ES256", "ES256"],
  ["EdDSA", "EdDSA"],
];

function Rotate({ close, done }) {
  const send = ({ alg }) => admin.post("/keys/rotate", alg ? { alg } : {});
  return html`<${Dialog} title="Rotate the signing keys" close=${close}>
    <p>The key that is published ahead begins to sign, and the one after it is published. Tokens that were signed before go on verifying.</p>
    <${Form} fields=${[{ name: "alg", label: "Which", kind: "select", options: choices }]} action="Rotate" send=${send} done=${done} cancel=${close} />
  </${Dialog}>`;
}

// One's own API keys: for programs that call in one's stead, each with only what it was granted.
import { account } from "../static/core/api.js";
import { Loaded, useLoaded } from "../static/core/data.js";
import { html, useState } from "../static/core/html.js";
import { navigate } from "../static/core/router.js";
import { Confirm, Elsewhere, Empty, Form, Header, Id, SecretPanel, Table, Tag, Time, toast } from "../static/core/ui.js";
import { accountPage } from "../static/core/urls.js";
import { ownCall } from "./parts.js";

const stateOf = (key) => (key.expired ? ["bad", "ended"] : key.enabled ? ["good", "on"] : ["warn", "off"]);

export function Keys() {
  const from = useLoaded((signal) => account.get("/api-key/list", undefined, signal), []);
  const [gone, setGone] = useState(null);
  const turn = async (key) => {
    try {
      await account.post("/api-key/update", { keyId: key.id, enabled: !key.enabled });
      toast(key.enabled ? `${key.name} is off. It stops working at once.` : `${key.name} is on.`);
    } catch (problem) {
      toast(problem.message, "bad");
    }
    from.reload();
  };
  const columns = [
    { title: "Name", cell: (key) => key.name },
    {
      title: "State",
      cell: (key) => {
        const [kind, text] = stateOf(key);
        return html`<${Tag} kind=${kind}>${text}</${Tag}>`;
      },
    },
    { title: "Id", cell: (key) => html`<${Id}>${key.id}</${Id}>` },
    { title: "Last used", cell: (key) => html`<${Time} at=${key.lastRequest} />` },
    { title: "Ends", cell: (key) => html`<${Time} at=${key.expiresAt} />` },
    {
      title: "",
      tight: true,
      cell: (
        key,
      ) => html`${!key.expired && html`<button type="button" class="quiet" aria-label=${`Turn ${key.enabled ? "off" : "on"} ${key.name}`} onClick=${() => turn(key)}>Turn ${key.enabled ? "off" : "on"}</button>`}
      <button type="button" class="quiet" aria-label=${`Delete ${key.name}`} onClick=${() => setGone(key)}>Delete</button>`,
    },
  ];
  return html`
    <${Header} title="API keys" purpose="For programs that run without you."><a class="button primary" href=${accountPage("/keys/create")}>New key</a></${Header}>
    <${Loaded} from=${from}>${(list) =>
      list.length === 0
        ? html`<${Empty} title="You have no API keys"><p>A script, a pipeline or a scheduled job shows a key in the place of a sign-in. A key is somebody of its own: it may do what was granted to it, not what you may.</p></${Empty}>`
        : html`<${Table} caption="API keys" columns=${columns} items=${[...list].reverse()} />`}</${Loaded}>
    ${
      gone &&
      html`<${Confirm} title=${`Delete ${gone.name}`} loses="It stops working at once, and everything that was granted to it goes with it." type=${gone.name} action="Delete key" close=${() => setGone(null)}
      send=${() => account.post("/api-key/delete", { keyId: gone.id })} done=${() => {
        toast(`${gone.name} was deleted.`);
        setGone(null);
        from.reload();
      }} />`
    }
    <${Elsewhere} request=${`${ownCall("GET", "/api-key/list")}\n${ownCall("POST", "/api-key/update", { keyId: "key_…", enabled: false })}`} />`;
}

const DAY = 86_400;

const fields = [
  { name: "name", label: "Name", autocomplete: "off", hint: "What it is for, such as: backups of the shop." },
  {
    name: "expiresIn",
    label: "Ends",
    kind: "select",
    options: [
      ["30", "in 30 days"],
      ["90", "in 90 days"],
      ["365", "in a year"],
      ["", "never"],
    ],
  },
  {
    name: "networks",
    label: "Only from",
    optional: true,
    placeholder: "203.0.113.0/24, 2001:db8::/32",
    autocomplete: "off",
    spellcheck: "false",
    hint: "Addresses or networks, with commas between them. It can be narrowed later, never widened.",
  },
];

export function NewKey() {
  const [made, setMade] = useState(null);
  const send = ({ name, expiresIn, networks }) => {
    const list = networks.split(/[\s,]+/).filter(Boolean);
    return account.post("/api-key/create", {
      name: name.trim(),
      ...(expiresIn ? { expiresIn: Number(expiresIn) * DAY } : {}),
      ...(list.length > 0 ? { networks: list } : {}),
    });
  };
  return html`
    <${Header} title="New API key" purpose="For one program. A second program gets a second key." back=${{ href: accountPage("/keys"), title: "API keys" }} />
    <section class="panel"><${Form} fields=${fields} initial=${{ expiresIn: "90" }} action="Create key" send=${send} done=${setMade} cancel=${() => navigate(accountPage("/keys"))} /></section>
    ${made && html`<${SecretPanel} title=${`${made.name} was made`} note=${`It is shown this once. By itself it may do nothing: who administers an app grants it what it needs, by its id ${made.id}.`} secrets=${[["The key", made.key]]} saved=${() => navigate(accountPage("/keys"))} />`}
    <${Elsewhere} request=${ownCall("POST", "/api-key/create", { name: "Nightly backup", expiresIn: 90 * DAY })} />`;
}

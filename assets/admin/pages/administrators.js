// Who administers what: ready roles, each a set of tuples on the platform's own types, and single rights beside them.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { Ask, Button, curl, Dialog, Elsewhere, Empty, Form, Header, Table, Tag, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { listing, shell } from "../../static/core/words.js";
import { idOf, Named } from "../people.js";
import { May } from "../rights.js";

/** @type {{ name: string, title: string, words: string, tuples: [type: string, relation: string][] }[]} */
export const ROLES = [
  { name: "owner", title: "Owner", words: "Everything, other administrators included.", tuples: [["platform", "admin"]] },
  {
    name: "helpdesk",
    title: "Helpdesk",
    words:
      "Helps people who cannot get in: sees, changes, disables and enables accounts, makes sign-in links, ends sessions, sees why a sign-in failed. Not administrators.",
    tuples: [
      ["users", "editor"],
      ["sessions", "admin"],
      ["groups", "viewer"],
      ["audit", "viewer"],
    ],
  },
  {
    name: "app_manager",
    title: "App manager",
    words: "Registers, changes and deletes apps, and says who may use them.",
    tuples: [
      ["clients", "admin"],
      ["users", "viewer"],
      ["groups", "viewer"],
    ],
  },
  {
    name: "auditor",
    title: "Auditor",
    words: "Sees everything and changes nothing.",
    tuples: ["users", "groups", "sessions", "clients", "api_keys", "keys", "models", "tuples", "policies", "audit", "settings"].map((type) => [type, "viewer"]),
  },
];
const TYPES = new Set([...ROLES.flatMap(({ tuples }) => tuples.map(([type]) => type)), "backup"]);

// All tuples on the whole of a type of the platform, by who holds them.
async function administrators(signal) {
  const found = new Map();
  let after;
  do {
    const page = await admin.get("/tuples", { entity_id: "*", limit: 500, after }, signal);
    for (const tuple of page.items.filter((one) => TYPES.has(one.entity_type))) {
      const key = `${tuple.subject_type}:${tuple.subject_id}${tuple.subject_relation ? `#${tuple.subject_relation}` : ""}`;
      found.set(key, [...(found.get(key) || []), tuple]);
    }
    after = page.next;
  } while (after);
  return [...found].map(([key, tuples]) => ({ key, subject: tuples[0], tuples, ...held(tuples) }));
}

// What the first administrator has beside the role.
/** @type {[type: string, relation: string]} */
const OF_OWNERS = ["platform", "super_admin"];
const isSame = (tuple, [type, relation]) => tuple.entity_type === type && tuple.relation === relation;

// The roles that somebody holds whole, and the tuples that belong to none of them.
function held(tuples) {
  const roles = ROLES.filter((role) => role.tuples.every((one) => tuples.some((tuple) => isSame(tuple, one))));
  const named = roles.flatMap((role) => (role.name === "owner" ? [...role.tuples, OF_OWNERS] : role.tuples));
  const rest = tuples.filter((tuple) => !named.some((one) => isSame(tuple, one)));
  return { roles, rest };
}

export function Administrators() {
  const from = useLoaded(administrators, []);
  const [adding, setAdding] = useState(false);
  const [taking, setTaking] = useState(/** @type {any} */ (null));
  const given = (role, name) => {
    setAdding(false);
    toast(`${name} is ${role.title.toLowerCase()} now.`);
    from.reload();
  };
  const who = (one) => (one.subject.subject_id === "*" ? "everyone" : html`<${Named} kind=${one.subject.subject_type} id=${one.subject.subject_id} />`);
  const columns = [
    { title: "Who", cell: (one) => html`${who(one)}${one.subject.subject_type !== "user" && html` <span class="muted">${one.subject.subject_type}</span>`}` },
    {
      title: "Roles",
      cell: (one) =>
        html`<span class="tags">${one.roles.map((role) => html`<${Tag} key=${role.name} kind="good">${role.title}</${Tag}>`)}${one.rest.map((tuple) => html`<${Tag} key=${tuple.id}>${tuple.relation} of ${tuple.entity_type}</${Tag}>`)}</span>`,
    },
    {
      title: "",
      tight: true,
      cell: (one) =>
        html`<${May} to="manage_platform on platform"><${Button} kind="small danger" aria-label=${`Remove ${one.subject.subject_id}`} onClick=${() => setTaking(one)}>Remove</${Button}></${May}>`,
    },
  ];
  const take = async () => {
    for (const tuple of taking.tuples) await admin.remove(`/tuples/${tuple.id}`);
  };
  const taken = () => {
    setTaking(null);
    toast("The roles were removed.");
    from.reload();
  };
  const close = () => {
    setTaking(null);
    // What was removed before something was refused is gone.
    from.reload();
  };
  const example = ROLES[1].tuples.map(([type, relation]) => `auther admin tuple add ${type} '*' ${relation} user ${shell("ann@example.org")}`).join("\n");
  return html`
    <${Header} title="Administrators" purpose="Who looks after this server, and how far."><${May} to="manage_platform on platform"><${Button} kind="primary" onClick=${() => setAdding(true)}>Add an administrator</${Button}></${May}></${Header}>
    <${Loaded} from=${from}>${(items) =>
      items.length === 0
        ? html`<${Empty} title="No administrators"><p>Nobody holds a role on this server.</p></${Empty}>`
        : html`<${Table} caption="Administrators" columns=${columns} items=${items} keyOf=${(one) => one.key} />`}</${Loaded}>
    <section class="panel"><h2>Roles</h2><dl class="facts wide">${ROLES.map((role) => html`<div key=${role.name}><dt>${role.title}</dt><dd>${role.words}</dd></div>`)}</dl>
      <p class="hint">A role is a set of <a href=${adminPage("/access/grants")}>grants</a>. Anything between the roles can be given there.</p></section>
    <${Elsewhere} command=${example} request=${curl("POST", "/tuples", { tuples: tuplesOf(ROLES[1], "user", "ann@example.org") })} />
    ${adding && html`<${Add} close=${() => setAdding(false)} done=${given} />`}
    ${taking && html`<${Ask} title="Remove these roles" action="Remove" close=${close} send=${take} done=${taken}><p>${who(taking)} loses ${listing(taking.tuples.map((tuple) => `${tuple.relation} of ${tuple.entity_type}`))}. Their account stays as it is.</p></${Ask}>`}`;
}

const tuplesOf = (role, subject_type, subject_id) =>
  role.tuples.map(([entity_type, relation]) => ({ entity_type, entity_id: "*", relation, subject_type, subject_id }));

const fields = [
  {
    name: "subject_type",
    label: "Kind",
    kind: "select",
    options: [
      ["user", "a person"],
      ["group", "a group: everybody in it"],
    ],
  },
  { name: "subject", label: "E-mail address, username, or name of the group", autocomplete: "off", spellcheck: "false" },
  { name: "role", label: "Role", kind: "radio", options: ROLES.map((role) => [role.name, role.title, role.words]) },
];

function Add({ close, done }) {
  const send = async ({ subject_type, subject, role }) => {
    const chosen = ROLES.find((one) => one.name === role) || ROLES[1];
    const wrong = (message) => Object.assign(new Error(message), { fields: { subject: message } });
    if (!subject.trim()) throw wrong("Say who.");
    const id = await idOf(subject_type, subject.trim()).catch((problem) => {
      throw wrong(problem.message);
    });
    await admin.post("/tuples", { tuples: tuplesOf(chosen, subject_type, id).map((tuple) => ({ ...tuple, names: false })) });
    return chosen;
  };
  return html`<${Dialog} title="Add an administrator" close=${close}>
    <${Form} fields=${fields} initial=${{ subject_type: "user", role: "helpdesk" }} action="Add" send=${send} done=${(role, values) => done(role, values.subject.trim())} cancel=${close} />
  </${Dialog}>`;
}

// One API key: what it may do, its settings, and its end.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate } from "../../static/core/router.js";
import { Button, Code, Confirm, curl, Elsewhere, Empty, Facts, Form, Header, Id, Tag, Time, toast } from "../../static/core/ui.js";
import { absolute, accountApi, adminPage } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { Named } from "../people.js";
import { Relations, RowForm } from "../relations.js";
import { ForThose, May, useMay } from "../rights.js";
import { changes, extra, fieldsOf, placed, toForm } from "./key-fields.js";
import { KeyState } from "./keys.js";

export function Key({ id }) {
  const loaded = useLoaded((signal) => admin.get(`/api-keys/${encodeURIComponent(id)}`, undefined, signal), [id]);
  if (loaded.problem) return html`<${Header} title="API key" back=${{ href: adminPage("/keys"), title: "Keys" }} /><${Loaded} from=${loaded} />`;
  return html`<${Loaded} from=${loaded}>${(key, reload) => html`<${Shown} item=${key} reload=${reload} />`}</${Loaded}>`;
}

const uses = (key) =>
  html`${key.uses.toLocaleString()}${key.last_used_at && html`, last <${Time} at=${key.last_used_at} />`}${key.remaining !== null && `, ${key.remaining.toLocaleString()} left`}`;

function Shown({ item: key, reload }) {
  const [open, setOpen] = useState(false);
  const held = useLoaded((signal) => admin.get("/tuples", { subject: `apikey:${key.id}`, limit: 200 }, signal), [key.id, open]);
  const count = held.value?.items.length || 0;
  return html`
    <${Header} title=${key.name} purpose="An API key." back=${{ href: adminPage("/keys"), title: "Keys" }}><${May} to="revoke on api_keys"><${Button} kind="danger" onClick=${() => setOpen(true)}>Revoke</${Button}></${May}></${Header}>
    <${Facts} rows=${[
      ["Id", html`<${Id}>${key.id}</${Id}>`],
      ["Begins with", html`<code>${key.start}…</code>`],
      ["State", html`<${KeyState} item=${key} />`],
      ["Owner", html`<${Named} kind="user" id=${key.owner} />`],
      key.client && ["App", html`<${Named} kind="client" id=${key.client} />`],
      ["Uses", uses(key)],
      ["Made", html`<${Time} at=${key.created_at} />`],
      ["Ends", html`<${Time} at=${key.expires_at} />`],
      key.networks.length > 0 && ["Networks", html`<code>${key.networks.join(", ")}</code>`],
    ]} />
    <${Held} item=${key} />
    <section class="panel"><h2>Use it</h2>
      <p class="lead">For many calls, exchange it for a token of fifteen minutes, which your APIs verify by themselves.</p>
      <${Code} text=${`curl -X POST ${absolute(accountApi("/api-key/exchange"))} -H "x-api-key: $AUTHER_API_KEY"`} />
      <p class="lead">For a single question, ask with the key itself.</p>
      <${Code} text=${`curl -X POST ${absolute(accountApi("/check-permission"))} -H "x-api-key: $AUTHER_API_KEY" \\\n  -H 'content-type: application/json' \\\n  -d '{"entityType":"${key.client || "client_abc"}:deployment","entityId":"deploy_123","permission":"edit"}'`} /></section>
    <section class="panel"><h2>Settings</h2><${ForThose} who="update on api_keys"><${Edit} item=${key} reload=${reload} /></${ForThose}></section>
    <${Elsewhere} command=${`auther admin api-key show ${key.id}\nauther admin api-key update ${key.id} --name ${shell(key.name)}\nauther admin api-key revoke ${key.id}`} request=${curl("PATCH", `/api-keys/${key.id}`, { name: key.name, version: key.version })} />
    ${
      open &&
      !held.loading &&
      html`<${Confirm} title=${`Revoke ${key.name}`} type=${key.name} action="Revoke" close=${() => setOpen(false)} send=${() => admin.remove(`/api-keys/${key.id}`)}
      loses=${`The key stops working at once${count ? `, and the ${count === 1 ? "one relation" : `${count} relations`} it holds go with it` : ""}. Tokens it was exchanged for end within fifteen minutes. This cannot be undone.`}
      done=${() => {
        toast(`${key.name} is revoked.`);
        navigate(adminPage("/keys"));
      }} />`
    }`;
}

function Edit({ item: key, reload }) {
  const [round, setRound] = useState(0);
  const fields = fieldsOf({ isNew: false, windowOptions: extra(key) });
  const before = toForm(key);
  const send = async (values) => {
    const change = changes(before, values);
    if (Object.keys(change).length === 0) return null;
    return admin.patch(`/api-keys/${key.id}`, { ...change, version: key.version }).catch((problem) => {
      if (problem.code === "conflict")
        problem.message = "Somebody else changed this key meanwhile. What you typed is still here: load the page again to see theirs.";
      throw placed(problem);
    });
  };
  const done = (answer) => {
    toast(answer ? "The key is changed." : "Nothing was changed.");
    setRound(round + 1);
    reload();
  };
  return html`<${Form} key=${round + key.version} fields=${fields} initial=${before} action="Save" send=${send} done=${done} />`;
}

const columns = [
  { title: "Object", cell: (tuple) => html`<code>${tuple.entity_type}</code>` },
  { title: "Which", cell: (tuple) => (tuple.entity_id === "*" ? "all of them" : html`<code>${tuple.entity_id}</code>`) },
  { title: "Relation", cell: (tuple) => html`<${Tag}>${tuple.relation}</${Tag}>` },
  { title: "Until", cell: (tuple) => html`<${Time} at=${tuple.expires_at} none="for ever" />` },
];

const said = (tuple) => `${tuple.relation} of ${tuple.entity_type} ${tuple.entity_id}`;

// Scenario C, step 2: the relations that the key holds itself.
function Held({ item: key }) {
  const models = useLoaded((signal) => admin.get("/models", { limit: 500 }, signal), []);
  const [version, setVersion] = useState(0);
  const may = useMay("manage_platform on platform", "update on tuples");
  const [values, set] = useState({ entity_type: "", entity_id: "*", relation: "" });
  const relations = relationsOf(models.value?.items.find((model) => model.entity_type === values.entity_type));
  const add = async () => {
    await admin.post("/tuples", {
      entity_type: values.entity_type.trim(),
      entity_id: values.entity_id.trim(),
      relation: values.relation.trim(),
      subject_type: "apikey",
      subject_id: key.id,
    });
    toast("The key may do that now.");
    set({ ...values, relation: "" });
    setVersion(version + 1);
  };
  const fields = [
    { name: "entity_type", label: "Type of object", list: "models-known", autocomplete: "off", spellcheck: "false", placeholder: "client_abc:deployment" },
    { name: "entity_id", label: "Which one", autocomplete: "off", spellcheck: "false", placeholder: "*" },
    { name: "relation", label: "Relation", list: "relations-known", autocomplete: "off", spellcheck: "false", placeholder: "editor" },
  ];
  return html`<section class="panel"><div><h2>What it may do</h2><p class="lead">The key is a subject of its own. It holds nothing of its owner's: only these relations, and those of groups it is in.</p></div>
    <${Relations} caption="What this key may do" query=${{ subject: `apikey:${key.id}` }} version=${version} may=${may} columns=${columns} said=${said}
      empty=${() => html`<${Empty} title="Nothing yet"><p>Give it a relation: to all objects of a type (<code>*</code>), or to one. Types are made under <a href=${adminPage("/access")}>Models</a>.</p></${Empty}>`} />
    ${may && html`<h3>Give it a relation</h3><${RowForm} fields=${fields} values=${values} set=${set} action="Add" send=${add} />`}
    <datalist id="models-known">${(models.value?.items || []).map((model) => html`<option key=${model.entity_type} value=${model.entity_type} />`)}</datalist>
    <datalist id="relations-known">${relations.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <p class="lead">In a terminal: <code>auther admin tuple add ${shell(values.entity_type || "client_abc:deployment")} ${shell(values.entity_id || "*")} ${shell(values.relation || "editor")} apikey ${key.id}</code></p>
  </section>`;
}

const relationsOf = (model) => Object.keys(model?.definition?.relations || {});

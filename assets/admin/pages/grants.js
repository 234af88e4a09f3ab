// Grants: who has which relation to which object. Filtered by the address; a new one is in grant-new.js, files are in grant-files.js.
import { admin } from "../../static/core/api.js";
import { List, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Button, Confirm, curl, Elsewhere, Empty, Field, Header, Tag, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { useMay } from "../rights.js";
import { address, GRANTS, isOfThePlatform, modelPath, Subject, told, useModels, useNames, useWriting } from "./access.js";

const NARROWING = ["entity_type", "entity_id", "relation", "subject"];

// A page of the API may be short and still have a next one: what is shown first is not to be empty when there is more.
async function load(query, signal) {
  let page = await admin.get("/tuples", query, signal);
  while (page.items.length === 0 && page.next) page = await admin.get("/tuples", { ...query, after: page.next }, signal);
  return page;
}

export const parts = ({ entity_type, entity_id, relation, subject_type, subject_id, subject_relation, condition, expires_at }) => ({
  entity_type,
  entity_id,
  relation,
  subject_type,
  subject_id,
  ...(subject_relation ? { subject_relation } : {}),
  ...(condition ? { condition } : {}),
  ...(expires_at ? { expires_at } : {}),
});

export const inWords = (tuple) =>
  `${tuple.subject_id}${tuple.subject_relation ? `#${tuple.subject_relation}` : ""} is ${tuple.relation} of ${tuple.entity_type}:${tuple.entity_id}`;

export function Grants() {
  const { query } = useAddress();
  const models = useModels();
  const writing = useWriting();
  const may = useMay(...GRANTS);
  const narrowed = Object.fromEntries(NARROWING.map((name) => [name, query.get(name) || ""]));
  const isNarrowed = NARROWING.some((name) => narrowed[name]);
  const columns = [
    { title: "Object", cell: (tuple) => html`<${Thing} tuple=${tuple} models=${models.value || []} />` },
    {
      title: "Relation",
      cell: (tuple) => html`<a class="plain" href=${address(adminPage("/access/grants"), { ...narrowed, relation: tuple.relation })}>${tuple.relation}</a>`,
    },
    { title: "Who", cell: (tuple) => html`<${Who} tuple=${tuple} />` },
    { title: "Limits", cell: (tuple) => html`<${Limits} tuple=${tuple} />` },
    { title: "Since", cell: (tuple) => html`<${Time} at=${tuple.created_at} />` },
    {
      title: "",
      cell: (tuple) => writing.grant(tuple.entity_type, models.value || []) && html`<${Remove} tuple=${tuple} models=${models.value || []} />`,
      tight: true,
    },
  ];
  return html`
    <${Header} title="Grants" purpose="Who has which relation to which object.">
      <a class="button" href=${adminPage("/access/grants/files")}>${may ? "Import and export" : "Export"}</a>
      ${may && html`<a class="button primary" href=${address(adminPage("/access/grants/create"), { ...narrowed })}>New grant</a>`}
    </${Header}>
    <${Narrow} narrowed=${narrowed} models=${models.value || []} />
    <${List} key=${JSON.stringify(narrowed)} caption="Grants" columns=${columns} load=${(paging, signal) => load({ ...narrowed, ...paging, limit: 100 }, signal)}
      empty=${() =>
        isNarrowed
          ? html`<${Empty} title="No such grant"><p>Nothing fits. <${Button} kind="small" onClick=${() => setQuery(Object.fromEntries(NARROWING.map((name) => [name, ""])))}>Show all</${Button}></p></${Empty}>`
          : html`<${Empty} title="Nothing is granted yet"><p>A grant gives a person, a group, a key or an app a relation to one object, or to all of a type. What the relation allows is said by the <a href=${adminPage("/access")}>model</a>.</p></${Empty}>`} />
    <${Elsewhere} command=${`auther admin tuple list${Object.entries(narrowed)
      .filter(([, value]) => value)
      .map(([name, value]) => ` --${name.replace("_", "-")} '${value}'`)
      .join("")}`}
      request=${curl("GET", address("/tuples", narrowed).replace(/\?$/, ""))} />`;
}

function Thing({ tuple, models }) {
  const { entity_type: type, entity_id: id } = tuple;
  const nameOf = useNames([{ type, id }]);
  const link = html`<a class="plain muted" href=${modelPath(type)}>${type}</a>`;
  if (id === "*") return html`<span class="thing">${!isOfThePlatform(models, type) && html`<b>every</b> `}${link}</span>`;
  return html`<span class="thing">${link} <b title=${id}>${type === "group" ? nameOf(type, id).title : id}</b></span>`;
}

function Who({ tuple }) {
  const nameOf = useNames([{ type: tuple.subject_type, id: tuple.subject_id }]);
  return html`<${Subject} of=${nameOf(tuple.subject_type, tuple.subject_id)} id=${`${tuple.subject_type}:${tuple.subject_id}`} relation=${tuple.subject_relation} />`;
}

function Limits({ tuple }) {
  const isOver = tuple.expires_at && new Date(tuple.expires_at) < new Date();
  if (!tuple.condition && !tuple.expires_at) return html`<span class="muted">none</span>`;
  return html`<span class="tags">${tuple.condition && html`<details class="condition"><summary><${Tag} kind="warn">condition</${Tag}></summary><pre class="trace" tabindex="0">${tuple.condition}</pre></details>`}
    ${tuple.expires_at && html`<${Tag} kind=${isOver ? "bad" : ""}>${isOver ? "ended " : "ends "}<${Time} at=${tuple.expires_at} /></${Tag}>`}</span>`;
}

// Takes a grant away, with a way back in the same place. Those on the platform itself are typed: with them people lose the administration.
function Remove({ tuple, models }) {
  const [state, setState] = useState("there");
  const [asks, setAsks] = useState(false);
  const act = async (next, work) => {
    setState("busy");
    try {
      toast(await work());
      setState(next);
    } catch (problem) {
      toast(problem.message, "bad");
      setState(next === "gone" ? "there" : "gone");
    }
  };
  const take = async () => {
    const changes = await admin.post("/tuples/dry-run", { remove: [parts(tuple)] }).catch(() => ({ gained: [], lost: [] }));
    await admin.remove(`/tuples/${tuple.id}`);
    return `The grant was removed. ${await told(changes.lost, "loses")}`;
  };
  const give = async () => {
    await admin.post("/tuples", { ...parts(tuple), names: false });
    return "The grant is back.";
  };
  if (state === "gone")
    return html`<span class="gone"><span class="muted">Removed</span> <button type="button" class="quiet" onClick=${() => act("there", give)}>Undo</button></span>`;
  const name = `${tuple.relation} of ${tuple.entity_type}:${tuple.entity_id}`;
  return html`<button type="button" class="quiet" disabled=${state === "busy"} aria-label=${`Remove: ${inWords(tuple)}`} onClick=${() => (isOfThePlatform(models, tuple.entity_type) ? setAsks(true) : act("gone", take))}>Remove</button>
    ${
      asks &&
      html`<${RemoveFromPlatform} tuple=${tuple} name=${name} close=${() => setAsks(false)} done=${() => {
        setAsks(false);
        setState("gone");
        toast("The grant was removed.");
      }} />`
    }`;
}

function RemoveFromPlatform({ tuple, name, close, done }) {
  const trial = useLoaded(
    (signal) => admin.post("/tuples/dry-run", { remove: [parts(tuple)] }, undefined, signal).then((changes) => told(changes.lost, "loses")),
    [],
  );
  const loses = `${trial.value || (trial.loading ? "Looking who loses what." : "Nobody else loses anything.")} This decides who administers this installation, from the next request on.`;
  return html`<${Confirm} title=${`Remove ${name}`} loses=${loses} type=${tuple.entity_type} action="Remove grant" close=${close} done=${done} send=${() => admin.remove(`/tuples/${tuple.id}`)} />`;
}

const fields = [
  ["entity_id", "Object", "id or *"],
  ["relation", "Relation", "such as owner"],
  ["subject", "Who", "user:ann@example.com"],
];

function Narrow({ narrowed, models }) {
  const [values, setValues] = useState(narrowed);
  useEffect(() => setValues(narrowed), [JSON.stringify(narrowed)]);
  const submit = (event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()])));
  };
  const known = models.some((model) => model.entity_type === narrowed.entity_type);
  const types = [
    ["", "any"],
    ...(narrowed.entity_type && !known ? [[narrowed.entity_type, narrowed.entity_type]] : []),
    ...models.map((model) => [model.entity_type, model.entity_type]),
  ];
  return html`<form class="narrow-fields" role="search" onSubmit=${submit}>
    <${Field} name="entity_type" kind="select" label="Type" value=${values.entity_type} options=${types} onInput=${(value) => setQuery({ ...values, entity_type: value })} />
    ${fields.map(
      ([
        name,
        label,
        placeholder,
      ]) => html`<${Field} key=${name} name=${name} label=${label} placeholder=${placeholder} value=${values[name]} autocomplete="off" spellcheck="false" autocapitalize="off"
      onInput=${(value) => setValues((old) => ({ ...old, [name]: value }))} />`,
    )}
    <div class="actions side"><button type="submit" class="button">Filter</button>
      ${NARROWING.some((name) => narrowed[name]) && html`<${Button} onClick=${() => setQuery(Object.fromEntries(NARROWING.map((name) => [name, ""])))}>Show all</${Button}>`}</div>
  </form>`;
}

// Relations as a short list that is added to and taken from: who may use an app, what an API key may do. Taking away is undone with a click.
import { admin } from "../static/core/api.js";
import { Loaded, useLoaded } from "../static/core/data.js";
import { html, useEffect, useRef, useState } from "../static/core/html.js";
import { Button, Field, Table, toast, Wrong } from "../static/core/ui.js";
import { adminPage } from "../static/core/urls.js";

const keyOf = (tuple) => {
  const { entity_type, entity_id, relation, subject_type, subject_id, subject_relation, condition, expires_at } = tuple;
  const given = { subject_relation, condition, expires_at };
  const optional = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  return { entity_type, entity_id, relation, subject_type, subject_id, ...optional };
};

// The tuples that `query` names, in rows of `columns` [{title, cell(tuple)}]; `said(tuple)` is one of them as a sentence; `empty()` is drawn when
// there are none; `version` loads anew; without `may` nothing can be taken away.
export function Relations({ query, columns, caption, said, empty, version, may }) {
  const [gone, setGone] = useState(null);
  const [problem, setProblem] = useState(null);
  const [again, setAgain] = useState(0);
  const strip = useRef(null);
  const loaded = useLoaded((signal) => admin.get("/tuples", { ...query, limit: 200 }, signal), [JSON.stringify(query), version, again]);
  useEffect(() => {
    if (gone) strip.current?.focus();
  }, [gone]);
  const change = async (send, then) => {
    try {
      await send();
      setProblem(null);
      then();
      setAgain((n) => n + 1);
    } catch (error) {
      setProblem(error);
    }
  };
  const remove = (tuple) =>
    change(
      () => admin.remove(`/tuples/${encodeURIComponent(tuple.id)}`),
      () => setGone(tuple),
    );
  const restore = () =>
    change(
      () => admin.post("/tuples", { ...keyOf(gone), names: false }),
      () => {
        setGone(null);
        toast("It is back.");
      },
    );
  const last = {
    title: "",
    tight: true,
    cell: (tuple) => html`<${Button} kind="small" aria-label=${`Remove: ${said(tuple)}`} onClick=${() => remove(tuple)}>Remove</${Button}>`,
  };
  return html`
    ${gone && html`<div class="notice undo" role="status" tabindex="-1" ref=${strip}><p>Removed: ${said(gone)}.</p><${Button} kind="small" onClick=${restore}>Undo</${Button}></div>`}
    <${Wrong} problem=${problem} />
    <${Loaded} from=${loaded} lines=${2}>${({ items, next }) =>
      items.length === 0
        ? empty()
        : html`
      <${Table} caption=${caption} columns=${may ? [...columns, last] : columns} items=${items} />
      ${next && html`<p class="muted">There are more. <a href=${adminPage(`/access/grants?${new URLSearchParams(query)}`)}>See all of them</a>.</p>`}`}</${Loaded}>`;
}

const sources = {
  user: (search) => admin.get("/users", { search, limit: 8 }).then(({ items }) => items.map((user) => [user.email, user.name])),
  group: (search) => admin.get("/groups", { search, limit: 8 }).then(({ items }) => items.map((group) => [group.name, group.description])),
  apikey: () => admin.get("/api-keys", { limit: 100 }).then(({ items }) => items.map((key) => [key.id, key.name])),
  client: (search) => admin.get("/clients", { search, limit: 8 }).then(({ items }) => items.map((client) => [client.client_id, client.name])),
};

const places = { user: ["users", "person"], group: ["groups", "group"], apikey: ["api-keys", "API key"], client: ["clients", "app"] };

// Throws when nobody here is called that: a name that is not known would be kept as the name of somebody in another system.
export async function known(kind, name) {
  const [path, word] = places[kind];
  const wrong = (message) => Object.assign(new Error(message), { fields: { subject_id: message } });
  if (!name) throw wrong(`Name a ${word}.`);
  await admin.get(`/${path}/${encodeURIComponent(name)}`).catch((problem) => {
    throw problem.status === 404 ? wrong(`There is no ${word} called ${name}.`) : problem;
  });
}

// What can be meant while a name is typed: the options of a datalist, which browsers offer below the field.
export function Suggestions({ id, kind, text }) {
  const [found, setFound] = useState([]);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(
      () =>
        sources[kind]?.(text.trim()).then(
          (options) => current && setFound(options),
          () => {},
        ),
      200,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [kind, text]);
  return html`<datalist id=${id}>${found.map(([value, about]) => html`<option key=${value} value=${value}>${about}</option>`)}</datalist>`;
}

// A short form in one line, over values that its owner keeps, since what may be chosen in one field depends on another.
export function RowForm({ fields, values, set, action, send }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await send(values);
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const wrong = problem?.fields || {};
  const isPlaced = fields.some((field) => wrong[field.name]);
  return html`<form class="row-form" onSubmit=${submit} aria-busy=${busy} novalidate>
    ${!isPlaced && html`<${Wrong} problem=${problem} />`}
    <div class="row-fields">
      ${fields.map((field) => html`<${Field} key=${field.name} ...${field} value=${values[field.name]} wrong=${wrong[field.name]} onInput=${(value) => set({ ...values, [field.name]: value })} />`)}
      <button type="submit" class="button" disabled=${busy}>${action}</button>
    </div>
  </form>`;
}

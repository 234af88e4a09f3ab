// Parts that the pages about people share: names for identifiers, questions before something ends, and forms that several may have open.
import { admin } from "../static/core/api.js";
import { html, useEffect, useRef, useState } from "../static/core/html.js";
import { Ask, Button, Confirm, Form, Time, toast } from "../static/core/ui.js";
import { adminPage } from "../static/core/urls.js";
import { felt, taken } from "../static/core/words.js";

// Where each kind of subject is asked for, what it is called there, and its page.
const kinds = {
  user: { api: (id) => `/users/${id}`, name: (user) => user.email, page: (id) => adminPage(`/users/${id}`) },
  group: { api: (id) => `/groups/${id}`, name: (group) => group.name, page: (id) => adminPage(`/groups/${id}`) },
  client: { api: (id) => `/clients/${id}`, name: (client) => client.name, page: (id) => adminPage(`/clients/${id}`) },
  apikey: { api: (id) => `/api-keys/${id}`, name: (key) => key.name, page: () => adminPage("/keys") },
};
const names = new Map();

// The identifier of the person who is called this: by name, e-mail address or id. What is written of somebody who is not there would wait for them unseen.
export async function idOf(kind, name) {
  try {
    const found = await admin.get(kinds[kind].api(encodeURIComponent(name)));
    return found.id || found.client_id;
  } catch (problem) {
    if (problem.status === 404) problem.message = `Nobody here is called ${name}. Look at the spelling.`;
    throw problem;
  }
}

const namings = { email: "e-mail address", username: "username", group_name: "name" };

// For whom a name was taken, as a sentence behind another one; nothing when none was given.
export const takenFor = (resolved) => (resolved ? ` ${resolved.typed} is the ${namings[resolved.as]} of ${resolved.id}.` : "");

function nameOf(kind, id) {
  const key = `${kind}:${id}`;
  if (!names.has(key))
    names.set(
      key,
      admin.get(kinds[kind].api(encodeURIComponent(id))).then(kinds[kind].name, () => null),
    );
  return names.get(key);
}

// The subject that an identifier stands for, by name, as a link. What is gone, or not to be seen, keeps its identifier.
export function Named({ kind, id, link = true }) {
  const [name, setName] = useState();
  const known = kind in kinds && id && id !== "*";
  useEffect(() => {
    let current = true;
    setName(undefined);
    if (known) nameOf(kind, id).then((found) => current && setName(found));
    return () => {
      current = false;
    };
  }, [kind, id]);
  if (!known) return html`<code>${id}</code>`;
  if (name === null) return html`<code title="Gone, or not yours to see">${id}</code>`;
  if (name === undefined) return html`<span class="muted waiting">${id}</span>`;
  return link ? html`<a href=${kinds[kind].page(encodeURIComponent(id))} title=${id}>${name}</a>` : html`<span title=${id}>${name}</span>`;
}

// A button that does the same to several, one after the other, after naming them. `each(item)` does it; `said(n)` is told when it is done.
export function Several({ items, nameOf, verb, danger = true, children, each, said, done }) {
  const [open, setOpen] = useState(false);
  const all = async () => {
    for (const item of items) await each(item);
    return items.length;
  };
  const ended = (n) => {
    setOpen(false);
    toast(said(n));
    done();
  };
  if (items.length === 0) return null;
  return html`<${Button} kind=${danger ? "small danger" : "small"} onClick=${() => setOpen(true)}>${verb}</${Button}>
    ${
      open &&
      html`<${Ask} title=${`${verb} ${items.length === 1 ? "this one" : `these ${items.length}`}`} action=${verb} close=${() => setOpen(false)} send=${all} done=${ended}>
      <p>${children}</p><ul class="named-list">${items.map((item) => html`<li key=${item.id}>${nameOf(item)}</li>`)}</ul></${Ask}>`
    }`;
}

// Deletes what is at `path`, after saying what goes with it. `what` is the sentence's object ("the group Sales"), `name` is typed.
export function Delete({ path, what, name, done }) {
  const [preview, setPreview] = useState(null);
  const [busy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    try {
      setPreview(await admin.get(`${path}/deletion`));
    } catch (error) {
      toast(error.message, "bad");
    }
    setBusy(false);
  };
  const goes = preview && taken(preview);
  return html`<${Button} kind="danger" busy=${busy} onClick=${ask}>Delete</${Button}>
    ${
      preview &&
      html`<${Confirm} title=${`Delete ${name}`} type=${name} action="Delete" close=${() => setPreview(null)}
      loses=${`Deletes ${what}${goes ? `, ${goes}` : ". Nothing else goes with it"}.${felt(preview.changes)} There is no way back.`}
      send=${() => admin.remove(path)} done=${() => {
        toast(`${name} was deleted.`);
        done();
      }} />`
    }`;
}

const texts = (value) => (value === true ? "yes" : value === false ? "no" : value === null || value === "" ? "nothing" : `“${value}”`);

// A form over a record that others may change meanwhile. Only what was changed is sent, with the version it was read in; when that is old,
// the form stays as it is, says what the others did, and the next attempt is made against theirs.
//   fields: as Form takes them · record: with version · read(): the record as it is now · send(change): writes · saved(record)
export function EditForm({ fields, record, read, send, saved, action = "Save", value = (from, field) => from[field.name] }) {
  const initial = (from) => Object.fromEntries(fields.map((field) => [field.name, value(from, field) ?? (field.kind === "check" ? false : "")]));
  const base = useRef(initial(record));
  const version = useRef(record.version);
  const [theirs, setTheirs] = useState(null);
  const [round, setRound] = useState(0);
  // Another part of the page wrote: the version is newer, what is typed here stays.
  useEffect(() => {
    version.current = Math.max(version.current, record.version);
  }, [record.version]);

  const submit = async (values) => {
    const changed = fields.filter((field) => values[field.name] !== base.current[field.name]);
    if (changed.length === 0) return null;
    const change = Object.fromEntries(changed.map((field) => [field.name, values[field.name]]));
    try {
      return await send({ ...change, version: version.current });
    } catch (problem) {
      if (problem.code === "conflict") await compare(problem);
      throw problem;
    }
  };
  const compare = async (problem) => {
    const now = await read();
    const fresh = initial(now);
    const differences = fields.filter((field) => fresh[field.name] !== base.current[field.name]).map((field) => [field, fresh[field.name]]);
    version.current = now.version;
    setTheirs({ record: now, differences });
    problem.message = "Somebody else saved a change while you were typing. Everything you typed is still here.";
  };
  const done = (answer, values) => {
    if (!answer) {
      toast("Nothing was changed.");
      return;
    }
    base.current = values;
    version.current = answer.version;
    setTheirs(null);
    saved(answer);
  };
  const take = () => {
    base.current = initial(theirs.record);
    saved(theirs.record);
    setTheirs(null);
    setRound(round + 1);
  };
  return html`
    ${
      theirs &&
      html`<div class="notice"><h3>What changed meanwhile</h3>
      ${
        theirs.differences.length === 0
          ? html`<p>Nothing in this form. Save again, and both changes stand.</p>`
          : html`<ul>${theirs.differences.map(([field, now]) => html`<li key=${field.name}>${field.label} is now ${texts(now)}</li>`)}</ul>
            <p>Save again to put what you typed in its place, where you changed the same; the rest stays as they left it.</p>`
      }
      <p><${Button} kind="small" onClick=${take}>Take theirs, drop mine</${Button}> <span class="muted">saved <${Time} at=${theirs.record.updated_at} /></span></p></div>`
    }
    <${Form} key=${round} fields=${fields} initial=${base.current} action=${action} send=${submit} done=${done} />`;
}

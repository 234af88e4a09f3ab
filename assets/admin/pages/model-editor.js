// The text of a model while it is being written: read as one types, checked by the server, saved after a look at who gains and who loses.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { Button, Dialog, Time, Wrong } from "../../static/core/ui.js";
import { Changes } from "./access.js";
import { Matrix, Picture } from "./model-picture.js";
import { lineAt, placeOf, readJson, TextEditor, written } from "./text-editor.js";

/** @import { Client } from "../../api" */

const WAIT_MS = 300;

// What was not saved yet, kept while the browser's tab is open.
const kept = {
  read: (name) => {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null;
    }
  },
  write: (name, text) => {
    try {
      if (text === null) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, text);
    } catch {
      /* nothing is kept then */
    }
  },
};

// The draft of a model: {text, setText, definition, checked, problems, isChanged, isSound}. `checked` is what the server said of the last valid text,
// with the definition it is about; `problems` are [{message, path, offset}, …].
export function useDraft(name, type, saved) {
  const key = `model-draft:${name}`;
  const [text, setText] = useState(() => kept.read(key) ?? saved);
  const [checked, setChecked] = useState(null);
  const [refused, setRefused] = useState(null);
  const read = readJson(text);
  const isObject = read.value !== null && typeof read.value === "object" && !Array.isArray(read.value);
  const isChanged = text !== saved;
  useEffect(() => kept.write(key, isChanged ? text : null), [text, saved]);
  useEffect(() => {
    if (!isChanged) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isChanged]);
  useEffect(() => {
    if (read.slip || !isObject) return undefined;
    let current = true;
    const timer = setTimeout(
      () => {
        admin.post("/models/validate", { definition: read.value, ...(type ? { entity_type: type } : {}) }).then(
          (answer) => {
            if (!current) return;
            setChecked({ definition: read.value, description: answer.description, warnings: answer.warnings || [], text });
            setRefused({ text, problems: [] });
          },
          (problem) => current && setRefused({ text, problems: problem.list?.length ? problem.list : [{ field: "", message: problem.message }] }),
        );
      },
      checked ? WAIT_MS : 0,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [text, type]);
  const isAnswered = refused?.text === text;
  const problems = read.slip
    ? [{ path: "", message: read.slip.message, offset: read.slip.at }]
    : !isObject
      ? [{ path: "", message: "A model is an object: { … }.", offset: 0 }]
      : isAnswered
        ? refused.problems.map(({ field, message }) => ({
            path: field.replace(/^definition\.?/, ""),
            message,
            offset: placeOf(read.places, field.replace(/^definition\.?/, "")),
          }))
        : [];
  return {
    text,
    setText,
    definition: read.slip || !isObject ? null : read.value,
    checked,
    problems,
    isAnswered: isAnswered || Boolean(read.slip),
    isChanged,
    isSound: isAnswered && problems.length === 0 && !read.slip,
    places: read.places,
  };
}

// The editor with what is wrong below it, and beside it what the text means.
export function ModelText({ draft, readonly }) {
  const [at, setAt] = useState(null);
  const { text, problems, checked, places } = draft;
  const warnings =
    checked?.text === text ? checked.warnings.map(({ at: path, problem }) => ({ path, message: problem, offset: placeOf(places || new Map(), path) })) : [];
  return html`<div class="model-desk">
    <section class="panel">
      <${TextEditor} id="definition" label="Definition" hint="JSON" value=${text} onInput=${draft.setText} rows=${Math.max(12, Math.min(28, text.split("\n").length + 2))} readonly=${readonly} invalid=${problems.length > 0} describedBy="definition-state"
        marks=${problems.filter((one) => one.offset !== null && one.offset !== undefined).map((one) => lineAt(text, one.offset))} at=${at} />
      <div id="definition-state" aria-live="polite">
        ${
          problems.length > 0
            ? html`<p class="wrong">${problems.length === 1 ? "One thing is wrong." : `${problems.length} things are wrong.`}</p><${Problems} list=${problems} text=${text} go=${(offset) => setAt({ offset })} />`
            : html`<p class="hint">${draft.isAnswered ? "Valid." : "Reading…"}</p>`
        }
        ${warnings.length > 0 && html`<p class="hint">Worth a look:</p><${Problems} list=${warnings} text=${text} go=${(offset) => setAt({ offset })} mild=${true} />`}
      </div>
    </section>
    <div class="beside">${
      checked
        ? html`${problems.length > 0 && html`<p class="hint">From the last valid version.</p>`}<${Picture} definition=${checked.definition} description=${checked.description} /><${Matrix} description=${checked.description} />`
        : html`<section class="panel"><p class="lead">The hierarchy is drawn here as soon as the text is valid.</p></section>`
    }</div>
  </div>`;
}

export function Problems({ list, text, go, mild }) {
  return html`<ul class=${mild ? "problems mild" : "problems"}>${list.map(
    (one, n) => html`<li key=${n}>
    ${one.offset !== null && one.offset !== undefined && html`<button type="button" class="quiet" onClick=${() => go(one.offset)}>Line ${lineAt(text, one.offset)}</button>`}
    <span>${one.path && html`<code>${one.path}</code> `}${one.message}</span>
  </li>`,
  )}</ul>`;
}

// What is not saved yet, and what to do about it.
export function SaveBar({ draft, saved, review }) {
  if (!draft.isChanged) return null;
  return html`<div class="save-bar" role="region" aria-label="Unsaved changes">
    <p><b>Not saved yet.</b> <span class="muted">${draft.isSound ? "Saving first shows who gains and who loses." : draft.isAnswered ? "It can be saved when nothing is wrong any more." : "Reading…"}</span></p>
    <div class="actions side">
      <${Button} onClick=${() => draft.setText(saved)}>Discard</${Button}>
      <${Button} kind="primary" disabled=${!draft.isSound} onClick=${review}>Review and save</${Button}>
    </div>
  </div>`;
}

// Says who gains and who loses, then saves. `done(model)` gets what was stored, `takeTheirs(model)` what somebody else stored meanwhile.
/** @param {{ client: Client, [more: string]: any }} given */
export function Review({ type, definition, version, client, isNew, close, done, takeTheirs }) {
  const path = `/models/${encodeURIComponent(type)}`;
  const body = (against) => ({ definition, version: against, ...(client ? { client } : {}) });
  const trial = useLoaded((signal) => admin.post(`${path}/dry-run`, body(version), undefined, signal), []);
  const [theirs, setTheirs] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const save = async (against) => {
    setBusy(true);
    setProblem(null);
    try {
      done(await admin.put(path, body(against)));
      return;
    } catch (error) {
      if (error.code === "conflict") setTheirs(await admin.get(path).catch(() => null));
      else setProblem(error);
    }
    setBusy(false);
  };
  if (theirs) {
    return html`<${Dialog} title="Changed by someone else" close=${close}>
      <p>Version ${theirs.version} of <b>${type}</b> was saved <${Time} at=${theirs.updated_at} />, after you began with ${isNew ? "a new one" : `version ${version}`}. Your text is still here, and nothing was overwritten.</p>
      <details class="in-words"><summary>What they saved</summary><pre class="trace" tabindex="0">${written(theirs.definition)}</pre></details>
      ${problem && html`<${Wrong} problem=${problem} />`}
      <div class="actions side">
        <${Button} kind="primary" onClick=${close}>Keep writing</${Button}>
        <${Button} onClick=${() => takeTheirs(theirs)}>Take theirs</${Button}>
        <${Button} kind="danger" busy=${busy} onClick=${() => save(theirs.version)}>Overwrite with mine</${Button}>
      </div></${Dialog}>`;
  }
  return html`<${Dialog} title=${isNew ? `Create ${type}` : `Save ${type}`} close=${close}>
    ${isNew ? html`<p class="lead">Grants give it to people. Who administers the platform may do everything with a type at once, unless its model says <code>"adminBypass": false</code>.</p>` : html`<p class="lead">What changes for people, keys and apps. What depends on a policy counts as held.</p>`}
    <${Loaded} from=${trial} lines=${2}>${(changes) => html`<${Changes} changes=${changes} />`}</${Loaded}>
    ${problem && html`<${Wrong} problem=${problem} />`}
    <div class="actions side">
      <${Button} kind="primary" busy=${busy || trial.loading} onClick=${() => save(version)}>${isNew ? "Create model" : "Save"}</${Button}>
      <${Button} onClick=${close}>Back</${Button}>
    </div>
  </${Dialog}>`;
}

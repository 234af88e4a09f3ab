// The parts that every page is made of. Each takes plain values and draws; what talks to the server is in data.js.
import { html, useEffect, useRef, useState } from "./html.js";
import { absolute, adminApi } from "./urls.js";

const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
/** @typedef {[Intl.RelativeTimeFormatUnit, number]} Unit */
/** @type {Unit} */
const SECOND = ["second", 1e3];
/** @type {Unit[]} */
const UNITS = [
  ["year", 31536e6],
  ["month", 2592e6],
  ["day", 864e5],
  ["hour", 36e5],
  ["minute", 6e4],
];

/** @param {Date} moment */
export function relative(moment) {
  const away = moment.getTime() - Date.now();
  const [unit, size] = UNITS.find(([, size]) => Math.abs(away) >= size) || SECOND;
  return RELATIVE.format(Math.trunc(away / size), unit);
}

// A moment (RFC 3339), as people say it; the exact one on hover.
export function Time({ at, none = "never" }) {
  if (!at) return html`<span class="muted">${none}</span>`;
  const moment = new Date(at);
  return html`<time datetime=${at} title=${ABSOLUTE.format(moment)}>${relative(moment)}</time>`;
}

// While it is busy it does nothing, and keeps the focus: a button that is disabled would lose it, and with it the way back from a dialog.
export function Button({ children, kind = "", busy = false, onClick, ...rest }) {
  return html`<button type="button" class=${`button ${kind}`} aria-busy=${busy} aria-disabled=${busy || undefined} onClick=${busy ? undefined : onClick} ...${rest}>${children}</button>`;
}

export function Copy({ text, label = "Copy", kind = "quiet" }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  if (!navigator.clipboard) return null;
  const copy = () => navigator.clipboard.writeText(text).then(() => setDone(true));
  return html`<button type="button" class=${kind} onClick=${copy}><span aria-live="polite">${done ? "Copied" : label}</span></button>`;
}

// An identifier, key or address that people copy.
export function Id({ children }) {
  return html`<span class="id"><code>${children}</code><${Copy} text=${String(children)} /></span>`;
}

export function Code({ text }) {
  return html`<div class="command"><pre tabindex="0">${text}</pre><${Copy} text=${text} /></div>`;
}

// A state in a word: kind is "good", "bad", "warn" or nothing.
export function Tag({ children, kind = "" }) {
  return html`<span class=${`tag ${kind}`}>${children}</span>`;
}

// Who runs this server, as the frame of the page says.
const { brand = "Auther", logo } = document.body.dataset;

// Their name and logo, leading to where these pages begin.
export function Brand({ href }) {
  return html`<a class="brand" href=${href}><img src=${logo} alt="" height="24" /><span>${brand}</span></a>`;
}

export function Header({ title, purpose, back, children }) {
  useEffect(() => {
    document.title = `${title} · ${brand}`;
  }, [title]);
  return html`<header class="page-header">
    ${back && html`<p class="back"><a href=${back.href}>${back.title}</a></p>`}
    <div><h1>${title}</h1>${purpose && html`<p class="lead">${purpose}</p>`}</div>
    <div class="header-actions">${children}</div>
  </header>`;
}

// Names and values. `rows` is [[name, value], …]; what is null or undefined is left out.
export function Facts({ rows }) {
  const shown = rows.filter((row) => row && row[1] !== null && row[1] !== undefined);
  return html`<dl class="facts wide">${shown.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2><div>${children}</div></div>`;
}

// Lines in the place of what is loading; nothing at first, so that what is quick does not flash.
export function Skeleton({ lines = 5 }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return html`<div class="skeleton" role="status" aria-busy="true"><span class="unseen">Loading</span>${late && Array.from({ length: lines }, (_, n) => html`<i key=${n}></i>`)}</div>`;
}

// What went wrong: what, and the reference for the log.
export function Wrong({ problem, retry }) {
  if (!problem) return null;
  return html`<div class="summary" role="alert">
    <h2>That did not work</h2>
    <p>${problem.message}${problem.requestId && html` <span class="muted">(${problem.requestId})</span>`}</p>
    ${retry && html`<p><${Button} onClick=${retry}>Try again</${Button}></p>`}
  </div>`;
}

// Tabs whose choice is in the address. `tabs` is [[name, title], …].
export function Tabs({ tabs, current, href }) {
  return html`<nav class="tabs" aria-label="Parts of this page">${tabs.map(
    ([name, title]) => html`<a key=${name} href=${href(name)} aria-current=${name === current ? "page" : undefined}>${title}</a>`,
  )}</nav>`;
}

const turned = (sort) => (sort.startsWith("-") ? sort.slice(1) : `-${sort}`);

// The head of a column. Pressed, it sorts one way, then the other, then not at all.
function Head({ column, order }) {
  const { title, sort } = column;
  if (!sort || !order) return html`<th scope="col">${title || html`<span class="unseen">Actions</span>`}</th>`;
  const isIn = order.by === sort || order.by === turned(sort);
  const way = isIn ? (order.by.startsWith("-") ? "descending" : "ascending") : undefined;
  const next = order.by === sort ? turned(sort) : isIn ? "" : sort;
  const arrow = { ascending: "↑", descending: "↓" }[way] || "↕";
  return html`<th scope="col" aria-sort=${way}><button type="button" class="sort" onClick=${() => order.choose(next)}>${title}<span class="turn" aria-hidden="true">${arrow}</span></button></th>`;
}

// A table that becomes cards where there is no room. `columns` is [{title, cell(item), tight?}, …]; the first one names the row.
// With `choose`, {chosen, set}, rows can be chosen: `chosen` is the set of their keys. With `order`, {by, choose(sort)}, a column with `sort` can be
// sorted by: `sort` is the API's name of it, with a minus before it where the greatest (the newest) is wanted first.
export function Table({ columns, items, href, keyOf = (item) => item.id, caption, choose, order }) {
  const all = choose && items.every((item) => choose.chosen.has(keyOf(item)));
  const toggle = (key) => choose.set(new Set(choose.chosen.has(key) ? [...choose.chosen].filter((one) => one !== key) : [...choose.chosen, key]));
  return html`<div class="table"><table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${choose && html`<td class="tight"><input type="checkbox" aria-label="Choose all that are shown" checked=${all} onChange=${() => choose.set(new Set(all ? [] : items.map(keyOf)))} /></td>`}${columns.map((column) => html`<${Head} key=${column.title} column=${column} order=${order} />`)}</tr></thead>
    <tbody>${items.map(
      (item) =>
        html`<tr key=${keyOf(item)} class=${choose?.chosen.has(keyOf(item)) ? "chosen-row" : ""}>${choose && html`<td class="tight choose"><input type="checkbox" aria-label="Choose" aria-labelledby=${`row-${keyOf(item)}`} checked=${choose.chosen.has(keyOf(item))} onChange=${() => toggle(keyOf(item))} /></td>`}${columns.map(
          (column, n) => {
            const content = column.cell(item);
            if (n > 0) return html`<td key=${column.title} data-title=${column.title} class=${column.tight ? "tight" : ""}>${content}</td>`;
            return html`<th key=${column.title} scope="row" id=${choose ? `row-${keyOf(item)}` : undefined}>${href ? html`<a href=${href(item)}>${content}</a>` : content}</th>`;
          },
        )}</tr>`,
    )}</tbody>
  </table></div>`;
}

// Choices that are read before one is made: `options` is [[value, title, hint], …]. One of them ("radio") or several ("checks", a list of values).
function Choices({ name, label, kind, value, onInput, hint, wrong, options }) {
  const id = `field-${name}`;
  const isOne = kind === "radio";
  const isChosen = (one) => (isOne ? value === one : value.includes(one));
  const told = (one, on) => onInput(isOne ? one : options.map(([other]) => other).filter((other) => (other === one ? on : value.includes(other))));
  return html`<fieldset class="field options" id=${id} tabindex="-1"><legend>${label}</legend>
    ${hint && html`<p class="hint">${hint}</p>`}
    ${wrong && html`<p class="wrong">${wrong}</p>`}
    ${options.map(
      ([one, title, about]) => html`<label key=${one} class="option">
      <input type=${isOne ? "radio" : "checkbox"} name=${name} value=${one} checked=${isChosen(one)} onChange=${(event) => told(one, event.target.checked)} />
      <span><b>${title}</b>${about && html`<small>${about}</small>`}</span></label>`,
    )}
  </fieldset>`;
}

// One field of a form. `kind` is an input type, "area", "select" (with `options` [[value, title], …]), "check", "radio", "checks" (see Choices) or
// "heading", which holds no value.
export function Field({ name, label, kind = "text", value, onInput, hint, wrong, options, optional, ...rest }) {
  if (kind === "heading") return html`<div class="field-heading"><h2>${label}</h2>${hint && html`<p class="hint">${hint}</p>`}</div>`;
  if (kind === "radio" || kind === "checks") return html`<${Choices} ...${{ name, label, kind, value, onInput, hint, wrong, options }} />`;
  const id = `field-${name}`;
  const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  const common = { id, name, "aria-describedby": about, "aria-invalid": wrong ? "true" : undefined, ...rest };
  const told = (event) => onInput(kind === "check" ? event.target.checked : event.target.value);
  const below = html`${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}${wrong && html`<p class="wrong" id=${`${id}-wrong`}>${wrong}</p>`}`;
  if (kind === "check") {
    return html`<div class="field check"><label for=${id}><input type="checkbox" checked=${value} onChange=${told} ...${common} /><span>${label}</span></label>${below}</div>`;
  }
  const control = {
    area: () => html`<textarea rows="5" spellcheck="false" value=${value} onInput=${told} ...${common}></textarea>`,
    select: () =>
      html`<select value=${value} onChange=${told} ...${common}>${options.map(([key, title]) => html`<option key=${key} value=${key} selected=${key === value}>${title}</option>`)}</select>`,
  }[kind];
  return html`<div class="field">
    <div class="label-row"><label for=${id}>${label}</label>${optional && html`<span class="hint">optional</span>`}</div>
    ${control ? control() : html`<input type=${kind} value=${value} onInput=${told} ...${common} />`}
    ${below}
  </div>`;
}

// What is sent once at a time: `act` calls `send`, hands its answer to `done`, and keeps what went wrong as `problem`.
function useSending(send, done) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const act = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const answer = await send();
      setProblem(null);
      setBusy(false);
      done(answer);
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return { problem, setProblem, busy, act };
}

// A form over an object of values. `send(values)` answers when it is done, or throws a Problem, whose field errors are shown at the fields of the
// same name; `fields` is [{name, label, …}, …] as Field takes them; `kind` may be a function of the values. What was typed stays when it is refused.
export function Form({ fields, initial = {}, action, send, done, danger, cancel }) {
  const [values, setValues] = useState(() =>
    Object.fromEntries(fields.map((field) => [field.name, initial[field.name] ?? { check: false, checks: [] }[field.kind] ?? ""])),
  );
  const { problem, busy, act } = useSending(
    () => send(values),
    (answer) => done?.(answer, values),
  );
  const summary = useRef(null);
  useEffect(() => {
    if (problem) summary.current?.focus();
  }, [problem]);
  const submit = (event) => {
    event.preventDefault();
    return act();
  };
  const shown = fields.filter((field) => !field.when || field.when(values));
  const wrong = problem?.fields || {};
  const unplaced = problem && !shown.some((field) => wrong[field.name]);
  return html`<form onSubmit=${submit} aria-busy=${busy} novalidate>
    ${
      problem &&
      html`<div class="summary" role="alert" tabindex="-1" ref=${summary}>
      <h2>${unplaced ? "That did not work" : "Look at these fields"}</h2>
      ${unplaced ? html`<p>${problem.message}</p>` : html`<ul>${shown.filter((field) => wrong[field.name]).map((field) => html`<li key=${field.name}><a href=${`#field-${field.name}`}>${field.label}: ${wrong[field.name]}</a></li>`)}</ul>`}
    </div>`
    }
    ${shown.map(({ when, ...field }) => html`<${Field} key=${field.name} ...${field} kind=${typeof field.kind === "function" ? field.kind(values) : field.kind} value=${values[field.name]} wrong=${wrong[field.name]} onInput=${(value) => setValues((old) => ({ ...old, [field.name]: value }))} />`)}
    <div class="actions side">
      <button type="submit" class=${`button ${danger ? "danger" : "primary"}`} aria-disabled=${busy || undefined}>${action}</button>
      ${cancel && html`<${Button} onClick=${cancel}>Cancel</${Button}>`}
    </div>
  </form>`;
}

let dialogs = 0;

// A dialog over the page, or over another one. It closes with Escape, and gives the focus back. Without `close` it stays: a browser lets a page hold
// Escape back once and then closes the dialog all the same, so that it is opened again.
export function Dialog({ title, close, children }) {
  const dialog = useRef(null);
  const isWanted = useRef(true);
  const [id] = useState(() => `dialog-title-${(dialogs += 1)}`);
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const shown = dialog.current;
    shown.showModal();
    return () => {
      isWanted.current = false;
      // While it is open, nothing behind it can have the focus.
      shown.close();
      before?.focus?.();
    };
  }, []);
  const closed = () => {
    if (!isWanted.current) return;
    if (close) close();
    else dialog.current?.showModal();
  };
  return html`<dialog ref=${dialog} class="dialog" aria-labelledby=${id} closedby=${close ? undefined : "none"} onClose=${closed} onCancel=${(event) => {
    event.preventDefault();
    close?.();
  }}>
    <h2 id=${id}>${title}</h2>${children}
  </dialog>`;
}

// Asks before something small ends, which can be had again: what goes stands in `loses` or in the children.
export function Ask({ title, loses, action, keep = "Cancel", send, done, close, children }) {
  const { problem, busy, act } = useSending(send, done);
  return html`<${Dialog} title=${title} close=${close}>
    <div>${loses && html`<p>${loses}</p>`}${children}</div>
    <${Wrong} problem=${problem} />
    <div class="actions side"><${Button} kind="danger" busy=${busy} onClick=${act}>${action}</${Button}><${Button} onClick=${close}>${keep}</${Button}></div>
  </${Dialog}>`;
}

// Asks before something is lost: `loses` says in a sentence what goes, and the name of the thing is typed.
export function Confirm({ title, loses, type, action, send, done, close }) {
  const [typed, setTyped] = useState("");
  const { problem, setProblem, busy, act } = useSending(send, done);
  const submit = (event) => {
    event.preventDefault();
    return typed === type ? act() : setProblem(new Error(`Type ${type} to go on.`));
  };
  return html`<${Dialog} title=${title} close=${close}>
    <p>${loses}</p>
    <form onSubmit=${submit} novalidate>
      <${Field} name="confirm" label=${`Type ${type}`} value=${typed} onInput=${setTyped} wrong=${problem?.message} autocomplete="off" spellcheck="false" />
      <div class="actions side"><button type="submit" class="button danger" aria-disabled=${busy || undefined}>${action}</button><${Button} onClick=${close}>Cancel</${Button}></div>
    </form>
  </${Dialog}>`;
}

// A secret that is shown this once. It stays until it is said to be saved.
export function SecretPanel({ title, secrets, note, saved }) {
  return html`<${Dialog} title=${title}>
    <p>${note || "It is shown this once. Only a hash of it is kept here."}</p>
    ${secrets.map(([name, value]) => html`<div key=${name}><p class="lead">${name}</p><${Code} text=${value} /></div>`)}
    <div class="actions side"><${Button} kind="primary" id="secret-saved" onClick=${saved}>I saved it</${Button}></div>
  </${Dialog}>`;
}

// How to do the same without this page: the command and the call, filled in.
export function Elsewhere({ command, request }) {
  return html`<details class="elsewhere-panel"><summary>Do this with the CLI or API</summary>
    ${command && html`<p class="lead">In a terminal on the server</p><${Code} text=${command} />`}
    ${request && html`<p class="lead">Over HTTP, with an API key or a session token</p><${Code} text=${request} />`}
  </details>`;
}

// A call of the admin API for Elsewhere; `path` as for `admin` in api.js.
export function curl(method, path, body) {
  const data = body === undefined ? "" : ` \\\n  -H 'content-type: application/json' \\\n  -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl -X ${method} '${absolute(adminApi(path))}' \\\n  -H "x-api-key: $API_KEY"${data}`;
}

/** @type {{ list: { id: string, text: string, kind: string }[], listeners: Set<(list: any[]) => void> }} */
const toasts = { list: [], listeners: new Set() };

// Says something in passing; screen readers hear it too.
export function toast(text, kind = "good") {
  const one = { id: crypto.randomUUID(), text, kind };
  const set = (list) => {
    toasts.list = list;
    toasts.listeners.forEach((listener) => listener(list));
  };
  set([...toasts.list, one]);
  setTimeout(() => set(toasts.list.filter((other) => other.id !== one.id)), 6000);
}

export function Toasts() {
  const [list, setList] = useState(toasts.list);
  useEffect(() => {
    toasts.listeners.add(setList);
    return () => toasts.listeners.delete(setList);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">${list.map((one) => html`<p key=${one.id} class=${`toast ${one.kind}`}>${one.text}</p>`)}</div>`;
}

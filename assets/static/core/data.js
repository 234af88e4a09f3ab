// What pages load: one thing, or a list that is read on from where it ended.
import { html, useCallback, useEffect, useRef, useState } from "./html.js";
import { setQuery, useAddress } from "./router.js";
import { Button, Empty, Skeleton, Table, Wrong } from "./ui.js";

// What `load(signal)` answers: {value, problem, loading, reload}. Loaded anew whenever one of `on` changes.
/**
 * @template T
 * @typedef {{ value?: T, problem?: any, loading: boolean, reload: () => void }} FromServer
 */
/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {readonly unknown[]} on
 * @returns {FromServer<T>}
 */
export function useLoaded(load, on) {
  const [state, setState] = useState(/** @type {Omit<FromServer<T>, "reload">} */ ({ loading: true }));
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const control = new AbortController();
    setState((old) => ({ ...old, loading: true, problem: null }));
    load(control.signal).then(
      (value) => setState({ value, loading: false }),
      (problem) => problem.name !== "AbortError" && setState({ problem, loading: false }),
    );
    return () => control.abort();
  }, [...on, again]);
  const reload = useCallback(() => setAgain((n) => n + 1), []);
  return { ...state, reload };
}

// Draws what was loaded by `children(value, reload)`, or why it was not. It is one element from the first to the last: were there one, then several,
// Preact would lose its place among its neighbours.
export function Loaded({ from, lines, children }) {
  const drawn = () => {
    if (from.problem) return html`<${Wrong} problem=${from.problem} retry=${from.reload} />`;
    if (from.value === undefined) return html`<${Skeleton} lines=${lines} />`;
    return children(from.value, from.reload);
  };
  return html`<div class="loaded">${drawn()}</div>`;
}

// A page of a list that is narrowed may be short, even empty, and still have a next: read on until there is something to show.
/**
 * @param {(query: Record<string, any>, signal?: AbortSignal) => Promise<{ items: any[], next?: string | null }>} load
 * @param {Record<string, any>} query
 * @param {AbortSignal} [signal]
 */
async function page(load, query, signal) {
  /** @type {{ items: any[], next?: string | null }} */
  const found = { items: [], next: query.after };
  for (let n = 0; n < 10; n += 1) {
    const more = await load({ ...query, after: found.next }, signal);
    found.items.push(...more.items);
    found.next = more.next;
    if (!more.next || found.items.length >= 20) break;
  }
  return found;
}

// A list of the API: searched and filtered by the address, read on by a button.
//   load(query, signal) answers {items, next}; `filters` is [{name, title, options: [[value, title], …]}, …];
//   a column with `sort` (see Table) sorts the whole list, not what is shown of it: the server does it, the address (?sort=-name) keeps it;
//   `empty` is drawn when there is nothing at all, by a function of nothing;
//   `bulk(items)` draws what can be done with several at once, when rows are chosen.
export function List({ load, columns, href, keyOf = (item) => item.id, caption, search, filters = [], empty, version = 0, actions, bulk }) {
  const { query } = useAddress();
  const chosen = Object.fromEntries(filters.map((filter) => [filter.name, query.get(filter.name) || ""]));
  const narrowed = { ...chosen, search: search ? query.get("search") || "" : undefined };
  const order = { by: sortable(columns, query.get("sort")), choose: (sort) => setQuery({ sort }) };
  const wanted = { ...narrowed, sort: order.by };
  const key = JSON.stringify(wanted);
  const first = useLoaded((signal) => page(load, wanted, signal), [key, version]);
  const [more, setMore] = useState(/** @type {{ key: string, items: any[], next?: string | null }} */ ({ key: "", items: [], next: null }));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [picked, setPicked] = useState(new Set());
  useEffect(() => {
    setMore({ key: "", items: [], next: null });
    setPicked(new Set());
  }, [first.value]);
  const items = [...(first.value?.items || []), ...more.items];
  const next = more.key === key ? more.next : first.value?.next;
  const readOn = async () => {
    setBusy(true);
    try {
      const read = await page(load, { ...wanted, after: next });
      setMore({ key, items: [...more.items, ...read.items], next: read.next });
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const isNarrowed = Object.values(narrowed).some(Boolean);
  return html`
    ${(search || filters.length > 0) && html`<${Narrow} search=${search} filters=${filters} chosen=${narrowed} />`}
    ${items.length > 1 && html`<${Order} columns=${columns} order=${order} />`}
    ${actions}
    <${Loaded} from=${first}>${() =>
      items.length === 0
        ? isNarrowed
          ? html`<${Empty} title="Nothing fits"><p>Nothing fits what is searched for. <${Button} onClick=${() => setQuery(Object.fromEntries(Object.keys(narrowed).map((name) => [name, ""])))}>Show all</${Button}></p></${Empty}>`
          : empty()
        : html`${picked.size > 0 && html`<div class="bulk" role="region" aria-label="What is chosen"><p aria-live="polite">${picked.size} chosen</p>${bulk(items.filter((item) => picked.has(keyOf(item))))}<${Button} kind="small" onClick=${() => setPicked(new Set())}>Choose none</${Button}></div>`}
            <${Table} columns=${columns} items=${items} href=${href} keyOf=${keyOf} caption=${caption} order=${order} choose=${bulk ? { chosen: picked, set: setPicked } : null} />
            ${problem && html`<${Wrong} problem=${problem} />`}
            <div class="list-end"><span class="muted" aria-live="polite">${items.length} ${next ? "shown" : "in all"}</span>
            ${next && html`<${Button} busy=${busy} onClick=${readOn}>Show more</${Button}>`}</div>`}</${Loaded}>`;
}

const sortsOf = (columns) => columns.filter((column) => column.sort);
const fieldOf = (sort) => sort.replace("-", "");

// What the address asks to be sorted by, when there is a column for it.
const sortable = (columns, asked) => (asked && sortsOf(columns).some(({ sort }) => fieldOf(sort) === fieldOf(asked)) ? asked : undefined);

// The same as the buttons in the head of the table, where there is no head: on a phone.
function Order({ columns, order }) {
  const options = sortsOf(columns).flatMap(({ title, sort }) => {
    const [up, down] = sort.endsWith("_at") ? ["earliest first", "latest first"] : ["A to Z", "Z to A"];
    const field = fieldOf(sort);
    return sort === field
      ? [
          [field, `${title}, ${up}`],
          [`-${field}`, `${title}, ${down}`],
        ]
      : [
          [`-${field}`, `${title}, ${down}`],
          [field, `${title}, ${up}`],
        ];
  });
  if (options.length === 0) return null;
  return html`<label class="chip for-cards"><span>Sort by</span>
    <select value=${order.by || ""} onChange=${(event) => order.choose(event.target.value)}>
      <option value="" selected=${!order.by}>as it comes</option>
      ${options.map(([value, title]) => html`<option key=${value} value=${value} selected=${order.by === value}>${title}</option>`)}
    </select></label>`;
}

// What is searched for, told 250 ms after the last key to `tell`. The field follows the address only where a change comes from elsewhere
// ("Show all", the back button): what a person is typing is never taken away.
export function SearchField({ label, value, tell }) {
  const timer = useRef(0);
  const told = useRef(value);
  const [text, setText] = useState(value);
  const typed = (event) => {
    const wanted = event.target.value;
    setText(wanted);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      told.current = wanted.trim();
      tell(told.current);
    }, 250);
  };
  useEffect(() => {
    if (value === told.current) return;
    clearTimeout(timer.current);
    told.current = value;
    setText(value);
  }, [value]);
  return html`<label class="unseen" for="search">${label}</label><input id="search" type="search" placeholder=${label} value=${text} onInput=${typed} />`;
}

function Narrow({ search, filters, chosen }) {
  return html`<form class="narrow" role="search" onSubmit=${(event) => event.preventDefault()}>
    ${search && html`<${SearchField} label=${search} value=${chosen.search || ""} tell=${(text) => setQuery({ search: text })} />`}
    ${filters.map(
      (filter) => html`<label key=${filter.name} class="chip"><span>${filter.title}</span>
      <select value=${chosen[filter.name]} onChange=${(event) => setQuery({ [filter.name]: event.target.value })}>
        <option value="" selected=${!chosen[filter.name]}>any</option>
        ${filter.options.map(([value, title]) => html`<option key=${value} value=${value} selected=${chosen[filter.name] === value}>${title}</option>`)}
      </select></label>`,
    )}
  </form>`;
}

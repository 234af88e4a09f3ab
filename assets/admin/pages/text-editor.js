// A text field for JSON and Lua with numbered lines, and where in a JSON text each of its parts stands.
import { html, useEffect, useRef } from "../../static/core/html.js";

export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length;

// Why a text is no JSON: in words, and where.
class Slip extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

// Reads JSON. Answers {value, places}, places by path as the API writes them (relations.owner.anyOf[0]) with their offset, or {slip}.
export function readJson(text) {
  const places = new Map();
  let at = 0;
  const skip = () => {
    while (" \t\r\n".includes(text[at]) && at < text.length) at += 1;
  };
  const shown = () => (at >= text.length ? "the end" : `${text[at]}`);
  const expect = (sign, after) => {
    skip();
    if (text[at] !== sign) throw new Slip(`Expected ${sign} ${after}, found ${shown()}.`, at);
    at += 1;
  };
  const string = () => {
    const start = at;
    at += 1;
    while (at < text.length && text[at] !== '"' && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
    if (text[at] !== '"') throw new Slip("This text has no closing quote.", start);
    at += 1;
    try {
      return JSON.parse(text.slice(start, at));
    } catch {
      throw new Slip("This text has an escape that JSON does not know.", start);
    }
  };
  const members = (path) => {
    const found = {};
    at += 1;
    skip();
    if (text[at] === "}") {
      at += 1;
      return found;
    }
    for (;;) {
      skip();
      if (text[at] !== '"') throw new Slip(text[at] === "}" ? "There is a comma too many before this." : `Expected a name in quotes, found ${shown()}.`, at);
      const start = at;
      const name = string();
      const below = path ? `${path}.${name}` : name;
      if (Object.hasOwn(found, name)) throw new Slip(`${name} stands here twice.`, start);
      places.set(below, start);
      expect(":", `after ${name}`);
      Object.defineProperty(found, name, { value: value(below), enumerable: true, writable: true, configurable: true });
      skip();
      if (text[at] === "}") {
        at += 1;
        return found;
      }
      expect(",", "or }");
    }
  };
  const items = (path) => {
    const found = [];
    at += 1;
    skip();
    if (text[at] === "]") {
      at += 1;
      return found;
    }
    for (;;) {
      skip();
      if (text[at] === "]") throw new Slip("There is a comma too many before this.", at);
      const below = `${path}[${found.length}]`;
      places.set(below, at);
      found.push(value(below));
      skip();
      if (text[at] === "]") {
        at += 1;
        return found;
      }
      expect(",", "or ]");
    }
  };
  const value = (path) => {
    skip();
    if (text[at] === "{") return members(path);
    if (text[at] === "[") return items(path);
    if (text[at] === '"') return string();
    const word = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/.exec(text.slice(at, at + 64))?.[0];
    if (!word) throw new Slip(`Expected a value, found ${shown()}.`, at);
    // A number that is rounded could become equal to another one: the server refuses it too.
    if (Math.abs(Number(word)) > 2 ** 53 || (Math.abs(Number(word)) === 2 ** 53 && !/^-?9007199254740992$/.test(word)))
      throw new Slip(`${word} cannot be kept exactly: write it as text, in quotes.`, at);
    at += word.length;
    return JSON.parse(word);
  };
  try {
    const read = value("");
    skip();
    if (at < text.length) throw new Slip(`Nothing may follow, found ${shown()}.`, at);
    return { value: read, places };
  } catch (slip) {
    if (!(slip instanceof Slip)) throw slip;
    return { slip };
  }
}

const WIDTH = 58;

// JSON as people write it: what fits in a line stands in one.
export function written(value, indent = "") {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const pairs = isList ? value.map((one) => ["", one]) : Object.entries(value).map(([name, one]) => [`${JSON.stringify(name)}: `, one]);
  if (pairs.length === 0) return isList ? "[]" : "{}";
  const deeper = `${indent}  `;
  const parts = pairs.map(([name, one]) => name + written(one, deeper));
  const line = isList ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
  const holdsMore = pairs.some(([, one]) => one !== null && typeof one === "object" && !Array.isArray(one)) && !isList;
  if (indent && !holdsMore && !line.includes("\n") && line.length + indent.length <= WIDTH) return line;
  return `${isList ? "[" : "{"}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${isList ? "]" : "}"}`;
}

// The offset of a path, or of the nearest part around it that is there.
export function placeOf(places, path) {
  let at = path;
  while (at && !places.has(at)) at = at.replace(/(?:\.[^.[]*|\[\d+\]|^[^.[]+)$/, "") === at ? "" : at.replace(/(?:\.[^.[]*|\[\d+\]|^[^.[]+)$/, "");
  return at ? places.get(at) : null;
}

// Begins the next line as far in as the last one.
function indented(event) {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const { value, selectionStart } = event.target;
  const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
  const space = (/^[ \t]*/.exec(line)?.[0] ?? "") + (/[{[]\s*$/.test(line) ? "  " : "");
  if (!space) return;
  event.preventDefault();
  document.execCommand("insertText", false, `\n${space}`);
}

// `marks` are the numbers of lines with something wrong; `at` is {offset} to go to, a new object for each going.
export function TextEditor({ id, label, hint, value, onInput, rows = 20, marks = [], at, invalid, describedBy, readonly }) {
  const area = useRef(null);
  const gutter = useRef(null);
  useEffect(() => {
    if (!at) return;
    const { current } = area;
    const line = lineAt(current.value, at.offset) - 1;
    const end = current.value.indexOf("\n", at.offset);
    current.focus();
    current.setSelectionRange(at.offset, end < 0 ? current.value.length : end);
    const high = parseFloat(getComputedStyle(current).lineHeight);
    current.scrollTop = Math.max(0, line * high - current.clientHeight / 3);
  }, [at]);
  const count = value.split("\n").length;
  const scrolled = () => {
    gutter.current.scrollTop = area.current.scrollTop;
  };
  return html`<div class="field">
    <div class="label-row"><label for=${id}>${label}</label>${hint && html`<span class="hint">${hint}</span>`}</div>
    <div class="editor">
      <div class="gutter" ref=${gutter} aria-hidden="true">${Array.from({ length: count }, (_, n) => html`<span key=${n} class=${marks.includes(n + 1) ? "bad" : ""}>${n + 1}</span>`)}</div>
      <textarea id=${id} ref=${area} rows=${rows} wrap="off" spellcheck="false" autocomplete="off" autocapitalize="off" readonly=${readonly} value=${value}
        aria-invalid=${invalid ? "true" : undefined} aria-describedby=${describedBy} onScroll=${scrolled} onKeyDown=${indented} onInput=${(event) => onInput(event.target.value)}></textarea>
    </div>
  </div>`;
}

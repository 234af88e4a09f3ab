// What draws the pages: Preact, with htm in the place of a compiler. Text that is put into a template is never read as markup, and keeps its direction to
// itself: a name that is read from right to left does not reach what stands around it, and characters that are not seen are shown as their number.
import { h, html as made } from "../vendor/htm-preact.js";

export { createContext, render, useCallback, useContext, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";

// The same as in the server (base/text.rs).
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

// Elements that take text alone, and the one that isolates.
const TEXT_ONLY = new Set(["option", "title", "textarea", "text", "tspan", "bdi"]);

// A text with what is not seen in it as its number.
export const shown = (text) => text.replace(UNSEEN, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);

const done = new WeakSet();

function isolate(node, parent) {
  if (typeof node === "string") {
    const text = shown(node);
    return parent && !TEXT_ONLY.has(parent) && FROM_RIGHT.test(text) ? h("bdi", null, text) : text;
  }
  if (Array.isArray(node)) return node.map((one) => isolate(one, parent));
  if (!node || typeof node !== "object" || !node.props || done.has(node)) return node;
  done.add(node);
  // What a component is given to draw it puts into elements of its own.
  const within = typeof node.type === "string" ? node.type : null;
  if (node.props.children !== undefined) node.props.children = isolate(node.props.children, within);
  return node;
}

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => any} */
export const html = (...template) => isolate(made(...template), null);

// The overview: what is left to set up, who signed in and who could not, how much there is, how old the keys are, and what happened last.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useRef, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { curl, Elsewhere, Header, Tag } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count } from "../../static/core/words.js";
import { Entry } from "./audit.js";

const PERIODS = [
  ["24h", "24 hours", 1],
  ["7d", "7 days", 6],
  ["30d", "30 days", 24],
];
const RELOAD_EVERY = 15000;
const NUMBER = new Intl.NumberFormat();

export function Overview() {
  const chosen = useAddress().query.get("period") || "24h";
  const [period, title, step] = PERIODS.find(([name]) => name === chosen) || PERIODS[0];
  const from = useLoaded((signal) => admin.get("/overview", { period }, signal), [period]);
  useEvery(RELOAD_EVERY, from.reload);
  return html`
    <${Header} title="Overview" purpose="Status">
      <label class="chip"><span>Last</span><select value=${period} onChange=${(event) => setQuery({ period: event.target.value })}>
        ${PERIODS.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === period}>${words}</option>`)}</select></label></${Header}>
    <${Loaded} from=${from} lines=${8}>${(told) => html`
      <${Checklist} items=${told.checklist} />
      ${told.sign_ins && html`<section class="panel"><h2>Sign-ins in the last ${title}</h2><${SignIns} told=${told} step=${step} title=${title} /></section>`}
      <${Counts} counts=${told.counts} />
      <div class="sides">
        ${
          told.recent.length > 0 &&
          html`<section class="panel"><div class="bar"><h2>Recent activity</h2><a href=${adminPage("/audit?follow=1")}>Follow in the audit log</a></div>
          <div class="log short">${told.recent.map((row) => html`<${Entry} key=${row.id} row=${row} />`)}</div></section>`
        }
        ${told.keys.length > 0 && html`<${Keys} keys=${told.keys} />`}
      </div>`}</${Loaded}>
    <${Elsewhere} command="auther admin doctor\nauther admin audit list --follow" request=${curl("GET", `/overview?period=${period}`)} />`;
}

// Calls `run` again and again while the page is looked at.
function useEvery(milliseconds, run) {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}

const HIDDEN = "auther-first-steps-hidden";

function Checklist({ items }) {
  const left = items.filter((item) => !item.done);
  // Hidden steps come back when there is another one.
  const names = left.map((item) => item.title).join("\n");
  const [hidden, setHidden] = useState(() => localStorage.getItem(HIDDEN));
  if (left.length === 0 || hidden === names) return null;
  const hide = () => {
    localStorage.setItem(HIDDEN, names);
    setHidden(names);
  };
  return html`<section class="panel checklist" aria-labelledby="checklist"><div class="bar"><h2 id="checklist">First steps</h2><span class="muted">${items.length - left.length} of ${items.length} done</span><button type="button" class="quiet" onClick=${hide}>Hide</button></div>
    <ol>${items.map(
      (item) => html`<li key=${item.title} class=${item.done ? "done" : item === left[0] ? "next" : ""}>
      <span class="mark" aria-hidden="true"></span><span>${item.done || !item.href ? item.title : html`<a href=${item.href}>${item.title}</a>`} <span class="unseen">${item.done ? "done" : "to do"}</span></span></li>`,
    )}</ol></section>`;
}

const NAMES = [
  ["users", "User", adminPage("/users")],
  ["clients", "App", adminPage("/clients")],
  ["sessions", "Session", adminPage("/sessions")],
  ["groups", "Group", adminPage("/groups")],
  ["api_keys", "API key", adminPage("/keys")],
  ["tuples", "Grant", adminPage("/access/grants")],
];

function Counts({ counts }) {
  const shown = NAMES.filter(([name]) => counts[name] !== null);
  return html`<ul class="counts">${shown.map(([name, one, href]) => html`<li key=${name}><a href=${href}><b>${NUMBER.format(counts[name])}</b><span>${counts[name] === 1 ? one : `${one}s`}</span></a></li>`)}</ul>`;
}

// Hours put together into bars: `step` hours each.
function bars(per_hour, step) {
  const found = [];
  for (let n = 0; n < per_hour.length; n += step) {
    const part = per_hour.slice(n, n + step);
    found.push({ at: part[0].at, ok: part.reduce((sum, one) => sum + one.ok, 0), failed: part.reduce((sum, one) => sum + one.failed, 0) });
  }
  return found;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const BOTH = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

// Sign-ins stand on the line, failures stand below it: the two are told apart without colours.
function SignIns({ told, step, title }) {
  const [table, setTable] = useState(false);
  const { ok, failed } = told.sign_ins;
  const parts = bars(told.per_hour, step);
  const say = step === 24 ? DATE : step === 1 ? CLOCK : BOTH;
  const when = (part) => say.format(new Date(part.at));
  const numbers = html`<dl class="numbers"><div><dt><i class="swatch ok"></i>Signed in</dt><dd>${NUMBER.format(ok)}</dd></div>
    <div><dt><i class="swatch failed"></i>Failed</dt><dd>${failed > 0 ? html`<a href=${adminPage("/audit?action=user.sign_in&result=failure")}>${NUMBER.format(failed)}</a>` : "0"}</dd></div></dl>`;
  if (ok + failed === 0)
    return html`${numbers}<p class="muted">Nobody tried to sign in. ${told.counts.clients === 0 ? html`<a href=${adminPage("/clients/register")}>Register the first app</a>, then sign in to it.` : ""}</p>`;
  const top = Math.max(...parts.map((part) => part.ok), 1);
  const low = Math.max(...parts.map((part) => part.failed), 0);
  const [width, height] = [720, 140];
  const unit = height / (top + low);
  const axis = top * unit;
  const wide = width / parts.length;
  const summary = `Sign-ins in the last ${title}: ${ok} worked, ${failed} failed. The most at once were ${top}, from ${when(parts.find((part) => part.ok === top) || parts[0])} on.`;
  return html`${numbers}
    <figure class="chart">
      <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${summary}>
        ${parts.map(
          (part, n) => html`<g key=${part.at}><title>${`${when(part)}: ${part.ok} signed in, ${part.failed} failed`}</title>
          <rect class="room" x=${n * wide} y="0" width=${wide} height=${height} />
          ${part.ok > 0 && html`<rect class="ok" x=${n * wide + wide * 0.15} y=${axis - part.ok * unit} width=${wide * 0.7} height=${part.ok * unit} />`}
          ${part.failed > 0 && html`<rect class="failed" x=${n * wide + wide * 0.15} y=${axis} width=${wide * 0.7} height=${part.failed * unit} />`}</g>`,
        )}
        <line class="axis" x1="0" x2=${width} y1=${axis} y2=${axis} />
      </svg>
      <figcaption aria-hidden="true"><span>${when(parts[0])}</span><span>${when(parts[Math.floor(parts.length / 2)])}</span><span>${when(parts.at(-1))}</span></figcaption>
    </figure>
    <details class="numbers-table" onToggle=${(event) => setTable(event.target.open)}><summary>In numbers</summary>${
      table &&
      html`<div class="table"><table><caption class="unseen">Sign-ins in the last ${title}</caption>
      <thead><tr><th scope="col">From</th><th scope="col">Signed in</th><th scope="col">Failed</th></tr></thead>
      <tbody>${parts.filter((part) => part.ok + part.failed > 0).map((part) => html`<tr key=${part.at}><th scope="row">${BOTH.format(new Date(part.at))}</th><td data-title="Signed in">${part.ok}</td><td data-title="Failed">${part.failed}</td></tr>`)}</tbody></table></div>`
    }</details>`;
}

const STATES = { current: ["good", "active"], next: ["", "next"], retired: ["", "retired"] };
const OLD_DAYS = 90;

function Keys({ keys }) {
  return html`<section class="panel"><div class="bar"><h2>Signing keys</h2><a href=${adminPage("/keys?tab=signing")}>All</a></div>
    <ul class="key-list">${keys.map((key) => {
      const [kind, word] = STATES[key.state] || ["", key.state];
      return html`<li key=${key.kid}><span><strong>${key.alg}</strong> <code title=${key.kid}>…${key.kid.slice(-8)}</code></span><span class="tags"><${Tag} kind=${kind}>${word}</${Tag}>${key.age_days > OLD_DAYS && key.state === "current" && html`<${Tag} kind="warn">old</${Tag}>`}</span>
        <span class="muted">${key.age_days === 0 ? "made today" : `${count(key.age_days, "day")} old`}</span></li>`;
    })}</ul></section>`;
}

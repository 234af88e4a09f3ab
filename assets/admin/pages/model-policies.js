// The policies of a model: the Lua that has the last word on a permission. Checked while it is written, tried with a context, with its history.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { useAddress } from "../../static/core/router.js";
import { Button, Empty, Tag, Time, Wrong } from "../../static/core/ui.js";
import { address, modelPath } from "./access.js";
import { Problems } from "./model-editor.js";
import { readJson, TextEditor, written } from "./text-editor.js";

const WAIT_MS = 300;
const EXAMPLE =
  "-- Below 1000, and only on working days (UTC)\nif context.time.weekday > 5 then return false end\nreturn (context.resource.amount or math.huge) < 1000";

export function Policies({ type, draft, stored, may }) {
  const { query } = useAddress();
  const permissions = Object.entries(draft.definition?.permissions || {});
  if (!draft.definition)
    return html`<${Empty} title="The definition is no JSON right now"><p>Policies stand in it. <a href=${modelPath(type)}>Go back to the text</a>, and set right what is marked.</p></${Empty}>`;
  if (permissions.length === 0)
    return html`<${Empty} title="No permission yet"><p>A policy belongs to a permission. <a href=${modelPath(type)}>Declare one in the model</a>, such as <code>"read": {"relation": "viewer"}</code>.</p></${Empty}>`;
  const wanted = query.get("permission");
  const first = permissions.find(([, permission]) => permission.policy) || permissions[0];
  const [name, permission] = permissions.find(([one]) => one === wanted) || first;
  return html`<div class="policy-desk">
    <nav class="choices" aria-label="Permissions"><ul>${permissions.map(
      ([one, { policy }]) => html`<li key=${one}>
      <a href=${address(modelPath(type), { tab: "policies", permission: one })} aria-current=${one === name ? "true" : undefined}><span>${one}</span>${policy ? html`<${Tag} kind="good">policy</${Tag}>` : html`<span class="muted">none</span>`}</a></li>`,
    )}</ul></nav>
    <${Policy} key=${name} type=${type} name=${name} permission=${permission} draft=${draft} stored=${stored} may=${may} />
  </div>`;
}

function Policy({ type, name, permission, draft, stored, may }) {
  const script = typeof permission.policy === "string" ? permission.policy : "";
  const change = (text) => {
    const { policy, policyEngine, ...rest } = permission;
    const next = text.trim() ? { ...rest, policyEngine: policyEngine || "lua", policy: text } : rest;
    draft.setText(written({ ...draft.definition, permissions: { ...draft.definition.permissions, [name]: next } }));
  };
  if (!script) {
    return html`<div><${Empty} title=${`${name} needs no more than the relation ${permission.relation}`}>
      <p>A policy is a few lines of Lua that are asked when the relation says yes already. It can only take that yes away, by time, amount, department, or whatever your app tells.</p>
      ${may && html`<p><${Button} onClick=${() => change(EXAMPLE)}>Add a policy</${Button}></p>`}</${Empty}></div>`;
  }
  return html`<div class="policy">
    <${Script} name=${name} script=${script} change=${may ? change : null} />
    <${Trial} name=${name} script=${script} type=${type} />
    <${History} type=${type} name=${name} script=${script} take=${may ? change : null} version=${stored.version} />
  </div>`;
}

// What there is to say about a script, asked for while it is written.
export function useScriptCheck(script) {
  const [checked, setChecked] = useState(null);
  useEffect(() => {
    if (!script.trim()) return undefined;
    let current = true;
    const timer = setTimeout(() => {
      admin.post("/policies/validate", { script }).then(
        (answer) => current && setChecked({ script, ...answer }),
        (problem) => current && setChecked({ script, errors: [{ line: 1, message: problem.message }], warnings: [], suggestions: [] }),
      );
    }, WAIT_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [script]);
  return checked?.script === script ? checked : null;
}

function offsetOf(text, line) {
  const lines = text.split("\n").slice(0, Math.max(0, (line || 1) - 1));
  return lines.reduce((sum, one) => sum + one.length + 1, 0);
}

// A Lua text with what is said of it. Also for the condition of a grant.
export function ScriptField({ id, label, script, change, rows = 10, readonly = false }) {
  const checked = useScriptCheck(script);
  const [at, setAt] = useState(null);
  const said = (list) => (list || []).map(({ line, message }) => ({ path: "", message, offset: offsetOf(script, line) }));
  const mild = [...said(checked?.warnings), ...said(checked?.suggestions)];
  return html`<${TextEditor} id=${id} label=${label} hint="Lua" rows=${rows} value=${script} onInput=${change} readonly=${readonly} invalid=${checked?.errors.length > 0} describedBy=${`${id}-state`}
      marks=${(checked?.errors || []).map(({ line }) => line)} at=${at} />
    <div id=${`${id}-state`} aria-live="polite">
      ${checked && checked.errors.length === 0 && mild.length === 0 && html`<p class="hint">The script is sound.</p>`}
      ${checked?.errors.length > 0 && html`<p class="wrong">It does not compile. As it is, it denies.</p><${Problems} list=${said(checked.errors)} text=${script} go=${(offset) => setAt({ offset })} />`}
      ${mild.length > 0 && html`<p class="hint">Worth a look:</p><${Problems} list=${mild} text=${script} go=${(offset) => setAt({ offset })} mild=${true} />`}
    </div>`;
}

function Script({ name, script, change }) {
  return html`<section class="panel">
    <div class="panel-head"><h2>Policy of ${name}</h2>${change && html`<${Button} kind="small" onClick=${() => change("")}>Remove</${Button}>`}</div>
    <p class="lead">Only <code>return true</code> allows. Whatever fails denies.</p>
    <${SwitchedOff} script=${script} />
    <${ScriptField} id="policy" label="Script" script=${script} change=${change} readonly=${!change} />
  </section>`;
}

// A script that did not come back once is not run any more: said where it is read, with the way out for those who may.
function SwitchedOff({ script }) {
  const off = useScriptCheck(script)?.switched_off;
  const [on, setOn] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!off || on === off.script) return null;
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await admin.remove(`/policies/switched-off/${encodeURIComponent(off.script)}`);
      setOn(off.script);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<div class="notice" role="status">
    <p><strong>Switched off.</strong> This text did not come back from an evaluation on <${Time} at=${off.at} />, so it is not run and denies. Change it, or let it run again as it is.</p>
    <div class="actions side"><${Button} kind="small" busy=${busy} onClick=${run}>Let it run again</${Button}></div>
    ${problem && html`<${Wrong} problem=${problem} />`}</div>`;
}

// A context with a value for whatever the script asks of the object and the person.
function sample(script, name, type) {
  const asked = (what) => [...new Set([...script.matchAll(new RegExp(`context\\.${what}\\.([A-Za-z_]\\w*)`, "g"))].map((found) => found[1]))];
  const filled = (list, given) => Object.fromEntries([...Object.entries(given), ...list.filter((one) => !(one in given)).map((one) => [one, 1])]);
  const kind = type.split(":").pop();
  return written({
    action: name,
    user: filled(asked("user"), { id: "usr_1", type: "user", email: "ann@example.com", groups: ["Staff"] }),
    resource: filled(asked("resource"), { id: "1", type: kind }),
  });
}

const results = { allowed: ["good", "allowed"], denied: ["bad", "denied"], error: ["bad", "failed, which denies"] };

function Trial({ name, script, type }) {
  const [context, setContext] = useState(() => sample(script, name, type));
  const [answer, setAnswer] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const read = readJson(context);
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      setAnswer(await admin.post("/policies/test", { script, context: read.value }));
    } catch (error) {
      setProblem(error);
      setAnswer(null);
    }
    setBusy(false);
  };
  const [kind, words] = results[answer?.result] || [];
  return html`<section class="panel">
    <h2>Try it</h2>
    <p class="lead">Runs the script above, saved or not. Nothing is recorded. The time is filled in.</p>
    <${TextEditor} id="context" label="Context" hint="JSON" rows=${10} value=${context} onInput=${setContext} invalid=${Boolean(read.slip)} describedBy="context-state" />
    <p id="context-state" class="wrong" aria-live="polite">${read.slip?.message}</p>
    <div class="actions side"><${Button} busy=${busy} disabled=${Boolean(read.slip)} onClick=${run}>Run</${Button}><${Button} onClick=${() => setContext(sample(script, name, type))}>Reset</${Button}></div>
    <div aria-live="polite">${problem && html`<${Wrong} problem=${problem} />`}
      ${answer && html`<p class="outcome"><${Tag} kind=${kind}>${words}</${Tag}> <span>${answer.error?.message || answer.note || `returned ${answer.returned}`}</span> <span class="muted">${answer.execution_time_ms} ms</span></p>`}</div>
  </section>`;
}

function History({ type, name, script, take, version }) {
  const from = useLoaded((signal) => admin.get("/policies/versions", { entity_type: type, permission: name }, signal), [type, name, version]);
  return html`<section class="panel"><h2>History</h2>
    <${Loaded} from=${from} lines=${2}>${({ items }) =>
      items.length === 0
        ? html`<p class="lead">Nothing is saved yet. Every version is kept from then on, with who made it.</p>`
        : html`<ul class="history">${items.map(
            (one) => html`<li key=${one.version}>
          <span>Version ${one.version}, <${Time} at=${one.at} /> <span class="muted">by ${one.changed_by_type === "local" ? "the command line" : one.changed_by}</span></span>
          ${one.script === null ? html`<span class="muted">taken away</span>` : one.script === script ? html`<span class="muted">as above</span>` : take && html`<${Button} kind="small" onClick=${() => take(one.script)}>Take this text</${Button}>`}
        </li>`,
          )}</ul>`}</${Loaded}>
  </section>`;
}

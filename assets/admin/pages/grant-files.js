// Grants as files: many lines in at once, and all of them out.
import { admin } from "../../static/core/api.js";
import { html, useRef, useState } from "../../static/core/html.js";
import { Button, curl, Elsewhere, Field, Header, Tag, toast, Wrong } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { useMay } from "../rights.js";
import { GRANTS } from "./access.js";

// Lines of one request. All of them are written or none.
const BATCH = 500;
const PAGE = 500;

export function GrantFiles() {
  const may = useMay(...GRANTS);
  return html`
    <${Header} title=${may ? "Import and export grants" : "Export grants"} purpose="One grant on each line, as JSON." back=${{ href: adminPage("/access/grants"), title: "Grants" }} />
    <div class="columns">${may && html`<${Import} />`}<${Export} /></div>
    <${Elsewhere} command=${"auther admin tuple export > grants.jsonl\nauther admin tuple import --file grants.jsonl"}
      request=${curl("POST", "/tuples/import", { lines: ["shop:invoice:inv_1#viewer@user:usr_…"] })} />`;
}

function Import() {
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [state, setState] = useState({});
  const input = useRef(null);
  const lines = text.split(/\r?\n/);
  const count = lines.filter((line) => line.trim()).length;
  const read = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    setText(await file.text());
    setName(file.name);
    setState({});
  };
  const send = async (event) => {
    event.preventDefault();
    let written = 0;
    let names = 0;
    for (let at = 0; at < lines.length; at += BATCH) {
      setState({ busy: true, at, written });
      try {
        const answer = await admin.post("/tuples/import", { lines: lines.slice(at, at + BATCH), first_line: at + 1 });
        written += answer.written;
        names += answer.names;
      } catch (problem) {
        setState({ problem, written });
        return;
      }
    }
    setState({ done: true, written, names });
    toast(`${written} ${written === 1 ? "grant was" : "grants were"} written.`);
    setText("");
    setName("");
    if (input.current) input.current.value = "";
  };
  return html`<section class="panel"><h2>Import</h2>
    <p class="lead">Lines of an export, tuples of OpenFGA, or <code>doc:1#viewer@user:usr_…</code>. They hold identifiers: nothing is looked up by name. Lines that were written may be sent again.</p>
    <form onSubmit=${send} novalidate aria-busy=${Boolean(state.busy)}>
      <div class="field"><label for="file">File</label><input id="file" ref=${input} type="file" accept=".jsonl,.json,.txt,.ndjson" onChange=${read} /></div>
      <${Field} name="lines" kind="area" label="or its lines" rows="8" wrap="off" value=${text} onInput=${(value) => {
        setText(value);
        setState({});
      }} />
      ${state.busy && html`<p><progress max=${lines.length} value=${state.at}>${state.at} of ${lines.length}</progress></p>`}
      ${
        state.problem &&
        html`<${Wrong} problem=${state.problem} />
        ${state.problem.list?.length > 0 && html`<ul class="problems">${state.problem.list.map((one, n) => html`<li key=${n}><span><code>${one.field}</code> ${one.message}</span></li>`)}</ul>`}
        <p class="hint">${state.written > 0 ? `${state.written} lines before these are written already and may be sent again.` : "Nothing was written."}</p>`
      }
      ${
        state.done &&
        html`<p><${Tag} kind="good">done</${Tag}> ${state.written} written. <a href=${adminPage("/access/grants")}>See the grants</a></p>
        ${state.names > 0 && html`<p class="hint"><${Tag} kind="warn">names</${Tag}> ${state.names} of them speak of somebody by what is also the name of an account or a group here. Lines hold identifiers, so these are taken for somebody in another system.</p>`}`
      }
      <div class="actions side"><button type="submit" class="button primary" disabled=${count === 0 || state.busy}>${count === 0 ? "Import" : `Import ${count} ${count === 1 ? "line" : "lines"}`}</button>${name && html`<span class="hint">${name}</span>`}</div>
    </form></section>`;
}

function Export() {
  const [state, setState] = useState({});
  const run = async () => {
    const lines = [];
    let after = null;
    try {
      do {
        setState({ busy: true, count: lines.length });
        const page = await admin.get("/tuples", { limit: PAGE, after });
        lines.push(...page.items.map((tuple) => JSON.stringify(tuple)));
        after = page.next;
      } while (after);
    } catch (problem) {
      setState({ problem });
      return;
    }
    const url = URL.createObjectURL(new Blob([lines.map((line) => `${line}\n`).join("")], { type: "application/x-ndjson" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `grants-${new Date().toISOString().slice(0, 10)}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    setState({ done: lines.length });
  };
  return html`<section class="panel"><h2>Export</h2>
    <p class="lead">Every grant, those that ended included. The file can be imported again, here or elsewhere.</p>
    ${state.problem && html`<${Wrong} problem=${state.problem} />`}
    <p aria-live="polite" class="hint">${state.busy ? `${state.count} read so far.` : state.done !== undefined ? `${state.done} grants are in the file.` : ""}</p>
    <div class="actions side"><${Button} busy=${Boolean(state.busy)} onClick=${run}>Download all grants</${Button}></div></section>`;
}

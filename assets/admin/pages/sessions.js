// Sessions: every browser and device that is signed in, and ending them.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Elsewhere, Empty, Header, curl } from "../../static/core/ui.js";
import { Named } from "../people.js";
import { EndSession, sessionColumns } from "./user-tabs.js";

function Chosen({ name, kind, word }) {
  const id = useAddress().query.get(name);
  if (!id) return null;
  return html`<ul class="chosen"><li><span class="muted">${word}</span> <${Named} kind=${kind} id=${id} link=${false} />
    <button type="button" class="quiet" onClick=${() => setQuery({ [name]: "" })}>remove</button></li></ul>`;
}

export function Sessions() {
  const { query } = useAddress();
  const [version, setVersion] = useState(0);
  const narrowed = { user: query.get("user") || "", client: query.get("client") || "" };
  const columns = [
    { title: "Person", cell: (session) => html`<${Named} kind="user" id=${session.user} />` },
    ...sessionColumns,
    { title: "", tight: true, cell: (session) => html`<${EndSession} session=${session} who=${html`<${Named} kind="user" id=${session.user} link=${false} />`} done=${() => setVersion(version + 1)} />` },
  ];
  const isNarrowed = narrowed.user || narrowed.client;
  return html`
    <${Header} title="Sessions" purpose="Browsers and devices that are signed in. Ending one signs it out, and apps cannot renew the tokens that came from it." />
    <${Chosen} name="user" kind="user" word="of" /><${Chosen} name="client" kind="client" word="in" />
    <${List} key=${JSON.stringify(narrowed)} caption="Sessions" columns=${columns} version=${version} load=${(wanted, signal) => admin.get("/sessions", { ...wanted, ...narrowed }, signal)}
      empty=${() => html`<${Empty} title=${isNarrowed ? "Signed in nowhere" : "Nobody is signed in"}><p>A session begins when somebody signs in, and is listed here until it ends.</p></${Empty}>`} />
    <${Elsewhere} command="auther admin session list\nauther admin session revoke ses_…" request=${curl("GET", `/api/admin/sessions${narrowed.user ? `?user=${narrowed.user}` : ""}`)} />`;
}

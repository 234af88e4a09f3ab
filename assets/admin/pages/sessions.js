// Sessions: every browser and device that is signed in, and ending them.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html, useRef, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { curl, Elsewhere, Empty, Header } from "../../static/core/ui.js";
import { count, device, shell } from "../../static/core/words.js";
import { Named, Several } from "../people.js";
import { useMay } from "../rights.js";
import { ChooseApp, EndSession, sessionColumns, useClients } from "./user-tabs.js";

// Whose: the API wants exactly one person, so what is typed counts when they are found.
function Narrow({ user, client }) {
  const clients = useClients().filter((one) => one.type !== "m2m");
  const timer = useRef(0);
  const typed = (event) => {
    const text = event.target.value.trim();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ user: text }), 400);
  };
  return html`<form class="narrow" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label class="unseen" for="search">Of one person: e-mail, username or id</label>
    <input id="search" type="search" placeholder="Of one person: e-mail, username or id" value=${user} onInput=${typed} />
    <${ChooseApp} clients=${clients} value=${client} none="any" />
  </form>`;
}

export function Sessions() {
  const { query } = useAddress();
  const [version, setVersion] = useState(0);
  const mayRevoke = useMay("revoke_all on sessions");
  const user = query.get("user") || "";
  const client = query.get("client") || "";
  const columns = [
    { title: "Person", cell: (session) => html`<${Named} kind="user" id=${session.user} />` },
    ...sessionColumns,
    {
      title: "",
      tight: true,
      cell: (session) =>
        html`<${EndSession} session=${session} who=${html`<${Named} kind="user" id=${session.user} link=${false} />`} done=${() => setVersion(version + 1)} />`,
    },
  ];
  const load = async (wanted, signal) => {
    try {
      return await admin.get("/sessions", { ...wanted, user, client }, signal);
    } catch (problem) {
      if (problem.status === 404 && user) return { items: [], next: null };
      throw problem;
    }
  };
  const bulk = (
    items,
  ) => html`<${Several} items=${items} verb="Revoke" each=${(session) => admin.remove(`/sessions/${session.id}`)} said=${(n) => `${count(n, "session")} ended.`} done=${() => setVersion(version + 1)}
    nameOf=${(session) => html`<${Named} kind="user" id=${session.user} link=${false} />, ${device(session.user_agent)}`}>These browsers are signed out, and apps cannot renew the tokens that came from them.</${Several}>`;
  const narrowed = new URLSearchParams(Object.entries({ user, client }).filter(([, value]) => value)).toString();
  return html`
    <${Header} title="Sessions" purpose="Browsers and devices that are signed in. Ending one signs it out, and apps cannot renew the tokens that came from it." />
    <${Narrow} user=${user} client=${client} />
    <${List} caption="Sessions" columns=${columns} version=${`${version} ${user} ${client}`} load=${load} bulk=${mayRevoke && bulk}
      empty=${() => html`<${Empty} title=${narrowed ? "No session fits" : "Nobody is signed in"}><p>A session begins when somebody signs in, and is listed here until it ends.</p></${Empty}>`} />
    <${Elsewhere} command=${`auther admin session list${user ? ` --user ${shell(user)}` : ""}\nauther admin session revoke ses_…`} request=${curl("GET", `/sessions${narrowed && `?${narrowed}`}`)} />`;
}

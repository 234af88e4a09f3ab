// Where somebody is signed in, and how to end it there.
import { account } from "../static/core/api.js";
import { Loaded, useLoaded } from "../static/core/data.js";
import { html, useState } from "../static/core/html.js";
import { Ask, Button, Elsewhere, Header, Table, Tag, Time, toast } from "../static/core/ui.js";
import { signOutPage } from "../static/core/urls.js";
import { count, device, listing } from "../static/core/words.js";
import { ownCall } from "./parts.js";

const LOSES = "What apps got through it ends too. Signing in there again brings it back.";

export function Sessions({ me }) {
  const from = useLoaded((signal) => account.get("/list-sessions", undefined, signal), []);
  const [asks, setAsks] = useState(null);
  const isThis = (session) => session.id === me.session.id;
  const columns = [
    {
      title: "Where",
      cell: (session) =>
        html`<span title=${session.userAgent || undefined}>${device(session.userAgent)}</span>${isThis(session) && html` <${Tag} kind="good">this one</${Tag}>`}`,
    },
    { title: "Address", cell: (session) => session.ipAddress || html`<span class="muted">unknown</span>` },
    { title: "Signed in", cell: (session) => html`<${Time} at=${session.createdAt} />` },
    { title: "Last seen", cell: (session) => html`<${Time} at=${session.updatedAt} />` },
    { title: "Ends unused", cell: (session) => html`<${Time} at=${session.expiresAt} />` },
    { title: "At the latest", cell: (session) => html`<${Time} at=${session.endsAt} />` },
    {
      title: "",
      tight: true,
      cell: (session) =>
        isThis(session)
          ? html`<a class="quiet link" href=${signOutPage}>Sign out</a>`
          : html`<button type="button" class="quiet" aria-label=${`End the session of ${device(session.userAgent)}`} onClick=${() => setAsks(session)}>End</button>`,
    },
  ];
  const ended = (words) => () => {
    setAsks(null);
    toast(words);
    from.reload();
  };
  return html`<${Loaded} from=${from}>${(list) => {
    const others = list.filter((session) => !isThis(session));
    const sorted = [...list.filter(isThis), ...others.sort((one, two) => two.updatedAt.localeCompare(one.updatedAt))];
    return html`
      <${Header} title="Sessions" purpose="Where you are signed in.">${others.length > 0 && html`<${Button} kind="danger" onClick=${() => setAsks("others")}>End all others</${Button}>`}</${Header}>
      <${Table} caption="Sessions" columns=${columns} items=${sorted} />
      <p class="hint">${others.length === 0 ? "You are signed in nowhere else." : "If one of these is not yours, end it and change your password."}</p>
      ${
        asks === "others" &&
        html`<${Ask} keep="Keep it" title="End all other sessions" loses=${`Signs you out in ${count(others.length, "other place")}: ${listing([...new Set(others.map((session) => device(session.userAgent)))])}. ${LOSES}`}
        action=${`End ${count(others.length, "session")}`} close=${() => setAsks(null)} send=${() => account.post("/revoke-other-sessions")} done=${ended("You are signed out everywhere else.")} />`
      }
      ${
        asks &&
        asks !== "others" &&
        html`<${Ask} keep="Keep it" title=${`End ${device(asks.userAgent)}`} loses=${`Signs you out there at once. ${LOSES}`} action="End session" close=${() => setAsks(null)}
        send=${() => account.post("/revoke-session", { token: asks.token })} done=${ended(`${device(asks.userAgent)} is signed out.`)} />`
      }
      <${Elsewhere} request=${`${ownCall("GET", "/list-sessions")}\n${ownCall("POST", "/revoke-other-sessions")}`} />`;
  }}</${Loaded}>`;
}

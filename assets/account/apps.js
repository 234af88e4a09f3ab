// The apps that somebody has let in, and how to take that back.
import { account } from "../static/core/api.js";
import { Loaded, useLoaded } from "../static/core/data.js";
import { html, useState } from "../static/core/html.js";
import { Ask, Button, Elsewhere, Empty, Header, Time, toast } from "../static/core/ui.js";
import { ownCall } from "./parts.js";

const words = {
  openid: "Who you are",
  profile: "Your name and profile",
  email: "Your e-mail address",
  address: "Your postal address",
  phone: "Your phone number",
  offline_access: "Access when you’re not using it",
};

// The best known first, what an app made up itself last.
const sorted = (scopes) => [...Object.keys(words).filter((scope) => scopes.includes(scope)), ...scopes.filter((scope) => !(scope in words))];

export function Apps() {
  const from = useLoaded((signal) => account.get("/list-consents", undefined, signal), []);
  const [asks, setAsks] = useState(null);
  const nameOf = (app) => app.clientName || app.clientId;
  const done = () => {
    toast(`${nameOf(asks)} is disconnected.`);
    setAsks(null);
    from.reload();
  };
  return html`
    <${Header} title="Connected apps" purpose="The apps you let in, and what each of them may see." />
    <${Loaded} from=${from}>${(list) =>
      list.length === 0
        ? html`<${Empty} title="No app is connected"><p>When an app asks to see something of you and you allow it, it is listed here, and you can take that back.</p></${Empty}>`
        : html`<div class="columns">${list.map(
            (app) => html`<section class="panel app-card" key=${app.clientId}>
          <div class="panel-head"><span class="app-name"><span class="party" aria-hidden="true">${nameOf(app).slice(0, 1).toUpperCase()}</span><h2>${nameOf(app)}</h2></span>
            <${Button} kind="small danger" aria-label=${`Disconnect ${nameOf(app)}`} onClick=${() => setAsks(app)}>Disconnect</${Button}></div>
          <ul class="scopes">${sorted(app.scopes).map((scope) => html`<li key=${scope}><b>${words[scope] || scope}</b></li>`)}</ul>
          <p class="hint">Let in <${Time} at=${app.createdAt} />${app.updatedAt !== app.createdAt && html`, last changed <${Time} at=${app.updatedAt} />`}.</p>
        </section>`,
          )}</div>`}</${Loaded}>
    ${
      asks &&
      html`<${Ask} keep="Keep it" title=${`Disconnect ${nameOf(asks)}`} loses=${`${nameOf(asks)} can no longer see anything new of you, and what keeps it signed in ends. The next time you sign in to it, it asks again. What it knows already it may have kept.`}
      action="Disconnect" close=${() => setAsks(null)} send=${() => account.post("/revoke-consent", { clientId: asks.clientId })} done=${done} />`
    }
    <${Elsewhere} request=${`${ownCall("GET", "/list-consents")}\n${ownCall("POST", "/revoke-consent", { clientId: "CLIENT_ID" })}`} />`;
}

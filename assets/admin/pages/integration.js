// What an app needs to know of this server: addresses, ready code, a text for assistants, and a sign-in to try it.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useRef, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Button, Code, Copy, curl, Elsewhere, Facts, Id, toast, Wrong } from "../../static/core/ui.js";
import { adminPage, testPageAt } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { May } from "../rights.js";
import { assistantPrompt } from "./assistant.js";
import { guides } from "./snippets.js";

/** @import { Client } from "../../api" */

/** @param {{ client: Client, [more: string]: any }} given */
export function Integration({ client, reload }) {
  const loaded = useLoaded(
    (signal) => admin.get(`/clients/${encodeURIComponent(client.client_id)}/integration`, undefined, signal),
    [client.client_id, client.version],
  );
  return html`<${Loaded} from=${loaded}>${(value) => html`<${Ready} given=${facts(value)} client=${client} reload=${reload} />`}</${Loaded}>`;
}

// The answer of the API in the words of the code below. The page that plays the app is not where people come back to.
function facts(value) {
  const test = testPageAt(value.issuer, value.client_id);
  const registered = value.redirect_uris.filter((uri) => uri !== test);
  return {
    issuer: value.issuer,
    discovery: value.discovery,
    clientId: value.client_id,
    type: value.type,
    method: value.auth_method,
    isPublic: value.auth_method === "none",
    audience: [value.audience].flat()[0],
    audiences: [value.audience].flat(),
    redirectUris: registered,
    redirectUri: registered[0] || "http://localhost:3000/auth/callback",
    scopes: value.scopes,
    groupsIn: value.groups_in,
    groupClaims: value.group_claims,
    typ: value.access_token_typ,
    endpoints: { authorize: value.authorize, token: value.token, userinfo: value.userinfo, endSession: value.end_session, jwks: value.jwks },
  };
}

/** @param {{ client: Client, [more: string]: any }} given */
function Ready({ given, client, reload }) {
  const { query } = useAddress();
  const chosen = given.redirectUris.find((uri) => uri === query.get("uri")) || given.redirectUri;
  const filled = { ...given, redirectUri: chosen };
  const isMachine = given.type === "m2m";
  return html`
    <div class="columns facts-columns">
      <section class="panel"><h2>What to configure</h2><${Facts} rows=${[
        ["Issuer", html`<${Id}>${given.issuer}</${Id}>`],
        ["Discovery", html`<${Id}>${given.discovery}</${Id}>`],
        ["Client id", html`<${Id}>${given.clientId}</${Id}>`],
        !given.isPublic && [
          "Client secret",
          given.method === "private_key_jwt"
            ? html`none; it signs with its own key`
            : html`<span>Shown once, when it was made. <span class="muted">Lost? Rotate it.</span></span>`,
        ],
        ["Audience of ID tokens", html`<${Id}>${given.clientId}</${Id}>`],
        ["Scopes", html`<code>${given.scopes.join(" ")}</code>`],
        !isMachine &&
          given.groupsIn && [
            "Groups",
            html`in <code>${given.groupsIn}</code>, ${given.groupClaims === "always" ? "always" : html`with the scope <code>groups</code>`}`,
          ],
        ["Header typ of access tokens", html`<code>${given.typ}</code>`],
        ["Audience of access tokens", html`<span class="ids">${given.audiences.map((one) => html`<${Id} key=${one}>${one}</${Id}>`)}</span>`],
      ].filter((row) => row && !(isMachine && row[0] === "Audience of ID tokens"))} />
        <p class="lead">Where sample code says <code>issuer</code> and <code>audience</code>, write these, exactly: no slash at the end.</p></section>
      <section class="panel"><h2>Endpoints</h2><${Facts} rows=${[
        !isMachine && ["Authorize", html`<${Id}>${given.endpoints.authorize}</${Id}>`],
        ["Token", html`<${Id}>${given.endpoints.token}</${Id}>`],
        !isMachine && ["Userinfo", html`<${Id}>${given.endpoints.userinfo}</${Id}>`],
        !isMachine && ["End session", html`<${Id}>${given.endpoints.endSession}</${Id}>`],
        ["Keys (JWKS)", html`<${Id}>${given.endpoints.jwks}</${Id}>`],
      ]} /><p class="lead">A library that knows discovery finds these by itself.</p></section>
    </div>
    <${Try} given=${given} client=${client} />
    <${Guides} given=${filled} client=${client} reload=${reload} current=${query.get("for")} />
    <${Assistant} given=${filled} />
    <${Elsewhere} command=${`auther admin client integration ${shell(given.clientId)}`} request=${curl("GET", `/clients/${encodeURIComponent(given.clientId)}/integration`)} />`;
}

function Try({ given }) {
  const words =
    given.type === "m2m" ? "Get a token with the secret, and look into it." : "Play the app: sign in as its people do, and look into the tokens it would get.";
  return html`<section class="panel side-by-side"><div><h2>Try it before there is an app</h2><p class="lead">${words}</p></div>
    <a class="button primary" href=${adminPage(`/clients/${encodeURIComponent(given.clientId)}/test`)}>${given.type === "m2m" ? "Test token" : "Test sign-in"}</a></section>`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Guides({ given, client, reload, current }) {
  const all = guides(given);
  const guide = all.find(({ id }) => id === current) || all[0];
  const choose = (id) => setQuery({ for: id });
  return html`<section class="panel">
    <h2>Ready code</h2>
    <div class="pills" role="group" aria-label="Language or framework">${all.map(({ id, title }) => html`<button key=${id} type="button" class="pill" aria-pressed=${id === guide.id} onClick=${() => choose(id)}>${title}</button>`)}</div>
    ${
      given.redirectUris.length > 1 &&
      html`<div class="field"><label for="filled-uri">Filled in for the redirect URI</label>
      <select id="filled-uri" onChange=${(event) => setQuery({ uri: event.target.value })}>${given.redirectUris.map((uri) => html`<option key=${uri} value=${uri} selected=${uri === given.redirectUri}>${uri}</option>`)}</select></div>`
    }
    <p>${guide.about}</p>
    ${guide.needs && html`<${Needs} key=${guide.needs} uri=${guide.needs} client=${client} reload=${reload} />`}
    ${
      guide.secretless &&
      !given.isPublic &&
      html`<p class="notice">This client has a secret, and this code runs where nothing can be kept secret. Register another client of the kind ${
        guide.id === "mobile" ? "native" : "spa"
      } for it.</p>`
    }
    ${guide.install && html`<div><p class="file">${guide.installTitle || "Install"}</p><${Code} text=${guide.install} /></div>`}
    ${guide.files.map(([name, text]) => html`<${File} key=${`${guide.id} ${name}`} name=${name} text=${text} />`)}
    ${guide.run && html`<div><p class="file">Run</p><${Code} text=${guide.run} /></div>`}
    ${
      given.issuer.startsWith("https://localhost") &&
      html`<p class="lead">This server has a certificate of its own authority. Give it to the app: <code>auther admin ca > auther-ca.pem</code>, then <code>NODE_EXTRA_CA_CERTS</code>,
      <code>REQUESTS_CA_BUNDLE</code> or <code>SSL_CERT_FILE</code> with its path. Java reads none of them: <code>keytool -importcert -noprompt -alias auther -file auther-ca.pem -keystore auther.p12 -storetype PKCS12 -storepass changeit</code>,
      then start it with <code>-Djavax.net.ssl.trustStore=auther.p12 -Djavax.net.ssl.trustStorePassword=changeit</code>.</p>`
    }
  </section>`;
}

// A redirect URI that the library fixes and that is not registered: with a click it is.
/** @param {{ client: Client, [more: string]: any }} given */
function Needs({ uri, client, reload }) {
  const done = () => {
    toast(`${uri} is registered.`);
    reload();
  };
  return html`<div class="notice"><p>This code comes back to <code>${uri}</code>, which is not registered yet.</p>
    ${client.managed_by === "admin" && html`<${AddRedirect} uri=${uri} client=${client} done=${done} kind="small">Register it</${AddRedirect}>`}</div>`;
}

// Adds `uri` to the redirect URIs of a client. Everything else is for the button.
/** @param {{ client: Client, [more: string]: any }} given */
export function AddRedirect({ uri, client, done, children, ...rest }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    try {
      await admin.patch(`/clients/${encodeURIComponent(client.client_id)}`, { redirect_uris: [...client.redirect_uris, uri], version: client.version });
      done();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<${May} to="update on clients"><p><${Button} ...${rest} busy=${busy} onClick=${add}>${children}</${Button}></p><${Wrong} problem=${problem} /></${May}>`;
}

function File({ name, text }) {
  return html`<figure class="code"><figcaption><span>${name}</span><${Copy} text=${text} label="Copy" /></figcaption><${Source} text=${text} name=${name} /></figure>`;
}

// Comments stand back, nothing else is coloured: it is there to be copied.
function Source({ text, name }) {
  const pattern = /\.(mjs|js|ts|tsx|go|java|swift|kt)\b/.test(name) ? /^(.*?)((?:^|\s)\/\/ .*)$/ : /^(.*?)((?:^|\s)# .*)$/;
  const box = useRef(null);
  useEffect(() => box.current.scrollTo(0, 0), [text]);
  return html`<pre tabindex="0" aria-label=${name} ref=${box}><code>${text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const found = pattern.exec(line);
      return found ? html`${found[1]}<i>${found[2]}</i>${"\n"}` : `${line}\n`;
    })}</code></pre>`;
}

function Assistant({ given }) {
  const text = assistantPrompt(given);
  return html`<section class="panel" id="assistant">
    <div class="side-by-side"><div><h2>AI Integration Assistant</h2><p class="lead">Give this to your coding assistant. It holds the discovery URL and the client id, and no secret.</p></div><${Copy} text=${text} label="Copy the prompt" kind="button" /></div>
    <details><summary>Read it first</summary><pre class="prompt" tabindex="0">${text}</pre></details>
  </section>`;
}

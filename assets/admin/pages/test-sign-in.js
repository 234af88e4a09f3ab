// Plays the app: signs in to this client with PKCE and shows the tokens it would get. Everything stays in the memory of this tab: the secret is typed
// here, used once and forgotten. The sign-in itself goes through another tab, which comes back to this same address with the answer and hands it over.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useMemo, useRef, useState } from "../../static/core/html.js";
import { useAddress } from "../../static/core/router.js";
import { Button, curl, Elsewhere, Empty, Field, Header, toast, Wrong } from "../../static/core/ui.js";
import { adminPage, testPageAt } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { May } from "../rights.js";
import { hasSecret, isPublic, types } from "./client-fields.js";
import { AddRedirect } from "./integration.js";
import { base64url, digested, Tokens } from "./tokens.js";

/** @import { Client } from "../../api" */

// Where this tab notes that it added its own address to an app: it takes it away again.
const addedKey = (client) => `auther-test-added-${client.client_id}`;

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const channelOf = (state) => new BroadcastChannel(`auther-test-${state}`);

export function TestSignIn({ id }) {
  const { query } = useAddress();
  if (query.has("code") || query.has("error")) return html`<${Returned} id=${id} query=${query} />`;
  return html`<${Play} id=${id} />`;
}

const back = (id, title = "Client") => ({ href: adminPage(`/clients/${encodeURIComponent(id)}?tab=integration`), title });

// The other tab: gives the answer to the tab that waits for it.
function Returned({ id, query }) {
  const [taken, setTaken] = useState(null);
  const answer = useRef(Object.fromEntries(query));
  useEffect(() => {
    const channel = channelOf(answer.current.state || "");
    channel.onmessage = () => {
      setTaken(true);
      close();
    };
    channel.postMessage(answer.current);
    history.replaceState(null, "", `${location.pathname}?${new URLSearchParams({ done: "1" })}`);
    const timer = setTimeout(() => setTaken((old) => old ?? false), 1500);
    return () => {
      clearTimeout(timer);
      channel.close();
    };
  }, []);
  const waits = taken === false;
  return html`<${Header} title="Test sign-in" purpose="The answer of the server came back." back=${back(id)} />
    <${Empty} title=${taken ? "Look into the other tab" : waits ? "No tab waits for this answer" : "Handing the answer over"}>
      <p>${taken ? "The tokens are shown where you began. This tab can be closed." : waits ? "The tab that began this sign-in is gone. Begin again." : "A moment."}</p>
      ${waits && html`<p><a class="button" href=${adminPage(`/clients/${encodeURIComponent(id)}/test`)}>Begin again</a></p>`}
    </${Empty}>`;
}

function Play({ id }) {
  const path = `/clients/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => Promise.all([admin.get(path, undefined, signal), admin.get(`${path}/integration`, undefined, signal)]), [id]);
  return html`
    <${Header} title="Test sign-in" purpose=${loaded.value ? `Try signing in as ${loaded.value[0].name} (${types[loaded.value[0].type].title.toLowerCase()}) and see what it gets.` : "Try signing in as this app."} back=${back(id, loaded.value?.[0].name)} />
    <${Loaded} from=${loaded}>${([client, place], reload) => html`<${Stage} client=${client} place=${place} reload=${reload} />`}</${Loaded}>`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Stage({ client, place, reload }) {
  const id = client.client_id;
  const uri = testPageAt(place.issuer, id);
  const uses = { issuer: place.issuer, uri, client, place, reload };
  const elsewhere = html`<${Elsewhere} command=${`auther admin client update ${shell(id)} ${[...client.redirect_uris.filter((one) => one !== uri), uri].map((one) => `--redirect-uri ${shell(one)}`).join(" ")}`}
    request=${curl("GET", `/clients/${encodeURIComponent(id)}/integration`)} />`;
  if (client.disabled) return html`<${Empty} title="This client is disabled"><p>Nobody can sign in to it. Enable it first.</p></${Empty}>`;
  if (client.token_endpoint_auth_method === "private_key_jwt") {
    return html`<${Empty} title="This cannot be played here"><p>The app proves itself with a private key, which this page must not have. Use the app itself.</p></${Empty}>`;
  }
  if (location.origin !== new URL(place.issuer).origin) {
    return html`<${Empty} title="Open these pages at the issuer"><p>You came through another address. <a href=${uri}>Go to ${place.issuer}</a> and try again.</p></${Empty}>`;
  }
  if (!crypto.subtle) return html`<${Empty} title="This needs a safe connection"><p>Browsers allow PKCE over https and on localhost only.</p></${Empty}>`;
  if (client.type === "m2m") return html`<${Machine} ...${uses} />${elsewhere}`;
  if (!client.redirect_uris.includes(uri)) return html`<${Allow} ...${uses} />${elsewhere}`;
  return html`<${Begin} ...${uses} />${elsewhere}`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Allow({ client, uri, reload }) {
  if (client.managed_by === "config") {
    return html`<${Empty} title="Add a redirect URI first"><p>This client is declared in the configuration file. Add <code>${uri}</code> to its redirect URIs there.</p></${Empty}>`;
  }
  return html`<section class="panel"><h2>One redirect URI is missing</h2>
    <p>To come back here, this page must be one of the redirect URIs of the app. It is removed again when the test is over. Codes that are sent here reach administrators of this server only.</p>
    <p><code>${uri}</code></p>
    <${AddRedirect} uri=${uri} client=${client} done=${() => {
      sessionStorage.setItem(addedKey(client), uri);
      reload();
    }} kind="primary" id="allow-test">Add it, and go on</${AddRedirect}></section>`;
}

// What the token endpoint answers. The secret travels in the form or the header that is registered, and no cookie goes along.
async function redeem({ client, place, secret, fields }) {
  const headers = {};
  const form = new URLSearchParams(fields);
  if (client.token_endpoint_auth_method === "client_secret_basic") {
    headers.authorization = `Basic ${btoa([client.client_id, secret].map((part) => encodeURIComponent(part)).join(":"))}`;
  } else {
    form.set("client_id", client.client_id);
    if (hasSecret(client)) form.set("client_secret", secret);
  }
  const response = await fetch(place.token, { method: "POST", headers, body: form, credentials: "omit" });
  const answer = await response.json();
  if (!response.ok) throw new Error(`The token endpoint answered ${answer.error}: ${answer.error_description || "no description"}`);
  return answer;
}

const prompts = [
  ["", "default"],
  ["login", "ask for the password"],
  ["select_account", "choose an account"],
  ["consent", "ask for consent"],
];

/** @param {{ client: Client, [more: string]: any }} given */
function Begin({ client, place, uri, issuer, reload }) {
  const [secret, setSecret] = useState("");
  const [scope, setScope] = useState("openid profile email");
  const [prompt, setPrompt] = useState("");
  const [round, setRound] = useState(0);
  const [tidied, setTidied] = useState(false);
  const [state, setState] = useState(/** @type {{ kind: string, tokens?: any, nonce?: string, problem?: any }} */ ({ kind: "ready" }));
  // Made before the click, since browsers open a tab only while a click is being answered.
  const once = useMemo(() => ({ verifier: random(), state: random(), nonce: random() }), [round]);
  const [challenge, setChallenge] = useState("");
  useEffect(() => {
    digested(once.verifier).then(setChallenge);
  }, [once]);
  const secretNow = useRef("");
  secretNow.current = secret;
  useEffect(() => {
    const channel = channelOf(once.state);
    channel.onmessage = async ({ data }) => {
      channel.postMessage("taken");
      setRound((n) => n + 1);
      try {
        const tokens = await finish(data).finally(tidy);
        setState({ kind: "tokens", tokens, nonce: once.nonce });
        setSecret("");
      } catch (problem) {
        setState({ kind: "wrong", problem });
      }
    };
    return () => channel.close();
  }, [once]);

  // Takes away the redirect URI that this tab added for the test; the tokens stay on the page.
  const tidy = async () => {
    if (sessionStorage.getItem(addedKey(client)) !== uri) return;
    const path = `/clients/${encodeURIComponent(client.client_id)}`;
    try {
      const now = await admin.get(path);
      const others = now.redirect_uris.filter((one) => one !== uri);
      if (others.length > 0) {
        await admin.patch(path, { redirect_uris: others, version: now.version });
        setTidied(true);
      }
      sessionStorage.removeItem(addedKey(client));
    } catch (problem) {
      toast(problem.message, "bad");
    }
  };

  const finish = async (answer) => {
    if (answer.iss !== issuer) throw new Error("The answer names another issuer. A library would refuse it here.");
    if (answer.error) throw new Error(`The app would get ${answer.error}: ${answer.error_description || "no description"}`);
    setState({ kind: "redeeming" });
    const fields = { grant_type: "authorization_code", code: answer.code, redirect_uri: uri, code_verifier: once.verifier };
    return redeem({ client, place, secret: secretNow.current.trim(), fields });
  };

  const query = {
    client_id: client.client_id,
    redirect_uri: uri,
    response_type: "code",
    scope,
    state: once.state,
    nonce: once.nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  const href = `${place.authorize}?${new URLSearchParams(prompt ? { ...query, prompt } : query)}`;
  const isReady = challenge && (isPublic(client) || secret.trim());
  const remove = async () => {
    await admin
      .patch(`/clients/${encodeURIComponent(client.client_id)}`, { redirect_uris: client.redirect_uris.filter((one) => one !== uri), version: client.version })
      .then(
        () => toast("This page is no redirect URI any more."),
        (problem) => toast(problem.message, "bad"),
      );
    reload();
  };
  return html`
    <section class="panel">
      <form onSubmit=${(event) => event.preventDefault()} novalidate>
        ${hasSecret(client) && html`<${Field} name="secret" kind="password" label="Client secret" value=${secret} onInput=${setSecret} autocomplete="off" spellcheck="false" hint="Kept in this tab only, and forgotten once it was used. Lost? Rotate it on the page of the client." />`}
        <${Field} name="scope" label="Scopes" value=${scope} onInput=${setScope} autocomplete="off" spellcheck="false" hint="Add offline_access for a refresh token." />
        <${Field} name="prompt" kind="select" label="Sign in" options=${prompts} value=${prompt} onInput=${setPrompt} />
        <div class="actions side">
          ${tidied ? html`<${Button} onClick=${reload}>Test once more</${Button}><span class="hint" id="test-tidied">The address of this page was removed from the app again.</span>` : isReady ? html`<a class="button primary" id="begin-test" href=${href} target="_blank" rel="noopener" onClick=${() => setState({ kind: "away" })}>Sign in as the app</a>` : html`<${Button} kind="primary" disabled>Sign in as the app</${Button}>`}
          ${!tidied && client.managed_by === "admin" && client.redirect_uris.length > 1 && html`<${May} to="update on clients"><${Button} onClick=${remove}>Remove this page's redirect URI</${Button}></${May}>`}
        </div>
      </form>
    </section>
    <div aria-live="polite">${state.kind === "away" && html`<p class="notice">Sign in in the new tab. The tokens appear here.</p>`}${state.kind === "redeeming" && html`<p class="notice">Redeeming the code.</p>`}</div>
    ${state.kind === "wrong" && html`<${Wrong} problem=${state.problem} />`}
    ${state.kind === "tokens" && html`<${Tokens} tokens=${state.tokens} place=${place} nonce=${state.nonce} />`}`;
}

/** @param {{ client: Client, [more: string]: any }} given */
function Machine({ client, place }) {
  const [secret, setSecret] = useState("");
  const [state, setState] = useState({});
  const [busy, setBusy] = useState(false);
  const get = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      setState({ tokens: await redeem({ client, place, secret: secret.trim(), fields: { grant_type: "client_credentials" } }) });
      setSecret("");
    } catch (problem) {
      setState({ problem });
    }
    setBusy(false);
  };
  return html`
    <section class="panel"><form onSubmit=${get} novalidate>
      <${Field} name="secret" kind="password" label="Client secret" value=${secret} onInput=${setSecret} autocomplete="off" spellcheck="false" hint="Used once and forgotten. Lost? Rotate it on the page of the client." />
      <div class="actions side"><button type="submit" class="button primary" disabled=${busy || !secret.trim()}>Get a token</button></div>
    </form></section>
    <${Wrong} problem=${state.problem} />
    ${state.tokens && html`<${Tokens} tokens=${state.tokens} place=${place} />`}`;
}

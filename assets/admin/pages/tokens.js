// Tokens taken apart for people: what is in them, and what a library would check.
import { html, useEffect, useRef, useState } from "../../static/core/html.js";
import { Copy, relative } from "../../static/core/ui.js";

export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

export const digested = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

// Header and claims of a JWT, or null if it is none.
export function decoded(token) {
  try {
    const [header, claims] = token
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(new TextDecoder().decode(bytesOf(part))));
    return { header, claims };
  } catch {
    return null;
  }
}

const importing = {
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, "RSASSA-PKCS1-v1_5"],
  ES256: [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  EdDSA: [{ name: "Ed25519" }, "Ed25519"],
};

// Whether the published key verifies it; null where this browser cannot tell.
async function isSigned(token, header, jwks) {
  const [head, payload, signature] = token.split(".");
  const { keys } = await (await fetch(jwks)).json();
  const key = keys.find((one) => one.kid === header.kid);
  if (!key) return false;
  try {
    const [shape, algorithm] = importing[header.alg];
    const imported = await crypto.subtle.importKey("jwk", { kty: key.kty, n: key.n, e: key.e, crv: key.crv, x: key.x, y: key.y }, shape, false, ["verify"]);
    return await crypto.subtle.verify(algorithm, imported, bytesOf(signature), new TextEncoder().encode(`${head}.${payload}`));
  } catch {
    return null;
  }
}

async function checks(token, { header, claims }, { issuer, audience, jwks, nonce, typ }) {
  const now = Date.now() / 1000;
  const signed = await isSigned(token, header, jwks);
  return [
    [signed, signed === null ? `This browser does not know ${header.alg}` : `Signed with the published key ${header.kid}`],
    [claims.iss === issuer, `iss is ${claims.iss}`],
    [[claims.aud].flat().includes(audience), `aud holds ${audience}`],
    [now < claims.exp && claims.iat <= now + 30, `Good for ${Math.round((claims.exp - claims.iat) / 60)} minutes`],
    [header.typ === typ, `typ is ${header.typ}`],
    ...(nonce ? [[claims.nonce === nonce, "nonce is the one that was sent"]] : []),
  ];
}

const moments = ["exp", "iat", "nbf", "auth_time", "updated_at"];

// Lists of words stay on one line.
const inline = (json) => json.replace(/\[\s+("[^\]{}]*?")\s+\]/g, (_, inner) => `[${inner.replace(/,\s+/g, ", ")}]`);

// JSON, with times said in words beside their numbers.
function Claims({ value }) {
  const lines = inline(JSON.stringify(value, null, 2)).split("\n");
  return html`<pre class="token-claims" tabindex="0">${lines.map((line) => {
    const found = /^ {2}"(\w+)": (\d+),?$/.exec(line);
    const about = found && moments.includes(found[1]) ? `  // ${relative(new Date(Number(found[2]) * 1000))}` : "";
    return html`${line}<i>${about}</i>${"\n"}`;
  })}</pre>`;
}

function Token({ title, about, token, uses }) {
  const parts = decoded(token);
  const [list, setList] = useState([]);
  useEffect(() => {
    let current = true;
    if (parts)
      checks(token, parts, uses).then(
        (found) => current && setList(found),
        () => {},
      );
    return () => {
      current = false;
    };
  }, [token]);
  return html`<section class="panel token"><div class="side-by-side"><div><h2>${title}</h2><p class="lead">${about}</p></div><${Copy} text=${token} label="Copy the token" /></div>
    ${
      parts
        ? html`<ul class="outcomes">${list.map(([good, text]) => html`<li key=${text} class=${good === null ? "unknown" : good ? "yes" : "no"}><span class="unseen">${good === null ? "Not checked: " : good ? "Right: " : "Wrong: "}</span>${text}</li>`)}</ul>
      <${Claims} value=${parts.claims} />
      <details><summary>Header</summary><${Claims} value=${parts.header} /></details>`
        : html`<p>This is no JWT; only this server can read it.</p>`
    }
  </section>`;
}

export function Tokens({ tokens, place, nonce }) {
  const uses = { issuer: place.issuer, jwks: place.jwks };
  const region = useRef(null);
  useEffect(() => {
    region.current.focus();
    region.current.scrollIntoView({ block: "start" });
  }, [tokens]);
  return html`<div class="tokens" role="region" aria-label="Tokens" tabindex="-1" ref=${region}>
    ${tokens.id_token && html`<${Token} title="ID token" about="Who signed in. For the app itself." token=${tokens.id_token} uses=${{ ...uses, audience: place.client_id, nonce, typ: "JWT" }} />`}
    <${Token} title="Access token" about="What the app shows to an API." token=${tokens.access_token} uses=${{ ...uses, audience: [place.audience].flat()[0], typ: place.access_token_typ }} />
    <section class="panel"><h2>The rest of the answer</h2><${Claims} value=${rest(tokens)} /></section>
  </div>`;
}

function rest({ id_token: _, access_token: __, refresh_token: refresh, ...others }) {
  return refresh ? { ...others, refresh_token: `${refresh.slice(0, 12)}…` } : others;
}

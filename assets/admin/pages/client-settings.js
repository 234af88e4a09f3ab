// The settings of a client: every field that the API takes. Two people who change it at the same time do not lose each other's work.
import { admin } from "../../static/core/api.js";
import { html, useState } from "../../static/core/html.js";
import { Button, Code, curl, Elsewhere, Facts, Form, SecretPanel, toast } from "../../static/core/ui.js";
import { shell } from "../../static/core/words.js";
import { ForThose } from "../rights.js";
import { fromForm, grantOptions, hasSecret, methodOptions, placeholders, toForm } from "./client-fields.js";

/** @import { Client } from "../../api" */

const claims = [
  ["own", "Of its own types, and the platform's", "What it needs to decide by itself. The usual choice."],
  ["all", "Of all types", "For an app that decides for others, such as a gateway."],
  ["none", "None", "For an app that asks live. Keeps tokens small."],
];

const idTokenClaims = [
  ["all", "What its scopes give", "Name, address and more, as apps expect. The usual choice."],
  ["requested", "What it asks for by name", "With the claims parameter; userinfo has the rest."],
];

const algorithms = [
  ["RS256", "RS256: every library accepts it"],
  ["ES256", "ES256: smaller and quicker"],
  ["EdDSA", "EdDSA: smallest; some libraries do not know it"],
];

const typs = [
  ["JWT", "JWT", "Every library takes it: Spring Security and Nimbus take nothing else as they come."],
  ["at+jwt", "at+jwt", "As RFC 9068 has it, for APIs that insist on it."],
];

const groupFields = [
  {
    name: "group_claims",
    label: "Groups in its tokens",
    kind: "radio",
    options: [
      ["requested", "When it asks for them", "With the scope groups, and people are asked unless the client is trusted."],
      ["always", "Always", "For an app that cannot ask."],
      ["none", "Never", "The scope groups is left out."],
    ],
  },
  {
    name: "group_claim_name",
    label: "The claim that groups stand in",
    optional: true,
    placeholder: "groups",
    autocomplete: "off",
    hint: "A name, or a path such as /realm_access/groups.",
    when: (values) => values.group_claims !== "none",
  },
  {
    name: "group_paths",
    label: "By their paths, such as /staff/writers, and not by their names",
    kind: "check",
    when: (values) => values.group_claims !== "none",
  },
  {
    name: "group_filter",
    label: "Only these groups",
    kind: "area",
    rows: 2,
    optional: true,
    placeholder: "wiki-*",
    hint: "Names, or beginnings with * at the end. One per line; all, when empty.",
    when: (values) => values.group_claims !== "none",
  },
  {
    name: "claims",
    label: "More claims",
    kind: "area",
    rows: 2,
    optional: true,
    placeholder: "department=attribute:department",
    hint: "NAME=SOURCE, one in each line. Sources: attribute:NAME of the person; roles, all relations to this client; role:admin,use, the first of these as a text.",
  },
];

// The fields for a client of this type, in the order of reading.
function fieldsOf(client) {
  const isMachine = client.type === "m2m";
  const people = [
    {
      name: "redirect_uris",
      label: "Redirect URIs",
      kind: "area",
      rows: 4,
      placeholder: placeholders[client.type],
      hint: "Where people return to after signing in, exactly as the app sends it. One per line.",
    },
    {
      name: "allow_private_http",
      label: "Plain http in a private network",
      kind: "check",
      hint: "Allows http:// with private addresses and names in .lan, .home.arpa and .internal. Anyone who listens in that network can read codes and what the app shows.",
    },
    {
      name: "post_logout_redirect_uris",
      label: "Redirect URIs after logging out",
      kind: "area",
      rows: 2,
      optional: true,
      hint: "Where people may return to after they sign out. One per line.",
    },
    {
      name: "origins",
      label: "Allowed origins",
      kind: "area",
      rows: 2,
      optional: true,
      placeholder: "https://app.example.com",
      hint: "Pages that may call from a browser, beyond those of the redirect URIs.",
    },
    { name: "trusted", label: "Trusted: skip the consent page", kind: "check" },
  ];
  return [
    { name: "name", label: "Name", autocomplete: "off", hint: "People see it when they sign in." },
    ...(isMachine ? [] : people),
    { name: "h-proof", kind: "heading", label: "Authentication" },
    { name: "token_endpoint_auth_method", label: "Token endpoint auth method", kind: "select", options: methodOptions(client.type), hint: hint(client) },
    {
      name: "jwks",
      label: "Public keys (JWK set)",
      kind: "area",
      placeholder: '{"keys":[…]}',
      hint: "The public half only.",
      when: (values) => values.token_endpoint_auth_method === "private_key_jwt" || values.jwks !== "",
    },
    {
      name: "grant_types",
      label: "Grant types",
      kind: "checks",
      options: isMachine ? grantOptions.slice(2) : grantOptions.slice(0, client.type === "web" ? 3 : 2),
    },
    ...(client.type === "web" ? [{ name: "require_pkce", label: "Require PKCE", kind: "check" }] : []),
    { name: "h-tokens", kind: "heading", label: "Its tokens" },
    {
      name: "audiences",
      label: "Audiences of access tokens",
      kind: "area",
      rows: 2,
      optional: true,
      placeholder: "https://api.example.com",
      hint: "The APIs it calls: what they check as aud. One per line; without any it is the issuer.",
    },
    {
      name: "scopes",
      label: "Scopes it may ask for",
      kind: "area",
      rows: 2,
      optional: true,
      placeholder: "openid profile email",
      hint: "All that are known, when empty.",
    },
    ...(isMachine ? [] : [{ name: "strict_scopes", label: "Refuse a sign-in that asks for other scopes, instead of leaving them out", kind: "check" }]),
    { name: "permission_claims", label: "Permissions in its tokens", kind: "radio", options: claims },
    ...(isMachine ? [] : groupFields),
    { name: "id_token_claims", label: "Claims in its ID tokens", kind: "radio", options: idTokenClaims },
    {
      name: "access_token_seconds",
      label: "Lifetime of access tokens, in seconds",
      inputmode: "numeric",
      optional: true,
      placeholder: "3600",
      autocomplete: "off",
      hint: "60 to 86400. Empty: the setting tokens.access_seconds.",
    },
    { name: "signing_alg", label: "Signed with", kind: "select", options: algorithms },
    { name: "access_token_typ", label: "Type in the header of access tokens", kind: "radio", options: typs },
  ];
}

function hint(client) {
  if (client.type === "spa" || client.type === "native") return "What ships to people cannot keep a secret. PKCE proves it instead.";
  return hasSecret(client)
    ? "Switching to none or to a key of its own deletes the secret."
    : "A change to a method with a secret makes one, which is shown once.";
}

const titles = (fields) => Object.fromEntries(fields.map(({ name, label }) => [name, label]));
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const changedOf = (fields, before, now) => fields.filter(({ name, kind }) => kind !== "heading" && !isSame(before[name], now[name])).map(({ name }) => name);

/** @param {{ client: Client, [more: string]: any }} given */
export function Settings({ client, reload }) {
  const [base, setBase] = useState(client);
  const [drawn, setDrawn] = useState(/** @type {{ values: any, note: any, count: number }} */ ({ values: toForm(client), note: null, count: 0 }));
  const [secret, setSecret] = useState(null);
  if (client.managed_by === "config") return html`<${Declared} client=${client} />`;
  const fields = fieldsOf(client);

  // What was sent; null when somebody else was quicker, and the form is drawn anew with theirs and ours.
  const send = async (values) => {
    const changed = changedOf(fields, toForm(base), values);
    if (changed.length === 0) return base;
    if (changed.includes("access_token_seconds") && values.access_token_seconds === "") {
      throw Object.assign(new Error(), { fields: { access_token_seconds: "A lifetime that was set stays set. Write the number you want, such as 3600." } });
    }
    const body = fromForm(Object.fromEntries(changed.map((name) => [name, values[name]])));
    try {
      return await admin.patch(`/clients/${encodeURIComponent(client.client_id)}`, { ...body, version: base.version });
    } catch (problem) {
      if (problem.code !== "conflict") throw problem;
      await meet(values, changed);
      return null;
    }
  };
  const meet = async (values, mine) => {
    const latest = await admin.get(`/clients/${encodeURIComponent(client.client_id)}`);
    const theirs = changedOf(fields, toForm(base), toForm(latest));
    const kept = Object.fromEntries(mine.map((name) => [name, values[name]]));
    setBase(latest);
    setDrawn({
      values: { ...toForm(latest), ...kept },
      note: { theirs, both: theirs.filter((name) => mine.includes(name)), latest: toForm(latest) },
      count: drawn.count + 1,
    });
  };
  const done = (answer) => {
    if (answer === null) return scrollTo(0, 0);
    if (answer.client_secret) return setSecret(answer);
    toast("The settings are saved.");
    return reload();
  };
  const takeTheirs = () => setDrawn({ values: toForm(base), note: null, count: drawn.count + 1 });
  return html`
    ${drawn.note && html`<${Met} note=${drawn.note} titles=${titles(fields)} takeTheirs=${takeTheirs} />`}
    <section class="panel"><${ForThose} who="update on clients"><${Form} key=${drawn.count} fields=${fields} initial=${drawn.values} action="Save" send=${send} done=${done} /></${ForThose}></section>
    <${Elsewhere} command=${`auther admin client update ${shell(client.client_id)} --name ${shell(client.name)}${client.redirect_uris.map((uri) => ` \\\n  --redirect-uri ${shell(uri)}`).join("")}`}
      request=${curl("PATCH", `/clients/${encodeURIComponent(client.client_id)}`, { name: client.name, redirect_uris: client.redirect_uris, version: client.version })} />
    ${
      secret &&
      html`<${SecretPanel} title=${`A secret for ${secret.name}`} secrets=${[["Client secret", secret.client_secret]]} saved=${() => {
        setSecret(null);
        reload();
      }} />`
    }`;
}

// Somebody else saved first: what they changed, and what is left to decide.
function Met({ note, titles, takeTheirs }) {
  const named = (names) => names.map((name) => titles[name]).join(", ") || "its state or its secret";
  return html`<div class="notice" role="alert">
    <h2>Somebody else changed this client while you did</h2>
    <p>They changed: ${named(note.theirs)}. It stands in the form now, and so does what you typed. Nothing is saved yet.</p>
    ${
      note.both.length > 0 &&
      html`<p>You both changed these; yours stands in the form. Theirs is:</p>
      ${note.both.map((name) => html`<div key=${name}><p class="lead">${titles[name]}</p><${Code} text=${String(note.latest[name])} /></div>`)}`
    }
    <p>Save to keep what the form says, or <${Button} kind="small" onClick=${takeTheirs}>Take theirs</${Button}></p>
  </div>`;
}

const several = (values) => (values.length ? html`<ul class="bare">${values.map((value) => html`<li key=${value}><code>${value}</code></li>`)}</ul>` : null);

/** @param {{ client: Client, [more: string]: any }} given */
function Declared({ client }) {
  return html`<div class="notice"><p>This client is declared in the configuration file. Change it there, then restart Auther or reload its configuration.</p></div>
    <${Facts} rows=${[
      ["Redirect URIs", several(client.redirect_uris)],
      ["Plain http in a private network", client.allow_private_http && "allowed: anyone who listens in that network can read codes"],
      ["After logging out", several(client.post_logout_redirect_uris)],
      ["Allowed origins", several(client.origins)],
      ["Auth method", html`<code>${client.token_endpoint_auth_method}</code>`],
      ["Grant types", client.grant_types.join(", ")],
      ["Audiences", several(client.audiences)],
      ["Scopes", client.scopes.join(" ") || "all"],
      ["Signed with", client.signing_alg],
      ["Type of access tokens", html`<code>${client.access_token_typ}</code>`],
      ["Other scopes", client.strict_scopes ? "refused" : "left out"],
      ["PKCE", client.require_pkce ? "demanded" : "demanded of public clients"],
      ["Permissions in tokens", client.permission_claims],
      ["Groups in tokens", html`${client.group_claims}, in <code>${client.group_claim_name || "groups"}</code>${client.group_paths && ", by their paths"}`],
      ["Only these groups", several(client.group_filter)],
      ["More claims", several(client.claims)],
      ["Claims in ID tokens", client.id_token_claims],
    ]} />
    <${Elsewhere} command=${`auther admin client show ${shell(client.client_id)}`} request=${curl("GET", `/clients/${encodeURIComponent(client.client_id)}`)} />`;
}

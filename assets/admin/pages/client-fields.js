// What clients are called in plain words, and how their fields stand in a form. Used by the pages about clients.
import { shell } from "../../static/core/words.js";
import { lineAt, readJson } from "./text-editor.js";

export const types = {
  web: { title: "Web app with a server", short: "web", about: "Next.js, Rails, Django, Express. Its server keeps a secret." },
  spa: {
    title: "App in the browser",
    short: "spa",
    about: "React, Vue, Angular without a server of its own. Nothing in it is secret; PKCE takes the secret's place.",
  },
  native: {
    title: "Mobile or desktop app",
    short: "native",
    about: "iOS, Android, desktop, command line. Signs in through the system's browser, with PKCE.",
  },
  m2m: { title: "Service (machine-to-machine)", short: "m2m", about: "A job or service that gets tokens for itself. Nobody signs in." },
};

export const typeOptions = Object.entries(types).map(([key, { title, about, short }]) => [key, `${title} (${short})`, about]);

const methods = {
  client_secret_basic: "Secret in the Authorization header (client_secret_basic)",
  client_secret_post: "Secret in the form (client_secret_post)",
  private_key_jwt: "Signed with its own key (private_key_jwt)",
  none: "None: it is public and has no secret (none)",
};

const allowed = {
  web: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
  spa: ["none"],
  native: ["none"],
  m2m: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
};

export const methodOptions = (type) => allowed[type].map((key) => [key, methods[key]]);
export const defaultMethod = (type) => allowed[type][0];
export const hasSecret = (client) => client.token_endpoint_auth_method.startsWith("client_secret_");
export const isPublic = (client) => client.token_endpoint_auth_method === "none";

export const grantOptions = [
  ["authorization_code", "authorization_code", "People sign in, and the app redeems a code."],
  ["refresh_token", "refresh_token", "It stays signed in without asking again."],
  ["client_credentials", "client_credentials", "It gets tokens for itself, without a person."],
];

export const placeholders = { web: "https://myapp.example.com/auth/callback", spa: "https://spa.example.com/auth/callback", native: "myapp://auth/callback" };

// One entry in each line. Commas and a JSON list, as people paste them, are understood too.
export function listed(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) {
    try {
      return JSON.parse(trimmed).map(String);
    } catch {
      // Not JSON after all: it is refused by the server, beside the field.
    }
  }
  return trimmed.split(/[\s]+|,(?=\s|$|[a-z][a-z0-9+.-]*:)/i).filter(Boolean);
}

const lists = ["redirect_uris", "post_logout_redirect_uris", "audiences", "origins", "scopes"];

// Lists whose entries may hold spaces.
const lines = ["group_filter", "claims"];

// A record as a form holds it.
export function toForm(client) {
  const form = { ...client, access_token_seconds: client.access_token_seconds ?? "", jwks: client.jwks ? JSON.stringify(client.jwks, null, 2) : "" };
  for (const name of [...lists, ...lines]) form[name] = client[name].join("\n");
  return form;
}

class Wrongly extends Error {
  constructor(fields) {
    super("Look at the fields below.");
    this.fields = fields;
  }
}

// What a form holds, as the API takes it. Throws what is wrong with the fields, as the API does.
export function fromForm(values) {
  const body = { ...values };
  for (const name of lists) if (typeof body[name] === "string") body[name] = listed(body[name]);
  for (const name of lines) {
    if (typeof body[name] === "string") {
      body[name] = body[name]
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);
    }
  }
  if (body.jwks === "") delete body.jwks;
  if (typeof body.jwks === "string") {
    const { value, slip } = readJson(body.jwks);
    if (slip) throw new Wrongly({ jwks: `This is not JSON: line ${lineAt(body.jwks, slip.at)}: ${slip.message}` });
    body.jwks = value;
  }
  if (body.access_token_seconds === "") delete body.access_token_seconds;
  else if (body.access_token_seconds !== undefined) body.access_token_seconds = seconds(body.access_token_seconds);
  return body;
}

function seconds(text) {
  if (!/^\d+$/.test(String(text))) throw new Wrongly({ access_token_seconds: "Write a number of seconds, such as 3600." });
  return Number(text);
}

// The flags of `auther admin client create` for these values.
export function flags(values) {
  const one = { name: "name", type: "type", client_id: "client-id", token_endpoint_auth_method: "auth-method", trusted: "trusted" };
  const many = { redirect_uris: "redirect-uri", grant_types: "grant", audiences: "audience" };
  const words = [];
  for (const [name, flag] of Object.entries(one)) {
    if (values[name] === true) words.push(`--${flag}`);
    else if (values[name]) words.push(`--${flag} ${shell(values[name])}`);
  }
  for (const [name, flag] of Object.entries(many)) for (const value of values[name] || []) words.push(`--${flag} ${shell(value)}`);
  return words.join(" \\\n  ");
}

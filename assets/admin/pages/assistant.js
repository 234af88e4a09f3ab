// The text that people give to their coding assistant. It holds what an app must know, and never a secret.
import { checkEndpointAt } from "../../static/core/urls.js";

const kinds = {
  web: "a web app with a server",
  spa: "a single-page app in the browser, without a server of its own",
  native: "an app on a phone or desktop",
  m2m: "a machine without people",
};

const proofs = {
  client_secret_basic:
    "HTTP Basic with client id and secret (client_secret_basic). Read the secret from the environment variable AUTHER_CLIENT_SECRET. Never write it into code, logs or a repository.",
  client_secret_post:
    "client_id and client_secret in the form body (client_secret_post). Read the secret from the environment variable AUTHER_CLIENT_SECRET. Never write it into code, logs or a repository.",
  private_key_jwt: "a JWT signed with the app's own private key (private_key_jwt, RFC 7523). Read the key from the environment; its public half is registered.",
  none: "none: this is a public client. It has no secret, and must not be given one.",
};

function flow(given) {
  if (given.type === "m2m") {
    return `- Get a token at the token endpoint with grant_type=client_credentials. Keep it until a minute before expires_in is over, then get the next.
- Send it to the API as "Authorization: Bearer …".`;
  }
  const store = {
    web: "Keep state, nonce and verifier in the server-side session; after signing in, begin a new session of the app. Tokens stay on the server.",
    spa: "Keep state and verifier in sessionStorage until the callback, tokens in memory only. Call the token endpoint with fetch; the origin of the redirect URI is allowed.",
    native: "Use the system's browser (ASWebAuthenticationSession, Custom Tabs), never an embedded web view. Keep the refresh token in the system's key store.",
  }[given.type];
  return `- Authorization code flow with PKCE, method S256 only. A fresh state, nonce and verifier for each sign-in.
- response_type=code, scope "openid profile email". Add offline_access only if the app must stay signed in; refresh tokens rotate: store the new one each time.
- redirect_uri is compared byte by byte with the registered ones.
- In the callback check state, and that the parameter iss equals the issuer. The code works once, within a minute. Handle error and error_description: access_denied is a person who said no.
- ${store}
- To sign out, end the app's own session, then send the browser to the end-session endpoint with id_token_hint.`;
}

const verification = (given) => `${
  given.type === "m2m"
    ? ""
    : `- ID token: RS256 (or as the keys say), iss equals the issuer exactly (no slash at the end), aud equals the client id, exp, iat and nonce. Its sub is the person for ever; use it as the key, not the e-mail address.
`
}- Access token, where an API takes it: header typ is ${given.typ}, token_use is access, iss as above, aud equals ${given.audience}. Reject ID tokens (token_use id) there.
- Fetch the keys from the JWKS address, and again when a kid is not known.`;

export function assistantPrompt(given) {
  const uris = given.redirectUris.map((uri) => `\n  - ${uri}`).join("");
  return `Add sign-in with Auther to this project. Auther is an OpenID Connect provider; use a well-known library for this stack, and do not write the protocol by hand if there is one.

What is registered
- Discovery URL: ${given.discovery}
- Issuer: ${given.issuer}
- Client ID: ${given.clientId}
- Kind of app: ${kinds[given.type]}
- Client authentication at the token endpoint: ${proofs[given.method]}${uris && `\n- Redirect URIs:${uris}`}
- Scopes it may ask for: ${given.scopes.join(" ")}

Follow OAuth 2.1
${flow(given)}
- No implicit flow, no password grant, no tokens in addresses or localStorage.

Verify tokens
${verification(given)}

What people may do
- The claim permissions maps "type" or "type:id" to permissions, such as {"${given.clientId}:invoice": ["read"]}.
- A permission that also stands in the claim abac_required depends on the moment: ask POST ${checkEndpointAt(given.issuer)} with {"entityType","entityId","permission","resource"} and obey "allowed".
- Without an entry the answer is no.

Give me the code, the settings it reads from the environment, and how to try it. Ask if something about my project is unclear.
`;
}

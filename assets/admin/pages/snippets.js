// Code for one app, filled in. `guides(given)` answers those that fit its kind first; `given` is what Integration reads from the server:
// {issuer, clientId, redirectUris, redirectUri, type, isPublic, method, audience, endpoints}. Values are put between double quotes: neither issuers, client
// ids nor redirect URIs can hold a double quote or a backslash (oauth/redirect.rs).
import { api } from "./snippets-api.js";
import { machineGuides } from "./snippets-machine.js";
import { mobile } from "./snippets-mobile.js";
import { go, java, python } from "./snippets-server.js";
import { originOf, pathOf, portOf, schemeOf, shellWord } from "./snippets-words.js";

const secretLine = (given) => (given.isPublic ? "" : "AUTHER_CLIENT_SECRET=the secret, shown once at registration\n");

// Auth.js fixes the path it comes back to; its last part is the name of the provider.
function nextjs(given) {
  const fits = given.redirectUris.map((uri) => uri.match(/^(https?:\/\/[^/]+)\/api\/auth\/callback\/([\w-]+)$/)).find(Boolean);
  const origin = originOf(given.redirectUri);
  const name = fits ? fits[2] : "auther";
  const proof = given.isPublic ? `client: { token_endpoint_auth_method: "none" },` : "clientSecret: process.env.AUTHER_CLIENT_SECRET,";
  return {
    id: "nextjs",
    title: "Next.js",
    about: "Auth.js 5 (next-auth), a plain OIDC provider.",
    install: "npm install next-auth@beta",
    needs: fits ? null : `${origin}/api/auth/callback/auther`,
    files: [
      [".env.local", `AUTH_SECRET=any 32 random characters: openssl rand -base64 33\nAUTH_URL=${fits ? fits[1] : origin}\n${secretLine(given)}`],
      [
        "auth.ts",
        `import NextAuth from "next-auth"

export const { handlers, auth, signIn, signOut } = NextAuth({
  providers: [
    {
      id: "${name}",
      name: "Auther",
      type: "oidc",
      issuer: "${given.issuer}",
      clientId: "${given.clientId}",
      ${proof}
      checks: ["pkce", "state"],
    },
  ],
})
`,
      ],
      [
        "app/api/auth/[...nextauth]/route.ts",
        `import { handlers } from "@/auth"

export const { GET, POST } = handlers
`,
      ],
      [
        "app/page.tsx",
        `import { auth, signIn, signOut } from "@/auth"

export default async function Page() {
  const session = await auth()
  if (!session) {
    return <form action={async () => { "use server"; await signIn("${name}") }}><button>Sign in</button></form>
  }
  return (
    <form action={async () => { "use server"; await signOut() }}>
      <p>Hello, {session.user?.name ?? session.user?.email}</p>
      <button>Sign out</button>
    </form>
  )
}
`,
      ],
    ],
  };
}

// openid-client asks for TLS unless it is told not to.
function discovery(given) {
  const insecure = given.issuer.startsWith("http:") ? "{ execute: [oidc.allowInsecureRequests] }" : "";
  if (given.isPublic) return `oidc.discovery(new URL("${given.issuer}"), "${given.clientId}", undefined, oidc.None()${insecure && `, ${insecure}`})`;
  return `oidc.discovery(new URL("${given.issuer}"), "${given.clientId}", process.env.AUTHER_CLIENT_SECRET${insecure && `, undefined, ${insecure}`})`;
}

function express(given) {
  const isHttps = given.redirectUri.startsWith("https:");
  return {
    id: "express",
    title: "Express",
    about: "openid-client 6, which checks state, issuer, signature, audience and times.",
    install: "npm install express@5 express-session openid-client@6",
    files: [
      [".env", `SESSION_SECRET=any 32 random characters: openssl rand -base64 33\n${secretLine(given)}`],
      [
        "app.mjs",
        `import express from "express"
import session from "express-session"
import * as oidc from "openid-client"

const redirectUri = "${given.redirectUri}"
const config = await ${discovery(given)}

const app = express()${isHttps ? `\napp.set("trust proxy", 1)` : ""}
app.use(session({
  secret: process.env.SESSION_SECRET,
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax"${isHttps ? ", secure: true" : ""} },
}))

app.get("/sign-in", async (req, res) => {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  req.session.signIn = { verifier, state }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid profile email",
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  })
  res.redirect(url.href)
})

app.get("${pathOf(given.redirectUri)}", async (req, res) => {
  const { verifier, state } = req.session.signIn ?? {}
  if (!state) return res.redirect("/sign-in")
  const url = new URL(redirectUri)
  url.search = new URL(req.originalUrl, url).search
  const tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state })
  const { sub, name, email, permissions } = tokens.claims()
  await new Promise((done, fail) => req.session.regenerate((error) => (error ? fail(error) : done())))
  req.session.user = { sub, name, email, permissions }
  req.session.idToken = tokens.id_token
  res.redirect("/")
})

app.get("/sign-out", (req, res) => {
  const { idToken } = req.session
  req.session.destroy(() => res.redirect(idToken ? oidc.buildEndSessionUrl(config, { id_token_hint: idToken }).href : "/"))
})

app.get("/", (req, res) => res.json(req.session.user ?? { signIn: "/sign-in" }))

app.listen(${portOf(given.redirectUri, "3000")})
`,
      ],
    ],
    run: `node --env-file=.env app.mjs`,
  };
}

function spa(given) {
  return {
    id: "spa",
    title: "Browser app",
    about: "Without a library: 40 lines of fetch and PKCE. The origin of the redirect URI may call the token endpoint.",
    secretless: true,
    files: [
      [
        "auth.js",
        `const issuer = "${given.issuer}"
const clientId = "${given.clientId}"
const redirectUri = "${given.redirectUri}"

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))

// The button "Sign in".
export async function signIn() {
  const verifier = random()
  const state = random()
  sessionStorage.setItem("sign-in", JSON.stringify({ verifier, state }))
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile email",
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  })
  location.assign(\`${given.endpoints.authorize}?\${query}\`)
}

// On the page of the redirect URI. Keep what it answers in memory, not in localStorage.
export async function finishSignIn() {
  const answer = new URLSearchParams(location.search)
  const { verifier, state } = JSON.parse(sessionStorage.getItem("sign-in") ?? "{}")
  sessionStorage.removeItem("sign-in")
  if (!state || answer.get("state") !== state || answer.get("iss") !== issuer) {
    throw new Error("This answer belongs to another sign-in. Begin again.")
  }
  if (answer.has("error")) throw new Error(answer.get("error_description") ?? answer.get("error"))
  const response = await fetch("${given.endpoints.token}", {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: answer.get("code"),
      redirect_uri: redirectUri,
      client_id: clientId,
      code_verifier: verifier,
    }),
  })
  const tokens = await response.json()
  if (!response.ok) throw new Error(tokens.error_description ?? tokens.error)
  history.replaceState(null, "", location.pathname)
  return tokens
}

// Who signed in. Good enough to show a name; the API decides, and verifies.
export function claims({ id_token }) {
  const part = id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))))
}
`,
      ],
    ],
  };
}

function oidcClient(given) {
  return {
    id: "oidc-client-ts",
    title: "oidc-client-ts",
    about: "The usual library for React, Vue and Angular; react-oidc-context takes the same settings.",
    install: "npm install oidc-client-ts",
    secretless: true,
    files: [
      [
        "auth.ts",
        `import { InMemoryWebStorage, UserManager, WebStorageStateStore } from "oidc-client-ts"

export const users = new UserManager({
  authority: "${given.issuer}",
  client_id: "${given.clientId}",
  redirect_uri: "${given.redirectUri}",
  scope: "openid profile email",
  // Tokens stay in memory. Leave this line out to keep them in sessionStorage.
  userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
})

// The button "Sign in".
export const signIn = () => users.signinRedirect()

// On the page of the redirect URI: answers the person, with user.profile and user.access_token.
export async function finishSignIn() {
  const user = await users.signinRedirectCallback()
  history.replaceState(null, "", location.pathname)
  return user
}
`,
      ],
    ],
  };
}

function curlGuide(given) {
  const proof = given.isPublic ? `  -d client_id=${given.clientId}` : `  -u "${given.clientId}:$AUTHER_CLIENT_SECRET"`;
  return {
    id: "curl",
    title: "curl",
    about: "The whole flow by hand, to see each step. The code works for a minute.",
    files: [
      [
        "A terminal",
        `VERIFIER=$(openssl rand -hex 32)
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)

# 1. Open this in a browser, sign in, and copy "code" from the address that it ends at.
echo "${given.endpoints.authorize}?client_id=${given.clientId}&redirect_uri=${encodeURIComponent(given.redirectUri)}&response_type=code&scope=openid%20profile%20email&state=s1&code_challenge=$CHALLENGE&code_challenge_method=S256"

# 2. Redeem it.
read -r -p "code: " CODE
curl ${shellWord(given.endpoints.token)} \\
${proof} \\
  -d grant_type=authorization_code \\
  -d code="$CODE" \\
  -d code_verifier="$VERIFIER" \\
  --data-urlencode redirect_uri=${shellWord(given.redirectUri)}

# 3. Ask who it is.
read -r -p "access_token: " ACCESS_TOKEN
curl ${shellWord(given.endpoints.userinfo)} -H "authorization: Bearer $ACCESS_TOKEN"
`,
      ],
    ],
  };
}

// Those that suit the kind of app come first.
export function guides(given) {
  if (given.type === "m2m") return machineGuides(given);
  const orders = {
    web: [nextjs, express, python, go, java, curlGuide, api, spa, oidcClient, mobile],
    spa: [spa, oidcClient, api, curlGuide, nextjs, express, python, go, java, mobile],
    native: [mobile, python, go, curlGuide, api, express, nextjs, java, spa, oidcClient],
  };
  // A scheme of the app's own leads to no server and no page.
  const isWeb = /^https?$/.test(schemeOf(given.redirectUri));
  return orders[given.type].filter((guide) => isWeb || [mobile, curlGuide, api].includes(guide)).map((guide) => within(guide, given));
}

// A server routes its way back beside its own pages, so a redirect URI without a path is no place for it: the code is for one with a path, and
// the page offers to register that.
function within(guide, given) {
  const isServer = [express, python, go, java].includes(guide);
  if (!isServer || pathOf(given.redirectUri) !== "/") return guide(given);
  const redirectUri = `${originOf(given.redirectUri)}/auth/callback`;
  return { ...guide({ ...given, redirectUri }), needs: given.redirectUris.includes(redirectUri) ? null : redirectUri };
}

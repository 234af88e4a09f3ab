// A first app: signs a person in with Auther and says who it is. See README.md beside this file for the two commands before it.
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const { ISSUER = 'https://localhost:8443', CLIENT_ID = 'first-app', CLIENT_SECRET, PORT = '3000' } = process.env
const origin = `http://localhost:${PORT}`
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET)
const sessions = new Map() // id in the cookie → what we know of this browser; a real app keeps this in a database

const pages = {
  async '/sign-in'(session) {
    session.verifier = oidc.randomPKCECodeVerifier()
    session.state = oidc.randomState()
    return oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${origin}/callback`,
      scope: 'openid profile email',
      state: session.state,
      code_challenge: await oidc.calculatePKCECodeChallenge(session.verifier),
      code_challenge_method: 'S256',
    })
  },
  async '/callback'(session, url) {
    const checks = { pkceCodeVerifier: session.verifier, expectedState: session.state ?? 'none was sent' }
    const tokens = await oidc.authorizationCodeGrant(config, url, checks)
    sessions.delete(session.id)
    Object.assign(session, { id: crypto.randomUUID(), idToken: tokens.id_token, state: undefined })
    sessions.set(session.id, session)
    session.person = tokens.claims() // verified: issuer, audience, times; sub is the person's id for ever
    console.log('Signed in:', session.person.name, session.person.email, session.person.sub)
    return new URL('/', origin)
  },
  async '/sign-out'(session) {
    const { idToken } = session
    sessions.delete(session.id)
    return idToken ? oidc.buildEndSessionUrl(config, { id_token_hint: idToken }) : new URL('/', origin)
  },
  async '/'({ person }) {
    if (!person) return '<h1>Hello, stranger</h1><p><a href="/sign-in">Sign in</a></p>'
    return `<h1>Hello, ${escaped(person.name ?? person.email)}</h1><p>${escaped(person.email)} · <a href="/sign-out">Sign out</a></p>`
  },
}

createServer(async (request, response) => {
  const url = new URL(request.url, origin)
  const known = sessions.get(request.headers.cookie?.match(/\bfirst_app=([\w-]+)/)?.[1])
  const session = known ?? { id: crypto.randomUUID() }
  sessions.set(session.id, session)
  const answer = await pages[url.pathname]?.(session, url).catch((error) => error)
  response.setHeader('set-cookie', `first_app=${session.id}; HttpOnly; SameSite=Lax; Path=/`)
  if (answer instanceof URL) response.writeHead(302, { location: answer.href }).end()
  else if (answer instanceof Error) response.writeHead(400).end(`That did not work: ${answer.message}`)
  else response.writeHead(answer ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(answer ?? 'There is no such page.')
}).listen(Number(PORT), 'localhost', () => console.log(`Open ${origin}`))

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

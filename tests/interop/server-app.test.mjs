// The printed server app: a confidential client without PKCE that speaks HTTP itself and verifies with jose.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { transform } from 'sucrase'
import { listen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { importTexts, sample } from './support/printed.mjs'
import { givenServer } from './support/server.mjs'

const CALLBACK = 'https://myapp.example.com/auth/callback'
const HOST = 'https://auth.example.com'
const server = givenServer()
let client
let user
let app

before(async () => {
  const uri = ['--redirect-uri', CALLBACK, '--auth-method', 'client_secret_basic', '--grant', 'authorization_code']
  client = await server.client('web', ['--client-id', 'my-backend-app', ...uri])
  user = await server.user({ name: 'Zoë Ångström' })
  process.env.AUTHER_CLIENT_ID = client.client_id
  process.env.AUTHER_CLIENT_SECRET = client.client_secret
  app = await backend()
})
after(() => app.close())

/** The names that the printed code takes for granted, and a server around its two functions. */
async function backend() {
  const replaced = { [HOST]: server.issuer, 'your-audience': client.client_id }
  const javascript = (text) => transform(text, { transforms: ['typescript'] }).code
  const surroundings = `
    import { createRemoteJWKSet, jwtVerify } from 'jose'
    export const memory = {}
    const getStoredState = () => memory.state
    const createLocalSession = async (payload) => { memory.payload = payload }
    const redirect = (to) => { memory.to = to; return Response.redirect(new URL(to, '${new URL(CALLBACK).origin}')) }
    const fetch = async (...call) => {
      const answer = await globalThis.fetch(...call)
      memory.tokens = await answer.clone().json()
      return answer
    }
  `
  const start = sample('server-app/redirect-to-auther.ts', { [HOST]: server.issuer })
  const parts = `${start}\nexport { redirectToAuther }\n${javascript(sample('server-app/callback.ts', replaced))}`
  const modules = await importTexts({
    'app.js': `${surroundings}\n${parts}`,
    'check.js': javascript(sample('server-app/check-permission.ts', replaced)),
  })
  const { memory, redirectToAuther, GET } = modules['app.js']
  const place = await listen(async (question, answer) => {
    const url = new URL(question.url, new URL(CALLBACK).origin)
    if (url.pathname === '/login') {
      redirectToAuther()
      memory.state = new URL(memory.to).searchParams.get('state')
      answer.writeHead(302, { location: memory.to }).end()
    } else if (url.pathname === '/auth/callback') {
      const given = await GET(new Request(url)).catch((error) => new Response(error.message, { status: 500 }))
      answer.writeHead(given.status, Object.fromEntries(given.headers)).end(await given.text())
    } else {
      answer.writeHead(200, { 'content-type': 'text/plain' }).end(`dashboard of ${memory.payload?.email}`)
    }
  })
  return { ...place, memory, checkPermission: modules['check.js'].checkPermission }
}

function person() {
  return new Person({ hosts: { [new URL(CALLBACK).origin]: app.origin } })
}

const LOGIN = new URL('/login', CALLBACK).href

test('the printed functions sign a person in without PKCE', async () => {
  const page = await person().signInTo(LOGIN, user)
  assert.equal(page.url, 'https://myapp.example.com/dashboard', page.body)
  assert.equal(page.text, `dashboard of ${user.email}`)
})

test('the verified ID token holds what the sample says', async () => {
  await person().signInTo(LOGIN, user)
  const { payload } = app.memory
  assert.equal(payload.iss, server.issuer, 'the issuer is a bare origin without a slash')
  assert.equal(payload.aud, client.client_id)
  assert.equal(payload.sub, user.id)
  assert.equal(payload.email, user.email)
  assert.equal(payload.email_verified, true)
  assert.equal(payload.name, 'Zoë Ångström')
  assert.deepEqual(payload.permissions, {})
  const now = Date.now() / 1000
  for (const time of ['iat', 'auth_time', 'exp']) {
    assert.ok(Number.isInteger(payload[time]) && Math.abs(payload[time] - now) < 4000, `${time} is in seconds`)
  }
  const header = decodeProtectedHeader(app.memory.tokens.id_token)
  assert.equal(header.alg, 'RS256')
  assert.ok(header.kid)
})

test('the printed permission check answers from the token', async () => {
  await person().signInTo(LOGIN, user)
  assert.equal(await app.checkPermission(app.memory.tokens.id_token, 'client_abc:invoice', 'read'), false)
  await assert.rejects(app.checkPermission(app.memory.tokens.access_token.slice(0, -4), 'client_abc:invoice', 'read'))
})

test('the token response is the standard one', async () => {
  await person().signInTo(LOGIN, user)
  const { tokens } = app.memory
  assert.equal(tokens.token_type, 'Bearer')
  assert.equal(tokens.expires_in, 3600)
  assert.deepEqual(tokens.scope.split(' ').sort(), ['email', 'openid', 'profile'])
  assert.equal(tokens.refresh_token, undefined, 'offline_access was not asked for')
})

test('the access token is a JWT of its own kind', async () => {
  await person().signInTo(LOGIN, user)
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/.well-known/jwks.json`))
  const { payload } = await jwtVerify(app.memory.tokens.access_token, keys, { issuer: server.issuer, typ: 'JWT' })
  assert.equal(payload.token_use, 'access')
  assert.equal(payload.client_id, client.client_id)
  assert.equal(payload.sub, user.id)
  assert.deepEqual(payload.permissions, {})
  assert.equal(payload.sid, decodeJwt(app.memory.tokens.id_token).sid)
})

/** A code that the app never got to see. */
async function freshCode() {
  const visitor = new Person({ hosts: { [new URL(CALLBACK).origin]: app.origin } })
  await visitor.signInTo(LOGIN, user)
  const question = new URL(`${server.issuer}/api/auth/oauth2/authorize`)
  question.search = new URLSearchParams({ client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' })
  app.memory.state = 'nobody knows'
  await visitor.visit(question.href)
  const sent = visitor.trail.find(({ location }) => location?.startsWith(`${CALLBACK}?`) && !location.includes('state='))
  return new URL(sent.location).searchParams.get('code')
}

function exchange(code, { secret = client.client_secret, redirect_uri = CALLBACK } = {}) {
  return fetch(`${server.issuer}/api/auth/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client.client_id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri }),
  })
}

test('a wrong secret is 401 invalid_client', async () => {
  const answer = await exchange('abc', { secret: 'wrong' })
  assert.equal(answer.status, 401)
  assert.match(answer.headers.get('www-authenticate'), /^Basic\b/)
  assert.equal((await answer.json()).error, 'invalid_client')
})

test('a code works once', async () => {
  const code = await freshCode()
  assert.equal((await exchange(code)).status, 200)
  const again = await exchange(code)
  assert.equal(again.status, 400)
  assert.equal((await again.json()).error, 'invalid_grant')
})

test('a code is bound to its redirect URI', async () => {
  const answer = await exchange(await freshCode(), { redirect_uri: `${CALLBACK}/` })
  assert.equal(answer.status, 400)
  assert.equal((await answer.json()).error, 'invalid_grant')
})

test('a redirect URI that differs by a slash gets an error page and no redirect', async () => {
  const question = new URL(`${server.issuer}/api/auth/oauth2/authorize`)
  question.search = new URLSearchParams({ client_id: client.client_id, redirect_uri: `${CALLBACK}/`, response_type: 'code', state: 'x' })
  const page = await new Person().visit(question.href)
  assert.equal(page.status, 400)
  assert.match(page.headers['content-type'], /^text\/html/)
  assert.equal(new URL(page.url).origin, server.issuer)
})

// The printed mobile flow: a public client whose redirect URI has the app's own scheme.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const CALLBACK = 'myapp://auth/callback'
const CLIENT = 'my-mobile-client-id'
const server = givenServer()
let user

before(async () => {
  await server.client('native', ['--client-id', CLIENT, '--redirect-uri', CALLBACK])
  user = await server.user()
})

function start(extra = {}) {
  const verifier = randomBytes(48).toString('base64url')
  const state = randomBytes(12).toString('base64url')
  const url = new URL(`${server.issuer}/api/auth/oauth2/authorize`)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const parameters = {
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid email profile',
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...extra,
  }
  url.search = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined))
  return { url: url.href, verifier, state }
}

function exchange(fields) {
  const body = new URLSearchParams({ grant_type: 'authorization_code', redirect_uri: CALLBACK, client_id: CLIENT, ...fields })
  return fetch(`${server.issuer}/api/auth/oauth2/token`, { method: 'POST', body })
}

async function code() {
  const { url, verifier, state } = start()
  const back = await new Person().signInTo(url, user)
  assert.ok(back.left, `left for the app instead of ${back.url}: ${back.text}`)
  return { back, verifier, state, parameters: new URL(back.left).searchParams }
}

test('the browser is handed to the app by its scheme', async () => {
  const { back, state, parameters } = await code()
  assert.ok([302, 303].includes(back.status))
  assert.ok(back.left.startsWith('myapp://auth/callback?'), back.left)
  assert.equal(parameters.get('state'), state)
  assert.equal(parameters.get('iss'), server.issuer)
  assert.match(parameters.get('code'), /^[\w.-]{16,}$/)
})

test('the app trades code and verifier for tokens', async () => {
  const { parameters, verifier } = await code()
  const answer = await exchange({ code: parameters.get('code'), code_verifier: verifier })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  const { id_token } = await answer.json()
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/api/auth/jwks`))
  const { payload } = await jwtVerify(id_token, keys, { issuer: server.issuer, audience: CLIENT })
  assert.equal(payload.sub, user.id)
})

test('without the verifier, or with another, the code is worth nothing', async () => {
  for (const wrong of [{}, { code_verifier: 'another-verifier-that-is-long-enough-to-be-well-formed' }]) {
    const { parameters } = await code()
    const answer = await exchange({ code: parameters.get('code'), ...wrong })
    assert.equal(answer.status, 400)
    assert.equal((await answer.json()).error, 'invalid_grant')
  }
})

test('a public client cannot begin without a challenge, nor with a plain one', async () => {
  for (const wrong of [
    { code_challenge: undefined, code_challenge_method: undefined },
    { code_challenge_method: 'plain' },
    { code_challenge_method: undefined },
  ]) {
    const back = await new Person().visit(start(wrong).url)
    assert.equal(new URL(back.left).searchParams.get('error'), 'invalid_request', JSON.stringify(wrong))
  }
})

test('an app on this machine may use any port of a registered loopback address', async () => {
  await server.client('native', ['--client-id', 'desktop', '--redirect-uri', 'http://127.0.0.1/callback'])
  const { url } = start({ client_id: 'desktop', redirect_uri: 'http://127.0.0.1:1/callback' })
  const person = new Person()
  await assert.rejects(person.signInTo(url, user), /ECONNREFUSED|EACCES/, 'nobody listens there; only where it leads counts')
  assert.match(person.trail.at(-1).location, /^http:\/\/127\.0\.0\.1:1\/callback\?code=/)
})

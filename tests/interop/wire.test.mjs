// Shapes on the wire that clients depend on without a library: aliases, errors, CORS, the JSON dialect.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const APP = 'https://spa.example.com'
const at = (path) => `${server.issuer}${path}`
let client
let user

before(async () => {
  client = await server.client('web', ['--redirect-uri', 'https://app.example.com/callback', '--origin', 'https://extra.example.com'])
  await server.client('spa', ['--client-id', 'my-spa-client-id', '--redirect-uri', `${APP}/auth/callback`])
  user = await server.user()
})

function token(fields, { basic, headers = {}, path = '/api/auth/oauth2/token', body } = {}) {
  const authorization = basic && `Basic ${Buffer.from(basic).toString('base64')}`
  return fetch(at(path), {
    method: 'POST',
    headers: { ...(authorization && { authorization }), ...headers },
    body: body ?? new URLSearchParams(fields),
  })
}

async function refusal(answer) {
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  const body = await answer.json()
  assert.equal(typeof body.error_description, 'string')
  return [answer.status, body.error]
}

test('discovery is one document in three places, open to every origin', async () => {
  const places = ['/.well-known/openid-configuration', '/api/auth/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']
  const answers = await Promise.all(places.map((path) => fetch(at(path), { headers: { origin: 'https://anywhere.example' } })))
  const documents = await Promise.all(answers.map((answer) => answer.json()))
  assert.equal(documents[0].issuer, server.issuer)
  for (const [i, document] of documents.entries()) {
    assert.deepEqual(document, documents[0], places[i])
    assert.equal(answers[i].headers.get('access-control-allow-origin'), '*')
  }
  assert.ok(documents[0].id_token_signing_alg_values_supported.includes('RS256'))
  assert.ok(!documents[0].id_token_signing_alg_values_supported.includes('none'))
})

test('every endpoint that discovery names is there, at its short alias too', async () => {
  const document = await (await fetch(at('/.well-known/openid-configuration'))).json()
  for (const [name, url] of Object.entries(document).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name))) {
    assert.ok(url.startsWith(`${server.issuer}/`), `${name} is ${url}`)
    assert.notEqual((await fetch(url, { redirect: 'manual' })).status, 404, name)
  }
  for (const path of ['authorize', 'token', 'userinfo', 'revoke', 'introspect', 'end-session', 'endsession', 'end_session']) {
    assert.notEqual((await fetch(at(`/oauth2/${path}`), { redirect: 'manual' })).status, 404, path)
  }
})

test('both places of the key set hold public keys only', async () => {
  const [one, two] = await Promise.all(['/api/auth/jwks', '/.well-known/jwks.json'].map(async (path) => (await fetch(at(path))).json()))
  assert.deepEqual(one, two)
  assert.ok(one.keys.some(({ kty, alg }) => kty === 'RSA' && alg === 'RS256'))
  for (const key of one.keys) {
    assert.ok(key.kid && key.use === 'sig')
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key[secret], undefined)
  }
})

test('the token endpoint says what is wrong in the registered words', async () => {
  const good = `${client.client_id}:${client.client_secret}`
  const cases = [
    [{}, { basic: good }, [400, 'invalid_request']],
    [{ grant_type: 'authorization_code' }, { basic: good }, [400, 'invalid_request']],
    [{ grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://app.example.com/callback' }, { basic: good }, [400, 'invalid_grant']],
    [{ grant_type: 'refresh_token', refresh_token: 'x' }, { basic: good }, [400, 'invalid_grant']],
    [{ grant_type: 'urn:example:unknown' }, { basic: good }, [400, 'unsupported_grant_type']],
    [{ grant_type: 'password', username: 'a', password: 'b' }, { basic: good }, [400, 'unsupported_grant_type']],
    [{ grant_type: 'client_credentials' }, { basic: good }, [400, 'unauthorized_client']],
    [{ grant_type: 'authorization_code', code: 'x' }, { basic: `${client.client_id}:wrong` }, [401, 'invalid_client']],
    [{ grant_type: 'authorization_code', code: 'x' }, { basic: 'nobody:wrong' }, [401, 'invalid_client']],
    [{ grant_type: 'authorization_code', code: 'x', client_id: client.client_id }, {}, [401, 'invalid_client']],
  ]
  for (const [fields, options, expected] of cases) {
    assert.deepEqual(await refusal(await token(fields, options)), expected, JSON.stringify(fields))
  }
})

test('refused credentials are challenged, and answers are never stored', async () => {
  const answer = await token({ grant_type: 'client_credentials' }, { basic: 'nobody:wrong' })
  assert.match(answer.headers.get('www-authenticate'), /^Basic\b/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.ok(answer.headers.get('x-request-id'))
})

test('a repeated parameter is invalid_request', async () => {
  const body = 'grant_type=authorization_code&grant_type=refresh_token&code=x&client_id=my-spa-client-id'
  const answer = await token(null, { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  assert.deepEqual(await refusal(answer), [400, 'invalid_request'])
})

test('the token endpoint also takes JSON', async () => {
  const machine = await server.client('m2m', [])
  const body = JSON.stringify({ grant_type: 'client_credentials' })
  const answer = await token(null, { body, basic: `${machine.client_id}:${machine.client_secret}`, headers: { 'content-type': 'application/json' } })
  assert.equal(answer.status, 200)
  assert.equal((await answer.json()).token_type, 'Bearer')
})

test('the secret in Basic may be URL-encoded', async () => {
  const machine = await server.client('m2m', ['--client-id', 'machine.one'])
  const encoded = (text) => [...text].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
  const basic = `${encoded(machine.client_id)}:${encoded(machine.client_secret)}`
  assert.equal((await token({ grant_type: 'client_credentials' }, { basic })).status, 200)
})

function preflight(path, origin, { method = 'POST', headers = 'content-type' } = {}) {
  return fetch(at(path), {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
  })
}

test('a page of a registered redirect URI may call the token endpoint', async () => {
  const asked = await preflight('/api/auth/oauth2/token', APP)
  assert.ok(asked.status === 204 || asked.status === 200)
  assert.equal(asked.headers.get('access-control-allow-origin'), APP)
  assert.match(asked.headers.get('access-control-allow-methods'), /POST/)
  assert.match(asked.headers.get('access-control-allow-headers'), /content-type/i)
  assert.match(asked.headers.get('vary'), /origin/i)
  const answer = await token({ grant_type: 'authorization_code', code: 'x', client_id: 'my-spa-client-id' }, { headers: { origin: APP } })
  assert.equal(answer.headers.get('access-control-allow-origin'), APP, 'errors can be read too')
})

test('a registered origin may call userinfo with a token', async () => {
  const asked = await preflight('/api/auth/oauth2/userinfo', 'https://extra.example.com', { method: 'GET', headers: 'authorization' })
  assert.equal(asked.headers.get('access-control-allow-origin'), 'https://extra.example.com')
  assert.match(asked.headers.get('access-control-allow-headers'), /authorization/i)
})

test('a stranger origin gets no CORS headers', async () => {
  for (const origin of ['https://evil.example', 'https://spa.example.com.evil.example', 'http://spa.example.com', 'null']) {
    const asked = await preflight('/api/auth/oauth2/token', origin)
    assert.equal(asked.headers.get('access-control-allow-origin'), null, origin)
    const answer = await token({ grant_type: 'authorization_code' }, { headers: { origin } })
    assert.equal(answer.headers.get('access-control-allow-origin'), null, origin)
  }
})

test('an unknown client or redirect URI is never redirected', async () => {
  const base = { client_id: 'my-spa-client-id', redirect_uri: `${APP}/auth/callback`, response_type: 'code' }
  for (const wrong of [{ client_id: 'nobody' }, { redirect_uri: 'https://evil.example/' }, { redirect_uri: `${APP}/auth/callback/` }]) {
    const answer = await fetch(`${at('/api/auth/oauth2/authorize')}?${new URLSearchParams({ ...base, ...wrong })}`, { redirect: 'manual' })
    assert.equal(answer.status, 400, JSON.stringify(wrong))
    assert.equal(answer.headers.get('location'), null)
  }
})

test('a caller by fetch is told where to go in JSON', async () => {
  const question = new URLSearchParams({
    client_id: 'my-spa-client-id',
    redirect_uri: `${APP}/auth/callback`,
    response_type: 'code',
    state: 'x',
    prompt: 'none',
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  })
  const answer = await fetch(`${at('/api/auth/oauth2/authorize')}?${question}`, { redirect: 'manual' })
  assert.equal(answer.status, 200)
  const { redirect, url } = await answer.json()
  assert.equal(redirect, true)
  assert.equal(new URL(url).searchParams.get('error'), 'login_required')
  assert.equal(new URL(url).searchParams.get('iss'), server.issuer)
})

test('userinfo challenges a missing and a bad token', async () => {
  const missing = await fetch(at('/api/auth/oauth2/userinfo'))
  assert.equal(missing.status, 401)
  assert.match(missing.headers.get('www-authenticate'), /^Bearer\b/)
  const bad = await fetch(at('/api/auth/oauth2/userinfo'), { headers: { authorization: 'Bearer nonsense' } })
  assert.equal(bad.status, 401)
  assert.match(bad.headers.get('www-authenticate'), /error="invalid_token"/)
})

test('the JSON dialect signs in, shows the session and signs out', async () => {
  const call = (path, { body, token } = {}) =>
    fetch(at(`/api/auth/${path}`), {
      method: body ? 'POST' : 'GET',
      headers: { ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) },
      body: body && JSON.stringify(body),
    })
  const wrong = await call('sign-in/email', { body: { email: user.email, password: 'wrong password' } })
  assert.equal(wrong.status, 401)
  const refused = await wrong.json()
  assert.ok(refused.code && refused.message)
  const answer = await call('sign-in/email', { body: { email: user.email, password: user.password } })
  assert.equal(answer.status, 200)
  const signedIn = await answer.json()
  assert.equal(signedIn.user.email, user.email)
  const session = await (await call('get-session', { token: signedIn.token })).json()
  assert.equal(session.user.id, user.id)
  assert.match(session.session.expiresAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  await call('sign-out', { body: {}, token: signedIn.token })
  assert.equal(await (await call('get-session', { token: signedIn.token })).json(), null)
})

test('sign-up is closed unless it is opened', async () => {
  const answer = await fetch(at('/api/auth/sign-up/email'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'new@example.com', password: 'a long enough one', name: 'New' }),
  })
  assert.equal(answer.status, 403)
})

test('pages come with the headers that protect them', async () => {
  const page = await new Person().visit(at('/sign-in'))
  const policy = page.headers['content-security-policy']
  assert.match(policy, /default-src 'none'|default-src 'self'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/)
  assert.equal(page.headers['x-content-type-options'], 'nosniff')
  assert.equal(page.headers['strict-transport-security'], undefined, 'on localhost it would break the apps beside us')
  assert.match(page.headers['cache-control'], /no-store/)
})

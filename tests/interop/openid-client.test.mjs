// What else openid-client can do with a provider: refresh, revocation, introspection, userinfo, logout, form_post, keys instead of secrets.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { lateListen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const issuer = new URL(server.issuer)
let place
let callback
let user
let web

before(async () => {
  place = await lateListen()
  callback = `${place.origin}/callback`
  // Shows the app what came back, whichever way it came.
  place.serve(async (question, answer) => {
    let body = ''
    for await (const chunk of question) body += chunk
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.end(JSON.stringify({ method: question.method, url: new URL(question.url, place.origin).href, body, origin: question.headers.origin }))
  })
  user = await server.user({ name: 'Ann Lee', extra: ['--username', 'ann.lee', '--profile', '{"given_name":"Ann","family_name":"Lee"}'] })
  web = await register('web', ['--auth-method', 'client_secret_basic', '--post-logout-redirect-uri', `${place.origin}/bye`])
})
after(() => place.close())

function register(type, args = []) {
  return server.client(type, ['--redirect-uri', callback, ...args])
}

function discover({ client_id, client_secret }, metadata = {}, authentication) {
  return oidc.discovery(issuer, client_id, { client_secret, ...metadata }, authentication)
}

/** Signs in at `config` with these parameters. Gives the tokens and what led to them. */
async function signIn(config, parameters = {}, { person = new Person(), checks = {} } = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  })
  const page = await person.signInTo(url, user)
  if (!page.url?.startsWith(place.origin)) throw new Error(`Still at ${page.url}: ${page.text}`)
  const got = JSON.parse(page.body)
  const current = got.method === 'POST' ? new Request(got.url, { method: 'POST', body: new URLSearchParams(got.body) }) : new URL(got.url)
  const tokens = await oidc.authorizationCodeGrant(config, current, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, ...checks })
  return { tokens, person, got }
}

test('a confidential client signs a person in', async () => {
  const { tokens } = await signIn(await discover(web))
  const claims = tokens.claims()
  assert.equal(claims.sub, user.id)
  assert.equal(claims.email, user.email)
  assert.equal(claims.preferred_username, 'ann.lee')
  assert.equal(claims.given_name, 'Ann')
  assert.deepEqual(claims.amr, ['pwd'])
  assert.ok(claims.at_hash && claims.sid && claims.jti)
})

test('a secret may also be sent in the body', async () => {
  const posting = await register('web', ['--auth-method', 'client_secret_post'])
  const { tokens } = await signIn(await discover(posting, {}, oidc.ClientSecretPost(posting.client_secret)))
  assert.equal(tokens.claims().sub, user.id)
})

test('a client may prove itself with a key instead of a secret', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const file = join(server.folder, 'app.jwks')
  writeFileSync(file, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'app-1', use: 'sig', alg: 'ES256' }] }))
  const keyed = await register('web', ['--auth-method', 'private_key_jwt', '--jwks-file', file])
  assert.equal(keyed.client_secret, undefined)
  const { tokens } = await signIn(await discover(keyed, {}, oidc.PrivateKeyJwt({ key: privateKey, kid: 'app-1' })))
  assert.equal(tokens.claims().sub, user.id)
})

test('userinfo says the same as the ID token', async () => {
  const config = await discover(web)
  const { tokens } = await signIn(config)
  const info = await oidc.fetchUserInfo(config, tokens.access_token, user.id)
  assert.equal(info.email, user.email)
  assert.equal(info.email_verified, true)
  assert.equal(info.name, 'Ann Lee')
  assert.equal(info.family_name, 'Lee')
  await assert.rejects(oidc.fetchUserInfo(config, `${tokens.access_token}x`, user.id), (error) => error.status === 401)
})

test('refreshing rotates the token, and stealing an old one ends the family', async () => {
  const config = await discover(web)
  const { tokens } = await signIn(config)
  const second = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.equal(second.claims().sub, user.id)
  assert.equal(second.claims().auth_time, tokens.claims().auth_time, 'auth_time is that of the sign-in')
  const third = await oidc.refreshTokenGrant(config, second.refresh_token)
  const refused = { error: 'invalid_grant', status: 400 }
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), refused)
  await assert.rejects(oidc.refreshTokenGrant(config, third.refresh_token), refused)
})

test('a refresh may narrow the scope but not widen it', async () => {
  const config = await discover(web)
  const { tokens } = await signIn(config, { scope: 'openid email offline_access' })
  const narrow = await oidc.refreshTokenGrant(config, tokens.refresh_token, { scope: 'openid' })
  assert.equal(narrow.scope, 'openid')
  await assert.rejects(oidc.refreshTokenGrant(config, narrow.refresh_token, { scope: 'openid phone' }), { error: 'invalid_scope' })
})

test('introspection tells a live token from a dead one', async () => {
  const config = await discover(web)
  const { tokens } = await signIn(config)
  const live = await oidc.tokenIntrospection(config, tokens.access_token)
  assert.equal(live.active, true)
  assert.equal(live.sub, user.id)
  assert.equal(live.client_id, web.client_id)
  assert.equal(live.iss, server.issuer)
  assert.deepEqual(await oidc.tokenIntrospection(config, 'nonsense'), { active: false })
})

test('a revoked refresh token is worth nothing', async () => {
  const config = await discover(web)
  const { tokens } = await signIn(config)
  await oidc.tokenRevocation(config, tokens.refresh_token)
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
  assert.deepEqual(await oidc.tokenIntrospection(config, tokens.refresh_token), { active: false })
  await oidc.tokenRevocation(config, 'never given out')
})

test('another client can neither refresh nor revoke it', async () => {
  const config = await discover(web)
  const other = await discover(await register('web'))
  const { tokens } = await signIn(config)
  await assert.rejects(oidc.refreshTokenGrant(other, tokens.refresh_token), { error: 'invalid_grant' })
  await oidc.tokenRevocation(other, tokens.refresh_token).catch(() => {})
  await oidc.refreshTokenGrant(config, tokens.refresh_token)
})

test('response_mode=form_post sends the code in a body', async () => {
  const { tokens, got } = await signIn(await discover(web), { response_mode: 'form_post' }, { person: new FormPoster() })
  assert.equal(got.method, 'POST')
  assert.equal(new URL(got.url).search, '')
  assert.equal(tokens.claims().sub, user.id)
})

/** Without script the page of form_post shows a button; this person presses it. */
class FormPoster extends Person {
  async signInTo(url, someone) {
    const page = await super.signInTo(url, someone)
    assert.ok(page.has('form-post'), `the form of form_post is shown, not ${page.url}: ${page.text}`)
    return this.press(page, 'submit')
  }
}

test('prompt=none without a session is login_required', async () => {
  const config = await discover(web)
  await assert.rejects(signIn(config, { prompt: 'none' }), { error: 'login_required' })
})

test('prompt=none with a session and consent asks nothing', async () => {
  const config = await discover(web)
  const { person } = await signIn(config)
  const { tokens } = await signIn(config, { prompt: 'none' }, { person })
  assert.equal(tokens.claims().sub, user.id)
})

test('prompt=none before consent is consent_required', async () => {
  const { person } = await signIn(await discover(web))
  await assert.rejects(signIn(await discover(await register('web')), { prompt: 'none' }, { person }), { error: 'consent_required' })
})

test('prompt=login asks for the password again', async () => {
  const config = await discover(web)
  const { person, tokens } = await signIn(config)
  const before = person.trail.length
  const again = await signIn(config, { prompt: 'login' }, { person })
  assert.ok(person.trail.slice(before).some(({ method, url }) => method === 'POST' && url.includes('/sign-in')))
  assert.ok(again.tokens.claims().auth_time >= tokens.claims().auth_time)
})

test('prompt=consent asks again even when it is remembered', async () => {
  const config = await discover(web)
  const { person } = await signIn(config)
  const before = person.trail.length
  await signIn(config, { prompt: 'consent' }, { person })
  assert.ok(person.trail.slice(before).some(({ method, url }) => method === 'POST' && url.includes('/consent')))
})

test('max_age is met, and auth_time proves it', async () => {
  const { tokens } = await signIn(await discover(web), { max_age: '60' }, { checks: { maxAge: 60 } })
  assert.ok(Date.now() / 1000 - tokens.claims().auth_time < 60)
})

test('login_hint fills in the sign-in page', async () => {
  const config = await discover(web)
  const url = oidc.buildAuthorizationUrl(config, { redirect_uri: callback, scope: 'openid', state: 'x', login_hint: user.email })
  const page = await new Person().visit(url)
  assert.deepEqual(
    page.forms.flatMap(({ fields }) => fields).find(([name]) => name === 'identifier'),
    ['identifier', user.email],
  )
})

for (const algorithm of ['ES256', 'EdDSA']) {
  test(`a client may have its tokens signed with ${algorithm}`, async () => {
    const client = await register('web', ['--signing-alg', algorithm])
    const config = await discover(client, { id_token_signed_response_alg: algorithm === 'EdDSA' ? 'EdDSA' : algorithm })
    oidc.enableNonRepudiationChecks(config)
    const { tokens } = await signIn(config)
    assert.equal(tokens.claims().sub, user.id)
  })
}

test('the signature of an ID token is checked, not only its origin', async () => {
  const config = await discover(web)
  oidc.enableNonRepudiationChecks(config)
  const { tokens } = await signIn(config)
  assert.equal(tokens.claims().aud, web.client_id)
})

test('a machine gets a token for itself', async () => {
  const machine = await server.client('m2m', ['--audience', 'https://api.example.com'])
  const tokens = await oidc.clientCredentialsGrant(await discover(machine))
  assert.equal(tokens.refresh_token, undefined)
  assert.equal(tokens.id_token, undefined)
  const [, payload] = tokens.access_token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  assert.equal(claims.sub, machine.client_id)
  assert.deepEqual([claims.aud].flat(), ['https://api.example.com'])
})

test('logging out at the app ends the session and comes back with the state', async () => {
  const config = await discover(web)
  const { tokens, person } = await signIn(config)
  const url = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${place.origin}/bye`, state: 'so long' })
  let page = await person.visit(url)
  if (page.has('logout-confirm')) page = await person.press(page, 'logout-confirm')
  const got = new URL(JSON.parse(page.body).url)
  assert.equal(got.pathname, '/bye')
  assert.equal(got.searchParams.get('state'), 'so long')
  await assert.rejects(signIn(config, { prompt: 'none' }, { person }), { error: 'login_required' })
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' }, 'its refresh tokens end with it')
})

test('logging out without a hint asks first, and never redirects to an unregistered place', async () => {
  const config = await discover(web)
  const { person } = await signIn(config)
  const asked = await person.visit(oidc.buildEndSessionUrl(config, {}))
  assert.ok(asked.has('logout-confirm'), asked.text)
  const elsewhere = await person.visit(oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: `${place.origin}/elsewhere` }))
  assert.equal(new URL(elsewhere.url).origin, server.issuer)
  const { tokens } = await signIn(config, { prompt: 'none' }, { person })
  assert.ok(tokens.access_token, 'nothing ended so far')
})

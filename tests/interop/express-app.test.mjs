// The printed Express app: openid-client and jose, a public client with PKCE, and an API that verifies access tokens.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import express from 'express'
import session from 'express-session'
import { lateListen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { importTexts, sample } from './support/printed.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
let place
let user

before(async () => {
  place = await lateListen()
  const redirectUri = `${place.origin}/oauth/callback`
  const client = await server.client('spa', ['--redirect-uri', redirectUri, '--audience', 'https://api.example.com'])
  assert.equal(client.client_secret, undefined, 'a public client has no secret')
  user = await server.user()
  place.serve(await app(client.client_id, redirectUri))
})
after(() => place.close())

async function app(clientId, redirectUri) {
  const host = { 'https://{tenant-id}.authalla.com': server.issuer }
  const ids = { ...host, client_123: clientId }
  const modules = await importTexts({
    start: sample('express/start-authorization.js', { ...ids, 'https://app.example.com/oauth/callback': redirectUri }),
    callback: sample('express/callback.js', ids),
    authorize: sample('express/authorize.js', host),
  })
  const app = express()
  app.use(session({ secret: 'of this test only', resave: false, saveUninitialized: false }))
  app.get('/login', modules.start.startAuthorization)
  app.get('/oauth/callback', modules.callback.callback)
  app.get('/app', (req, res) => res.json(req.session.user ? { user: req.session.user, tokens: req.session.tokens } : null))
  app.get('/api/invoices', modules.authorize.authorize, (req, res) => res.json({ invoices: [], for: req.auth }))
  app.use((error, _req, res, _next) => res.status(500).json({ error: error.code ?? error.name, message: error.message }))
  return app
}

async function call(token) {
  const answer = await fetch(`${place.origin}/api/invoices`, { headers: token ? { authorization: `Bearer ${token}` } : {} })
  return { status: answer.status, body: await answer.json() }
}

test('the printed handlers sign a person in', async () => {
  const person = new Person()
  const asked = await person.visit(`${place.origin}/login`)
  assert.ok(asked.has('identifier') && asked.has('password') && asked.has('submit'), 'the sign-in page is shown')
  const consent = await person.signIn(asked, user)
  assert.ok(consent.has('consent-allow') && consent.has('consent-deny'), 'consent is asked')
  const home = await person.press(consent, 'consent-allow')
  assert.equal(home.url, `${place.origin}/app`, home.body)
  assert.deepEqual(JSON.parse(home.body).user, { sub: user.id, email: user.email })
})

test('the second time nothing is asked', async () => {
  const person = new Person()
  await person.signInTo(`${place.origin}/login`, user)
  const steps = person.trail.length
  const home = await person.visit(`${place.origin}/login`)
  assert.equal(home.url, `${place.origin}/app`)
  assert.ok(person.trail.length - steps <= 5, 'straight through')
})

test('the printed middleware takes the access token, with subject and e-mail', async () => {
  const home = await new Person().signInTo(`${place.origin}/login`, user)
  const { tokens } = JSON.parse(home.body)
  const { status, body } = await call(tokens.access_token)
  assert.equal(status, 200)
  assert.deepEqual(body.for, { sub: user.id, email: user.email })
})

test('the printed middleware refuses no token, a spoilt token and a token for another audience', async () => {
  const home = await new Person().signInTo(`${place.origin}/login`, user)
  const { tokens } = JSON.parse(home.body)
  assert.deepEqual(await call(), { status: 401, body: { error: 'missing_token' } })
  const [head, payload, signature] = tokens.access_token.split('.')
  const spoilt = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
  assert.deepEqual(await call(`${head}.${payload}.${spoilt}`), { status: 401, body: { error: 'invalid_token' } })
  assert.deepEqual(await call(tokens.id_token), { status: 401, body: { error: 'invalid_token' } }, 'an ID token is for the app')
})

test('a person who says no comes back to the app with access_denied', async () => {
  const person = new Person()
  const shy = await server.user({ name: 'Shy Person' })
  const consent = await person.signIn(await person.visit(`${place.origin}/login`), shy)
  const home = await person.press(consent, 'consent-deny')
  assert.equal(new URL(home.url).searchParams.get('error'), 'access_denied')
  assert.equal(JSON.parse(home.body).error, 'OAUTH_AUTHORIZATION_RESPONSE_ERROR')
})

test('a callback with a foreign state is refused by the app', async () => {
  const person = new Person()
  await person.visit(`${place.origin}/login`)
  const home = await person.visit(`${place.origin}/oauth/callback?code=abc&state=foreign&iss=${encodeURIComponent(server.issuer)}`)
  assert.equal(home.status, 500)
})

// An Auth.js app with the plainest provider there is: type "oidc", issuer, id and secret.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'
import { oneHeaderPerCookie } from './support/cookies.mjs'
import { lateListen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
let place
let user

before(async () => {
  place = await lateListen()
  const client = await server.client('web', ['--redirect-uri', `${place.origin}/api/auth/callback/auther`])
  user = await server.user({ name: 'Ann Lee' })
  const config = {
    basePath: '/api/auth',
    secret: 'thirty-two characters of this test only',
    trustHost: true,
    logger: { error: (error) => error.type === 'OAuthCallbackError' || console.log(error), warn() {}, debug() {} },
    providers: [{ id: 'auther', name: 'Auther', type: 'oidc', issuer: server.issuer, clientId: client.client_id, clientSecret: client.client_secret }],
  }
  const app = express()
  app.use(oneHeaderPerCookie)
  app.use('/api/auth', ExpressAuth(config))
  app.get('/', async (req, res) => res.json(await getSession(req, config)))
  place.serve(app)
})
after(() => place.close())

/** Presses "Sign in with Auther" on the page that Auth.js makes. */
async function chooseAuther(person) {
  const page = await person.visit(`${place.origin}/api/auth/signin?callbackUrl=${encodeURIComponent(`${place.origin}/`)}`)
  const form = page.forms.find(({ action }) => action.endsWith('/signin/auther'))
  assert.ok(form, page.text)
  return person.send(page, form, form.fields)
}

test('the app signs a person in and keeps a session', async () => {
  const person = new Person()
  const asked = await chooseAuther(person)
  assert.equal(new URL(asked.url).origin, server.issuer, 'the app sends the browser here')
  const consent = await person.signIn(asked, user)
  const home = await person.press(consent, 'consent-allow')
  assert.equal(home.url, `${place.origin}/`, home.text)
  const session = JSON.parse(home.body)
  assert.equal(session.user.email, user.email)
  assert.equal(session.user.name, 'Ann Lee')
  const back = person.trail.find(({ url }) => url.startsWith(`${place.origin}/api/auth/callback/auther?`))
  assert.ok(back, 'it came back to the callback of Auth.js')
})

test('the app shows its own error page when the person says no', async () => {
  const person = new Person()
  const shy = await server.user()
  const consent = await person.signIn(await chooseAuther(person), shy)
  const page = await person.press(consent, 'consent-deny')
  assert.equal(new URL(page.url).origin, place.origin)
  assert.match(page.url, /error/)
  const home = await person.visit(`${place.origin}/`)
  assert.equal(JSON.parse(home.body), null)
})

test('signing out of the app does not sign out here', async () => {
  const person = new Person()
  let home = await person.signIn(await chooseAuther(person), user)
  if (home.has('consent-allow')) home = await person.press(home, 'consent-allow')
  assert.equal(JSON.parse(home.body).user.email, user.email)
  const page = await person.visit(`${place.origin}/api/auth/signout`)
  const form = page.forms.find(({ action }) => action.endsWith('/signout'))
  await person.send(page, form, form.fields)
  assert.equal(JSON.parse((await person.visit(`${place.origin}/`)).body), null)
  const again = await chooseAuther(person)
  assert.equal(again.url, `${place.origin}/`, 'one press is enough, the session here lives on')
})

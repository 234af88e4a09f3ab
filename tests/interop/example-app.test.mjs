// The example of the README, started the way the README says.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { source, startFirstApp } from './support/first-app.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
let app
let user

before(async () => {
  app = await startFirstApp(server)
  user = await server.user({ name: 'Ann <Lee>' })
})
after(() => app?.stop())

test('it is shorter than 60 lines and depends on what is tested here', () => {
  const lines = readFileSync(join(source, 'app.mjs'), 'utf8').trimEnd().split('\n')
  assert.ok(lines.length < 60, `${lines.length} lines`)
  const dependencies = (path) => JSON.parse(readFileSync(path, 'utf8')).dependencies
  const tested = dependencies(fileURLToPath(new URL('package.json', import.meta.url)))
  for (const [name, version] of Object.entries(dependencies(join(source, 'package.json')))) assert.equal(version, tested[name], name)
})

test('it signs a person in and says who it is', async () => {
  const person = new Person()
  const start = await person.visit(app.origin)
  assert.match(start.text, /stranger/)
  const home = await person.signInTo(`${app.origin}/sign-in`, user)
  assert.equal(home.url, `${app.origin}/`)
  assert.match(home.text, /Ann <Lee>/)
  assert.ok(home.text.includes(user.email))
  assert.ok(app.said().includes(user.email), 'and prints it')
})

test('its way out ends the session here', async () => {
  const person = new Person()
  await person.signInTo(`${app.origin}/sign-in`, user)
  let page = await person.visit(`${app.origin}/sign-out`)
  if (page.has('logout-confirm')) page = await person.press(page, 'logout-confirm')
  assert.equal(page.status, 200)
  const asked = await person.visit(`${app.origin}/sign-in`)
  assert.ok(asked.has('password'), asked.text)
})

test('it refuses an answer that it did not ask for', async () => {
  const page = await new Person().visit(`${app.origin}/callback?code=x&state=y&iss=${encodeURIComponent(server.issuer)}`)
  assert.equal(page.status, 400)
})

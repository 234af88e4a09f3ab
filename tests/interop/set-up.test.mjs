// From an empty folder to the first administrator, through the printed link and the page behind it.
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const admin = { email: 'root@example.com', password: 'a long and private sentence' }

function setUp(person, page, fields = {}) {
  return person.press(page, 'submit', { name: 'Root Person', ...admin, ...fields })
}

test('nothing is on disk but the data file and its socket, for the owner only', () => {
  const files = readdirSync(server.folder)
    .filter((name) => name !== 'ca.pem')
    .sort()
  assert.deepEqual(files, ['auther.redb', 'auther.sock'])
  for (const name of files) assert.equal(statSync(join(server.folder, name)).mode & 0o777, 0o600, name)
})

test('without the token there is no set-up', async () => {
  const bare = await new Person().visit(`${server.issuer}/setup`)
  assert.equal(bare.forms.length, 0)
  const wrong = await new Person().visit(`${server.setupLink.slice(0, -3)}xyz`)
  assert.equal(wrong.forms.length, 0)
  assert.match(wrong.text, /auther admin setup-link/)
})

test('a password that is too short is refused beside its field, and the link still works', async () => {
  const person = new Person()
  const page = await setUp(person, await person.visit(server.setupLink), { password: 'short' })
  assert.ok(page.status >= 400 && page.status < 500)
  assert.ok(page.has('error-summary'), page.text)
  assert.match(page.body, new RegExp(admin.email.replace('.', '\\.')), 'what was typed is still there')
  assert.doesNotMatch(page.body, /value="short"/)
})

test('the link makes the first administrator and signs in', async () => {
  const person = new Person()
  const home = await setUp(person, await person.visit(server.setupLink))
  assert.equal(home.url, `${server.issuer}/`)
  assert.equal(home.status, 200)
  assert.ok(home.has('logout-confirm'), home.text)
  assert.match(home.text, /auther admin client create/, 'the next step is named')
  const { items } = await server.admin(['user', 'list'])
  assert.equal(items.length, 1)
  assert.equal(items[0].email, admin.email)
})

test('the link works once', async () => {
  const person = new Person()
  const page = await person.visit(server.setupLink)
  assert.equal(page.forms.length, 0)
  await assert.rejects(server.admin(['setup-link']), /recover/)
})

test('the administrator signs out and in again', async () => {
  const person = new Person()
  const page = await person.visit(`${server.issuer}/sign-in`)
  const home = await person.signIn(page, admin)
  assert.ok(home.has('logout-confirm'), home.text)
  await person.press(home, 'logout-confirm')
  const after = await person.visit(`${server.issuer}/`)
  assert.ok(!after.has('logout-confirm'))
})

test('a wrong password and an unknown person get the same page', async () => {
  const attempt = async (fields) => {
    const person = new Person()
    const page = await person.signIn(await person.visit(`${server.issuer}/sign-in`), fields)
    return { status: page.status, text: page.text, fields: page.forms[0].fields.map(([name]) => name) }
  }
  const wrong = await attempt({ ...admin, password: 'not the password' })
  const unknown = await attempt({ email: 'nobody@example.com', password: 'not the password' })
  assert.deepEqual(wrong, unknown)
  assert.ok(wrong.status >= 400 && wrong.status < 500, `status ${wrong.status}`)
})

test('recovery sets a new password and ends the old sessions', async () => {
  const person = new Person()
  await person.signIn(await person.visit(`${server.issuer}/sign-in`), admin)
  const { url } = await server.admin(['recover', admin.email])
  const fresh = 'another long and private sentence'
  const elsewhere = new Person()
  const saved = await elsewhere.press(await elsewhere.visit(url), 'submit', { password: fresh })
  assert.ok(saved.has('logout-confirm'), saved.text)
  const home = await person.visit(`${server.issuer}/`)
  assert.ok(!home.has('logout-confirm'), 'the old session has ended')
  const again = await person.signIn(await person.visit(`${server.issuer}/sign-in`), { ...admin, password: fresh })
  assert.ok(again.has('logout-confirm'), again.text)
})

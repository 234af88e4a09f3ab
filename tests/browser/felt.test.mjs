// What an administrator does on the pages is felt elsewhere: by a machine with the printed Python, and by an app that somebody is signed in to.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { listen } from '../interop/support/listen.mjs'
import { relyingParty } from '../interop/support/relying-party.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, signIn } from './support/chromium.mjs'
import { signedIn, words } from './support/desk.mjs'

const server = givenServer()
const { browser, context } = await givenBrowser(server)
const CALLBACK = 'https://app.example.com/callback'
const MODEL = {
  relations: { editor: { union: ['viewer'] }, viewer: [] },
  permissions: {
    read: { relation: 'viewer' },
    edit: { relation: 'editor', policyEngine: 'lua', policy: "return context.resource.environment ~= 'production'" },
  },
}
const printed = (name) => readFileSync(new URL(`../interop/printed/machine/${name}`, import.meta.url), 'utf8')
let page
let root
let folder
let api

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'machine-'))
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  writeFileSync(join(server.folder, 'model.json'), JSON.stringify(MODEL))
  for (const kind of ['deployment', 'config']) await server.admin(['model', 'put', `client_abc:${kind}`, '--file', 'model.json'])
  // The API of somebody else: it says which token it was asked with.
  api = await listen((question, answer) => answer.end(JSON.stringify(question.headers.authorization ?? null)))
  page = await signedIn(server, context, root)
})
after(async () => {
  await api?.close()
  rmSync(folder, { recursive: true, force: true })
})

const { go, said, button, dialog } = words(() => page, `${server.issuer}/admin`)

/** Runs a printed file with this key; `more` stands before and after it. What it prints is given. */
async function python(name, key, { before: first = '', after: last = '' } = {}) {
  const text = printed(name)
    .replaceAll('ak_live_xxxxxxxxxxxx', key)
    .replaceAll('https://auth.example.com', server.issuer)
    .replaceAll('https://api.example.com', api.origin)
  writeFileSync(join(folder, name), `${first}\n${text}\n${last}\n`)
  const env = { ...process.env, REQUESTS_CA_BUNDLE: server.caFile, PYTHONDONTWRITEBYTECODE: '1' }
  const { stdout } = await promisify(execFile)(process.env.AUTHER_TEST_PYTHON ?? 'python3', [name], { cwd: folder, env })
  return stdout.trim()
}

test('a key made on one page, allowed on another, works in the printed Python', async () => {
  await go('')
  await page.click('.rail a:text-is("Keys")')
  await page.click('a:text-is("New API key")')
  await page.fill('#field-name', 'CI/CD Pipeline Key')
  await page.fill('#field-owner', root.email)
  await button('Make the key').click()
  const key = await dialog().locator('pre').first().innerText()
  assert.match(key, /^ak_live_/)
  await button('I saved it').click()
  await page.waitForURL('**/admin/keys/key_*')
  const id = new URL(page.url()).pathname.split('/').pop()
  const denied = await python('option_b.py', key, { before: 'import requests' })
  assert.match(denied, /'allowed': False/, 'it may do nothing yet')

  for (const [kind, relation] of [
    ['deployment', 'editor'],
    ['config', 'viewer'],
  ]) {
    await page.click('.rail a:text-is("Grants")')
    await page.click('a:text-is("New grant")')
    await page.selectOption('#field-entity_type', `client_abc:${kind}`)
    await page.fill('#field-entity_id', '*')
    await page.selectOption('#field-relation', relation)
    await page.selectOption('#field-subject_type', 'apikey')
    await page.fill('#field-subject_id', id)
    await said('Will gain')
    await button('Grant').click()
    await page.waitForURL('**/admin/access/grants?**')
    await page.getByRole('row', { name: new RegExp(`client_abc:${kind}.*${relation}`) }).waitFor()
  }

  const allowed = await python('option_b.py', key, { before: 'import requests' })
  assert.match(allowed, /'allowed': True/)
  const token = await python('option_a.py', key, { after: 'print(deployments.text)' })
  const claims = JSON.parse(Buffer.from(token.replaceAll('"', '').replace('Bearer ', '').split('.')[1], 'base64url'))
  assert.deepEqual([claims.apiKeyId, claims.exp - claims.iat], [id, 900])
  assert.deepEqual(claims.permissions, { 'client_abc:config': ['read', 'viewer'], 'client_abc:deployment': ['edit', 'editor', 'read', 'viewer'] })
  // The class of the guide compares a time without a zone to one that has one; the caller gives it a clock that knows its zone.
  const clock =
    'import requests\nfrom datetime import datetime as real, timedelta, timezone\nclass datetime(real):\n    @classmethod\n    def utcnow(cls): return real.now(timezone.utc)'
  const asked = await python('auther_client.py', key, {
    before: clock,
    after: `print(AutherClient("${key}", "${server.issuer}").request("GET", "${api.origin}/deployments").status_code)`,
  })
  assert.equal(asked, '200')

  await go(`/keys/${id}`)
  await button('Revoke').click()
  await page.fill('#field-confirm', 'CI/CD Pipeline Key')
  await dialog().getByRole('button', { name: 'Revoke' }).click()
  await page.waitForURL('**/admin/keys')
  assert.match(await python('option_b.py', key, { before: 'import requests' }), /invalid_api_key/)
})

test('an app cannot renew its tokens once the session they came from was ended', async () => {
  const lou = await server.user({ name: 'Lou' })
  const client = await server.client('web', ['--redirect-uri', CALLBACK], 'Ledger')
  const app = await relyingParty(server, client, CALLBACK)
  const own = await browser.context()
  await own.route(`${CALLBACK}**`, (route) => route.fulfill({ body: 'Signed in' }))
  const tab = await own.newPage()
  await tab.goto(await app.begin())
  await signIn(tab, lou)
  await tab.click('#consent-allow')
  await tab.waitForURL(`${CALLBACK}**`)
  const first = await app.finish(tab.url())
  const renewed = await app.refresh(first.refresh_token)
  assert.ok(renewed.access_token && renewed.refresh_token)

  await go('/sessions')
  await page.fill('#search', lou.email)
  await said('1 in all')
  const row = page.locator('tbody tr', { hasText: lou.email })
  assert.match(await row.innerText(), /Ledger/)
  await row.getByRole('button').click()
  await dialog().getByRole('button', { name: 'End session' }).click()
  await said('No session fits')
  await assert.rejects(app.refresh(renewed.refresh_token), (error) => error.error === 'invalid_grant')
  await tab.goto(`${server.issuer}/account`)
  assert.equal(new URL(tab.url()).pathname, '/sign-in', 'the person is asked to sign in again')
  await own.close()
})

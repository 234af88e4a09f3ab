// What people and apps write is shown as text: every field that a page shows holds markup and script of a dozen kinds, and every page is opened.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person } from '../interop/support/person.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, watch } from './support/chromium.mjs'
import { settled, signedIn } from './support/desk.mjs'

const server = givenServer()
const CALLBACK = 'https://app.example.com/callback'
const CORPUS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  "' onmouseover='alert(3)' autofocus onfocus='alert(3)",
  '<svg/onload=alert(4)><animate onbegin=alert(4)>',
  'javascript:alert(5)//',
  '</title></textarea></script><script>alert(6)</script>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template as an attacker writes it
  "{{constructor.constructor('alert(7)')()}}${alert(7)}",
  '<iframe srcdoc="<script>parent.alert(8)</script>">',
  '<base href="https://evil.example/"><a href=//evil.example>x</a>',
  "<style>@import 'https://evil.example/x.css';</style>",
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(11)>',
  '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
  '\u05e9\u05dc\u05d5\u05dd.<img src=https://evil.example/p>&lt;b&gt;&#x3c;b&#x3e;',
  '--><!-- <object data="data:text/html,<script>alert(14)</script>"></object>',
]
// Identifiers have no spaces.
const IDS = CORPUS.map((text) => text.replace(/\s/g, '/'))
// Where there is room, all at once.
const ALL = CORPUS.join(' ')
let browser
let context
let page
let complaints
let dialogs = 0
let key
const made = { users: [], groups: [], clients: [], keys: [] }

async function api(method, path, body) {
  const answer = await fetch(`${server.issuer}/api/admin${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  assert.ok(answer.ok, `${text}: ${method} ${path} ${JSON.stringify(body)}`)
  return text ? JSON.parse(text) : null
}

const type = 'shop:invoice'
const lua = (text) => `-- ${text.replaceAll('\n', ' ')}\nreturn context.resource.amount ~= [==[${text}]==]`

before(async () => {
  browser = await openBrowser(server)
  const root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  const walker = await server.admin(['api-key', 'create', '--name', 'Walker', '--owner', root.email])
  key = walker.key
  await server.admin(['tuple', 'add', 'platform', '*', 'admin', 'apikey', walker.id])
  const definition = { relations: { viewer: {} }, permissions: { read: { relation: 'viewer', policyEngine: 'lua', policy: lua(ALL) } } }
  await api('PUT', `/models/${encodeURIComponent(type)}`, { definition, version: 0 })
  for (const [n, text] of CORPUS.entries()) {
    const profile = { nickname: text, given_name: text, website: `https://example.com/${encodeURI(text)}` }
    const user = await api('POST', '/users', { email: `corpus${n}@example.com`, name: text, password: 'a long and private sentence', email_verified: true })
    await api('PATCH', `/users/${user.id}`, { ...profile, attributes: { [text]: ALL, list: [text] }, version: user.version })
    const group = await api('POST', '/groups', { name: text, description: ALL.slice(0, 1000) })
    await api('POST', `/groups/${group.id}/members`, { subject_id: user.id })
    const client = await api('POST', '/clients', {
      name: text,
      type: 'web',
      redirect_uris: [CALLBACK, new URL(`https://app.example.com/cb?x=${encodeURIComponent(text)}`).href],
    })
    const apiKey = await api('POST', '/api-keys', { name: text, owner: user.id, metadata: { [text]: text } })
    await api('POST', '/tuples', { entity_type: type, entity_id: IDS[n], relation: 'viewer', subject_type: 'user', subject_id: user.id, condition: lua(text) })
    await api('POST', '/tuples', { entity_type: type, entity_id: IDS[n], relation: 'viewer', subject_type: 'shop:thing', subject_id: IDS[n] }).catch(() => {})
    await happened(text, user, client)
    made.users.push({ id: user.id, email: user.email, text })
    made.groups.push({ id: group.id, text })
    made.clients.push({ id: client.client_id, text })
    made.keys.push({ id: apiKey.id, text })
  }
  context = await browser.context()
  complaints = watch(context, server.issuer)
  context.on('page', (tab) =>
    tab.on('dialog', (dialog) => {
      dialogs += 1
      dialog.dismiss()
    }),
  )
  page = await signedIn(server, context, root)
})
after(() => browser?.close())

/** Somebody signs in with a browser of this name, is refused under this name, and an app sends this where its address belongs. */
async function happened(text, user, client) {
  const headers = { 'content-type': 'application/json', origin: server.issuer, 'user-agent': text.replace(/[^\x20-\x7e]/g, '') }
  for (const [email, password] of [
    [user.email, 'a long and private sentence'],
    [text, 'wrong'],
  ]) {
    await fetch(`${server.issuer}/api/auth/sign-in/email`, { method: 'POST', headers, body: JSON.stringify({ email, password }) })
  }
  const query = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: `https://app.example.com/${text}`,
    response_type: 'code',
    scope: `openid ${text}`,
    state: text,
  })
  const page = await new Person().visit(`${server.issuer}/api/auth/oauth2/authorize?${query}`)
  assert.equal(page.status, 400)
}

const flat = (text) => text.replace(/\s+/g, ' ').trim()

/** Opens a page and sees that nothing came to life there, and that these texts stand there as they were written. */
async function harmless(tab, path, texts = []) {
  await tab.goto(server.issuer + path)
  await settled(tab)
  for (const text of texts) {
    await tab
      .waitForFunction(
        (wanted) => {
          const shown = [document.body.innerText, document.body.textContent, ...[...document.querySelectorAll('input, textarea')].map((field) => field.value)]
          return shown.some((one) => one.replace(/\s+/g, ' ').includes(wanted))
        },
        flat(text),
        { timeout: 5000 },
      )
      .catch(() => assert.fail(`${path} does not show ${text}`))
  }
  await tab.evaluate(() =>
    document.querySelectorAll('details').forEach((details) => {
      details.open = true
    }),
  )
  const alive = await tab.evaluate(() =>
    [
      ...document.querySelectorAll(
        'main :is(script, iframe, object, embed, base, meta, style, math, animate, link, mglyph), main img:not([src^="/assets/"]), main form form, [onerror], [onload], [onmouseover], [onfocus], main a',
      ),
    ]
      .filter((element) => element.localName !== 'a' || !/^https?:$/.test(element.protocol) || /evil\.example$/.test(element.hostname))
      .map((element) => element.outerHTML),
  )
  assert.deepEqual(alive, [], path)
  assert.deepEqual(complaints().splice(0), [], path)
  assert.equal(dialogs, 0, path)
  assert.equal(new URL(tab.url()).origin, server.issuer, path)
}

const names = CORPUS.filter(Boolean)

for (const path of [
  '/admin/users?search=corpus',
  '/admin/groups',
  '/admin/clients',
  '/admin/keys',
  '/admin/sessions',
  '/admin/access/grants',
  '/admin/audit',
]) {
  test(`${path} shows all of them`, async () => {
    const shown = path.includes('grants') ? IDS : path.includes('sessions') ? [] : names
    await harmless(page, path, path.includes('audit') ? names.slice(-1) : shown)
  })
}

const tabs = {
  users: ['', '?tab=sessions', '?tab=groups', '?tab=access', '?tab=apps', '?tab=token', '?tab=keys', '?tab=activity'],
  groups: ['', '?tab=tree', '?tab=grants', '?tab=details', '?tab=activity'],
  clients: ['', '?tab=access', '?tab=integration', '?tab=failures', '/test'],
  keys: [''],
}
for (const [kind, parts] of Object.entries(tabs)) {
  test(`every page about one of the ${kind} shows it as it is written`, async () => {
    // Each tab for two of them, and each of them at least once.
    for (const [n, { id, text }] of made[kind].entries()) {
      const some = parts.filter((_, m) => m === n % parts.length || n === 0 || n === 1)
      for (const part of some) await harmless(page, `/admin/${kind}/${id}${part}`, [text])
    }
  })
}

test('models, grants, the tester and the audit log', async () => {
  await harmless(page, `/admin/access/models/${encodeURIComponent(type)}`, [])
  for (const [n, id] of [...IDS.entries()].filter(([n]) => n % 3 === 0)) {
    const question = new URLSearchParams({ subject_type: 'user', subject_id: made.users[n].email, permission: 'read', entity_type: type, entity_id: id })
    await harmless(page, `/admin/access/tester?${question}`, [id])
  }
  for (const text of CORPUS.slice(0, 4)) {
    await harmless(page, `/admin/access/grants/create?${new URLSearchParams({ entity_type: text, entity_id: text, relation: text, subject_id: text })}`)
    for (const path of ['/admin/users', '/admin/audit', '/admin/settings'])
      await harmless(page, `${path}?${new URLSearchParams({ search: text, sort: text, action: text, tab: text })}`)
  }
})

test('the pages of the person who is called so, and what an app is called that they sign in to', async () => {
  for (const n of [0, 1, 7]) {
    const { email, text } = made.users[n]
    const own = await browser.context()
    complaints = watch(own, server.issuer)
    own.on('page', (tab) =>
      tab.on('dialog', (dialog) => {
        dialogs += 1
        dialog.dismiss()
      }),
    )
    const tab = await signedIn(server, own, { email, password: 'a long and private sentence' }, '/account')
    const account = ['', '/security', '/sessions', '/apps', '/keys', '/access', '/delete']
    for (const path of account) await harmless(tab, `/account${path}`, path === '' || path === '/keys' ? [text] : [])
    const query = new URLSearchParams({
      client_id: made.clients[n].id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid profile email',
      state: text,
    })
    for (const prompt of ['consent', 'login', 'select_account']) {
      await harmless(tab, `/api/auth/oauth2/authorize?${query}&prompt=${prompt}`, [text])
    }
    await harmless(tab, `/api/auth/oauth2/authorize?${new URLSearchParams({ ...Object.fromEntries(query), redirect_uri: `https://app.example.com/${text}` })}`)
    await harmless(tab, `/sign-in?${new URLSearchParams({ continue: text, other: '1' })}`)
    await harmless(tab, `/error?${new URLSearchParams({ error: text, error_description: text })}`)
    await own.close()
  }
})

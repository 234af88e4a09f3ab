// Screen = CLI = API: what every page prints under "How to do this elsewhere" works as it stands, and everything the API can do has a command
// and a page.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Person } from '../interop/support/person.mjs'
import { binary, givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'
import { settled, signedIn } from './support/desk.mjs'
import { NOWHERE, OPERATIONS } from './support/operations.mjs'

const server = givenServer()
const CALLBACK = 'https://app.example.com/callback'
const TYPE = 'ledger:invoice'
const MODEL = { relations: { owner: { union: ['viewer'] }, viewer: {} }, permissions: { read: { relation: 'viewer' } } }
const source = (name) => readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8')
const routes = [
  ...[...source('admin/app.js').matchAll(/page\(adminPage\("?([^")]*)"?\)/g)].map(([, path]) => `/admin${path}`),
  ...[...source('account/app.js').matchAll(/path: accountPage\("?([^")]*)"?\)/g)].map(([, path]) => `/account${path}`),
]

let browser
let admin
let own
let token
let key
const named = {}
const spare = { ses: [], key: [] }

// What stands in for something that only a person has: a secret, a file, an id that was not known when the page was drawn. Nothing else is changed.
// A function is asked anew for each occurrence.
const fresh = { n: 0, next: (word) => `${word}${(fresh.n += 1)}` }
const EVERYWHERE = [
  ['ses_…', () => spare.ses.pop()],
  ['key_…', () => spare.key.pop()],
  ['CLIENT_ID', 'ledger'],
  [' --follow', ''],
]
const places = [
  { path: '/admin' },
  { path: '/admin/users' },
  {
    path: '/admin/users',
    title: 'an invitation',
    open: (page) => page.getByRole('button', { name: 'Invite' }).click(),
    stands: [['ann@example.org', () => `${fresh.next('invited')}@example.org`]],
  },
  { path: '/admin/users/create', stands: [['ann@example.org', () => `${fresh.next('new')}@example.org`]] },
  ...['', 'sessions', 'groups', 'access', 'apps', 'token', 'keys', 'activity'].map((tab) => ({ path: '/admin/users/:id', tab })),
  {
    path: '/admin/users/:id',
    title: 'a password',
    open: (page) => page.getByRole('button', { name: 'Set password' }).click(),
    stands: [
      ['…', 'another long and private sentence'],
      ['set-password', 'set-password --password-stdin'],
    ],
    input: 'one more long and private sentence',
  },
  { path: '/admin/groups' },
  { path: '/admin/groups/create', stands: [['Engineering', () => fresh.next('Crew')]] },
  ...['', 'tree', 'grants', 'details', 'activity'].map((tab) => ({
    path: '/admin/groups/:id',
    tab,
    stands: tab === 'grants' ? [['billing:invoice', TYPE]] : [],
  })),
  { path: '/admin/sessions' },
  { path: '/admin/administrators', stands: [['ann@example.org', 'ann@example.com']] },
  { path: '/admin/clients' },
  { path: '/admin/clients/register' },
  ...['', 'access', 'integration', 'failures'].map((tab) => ({ path: '/admin/clients/:id', tab })),
  { path: '/admin/clients/:id/test' },
  { path: '/admin/keys' },
  { path: '/admin/keys', tab: 'signing' },
  { path: '/admin/keys/create' },
  { path: '/admin/keys/:id' },
  { path: '/admin/access' },
  { path: '/admin/access/create', query: '?type=ledger:bill', stands: [['"definition":{}', `"definition":${JSON.stringify(MODEL)}`]] },
  ...['', 'policies'].map((tab) => ({ path: '/admin/access/models/:type', tab })),
  { path: '/admin/access/grants' },
  { path: '/admin/access/grants/create', query: `?entity_type=${TYPE}&entity_id=inv_1&relation=viewer&subject_type=user&subject_id=ann@example.com` },
  { path: '/admin/access/grants/files', stands: [['shop:invoice', TYPE]] },
  { path: '/admin/access/tester', stands: [['shop:invoice', TYPE]] },
  { path: '/admin/audit' },
  { path: '/admin/settings' },
  { path: '/admin/settings', tab: 'health' },
  { path: '/account' },
  {
    path: '/account/security',
    stands: [
      ['"currentPassword":"…"', () => `"currentPassword":"${own.password}"`],
      ['"newPassword":"…"', () => `"newPassword":"${(own.password = 'a newer long sentence')}"`],
    ],
  },
  ...['/account/sessions', '/account/apps', '/account/keys', '/account/keys/create', '/account/access'].map((path) => ({ path })),
  { path: '/account/delete', stands: [['…', () => own.password]] },
]

/** Runs what a page printed in a shell where `auther` is the binary under test and `curl` tells its status. Gives what each of them answered. */
function run(text, { input = '' } = {}) {
  const out = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  writeFileSync(
    join(out, 'says.sh'),
    `set -e
n=0
auther() { n=$((n + 1)); case " $* " in *" --json "*|*" export "*) "$PROGRAM" "$@" | tee "$OUT/$n.json" ;; *) "$PROGRAM" "$@" --json > "$OUT/$n.json" ;; esac; }
curl() { n=$((n + 1)); command curl -sS -o "$OUT/$n.body" -w '%{http_code}' "$@" > "$OUT/$n.status"; }
${text}
`,
  )
  // Variables named AUTHER_… are settings.
  const others = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AUTHER_')))
  const env = { ...others, PROGRAM: binary(), OUT: out, CURL_CA_BUNDLE: server.caFile, API_KEY: key, TOKEN: token }
  return new Promise((done) => {
    const child = execFile('bash', [join(out, 'says.sh')], { cwd: server.folder, env }, (error, _stdout, stderr) => {
      const files = readdirSync(out)
      const read = (name) => readFileSync(join(out, name), 'utf8')
      const answers = files.filter((name) => name.endsWith('.json')).map(read)
      const statuses = files.filter((name) => name.endsWith('.status')).map((name) => [read(name), read(name.replace('status', 'body'))])
      rmSync(out, { recursive: true, force: true })
      done({ code: error ? error.code : 0, stderr, answers, statuses })
    })
    // What asks for nothing may be gone before it was told.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

function filled(text, stands = []) {
  let result = text
  for (const [mark, value] of [...stands, ...EVERYWHERE]) {
    result = result.split(mark).reduce((before, rest) => before + (typeof value === 'function' ? value() : value) + rest)
  }
  return result
}

const post = async (path, body, headers = {}) => {
  const answer = await fetch(server.issuer + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.issuer, ...headers },
    body: JSON.stringify(body),
  })
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`)
  return answer.json()
}
const tokenOf = async ({ email, password }) => (await post('/api/auth/sign-in/email', { email, password })).token

before(async () => {
  browser = await openBrowser(server)
  const root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  const ann = await server.user({ name: 'Ann Lee' })
  own = await server.user({ name: 'Own Er' })
  for (const host of ['org', 'com'])
    await server.admin(['user', 'create', '--email', `ann@example.${host}`, '--password-stdin', '--verified'], 'a long and private sentence')
  await server.client('web', ['--redirect-uri', CALLBACK, '--client-id', 'ledger'], 'Ledger')
  const groups = {}
  for (const name of ['Engineering', 'Product', 'Staff', 'Accounting']) groups[name] = (await server.admin(['group', 'create', '--name', name])).id
  writeFileSync(join(server.folder, 'model.json'), JSON.stringify(MODEL))
  await server.admin(['model', 'put', TYPE, '--file', 'model.json'])
  const made = await server.admin(['api-key', 'create', '--name', 'Walk', '--owner', root.email])
  key = made.key
  await server.admin(['tuple', 'add', 'platform', '*', 'admin', 'apikey', made.id])
  Object.assign(named, {
    '/admin/users/:id': ann.id,
    '/admin/clients/:id': 'ledger',
    '/admin/clients/:id/test': 'ledger',
    '/admin/groups/:id': groups.Accounting,
    '/admin/keys/:id': (await server.admin(['api-key', 'create', '--name', 'Pipeline', '--owner', root.email])).id,
    '/admin/access/models/:type': TYPE,
  })
  // Somebody lets the app in; the app asks for something that is not registered.
  const authorize = (uri) =>
    `${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams({ client_id: 'ledger', redirect_uri: uri, response_type: 'code', scope: 'openid email', state: 'x' })}`
  for (const who of [ann, own]) {
    const person = new Person()
    let page = await person.signIn(await person.visit(authorize(CALLBACK)), who)
    await person.press(page, 'consent-allow').catch(() => {})
    page = await person.visit(authorize(`${CALLBACK}/`))
    assert.equal(page.status, 400)
  }
  for (let n = 0; n < 3; n += 1) await tokenOf(own)
  const { items } = await server.admin(['session', 'list', '--user', own.email])
  spare.ses.push(...items.map(({ id }) => id))
  token = await tokenOf(own)
  const bearer = { authorization: `Bearer ${token}` }
  spare.key.push((await post('/api/auth/api-key/create', { name: 'Of mine' }, bearer)).id)
  const context = await browser.context()
  admin = { context, page: await signedIn(server, context, root), complaints: watch(context, server.issuer) }
  const other = await browser.context()
  admin.own = await signedIn(server, other, own, '/account')
})
after(() => browser?.close())

/** What a page prints: the commands, and the calls. */
async function printed(place) {
  const page = place.path.startsWith('/account') ? admin.own : admin.page
  const query = place.query ?? (place.tab ? `?tab=${place.tab}` : '')
  await page.goto(server.issuer + place.path.replace(/:\w+/, () => encodeURIComponent(named[place.path])) + query)
  if (await page.isVisible('#identifier')) {
    // What another page printed has signed this browser out.
    await signIn(page, own)
    await page.waitForURL(`**${place.path}`)
  }
  await settled(page)
  await place.open?.(page)
  const panel = place.open ? page.locator('dialog .elsewhere-panel') : page.locator('.elsewhere-panel').last()
  await panel.locator('pre').first().waitFor({ state: 'attached' })
  const texts = await panel.evaluate((details) =>
    [...details.querySelectorAll('pre')].map((pre) => [pre.closest('.command').previousElementSibling.textContent, pre.textContent]),
  )
  return {
    commands: texts.filter(([about]) => about.startsWith('In a terminal')).map(([, text]) => text),
    calls: texts.filter(([about]) => about.startsWith('Over HTTP')).map(([, text]) => text),
  }
}

for (const place of places) {
  test(`${place.path}${place.tab ? `, ${place.tab}` : ''}${place.title ? `, ${place.title}` : ''}`, async () => {
    if (place.path.startsWith('/account')) token = await tokenOf(own)
    const { commands, calls } = await printed(place)
    assert.ok(calls.length > 0, 'no call is printed')
    assert.equal(commands.length > 0, !place.path.startsWith('/account'), 'a command on each admin page')
    // The calls first: they name the version that the page has seen.
    for (const text of calls) {
      const said = filled(text, place.stands)
      const { code, stderr, statuses } = await run(said)
      assert.equal(code, 0, `${said}\n${stderr}`)
      for (const [status, body] of statuses) assert.match(status, /^2\d\d$/, `${said}\n${body}`)
      assert.equal(statuses.length, said.match(/^curl /gm).length)
    }
    for (const text of commands) {
      const said = filled(text, place.stands)
      const { code, stderr, answers } = await run(said, { input: place.input ? `${place.input}\n` : '' })
      assert.equal(code, 0, `${said}\n${stderr}`)
      assert.equal(answers.length, said.match(/^auther /gm).length)
      for (const answer of answers)
        for (const line of said.includes(' export') ? answer.trim().split('\n') : [answer]) assert.doesNotThrow(() => JSON.parse(line), `${said}\n${answer}`)
    }
  })
}

test('every page is walked', () => {
  const walked = new Set(places.map(({ path }) => path))
  assert.deepEqual(
    routes.filter((path) => !walked.has(path)),
    [],
  )
})

test('every operation has a command and a page, or a reason', async () => {
  const answer = await fetch(`${server.issuer}/api/admin/openapi.json`, { headers: { 'x-api-key': key } })
  const { paths } = await answer.json()
  const methods = ['get', 'post', 'put', 'patch', 'delete']
  const known = Object.entries(paths).flatMap(([path, item]) => methods.filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`))
  assert.deepEqual(
    known.filter((one) => !OPERATIONS[one]),
    [],
    'operations without a row in support/operations.mjs',
  )
  assert.deepEqual(
    Object.keys(OPERATIONS).filter((one) => !known.includes(one)),
    [],
    'rows without an operation',
  )
  for (const [operation, [command, page]] of Object.entries(OPERATIONS)) {
    if (page) assert.ok(routes.includes(page.replace(/\?.*/, '')), `${operation}: ${page}`)
    assert.equal(!command || !page, operation in NOWHERE, `${operation}: either both, or the reason why not`)
  }
  const commands = [
    ...new Set(
      Object.values(OPERATIONS)
        .map(([command]) => command)
        .filter(Boolean),
    ),
  ]
  const { code, stderr } = await run(commands.map((command) => `"$PROGRAM" ${command} --help > /dev/null || { echo '${command}' >&2; exit 1; }`).join('\n'))
  assert.equal(code, 0, stderr)
})

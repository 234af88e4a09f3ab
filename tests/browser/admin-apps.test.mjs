// The pages about apps and keys, as an administrator uses them: from the seed's "My Backend App" to printed code that signs people in.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen } from '../interop/support/listen.mjs'
import { Person } from '../interop/support/person.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, signIn, watch } from './support/chromium.mjs'
import { settled, signedIn, words } from './support/desk.mjs'
import { CLOSE_LOOKS, fits, LOOKS, looksRight } from './support/looks.mjs'

const packages = fileURLToPath(new URL('../interop/node_modules', import.meta.url))
const server = givenServer()
const { browser, context } = await givenBrowser(server)
const NASTY = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>'"&`
const children = []
let page
let root
let user
let seed

before(async () => {
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  user = await server.user({ name: 'Ann Lee' })
  page = await signedIn(server, context, root)
})
after(async () => {
  for (const child of children) child.kill()
})

const { go, said, button, dialog } = words(() => page, `${server.issuer}/admin`)
const type = (name) => page.locator(`input[name=type][value=${name}]`).check()

/** The code of one guide, by the names of its files. */
async function code(client, guide) {
  await go(`/clients/${client}?tab=integration&for=${guide}`)
  await page.waitForSelector('figure.code')
  const names = await page.locator('figure.code figcaption > span').allInnerTexts()
  const texts = await page.locator('figure.code pre').allTextContents()
  return Object.fromEntries(names.map((name, n) => [name, texts[n]]))
}

async function freePort() {
  const place = await listen(() => {})
  await place.close()
  return new URL(place.origin).port
}

/** Runs a module that was printed, as it stands, and waits until it answers at `origin`. */
async function started(text, env, origin) {
  const folder = mkdtempSync(join(tmpdir(), 'printed-'))
  symlinkSync(packages, join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'app.mjs'), text)
  const child = spawn(process.execPath, ['app.mjs'], { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  let wrong = ''
  child.stderr.on('data', (chunk) => (wrong += chunk))
  for (let n = 0; n < 150; n += 1) {
    if (child.exitCode !== null) break
    if (
      await fetch(origin).then(
        () => true,
        () => false,
      )
    )
      return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`The printed app did not start: ${wrong}`)
}

test('a form that is sent empty says what is missing, beside the fields', async () => {
  await go('/clients/register')
  await button('Register').click()
  await page.waitForSelector('.summary')
  assert.match(await page.innerText('#field-name-wrong'), /name/i)
  assert.match(await page.innerText('#field-redirect_uris-wrong'), /redirect URI/i)
})

test('the seed’s My Backend App is registered, and its secret is shown once', async () => {
  const port = await freePort()
  await go('/clients/register')
  await page.fill('#field-name', 'My Backend App')
  await type('web')
  await page.fill('#field-redirect_uris', `http://localhost:${port}/auth/callback\nhttps://myapp.example.com/auth/callback`)
  await page.selectOption('#field-method_web', 'client_secret_basic')
  await button('Register').click()
  await page.waitForSelector('#secret-saved')
  const [id, secret, both] = await dialog().locator('pre').allInnerTexts()
  assert.match(secret, /^cs_\w/)
  assert.equal(both, `AUTHER_CLIENT_ID=${id}\nAUTHER_CLIENT_SECRET=${secret}`)
  // A browser lets a page hold Escape back once for each time that the person does something.
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('Escape')
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
  assert.ok(await page.isVisible('#secret-saved'), 'it stays until it is saved')
  await page.click('#secret-saved')
  await page.waitForURL(/tab=integration/)
  seed = { id, secret, port, origin: `http://localhost:${port}` }
  await page.waitForSelector('#assistant')
  assert.ok(!(await page.content()).includes(secret), 'and is nowhere afterwards')
})

test('Integration tells issuer, discovery and audiences, and a prompt without the secret', async () => {
  await go(`/clients/${seed.id}?tab=integration`)
  const prompt = await page.locator('#assistant pre').textContent()
  for (const wanted of [`${server.issuer}/.well-known/openid-configuration`, seed.id, 'S256', 'permissions', 'abac_required', `${seed.origin}/auth/callback`]) {
    assert.ok(prompt.includes(wanted), `${wanted} is in the prompt`)
  }
  assert.ok(!prompt.includes(seed.secret))
  const facts = await page.locator('.facts-columns').innerText()
  const discovered = await page.evaluate(async () => (await fetch('/.well-known/openid-configuration')).json())
  for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'end_session_endpoint', 'jwks_uri']) {
    assert.ok(facts.includes(discovered[name]), `${name}, as discovery says it`)
  }
})

test('the printed Express app signs a person in', async () => {
  const { 'app.mjs': text } = await code(seed.id, 'express')
  await started(text, { SESSION_SECRET: 'of this test only, and long enough', AUTHER_CLIENT_SECRET: seed.secret }, seed.origin)
  const home = await new Person().signInTo(`${seed.origin}/sign-in`, user)
  assert.equal(JSON.parse(home.body).sub, user.id, home.body)
})

test('the printed Auth.js provider signs a person in, once its redirect URI is registered with a click', async () => {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const { client_id: id, client_secret: secret } = await server.client('web', ['--redirect-uri', `${origin}/callback`], 'Next app')
  await go(`/clients/${id}?tab=integration`)
  await said('which is not registered yet')
  await button('Register it').click()
  await page.waitForSelector('text=which is not registered yet', { state: 'detached' })
  const { 'auth.ts': text } = await code(id, 'nextjs')
  const app = `import express from 'express'\nimport { ExpressAuth, getSession } from '@auth/express'\nimport { oneHeaderPerCookie } from '${new URL('../interop/support/cookies.mjs', import.meta.url)}'
    ${text.replace('import NextAuth from "next-auth"', 'const NextAuth = (config) => ({ handlers: config })').replaceAll('export const', 'const')}
    Object.assign(handlers, { basePath: '/api/auth', trustHost: true })
    const app = express()
    app.use(oneHeaderPerCookie)
    app.use('/api/auth', ExpressAuth(handlers))
    app.get('/', async (request, response) => response.json(await getSession(request, handlers)))
    app.listen(${port})`
  await started(app, { AUTH_SECRET: 'thirty-three characters of this test', AUTHER_CLIENT_SECRET: secret }, origin)
  const person = new Person()
  const choice = await person.visit(`${origin}/api/auth/signin?callbackUrl=${encodeURIComponent(`${origin}/`)}`)
  const form = choice.forms.find(({ action }) => action.endsWith('/signin/auther'))
  const consent = await person.signIn(await person.send(choice, form, form.fields), user)
  const home = await person.press(consent, 'consent-allow')
  assert.equal(JSON.parse(home.body).user.email, user.email)
})

test('a browser app is registered without a secret, and its printed code signs a person in', async () => {
  const files = {}
  const spa = await listen((question, answer) => {
    const isCode = question.url === '/auth.js'
    answer.writeHead(200, { 'content-type': isCode ? 'text/javascript' : 'text/html' }).end(
      isCode
        ? files['auth.js']
        : `<!doctype html><title>My SPA</title><button>Sign in</button><p id="who"></p>
      <script type="module">
        import { claims, finishSignIn, signIn } from '/auth.js'
        document.querySelector('button').onclick = signIn
        if (location.pathname === '/auth/callback') who.textContent = await finishSignIn().then((tokens) => claims(tokens).name, (error) => error.message)
      </script>`,
    )
  }, '127.0.0.1')
  await go('/clients/register')
  await page.fill('#field-name', 'My SPA')
  await type('spa')
  await page.fill('#field-redirect_uris', `${spa.origin}/auth/callback`)
  assert.deepEqual(await page.locator('#field-method_spa option').allInnerTexts(), ['None: it is public and has no secret (none)'])
  await button('Register').click()
  await page.waitForURL(/tab=integration/)
  const id = new URL(page.url()).pathname.split('/').at(-1)
  Object.assign(files, await code(id, 'spa'))
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(spa.origin)
  await tab.click('button')
  await signIn(tab, user)
  await tab.click('#consent-allow')
  await tab.waitForSelector('#who:not(:empty)')
  assert.equal(await tab.innerText('#who'), 'Ann Lee')
  await own.close()
  await spa.close()
})

/** Plays the app on its test page; the tab that comes back closes itself. */
async function play({ consents = true } = {}) {
  const [tab] = await Promise.all([context.waitForEvent('page'), page.click('#begin-test')])
  const ended = tab.waitForEvent('close')
  if (consents) await tab.click('#consent-allow')
  await ended
  await page.waitForSelector('.outcomes li')
  assert.equal(await page.locator('.outcomes .no').count(), 0, await page.innerText('.tokens'))
}

test('test sign-in plays the app with its secret, shows the tokens, and keeps nothing', async () => {
  await go(`/clients/${seed.id}/test`)
  await page.click('#allow-test')
  await page.fill('#field-secret', seed.secret)
  await play()
  const text = await page.innerText('.tokens')
  assert.ok(text.includes(`"sub": "${root.id}"`) && text.includes('nonce is the one that was sent'))
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]))
  assert.ok(!kept.includes(seed.secret) && !kept.includes('eyJ'), kept)
  assert.equal(await page.inputValue('#field-secret'), '')
  // What the test added to the app it took away, and the tokens stay.
  await page.waitForSelector('#test-tidied')
  const uris = async () => (await server.admin(['client', 'show', seed.id])).redirect_uris.length
  assert.equal(await uris(), 2)
  await button('Test once more').click()
  await page.click('#allow-test')
  await page.fill('#field-secret', 'cs_wrong')
  const [tab] = await Promise.all([context.waitForEvent('page'), page.click('#begin-test')])
  await tab.waitForEvent('close')
  await said('The token endpoint answered invalid_client')
  await page.waitForSelector('#test-tidied')
  assert.equal(await uris(), 2)
})

test('test sign-in of a public client needs no secret, of a machine nothing else', async () => {
  const { client_id: spa } = await server.client('spa', ['--redirect-uri', 'https://spa.example.com/'])
  await go(`/clients/${spa}/test`)
  await page.click('#allow-test')
  await play()
  const { client_id: machine, client_secret: secret } = await server.client('m2m', ['--audience', 'https://api.example.com'])
  await go(`/clients/${machine}/test`)
  await page.fill('#field-secret', secret)
  await button('Get a token').click()
  await said('aud holds https://api.example.com')
  assert.equal(await page.locator('.outcomes .no').count(), 0)
})

test('two people who change the settings at once do not lose each other’s work', async () => {
  const { client_id: id } = await server.client('web', ['--redirect-uri', 'https://a.example.com/cb'], 'Shared')
  await go(`/clients/${id}`)
  await page.fill('#field-name', 'Mine')
  await page.fill('#field-access_token_seconds', '900')
  await server.admin(['client', 'update', id, '--name', 'Theirs', '--audience', 'https://api.example.com'])
  await button('Save').click()
  await said('Somebody else changed this client while you did')
  assert.ok((await page.innerText('.notice')).includes('Theirs'))
  assert.equal(await page.inputValue('#field-name'), 'Mine')
  assert.equal(await page.inputValue('#field-audiences'), 'https://api.example.com')
  assert.equal((await server.admin(['client', 'show', id])).name, 'Theirs', 'nothing is overwritten unasked')
  await button('Save').click()
  await said('The settings are saved.')
  const now = await server.admin(['client', 'show', id])
  assert.deepEqual([now.name, now.audiences, now.access_token_seconds], ['Mine', ['https://api.example.com'], 900])
})

test('an app is restricted to a group, a name that nobody has is refused, and taking away is undone', async () => {
  const { client_id: id } = await server.client('web', ['--redirect-uri', 'https://a.example.com/cb'], 'Wiki')
  await server.admin(['group', 'create', '--name', 'Staff'])
  await go(`/clients/${id}?tab=access`)
  await page.getByText('Only those named below').click()
  await page.waitForSelector('.tag:has-text("restricted")')
  await page.selectOption('#field-subject_type', 'group')
  await page.fill('#field-subject_id', 'Stuff')
  await button('Add').click()
  await said('There is no group called Stuff.')
  await page.fill('#field-subject_id', 'Staff')
  await page.keyboard.press('Enter')
  await page.waitForSelector('tbody tr:has-text("Staff")')
  await button('Remove', false).click()
  await said('Nobody is named yet')
  await button('Undo').click()
  await page.waitForSelector('tbody tr:has-text("Staff")')
  const { items } = await server.admin(['tuple', 'list', '--entity-type', 'oauth_client', '--entity-id', id])
  assert.deepEqual(
    items.map(({ relation, subject_type: kind }) => [relation, kind]),
    [['use', 'group']],
  )
  assert.equal((await server.admin(['client', 'show', id])).access_policy, 'restricted')
})

test('a sign-in that failed is told in plain words and repaired with a click', async () => {
  const { client_id: id } = await server.client('web', ['--redirect-uri', 'https://a.example.com/cb'], 'Slashed')
  await go(`/clients/${id}?tab=failures`)
  await said('Nothing failed lately')
  const query = new URLSearchParams({ client_id: id, redirect_uri: 'https://a.example.com/cb/', response_type: 'code', scope: 'openid' })
  const refused = await new Person().visit(`${server.issuer}/api/auth/oauth2/authorize?${query}`)
  assert.equal(refused.status, 400)
  await button('Refresh').click()
  await page.waitForSelector('.failures')
  assert.match(await page.innerText('.failures'), /https:\/\/a\.example\.com\/cb\//)
  assert.equal(await page.locator('.failures mark').first().innerText(), '/')
  await button('Add what was sent to the redirect URIs').click()
  await said('That is registered now.')
  assert.ok((await server.admin(['client', 'show', id])).redirect_uris.includes('https://a.example.com/cb/'))
})

test('a secret is rotated with an overlap: both work', async () => {
  const { client_id: id, client_secret: old } = await server.client('m2m', [], 'Nightly')
  await go(`/clients/${id}`)
  await button('Rotate secret').click()
  await page.getByText('Both work for a day').click()
  await button('Make a new secret').click()
  await page.waitForSelector('#secret-saved')
  const [, fresh] = await dialog().locator('pre').allInnerTexts()
  await page.click('#secret-saved')
  await page.waitForSelector('.line-facts:has-text("Old secret")')
  for (const secret of [old, fresh]) {
    const headers = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
    const answer = await fetch(`${server.issuer}/api/auth/oauth2/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    assert.equal(answer.status, 200)
  }
})

test('an app is disabled, enabled and deleted, each after saying what goes', async () => {
  const name = 'Short lived'
  const { client_id: id } = await server.client('web', ['--redirect-uri', 'https://a.example.com/cb'], name)
  await server.admin(['tuple', 'add', 'oauth_client', id, 'use', 'user', user.email])
  await go(`/clients/${id}`)
  await button('Disable').click()
  await page.fill('#field-confirm', name)
  await dialog().getByRole('button', { name: 'Disable' }).click()
  await page.waitForSelector('.tag:has-text("disabled")')
  await button('Enable').click()
  await dialog().getByRole('button', { name: 'Enable' }).click()
  await page.waitForSelector('.tag:has-text("active")')
  await button('Delete').click()
  await page.waitForSelector('#field-confirm')
  assert.match(await dialog().innerText(), /removes 1 grant/)
  await page.fill('#field-confirm', 'Something else')
  await dialog().getByRole('button', { name: 'Delete' }).click()
  await said(`Type ${name} to go on.`)
  await page.fill('#field-confirm', name)
  await dialog().getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL(`${server.issuer}/admin/clients`)
  await said(`${name} was deleted.`)
  assert.ok(!(await server.admin(['client', 'list'])).items.some((client) => client.client_id === id))
})

test('an API key is made with limits, given a relation, used, changed and revoked', async () => {
  await go('/keys/create')
  await page.fill('#field-name', 'CI/CD Pipeline Key')
  await page.fill('#field-owner', user.email)
  await page.fill('#field-rate_max', '100')
  await button('Make the key').click()
  await page.waitForSelector('#secret-saved')
  const [key] = await dialog().locator('pre').allInnerTexts()
  assert.match(key, /^ak_live_/)
  await page.click('#secret-saved')
  await page.waitForSelector('#field-entity_type')
  const id = new URL(page.url()).pathname.split('/').at(-1)
  await page.fill('#field-entity_type', 'oauth_client')
  await page.fill('#field-entity_id', seed.id)
  await page.fill('#field-relation', 'use')
  await button('Add').click()
  await page.waitForSelector('tbody tr:has-text("oauth_client")')
  const asked = { entityType: 'oauth_client', entityId: seed.id, permission: 'use' }
  const ask = () =>
    fetch(`${server.issuer}/api/auth/check-permission`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    })
  assert.equal((await (await ask()).json()).allowed, true)
  const exchanged = await fetch(`${server.issuer}/api/auth/api-key/exchange`, { method: 'POST', headers: { 'x-api-key': key } })
  assert.equal((await exchanged.json()).expiresIn, 900)
  await page.fill('#field-rate_max', '')
  await page.fill('#field-remaining', '5')
  await page.fill('#field-networks', '10.0.0.0/8\n127.0.0.1')
  await button('Save').click()
  await said('5 left')
  const stored = await server.admin(['api-key', 'show', id])
  assert.deepEqual([stored.rate_limit, stored.remaining, stored.owner], [null, 5, user.id])
  assert.equal(stored.networks.length, 2)
  assert.ok(new Date(stored.expires_at) > Date.now(), 'its end stays as it was')
  await button('Revoke').click()
  await page.waitForSelector('#field-confirm')
  assert.match(await dialog().innerText(), /the one relation it holds/)
  await page.fill('#field-confirm', 'CI/CD Pipeline Key')
  await dialog().getByRole('button', { name: 'Revoke' }).click()
  await page.waitForURL(`${server.issuer}/admin/keys`)
  assert.equal((await ask()).status, 401)
})

test('wrong limits of a key are told beside the fields', async () => {
  await go('/keys/create')
  await page.fill('#field-networks', 'nowhere')
  await page.fill('#field-rate_max', 'many')
  await button('Make the key').click()
  await page.waitForSelector('.summary')
  assert.ok(await page.isVisible('#field-name-wrong, #field-networks-wrong, #field-rate_max-wrong'))
})

test('signing keys are rotated, and one is retired', async () => {
  await go('/keys?tab=signing')
  await button('Rotate now').click()
  await dialog().getByRole('button', { name: 'Rotate' }).click()
  const old = page.locator('tr:has-text("retired"):has-text("ES256")')
  const kid = await old.locator('th code').innerText()
  await old.getByRole('button', { name: /Retire/ }).click()
  await page.fill('#field-confirm', kid)
  await dialog().getByRole('button', { name: 'Retire' }).click()
  await said('The key is retired.')
  const { items } = await server.admin(['key', 'list'])
  assert.ok(!items.some((key) => key.kid === kid), 'it is published no more')
})

test('markup in names is shown as it is typed', async () => {
  const { client_id: id } = await server.client('web', ['--redirect-uri', 'https://a.example.com/cb'], NASTY)
  await server.admin(['api-key', 'create', '--name', NASTY, '--client', id])
  for (const path of ['/clients', `/clients/${id}`, `/clients/${id}?tab=integration`, `/clients/${id}/test`, '/keys']) {
    await go(path)
    await page.waitForSelector(`main :text("<img src=x")`, { state: 'attached' }).catch(() => {})
    assert.notEqual(await page.title(), 'broken', path)
    assert.equal(await page.locator('main img').count(), 0, path)
  }
})

test('axe finds nothing on any of them, on a desktop and on phones, light and dark, and nothing overflows', async () => {
  const { id: key } = await server.admin(['api-key', 'create', '--name', 'Nightly', '--owner', user.email])
  const client = `/clients/${seed.id}`
  const paths = ['/clients', '/clients/register', ...['settings', 'access', 'integration', 'failures'].map((tab) => `${client}?tab=${tab}`), `${client}/test`]
  paths.push('/keys', '/keys?tab=signing', '/keys/create', `/keys/${key}`)
  const { cookies } = await context.storageState()
  for (const [look, options] of Object.entries(LOOKS)) {
    const own = await browser.context(options)
    await own.addCookies(cookies)
    const wrong = watch(own, server.issuer)
    const tab = await own.newPage()
    for (const path of paths) {
      await tab.goto(`${server.issuer}/admin${path}`)
      await settled(tab)
      await tab.waitForSelector('main :is(section, table, .empty, .panel)')
      await (CLOSE_LOOKS.includes(look) ? looksRight : fits)(tab, `${path}, ${look}`)
    }
    assert.deepEqual(wrong(), [], look)
    await own.close()
  }
})

// The account pages, as the person whose account it is uses them.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, watch } from './support/chromium.mjs'
import { signedIn, words } from './support/desk.mjs'
import { CLOSE_LOOKS, fits, LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
const { browser, context } = await givenBrowser(server)
const CALLBACK = 'https://app.example.com/callback'
const NASTY = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>'"&`
const NEW_PASSWORD = 'a new and longer sentence'
let page
let ann
let bob
let client

before(async () => {
  ann = await server.user({ name: 'Ann Lee' })
  bob = await server.user({ name: NASTY })
  await server.user({ name: 'Root Person', extra: ['--admin'] })
  client = await server.client('web', ['--redirect-uri', CALLBACK], 'Ledger')
  page = await signedIn(server, context, ann, '/account')
})

const { go, said, button, dialog } = words(() => page, `${server.issuer}/account`)
const mayEnter = async (user) => {
  const answer = await context.request.post(`${server.issuer}/api/auth/sign-in/email`, {
    data: user,
    headers: { cookie: '', origin: server.issuer },
    ignoreHTTPSErrors: true,
  })
  return answer.ok()
}

/** Lets the app in, in the browser of the person. */
async function letIn() {
  const tab = await context.newPage()
  const parameters = { client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid profile email offline_access', state: 'x' }
  await tab.goto(`${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams(parameters)}`)
  const answered = tab.waitForRequest((request) => request.url().startsWith(CALLBACK))
  await tab.click('#consent-allow')
  await answered
  await tab.close()
}

test('the profile is changed, and says at its field what cannot be', async () => {
  await server.admin(['user', 'update', bob.email, '--username', 'taken'])
  await page.fill('#field-name', 'Ann Q. Lee')
  await page.fill('#field-username', 'taken')
  await button('Save').click()
  await page.waitForSelector('#field-username-wrong')
  assert.equal(await page.inputValue('#field-name'), 'Ann Q. Lee', 'what was typed is still there')
  await page.fill('#field-username', 'annie')
  await button('Save').click()
  await said('Your profile is saved.')
  const user = await server.admin(['user', 'show', ann.email])
  assert.deepEqual([user.name, user.username], ['Ann Q. Lee', 'annie'])
})

test('another session is named and ended, and feels it', async () => {
  const other = await browser.context({
    userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1',
  })
  const tab = await signedIn(server, other, ann, '/account')
  await go('/sessions')
  await page
    .getByRole('row', { name: /Safari on iPhone/ })
    .getByRole('button')
    .click()
  await dialog().getByText('Signs you out there at once.').waitFor()
  await dialog().getByRole('button', { name: 'End session' }).click()
  await said('Safari on iPhone is signed out.')
  await tab.goto(`${server.issuer}/account`)
  await tab.waitForURL(`${server.issuer}/sign-in**`)
  await other.close()
})

test('all others end at once, and this one stays', async () => {
  const others = [await browser.context(), await browser.context()]
  for (const other of others) await signedIn(server, other, ann, '/account')
  await go('/sessions')
  await button('End all others').click()
  await button('End 2 sessions').click()
  await said('You are signed in nowhere else.')
  await page.reload()
  await page.getByRole('row', { name: /this one/ }).waitFor()
  for (const other of others) await other.close()
})

test('a connected app is listed with what it sees, and disconnected', async () => {
  await go('/apps')
  await said('No app is connected')
  await letIn()
  await page.reload()
  await said('Ledger')
  assert.match(await page.innerText('.scopes'), /Your e-mail address[\s\S]*Access when you’re not using it/)
  await button('Disconnect Ledger').click()
  await dialog().getByRole('button', { name: 'Disconnect' }).click()
  await said('Ledger is disconnected.')
  await said('No app is connected')
})

test('a key is made, shown once, works, is turned off, and goes when its name is typed', async () => {
  await go('/keys')
  await said('You have no API keys')
  await page.click('text=New key')
  await button('Create key').click()
  await page.waitForSelector('#field-name-wrong')
  await page.fill('#field-name', 'Nightly backup')
  await page.selectOption('#field-expiresIn', '30')
  await button('Create key').click()
  const secret = (await dialog().locator('pre').innerText()).trim()
  assert.match(secret, /^ak_live_/)
  await page.click('#secret-saved')
  await page.getByRole('row', { name: /Nightly backup/ }).waitFor()
  assert.ok(!(await page.content()).includes(secret), 'the secret is not shown again')
  assert.equal(await exchange(secret), 200)
  await button('Turn off Nightly backup').click()
  await said('Nightly backup is off.')
  assert.equal(await exchange(secret), 401)
  await button('Turn on Nightly backup').click()
  await said('Nightly backup is on.')
  assert.equal(await exchange(secret), 200)
  await button('Delete Nightly backup').click()
  await page.fill('#field-confirm', 'Nightly backup')
  await dialog().getByRole('button', { name: 'Delete key' }).click()
  await said('You have no API keys')
  assert.equal(await exchange(secret), 401)
})

async function exchange(apiKey) {
  const answer = await context.request.post(`${server.issuer}/api/auth/api-key/exchange`, { data: { apiKey }, ignoreHTTPSErrors: true })
  return answer.status()
}

test('what somebody may do is listed and searched', async () => {
  await go('/access')
  await said('Nothing was granted to you yet')
  await server.admin(['tuple', 'add', 'users', '*', 'viewer', 'user', ann.email])
  await server.admin(['tuple', 'add', 'oauth_client', client.client_id, 'owner', 'user', ann.email])
  await page.reload()
  await page.getByRole('row', { name: /users.*view/ }).waitFor()
  await page.fill('#search', 'manage_access')
  await page.getByRole('row', { name: /users/ }).waitFor({ state: 'detached' })
  await page.getByRole('row', { name: /oauth_client.*manage/ }).waitFor()
  await page.getByRole('link', { name: 'Administration' }).waitFor()
})

test('what people called themselves is shown as text', async () => {
  const own = await browser.context()
  const found = watch(own, server.issuer)
  const tab = await signedIn(server, own, bob, '/account')
  await tab.locator('.who', { hasText: '<script>' }).waitFor()
  assert.doesNotMatch(await tab.title(), /broken/)
  assert.equal(await tab.locator('main img, main script').count(), 0)
  assert.deepEqual(found(), [])
  await own.close()
})

const pages = {
  profile: ['', '#field-name'],
  security: ['/security', '#field-newPassword'],
  sessions: ['/sessions', 'table'],
  'connected apps': ['/apps', '.app-card'],
  'API keys': ['/keys', 'table'],
  'a new key': ['/keys/create', '#field-name'],
  'what you may do': ['/access', 'table'],
  'delete account': ['/delete', '#field-password'],
}

test('every page can be read by everybody', async () => {
  await letIn()
  const made = await context.request.post(`${server.issuer}/api/auth/api-key/create`, {
    data: { name: 'For the look of it' },
    headers: { origin: server.issuer },
    ignoreHTTPSErrors: true,
  })
  assert.equal(made.status(), 200)
  const { cookies } = await context.storageState()
  for (const [look, options] of Object.entries(LOOKS)) {
    const own = await browser.context(options)
    await own.addCookies(cookies)
    const found = watch(own, server.issuer)
    const tab = await own.newPage()
    for (const [name, [path, shown]] of Object.entries(pages)) {
      await tab.goto(`${server.issuer}/account${path}`)
      await tab.waitForSelector(shown)
      for (const summary of await tab.locator('main summary').all()) await summary.click()
      await (CLOSE_LOOKS.includes(look) ? looksRight : fits)(tab, `${name}, ${look}`)
    }
    assert.deepEqual(found(), [], look)
    await own.close()
  }
})

test('the password is changed by who knows it, and every other session ends', async () => {
  const other = await browser.context()
  const tab = await signedIn(server, other, ann, '/account')
  await go('/security')
  await button('Change password').click()
  await page.waitForSelector('#field-newPassword-wrong')
  await page.fill('#field-currentPassword', 'not the password')
  await page.fill('#field-newPassword', NEW_PASSWORD)
  await button('Change password').click()
  await page.waitForSelector('#field-currentPassword-wrong')
  assert.equal(await page.inputValue('#field-newPassword'), NEW_PASSWORD, 'what was typed is still there')
  await page.fill('#field-currentPassword', ann.password)
  await button('Change password').click()
  await said('Your password is changed.')
  await tab.goto(`${server.issuer}/account`)
  await tab.waitForURL(`${server.issuer}/sign-in**`)
  await go('/sessions')
  await said('You are signed in nowhere else.')
  assert.equal(await mayEnter({ email: ann.email, password: ann.password }), false)
  await other.close()
})

test('the account goes when its address is typed and the password is right', async () => {
  await go('/delete')
  await said('1 connected app')
  await page.fill('#field-email', 'somebody@example.com')
  await page.fill('#field-password', NEW_PASSWORD)
  await button('Delete my account').click()
  await page.waitForSelector('#field-email-wrong')
  await page.fill('#field-email', ann.email)
  await page.fill('#field-password', 'not the password')
  await button('Delete my account').click()
  await page.waitForSelector('#field-password-wrong')
  await page.fill('#field-password', NEW_PASSWORD)
  await button('Delete my account').click()
  await page.waitForURL(`${server.issuer}/`)
  assert.equal(await mayEnter({ email: ann.email, password: NEW_PASSWORD }), false)
})

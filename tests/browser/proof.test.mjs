// "Confirm it is you": what somebody sees whose session is not fresh any more, in the account and in the admin pages.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, watch } from './support/chromium.mjs'
import { signedIn, words } from './support/desk.mjs'
import { LOOKS, looksRight } from './support/looks.mjs'

// A proof counts for two seconds here (run.mjs).
const server = givenServer()
const { browser, context } = await givenBrowser(server)
let page
let ann

before(async () => {
  ann = await server.user({ name: 'Ann Lee', extra: ['--admin'] })
  page = await signedIn(server, context, ann, '/account')
})

const { go, said, button } = words(() => page, server.issuer)
const proof = () => page.getByRole('dialog', { name: 'Confirm it is you' })
const password = () => proof().getByLabel('Your password')

/** Until the session of this browser is asked for a proof. */
async function old(own = context) {
  const ask = () => own.request.post(`${server.issuer}/api/auth/update-user`, { data: {}, headers: { origin: server.issuer }, ignoreHTTPSErrors: true })
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await ask()).status() === 403) return
    await new Promise((done) => setTimeout(done, 100))
  }
  assert.fail('the session stays fresh')
}

test('a key is made once the password is given, and nothing that was typed is lost', async () => {
  await go('/account/keys/create')
  await page.fill('#field-name', 'Nightly backup')
  await page.fill('#field-networks', '203.0.113.0/24')
  await old()
  await button('Create key').click()
  await password().waitFor()
  assert.equal(await password().evaluate((field) => field === document.activeElement), true, 'the field has the focus')
  await proof().getByText(ann.email).waitFor()

  await page.keyboard.press('Enter')
  await proof().getByText('Enter your password.').first().waitFor()
  await password().fill('not my password')
  await page.keyboard.press('Enter')
  await proof().getByText('This is not your password.').first().waitFor()

  await page.keyboard.press('Escape')
  await proof().waitFor({ state: 'detached' })
  await said('Nothing was changed')
  assert.equal(await page.inputValue('#field-name'), 'Nightly backup')
  assert.equal(await page.inputValue('#field-networks'), '203.0.113.0/24')

  await button('Create key').click()
  await password().fill(ann.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#secret-saved')
  await page.click('#secret-saved')
  await page.getByRole('row', { name: /Nightly backup/ }).waitFor()
})

test('the profile is saved once the password is given', async () => {
  await go('/account')
  await page.fill('#field-name', 'Ann Q. Lee')
  await old()
  await button('Save').click()
  await password().fill(ann.password)
  await proof().getByRole('button', { name: 'Confirm' }).click()
  await said('Your profile is saved.')
  await proof().waitFor({ state: 'detached' })
})

test('over a dialog of the admin pages it is the upper one, and the lower one goes on', async () => {
  const bob = await server.user({ name: 'Bob' })
  await go(`/admin/users/${bob.id}`)
  await button('Delete').click()
  const ask = page.getByRole('dialog', { name: /Delete/ })
  const named = ask.locator('input')
  await named.fill(await named.evaluate((field) => field.labels[0].textContent.replace('Type ', '')))
  await old()
  await ask.getByRole('button', { name: /Delete/ }).click()
  await password().waitFor()
  await page.keyboard.press('Escape')
  await proof().waitFor({ state: 'detached' })
  await ask.getByText('Nothing was changed').waitFor()
  await ask.getByRole('button', { name: /Delete/ }).click()
  await password().fill(ann.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${server.issuer}/admin/users`)
  const users = await server.admin(['user', 'list'])
  assert.ok(!users.items.some((user) => user.email === bob.email))
})

test('what only looks or takes away asks for nothing', async () => {
  await old()
  await go('/account/sessions')
  await page.getByRole('row', { name: /this one/ }).waitFor()
  await go('/account/keys')
  await button('Turn off Nightly backup').click()
  await said('Nightly backup is off.')
  await button('Turn on Nightly backup').click()
  await password().fill(ann.password)
  await page.keyboard.press('Enter')
  await said('Nightly backup is on.')
})

test('it can be read by everybody', async () => {
  const { cookies } = await context.storageState()
  for (const [look, options] of Object.entries(LOOKS)) {
    const own = await browser.context(options)
    await own.addCookies(cookies)
    const found = watch(own, server.issuer)
    const tab = await own.newPage()
    await tab.goto(`${server.issuer}/account/keys/create`)
    await tab.fill('#field-name', 'Two')
    await old(own)
    await tab.getByRole('button', { name: 'Create key' }).click()
    await tab.getByRole('dialog', { name: 'Confirm it is you' }).waitFor()
    if (process.env.SHOTS) await tab.screenshot({ path: `${process.env.SHOTS}/proof-${look.replace(/\W+/g, '-')}.png` })
    await looksRight(tab, `confirm it is you, ${look}`)
    // The browser says in its log that a call was refused.
    assert.deepEqual(
      found().filter((line) => !/403/.test(line)),
      [],
      look,
    )
    await own.close()
  }
})

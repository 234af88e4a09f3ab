// A name that was guessed at: the page says how long the next try waits. Here the limits are switched on, as they are for everybody.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'
import { signedIn } from './support/desk.mjs'

const server = givenServer()
let browser

before(async () => {
  browser = await openBrowser(server)
})
after(() => browser?.close())

async function open(options) {
  const context = await browser.context(options)
  const complaints = watch(context, server.issuer)
  return { context, complaints, page: await context.newPage() }
}

/** Guesses until the page asks for a pause. */
async function guess(page, person) {
  await page.goto(`${server.issuer}/sign-in`)
  for (let tries = 0; tries < 5; tries += 1) {
    await signIn(page, { ...person, password: `not the password, ${tries}` })
    await page.waitForSelector('#error-summary')
  }
  await page.waitForSelector('#pause')
}

test('without JavaScript: after many wrong passwords the page says how long, and keeps what was typed', async () => {
  const person = await server.user()
  const { context, page, complaints } = await open({ javaScriptEnabled: false })
  await guess(page, person)
  assert.match(await page.innerText('#pause'), /in 5 seconds/)
  assert.equal(await page.inputValue('#identifier'), person.email)
  await page.fill('#password', person.password)
  await page.click('#submit')
  assert.match(await page.innerText('#error-summary'), /type it again in \d seconds?/)
  assert.match(await page.innerText('#pause'), /in \d seconds?/)
  assert.equal(await page.inputValue('#identifier'), person.email)
  assert.equal(await page.inputValue('#password'), '')
  assert.deepEqual(
    complaints().filter((line) => !/429|422/.test(line)),
    [],
  )
  await context.close()
})

test('with JavaScript: a form that is sent too early waits, and is sent when it is heard', async () => {
  const person = await server.user()
  const { context, page } = await open()
  await guess(page, person)
  await page.fill('#password', person.password)
  await page.click('#submit')
  await page.waitForSelector('#logout-confirm', { timeout: 10_000 })
  await context.close()
})

test('a helper sees who has to wait and why, and lifts it', async () => {
  const [root, ivy] = [await server.user({ name: 'Root Person', extra: ['--admin'] }), await server.user({ name: 'Ivy Locked' })]
  const guesser = await open()
  await guess(guesser.page, ivy)
  const { context } = await open()
  const page = await signedIn(server, context, root, `/admin/users/${ivy.id}`)
  await page.waitForSelector('#sign-in-pause:has-text("in a row"):has-text("wrong password")')
  await page.click('.tabs a:text-is("Activity")')
  await page.waitForSelector('.entry:has-text("Could not sign in"):has-text("wrong password")')
  await page.click('#sign-in-pause button')
  await page.getByText(`${ivy.email} can sign in at once.`).first().waitFor()
  await page.locator('#sign-in-pause').waitFor({ state: 'detached' })
  await page.goto(`${server.issuer}/admin/audit?target=${ivy.id}&result=failure`)
  await page.waitForSelector('.entry:has-text("wrong password")')
  assert.match(await page.locator('.entry .when').first().innerText(), /\d\d:\d\d:\d\d/)
  await guesser.page.goto(`${server.issuer}/sign-in`)
  await signIn(guesser.page, ivy)
  await guesser.page.waitForSelector('#logout-confirm')
  await Promise.all([context.close(), guesser.context.close()])
})

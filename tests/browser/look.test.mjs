// The name, the colour and the logo of the operator: on the pages without script, and on those made of it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, watch } from './support/chromium.mjs'
import { settled, signedIn } from './support/desk.mjs'
import { CLOSE_LOOKS, LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
const COLOURS = { light: 'rgb(122, 31, 92)', dark: null }
let browser
let root

before(async () => {
  browser = await openBrowser(server)
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
})
after(() => browser?.close())

for (const look of CLOSE_LOOKS) {
  test(`the pages are theirs: ${look}`, async () => {
    const context = await browser.context(LOOKS[look])
    const complaints = watch(context, server.issuer)
    const page = await context.newPage()
    await page.goto(`${server.issuer}/sign-in`)
    assert.match(await page.title(), /Meridian Works/)
    await page.waitForSelector('.lead:has-text("Meridian Works")')
    const drawn = (selector) => page.$eval(selector, (image) => image.naturalWidth)
    assert.ok((await drawn('.party.logo img')) > 0, 'the logo is drawn')
    const button = await page.$eval('#submit', (element) => getComputedStyle(element).backgroundColor)
    if (COLOURS[LOOKS[look].colorScheme]) assert.equal(button, COLOURS[LOOKS[look].colorScheme])
    else assert.notEqual(button, COLOURS.light, 'lighter, to be read on dark')
    await looksRight(page, look)
    await page.close()
    const tab = await signedIn(server, context, root, '/admin/users/create')
    for (const path of ['/admin/users/create', '/account']) {
      await tab.goto(server.issuer + path)
      await settled(tab)
      assert.match(await tab.title(), /Meridian Works$/)
      assert.equal(await tab.innerText('.brand'), 'Meridian Works')
      assert.ok((await tab.$eval('.brand img', (image) => image.naturalWidth)) > 0)
      await looksRight(tab, `${path}, ${look}`)
    }
    assert.deepEqual(complaints(), [])
    await context.close()
  })
}

test('a logo that is opened by itself is in a box of its own', async () => {
  const context = await browser.context()
  const page = await context.newPage()
  await page.goto(`${server.issuer}/sign-in`)
  const href = await page.getAttribute('.party.logo img', 'src')
  const answer = await page.goto(server.issuer + href)
  assert.equal(answer.status(), 200)
  const headers = answer.headers()
  assert.equal(headers['content-type'], 'image/svg+xml')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(headers['content-security-policy'], /default-src 'none'.*sandbox/)
  assert.equal((await page.goto(`${server.issuer}/assets/logo.00000000.svg`)).status(), 404)
  assert.equal((await page.goto(`${server.issuer}/assets/look.00000000.css`)).status(), 404)
  await context.close()
})

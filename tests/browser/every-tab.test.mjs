// The tabs of the pages about people, and what opens on a page: axe, wide and light, narrow and dark.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, watch } from './support/chromium.mjs'
import { settled, signedIn } from './support/desk.mjs'
import { CLOSE_LOOKS, LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
let browser
let cookies
let person
let group

before(async () => {
  browser = await openBrowser(server)
  const root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  person = await server.user({ name: 'Lou Person-With-A-Rather-Long-Name' })
  group = await server.admin(['group', 'create', '--name', 'A group with a rather long name'])
  await server.admin(['group', 'add-member', group.id, person.email])
  const context = await browser.context()
  await signedIn(server, context, root)
  cookies = (await context.storageState()).cookies
  await context.close()
})
after(() => browser?.close())

for (const look of CLOSE_LOOKS) {
  test(`every tab is sound: ${look}`, async () => {
    const context = await browser.context(LOOKS[look])
    await context.addCookies(cookies)
    const complaints = watch(context, server.issuer)
    const page = await context.newPage()
    const paths = [
      ...['sessions', 'groups', 'access', 'apps', 'token', 'keys', 'activity'].map((tab) => `/users/${person.id}?tab=${tab}`),
      ...['tree', 'grants', 'details', 'activity'].map((tab) => `/groups/${group.id}?tab=${tab}`),
      '/audit',
      '/settings',
      '/settings?tab=health',
      '/settings?tab=outbox',
    ]
    for (const path of paths) {
      await page.goto(`${server.issuer}/admin${path}`)
      await settled(page)
      await page.waitForLoadState('networkidle')
      await page.evaluate(() => document.querySelector('.entry summary, .setting summary')?.click())
      await looksRight(page, path)
      assert.equal(await page.locator('main .summary').count(), 0, `${path}: something was refused`)
    }
    assert.deepEqual(complaints(), [])
    await context.close()
  })
}

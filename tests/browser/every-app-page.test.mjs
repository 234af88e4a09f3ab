// Every admin and account page, wide and light, narrow and dark: axe finds nothing, nothing overflows, no policy is violated, nothing
// comes from elsewhere, and the first paint is light.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, watch } from './support/chromium.mjs'
import { settled, signedIn } from './support/desk.mjs'
import { CLOSE_LOOKS, LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
const LIGHT = 100_000
const source = (name) => readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8')

// The pages as the modules themselves name them: a new one is looked at without being added here.
const pages = [
  ...[...source('admin/app.js').matchAll(/page\(adminPage\("?([^")]*)"?\)/g)].map(([, path]) => `/admin${path}`),
  ...[...source('account/app.js').matchAll(/path: accountPage\("?([^")]*)"?\)/g)].map(([, path]) => `/account${path}`),
]
const named = {}
let browser
let cookies

before(async () => {
  browser = await openBrowser(server)
  const root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  named['/admin/users/:id'] = root.id
  named['/admin/clients/:id'] = (await server.client('web', ['--redirect-uri', 'https://app.example.com/callback'], 'Ledger')).client_id
  named['/admin/clients/:id/test'] = named['/admin/clients/:id']
  named['/admin/groups/:id'] = (await server.admin(['group', 'create', '--name', 'Accounting'])).id
  named['/admin/keys/:id'] = (await server.admin(['api-key', 'create', '--name', 'Pipeline', '--owner', root.email])).id
  named['/admin/access/models/:type'] = 'platform'
  await server.admin(['tuple', 'add', 'group', named['/admin/groups/:id'], 'member', 'user', root.id])
  const context = await browser.context()
  await signedIn(server, context, root)
  cookies = (await context.storageState()).cookies
  await context.close()
})
after(() => browser?.close())

test('the modules name their pages', () => assert.ok(pages.length > 25, `${pages.length} pages`))

for (const path of pages) {
  test(path, async () => {
    const address = server.issuer + path.replace(/:\w+/, () => encodeURIComponent(named[path]))
    for (const look of CLOSE_LOOKS) {
      const options = LOOKS[look]
      const context = await browser.context(options)
      await context.addCookies(cookies)
      const complaints = watch(context, server.issuer)
      const page = await context.newPage()
      let weight = 0
      page.on('response', async (response) => {
        weight += Number(response.headers()['content-length'] ?? 0)
      })
      const answer = await page.goto(address)
      assert.equal(answer.status(), 200)
      await settled(page)
      assert.notEqual(await page.textContent('main h1'), 'Nothing here')
      assert.equal(await page.locator('main [role=alert]').count(), 0, await page.textContent('main'))
      await looksRight(page, look)
      assert.deepEqual(complaints(), [], look)
      assert.ok(weight < LIGHT, `${weight} bytes`)
      await context.close()
    }
  })
}

test('who is not signed in is asked to, and then sees the page', async () => {
  const context = await browser.context()
  const page = await context.newPage()
  await page.goto(`${server.issuer}/admin/users?search=root`)
  assert.equal(new URL(page.url()).pathname, '/sign-in')
  await context.addCookies(cookies)
  await page.goto(`${server.issuer}/admin/users?search=root`)
  await settled(page)
  assert.equal(await page.inputValue('#search'), 'root')
  await context.close()
})

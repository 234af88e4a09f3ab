// Apps that send the browser on after their callback, to another origin or to an app on the device: no page of ours may
// stand in the way of what an app does with its answer.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { listen } from '../interop/support/listen.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'

const server = givenServer()
let browser
let context
let complaints
let app
let other
let person
let page

before(async () => {
  browser = await openBrowser(server)
  other = await listen((_, answer) => answer.writeHead(200, { 'content-type': 'text/plain' }).end('the other origin'), '127.0.0.1')
  app = await listen((question, answer) => {
    const { pathname } = new URL(question.url, 'http://app')
    // One host that answers for many apps: on to another host, or over several.
    const location = { '/cb': `${other.origin}/first`, '/chain': '/cb', '/signed-out': `${other.origin}/signed-out` }[pathname]
    answer.writeHead(location ? 302 : 404, location && { location }).end()
  })
  person = await server.user()
})
after(async () => {
  await browser.close()
  app.close()
  other.close()
})
beforeEach(async () => {
  await context?.close()
  context = await browser.context()
  complaints = watch(context, server.issuer)
  page = await context.newPage()
})

const client = (more = []) =>
  server.client('spa', [
    ...['/cb', '/chain'].flatMap((path) => ['--redirect-uri', `${app.origin}${path}`]),
    ...['--post-logout-redirect-uri', `${app.origin}/signed-out`],
    ...more,
  ])

const address = ({ client_id }, more = {}) =>
  `${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams({
    client_id,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${app.origin}/chain`,
    state: 's1',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  })}`

const arrives = async (path = '/first') => {
  await page.waitForURL((url) => url.hostname === '127.0.0.1' && url.pathname === path)
  assert.equal(await page.innerText('body'), 'the other origin')
  assert.deepEqual(complaints(), [], 'no violation of a content policy')
}

test('from the sign-in page', async () => {
  await page.goto(address(await client(['--trusted'])))
  await signIn(page, person)
  await arrives()
})

test('from the consent page, and by refusing', async () => {
  for (const [button, more] of [
    ['#consent-allow', {}],
    ['#consent-deny', { prompt: 'consent' }],
  ]) {
    await page.goto(address(await client(), more))
    if (await page.isVisible('#identifier')) await signIn(page, person)
    await page.click(button)
    await arrives()
  }
})

test('from the page that asks for the account', async () => {
  const { client_id } = await client(['--trusted'])
  await page.goto(address({ client_id }))
  await signIn(page, person)
  await arrives()
  await page.goto(address({ client_id }, { prompt: 'select_account' }))
  await page.click('#submit')
  await arrives()
})

test('from the page that posts the answer', async () => {
  await page.goto(address(await client(['--trusted']), { response_mode: 'form_post' }))
  await signIn(page, person)
  await arrives()
})

test('from the sign-out page', async () => {
  const { client_id } = await client(['--trusted'])
  await page.goto(address({ client_id }))
  await signIn(page, person)
  await arrives()
  const asked = new URLSearchParams({ client_id, post_logout_redirect_uri: `${app.origin}/signed-out` })
  await page.goto(`${server.issuer}/api/auth/oauth2/end-session?${asked}`)
  await page.click('#logout-confirm')
  await arrives('/signed-out')
})

test('a second tab goes on with who signed in in the first', async () => {
  const asked = address(await client(['--trusted']))
  const second = await context.newPage()
  await page.goto(asked)
  await second.goto(asked)
  await signIn(page, person)
  await arrives()
  page = second
  await signIn(page, person)
  await arrives()
})

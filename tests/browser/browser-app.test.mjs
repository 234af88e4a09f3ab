// The printed single-page app: PKCE from the browser, on a page of another site that calls the token endpoint itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen } from '../interop/support/listen.mjs'
import { sample } from '../interop/support/printed.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'

const server = givenServer()
const CLIENT = 'my-spa-client-id'
let browser
let spa
let api
let user

before(async () => {
  spa = await listen((_question, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(html()), '127.0.0.1')
  api = await listen(invoices, '127.0.0.1')
  await server.client('spa', ['--client-id', CLIENT, '--redirect-uri', `${spa.origin}/auth/callback`])
  user = await server.user({ name: 'Ann Lee' })
  browser = await openBrowser(server)
})
after(async () => {
  await browser?.close()
  await spa?.close()
  await api?.close()
})

/** The app: the printed functions, and the store for tokens that they take for granted. */
function html() {
  const host = { 'https://auth.example.com': server.issuer, 'https://spa.example.com': spa.origin, [CLIENT]: CLIENT }
  const parts = [
    sample('browser-app/login.js', host),
    sample('browser-app/callback.js', host),
    sample('browser-app/invoices.js', { 'https://api.example.com': api.origin }),
  ]
  return `<!doctype html><title>My SPA</title><button onclick="login()">Sign in</button><p id="problem"></p><script>
    const tokenStore = { setTokens(tokens) { this.tokens = tokens; window.keep?.(tokens) }, getTokens() { return this.tokens } }
    ${parts.join('\n')}
    if (location.pathname === '/auth/callback') handleCallback().catch((error) => { problem.textContent = error.message })
  </script>`
}

/** The app's own API at a third origin: verifies the ID token that the printed code sends. */
async function invoices(question, answer) {
  answer.setHeader('access-control-allow-origin', spa.origin)
  answer.setHeader('access-control-allow-headers', 'authorization')
  if (question.method === 'OPTIONS') return answer.writeHead(204).end()
  try {
    const token = question.headers.authorization.replace('Bearer ', '')
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/api/auth/jwks`))
    const { payload } = await jwtVerify(token, keys, { issuer: server.issuer, audience: CLIENT })
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ invoices: [], for: payload.email }))
  } catch (error) {
    answer.writeHead(401).end(error.message)
  }
}

/** A visitor at the app who has pressed its button. */
async function visitor() {
  const context = await browser.context()
  const complaints = watch(context, server.issuer)
  let keep
  const tokens = new Promise((done) => (keep = done))
  await context.exposeFunction('keep', keep)
  const page = await context.newPage()
  const said = []
  page.on('console', (message) => said.push(message.text()))
  await page.goto(spa.origin)
  await page.click('button')
  await page.waitForURL(`${server.issuer}/**`)
  return { context, page, tokens, said, complaints }
}

test('the printed code signs a person in from another site', async () => {
  const { context, page, tokens, said, complaints } = await visitor()
  await signIn(page, user)
  await page.click('#consent-allow')
  await page.waitForURL(`${spa.origin}/dashboard`)
  const { access_token, id_token } = await tokens
  assert.ok(access_token && id_token)
  assert.ok(
    said.some((line) => line.startsWith('User permissions:')),
    said.join('\n'),
  )
  const answer = await page.evaluate(
    (tokens) => {
      tokenStore.setTokens(tokens)
      return fetchInvoices()
    },
    { access_token, id_token },
  )
  assert.deepEqual(answer, { invoices: [], for: user.email })
  assert.deepEqual(complaints(), [])
  await context.close()
})

test('the second time the app is back at once', async () => {
  const { context, page } = await visitor()
  await signIn(page, user)
  await page.waitForURL(`${spa.origin}/dashboard`)
  await page.goto(spa.origin)
  await page.click('button')
  await page.waitForURL(`${spa.origin}/dashboard`)
  await context.close()
})

test('a person who says no comes back with access_denied', async () => {
  const { context, page } = await visitor()
  await signIn(page, await server.user())
  await page.click('#consent-deny')
  await page.waitForURL(`${spa.origin}/auth/callback?**`)
  const { searchParams } = new URL(page.url())
  assert.equal(searchParams.get('error'), 'access_denied')
  assert.equal(searchParams.get('iss'), server.issuer)
  await context.close()
})

test('the page of a stranger cannot read what the token endpoint says', async () => {
  const stranger = await listen((_question, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<title>Stranger</title>'), '127.0.0.1')
  const context = await browser.context()
  const page = await context.newPage()
  await page.goto(stranger.origin)
  const outcome = await page.evaluate(async (url) => {
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', client_id: 'my-spa-client-id' })
    return fetch(url, { method: 'POST', body }).then(
      (answer) => answer.status,
      (error) => error.name,
    )
  }, `${server.issuer}/api/auth/oauth2/token`)
  assert.equal(outcome, 'TypeError')
  await context.close()
  await stranger.close()
})

test('no other site can show our pages in a frame', async () => {
  const context = await browser.context()
  const page = await context.newPage()
  await page.goto(spa.origin)
  await page.setContent(`<iframe src="${server.issuer}/sign-in"></iframe>`)
  const frame = await (await page.waitForSelector('iframe')).contentFrame()
  await frame.waitForLoadState()
  assert.equal(await frame.locator('#password').count(), 0)
  await context.close()
})

// A stranger's first quarter of an hour: the printed link, the first account, the first app, signing in to it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startFirstApp } from '../interop/support/first-app.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, signIn } from './support/chromium.mjs'

const server = givenServer()
const { context } = await givenBrowser(server)
const root = { name: 'Root Person', email: 'root@example.com', password: 'a long and private sentence' }
let page
let app

before(async () => {
  page = await context.newPage()
})
after(async () => {
  app?.stop()
})

test('the printed link opens the set-up page, over TLS that the browser believes', async () => {
  const answer = await page.goto(server.setupLink)
  assert.equal(answer.status(), 200)
  const security = await answer.securityDetails()
  assert.match(security.protocol, /TLS 1\.3/)
  assert.ok(await page.isVisible('#submit'))
})

test('the first administrator is made and signed in', async () => {
  await page.fill('input[name=name]', root.name)
  await page.fill('#identifier', root.email)
  await page.fill('#password', root.password)
  await page.click('#submit')
  await page.waitForURL(`${server.issuer}/`)
  assert.ok(await page.isVisible('#logout-confirm'))
  assert.match(await page.innerText('main'), /auther admin client create/)
  assert.ok(!page.url().includes('token'), 'the token is not left in the address')
})

test('an app is registered on the page that the start page leads to, and its secret is shown once', async () => {
  assert.ok(await page.isVisible('#administration'))
  await page.click('#register-app')
  await page.waitForURL(`${server.issuer}/admin/clients/register`)
  const register = async (redirectUri) => {
    await page.fill('#field-name', 'My Backend App')
    await page.locator('input[name=type][value=web]').check()
    await page.fill('#field-redirect_uris', redirectUri)
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.waitForSelector('#secret-saved')
    const [client_id, client_secret] = await page.getByRole('dialog').locator('pre').allInnerTexts()
    await page.click('#secret-saved')
    await page.waitForURL(/tab=integration/)
    return { client_id, client_secret }
  }
  app = await startFirstApp(server, register)
})

test('the app sends the browser here, which only asks for consent', async () => {
  await page.goto(app.origin)
  await page.click('text=Sign in')
  await page.waitForSelector('#consent-allow')
  assert.equal(new URL(page.url()).origin, server.issuer, 'already signed in, so only consent is asked')
  const text = await page.innerText('main')
  assert.ok(text.includes(root.email), 'the account is shown')
  assert.ok(text.includes('My Backend App'), 'and the app')
  assert.match(text, /localhost/, 'and where the answer goes')
})

test('saying yes leads back into the app, which knows who it is', async () => {
  await page.click('#consent-allow')
  await page.waitForURL(`${app.origin}/`)
  const text = await page.innerText('body')
  assert.ok(text.includes(root.name) && text.includes(root.email))
  assert.ok(app.said().includes(root.email))
})

test('signing out in the app ends the session here', async () => {
  await page.click('text=Sign out')
  await page.waitForLoadState()
  if (await page.isVisible('#logout-confirm')) await page.click('#logout-confirm')
  await page.goto(`${server.issuer}/`)
  assert.equal(await page.isVisible('#logout-confirm'), false)
})

test('another person says no, and the app is told', async () => {
  const user = await server.user()
  await page.goto(`${app.origin}/sign-in`)
  await signIn(page, user)
  await page.click('#consent-deny')
  await page.waitForURL(`${app.origin}/callback?**`)
  assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied')
})

test('a wrong password says so, keeps the name and moves the focus to the message', async () => {
  await context.clearCookies()
  await page.goto(`${server.issuer}/sign-in`)
  await signIn(page, { ...root, password: 'not the password' })
  await page.waitForSelector('#error-summary')
  assert.equal(await page.inputValue('#identifier'), root.email)
  assert.equal(await page.inputValue('#password'), '')
  await page.locator('#error-summary:focus').waitFor()
})

test('the account page shows who is signed in, and its button signs out', async () => {
  await signIn(page, root)
  await page.waitForURL(`${server.issuer}/`)
  assert.ok((await page.innerText('main')).includes(root.email))
  await page.click('#logout-confirm')
  await page.goto(`${server.issuer}/`)
  assert.equal(await page.isVisible('#logout-confirm'), false)
})

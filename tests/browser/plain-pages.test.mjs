// The same pages with JavaScript switched off, and with nothing but a keyboard.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { listen } from '../interop/support/listen.mjs'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'

const server = givenServer()
let browser
let app
let client
let user

before(async () => {
  browser = await openBrowser(server)
  app = await listen(async (question, answer) => {
    let body = ''
    for await (const chunk of question) body += chunk
    answer.writeHead(200, { 'content-type': 'text/plain' }).end(`${question.method} ${body}`)
  })
  client = await server.client('web', ['--redirect-uri', `${app.origin}/callback`])
  user = await server.user()
})
after(async () => {
  await browser?.close()
  await app?.close()
})

function authorize(extra = {}) {
  const parameters = {
    client_id: client.client_id,
    redirect_uri: `${app.origin}/callback`,
    response_type: 'code',
    scope: 'openid email',
    state: 'st',
    ...extra,
  }
  return `${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams(parameters)}`
}

async function open(options) {
  const context = await browser.context(options)
  const complaints = watch(context, server.issuer)
  return { context, complaints, page: await context.newPage() }
}

test('without JavaScript: wrong password, sign-in, consent, back to the app', async () => {
  const { context, page, complaints } = await open({ javaScriptEnabled: false })
  await page.goto(authorize())
  await signIn(page, { ...user, password: 'not the password' })
  await page.waitForSelector('#error-summary')
  await page.fill('#password', user.password)
  await page.click('#submit')
  await page.click('#consent-allow')
  await page.waitForURL(`${app.origin}/callback?**`)
  const { searchParams } = new URL(page.url())
  assert.equal(searchParams.get('state'), 'st')
  assert.ok(searchParams.get('code'))
  assert.deepEqual(complaints(), [])
  await context.close()
})

test('without JavaScript: form_post shows a button that sends the code', async () => {
  const { context, page, complaints } = await open({ javaScriptEnabled: false })
  await page.goto(authorize({ response_mode: 'form_post', prompt: 'consent' }))
  await signIn(page, user)
  await page.click('#consent-allow')
  await page.click('#form-post #submit')
  await page.waitForURL(`${app.origin}/callback`)
  assert.match(await page.innerText('body'), /^POST .*code=/)
  assert.deepEqual(complaints(), [])
  await context.close()
})

test('with JavaScript: form_post sends the code by itself', async () => {
  const { context, page, complaints } = await open()
  await page.goto(authorize({ response_mode: 'form_post' }))
  await signIn(page, user)
  await page.waitForURL(`${app.origin}/callback`)
  assert.match(await page.innerText('body'), /^POST .*code=/)
  assert.deepEqual(complaints(), [])
  await context.close()
})

test('without JavaScript: an invited person makes an account and signs in to an app', async () => {
  const { url } = await server.admin(['user', 'invite', '--email', 'guest@example.com'])
  const { context, page, complaints } = await open({ javaScriptEnabled: false })
  await page.goto(url)
  await page.fill('input[name=name]', 'Welcome Guest')
  if (await page.isEditable('#identifier')) await page.fill('#identifier', 'guest@example.com')
  await page.fill('#password', 'a guest with a long sentence')
  await page.click('#submit')
  await page.waitForSelector('text=Account created')
  await page.goto(authorize())
  await signIn(page, { email: 'guest@example.com', password: 'a guest with a long sentence' })
  await page.click('#consent-allow')
  await page.waitForURL(`${app.origin}/callback?**`)
  assert.deepEqual(complaints(), [])
  await page.goto(url)
  assert.equal(await page.locator('#password').count(), 0, 'an invitation works once')
  await context.close()
})

test('without JavaScript: signing out', async () => {
  const { context, page } = await open({ javaScriptEnabled: false })
  await page.goto(`${server.issuer}/sign-in`)
  await signIn(page, user)
  await page.click('#logout-confirm')
  await page.goto(`${server.issuer}/`)
  assert.equal(await page.locator('#logout-confirm').count(), 0)
  await context.close()
})

/** Presses Tab until this element has the focus, and sees to it that the focus shows. */
async function tabTo(page, id) {
  for (let presses = 0; presses < 15; presses += 1) {
    const focused = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement)
      return { id: document.activeElement.id, shows: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' }
    })
    if (focused.id === id) {
      assert.ok(focused.shows, `#${id} shows that it has the focus`)
      return
    }
    await page.keyboard.press('Tab')
  }
  assert.fail(`#${id} cannot be reached with the keyboard`)
}

test('with the keyboard alone: sign-in and consent', async () => {
  const person = await server.user()
  const { context, page, complaints } = await open()
  await page.goto(authorize())
  assert.equal(await page.evaluate(() => document.activeElement.id), 'identifier', 'the first field has the focus')
  await page.keyboard.type(person.email)
  await tabTo(page, 'password')
  await page.keyboard.type(person.password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#consent-allow')
  await tabTo(page, 'consent-allow')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${app.origin}/callback?**`)
  assert.ok(new URL(page.url()).searchParams.get('code'))
  assert.deepEqual(complaints(), [])
  await context.close()
})

test('with the keyboard alone: the password can be shown and hidden', async () => {
  const { context, page } = await open()
  await page.goto(`${server.issuer}/sign-in`)
  await page.fill('#password', 'seen')
  await page.focus('#password')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  assert.equal(await page.getAttribute('#password', 'type'), 'text')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password', 'back to where one types')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  assert.equal(await page.getAttribute('#password', 'type'), 'password')
  await context.close()
})

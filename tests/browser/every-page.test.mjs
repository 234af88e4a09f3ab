// Every page at desktop and phone width, light and dark: axe finds nothing, nothing overflows, no policy is violated.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { openBrowser, signIn, watch } from './support/chromium.mjs'
import { LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
const CALLBACK = 'https://app.example.com/callback'
let browser
let client
let closed
let user
let cookies

before(async () => {
  browser = await openBrowser(server)
  client = await server.client('web', ['--redirect-uri', CALLBACK])
  closed = await server.client('web', ['--redirect-uri', CALLBACK, '--access-policy', 'restricted'])
  user = await server.user({ name: 'Ann Lee' })
  cookies = await signedInCookies()
})
after(() => browser?.close())

function authorize(extra = {}) {
  const scope = 'openid profile email address phone offline_access'
  const parameters = { client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope, state: 'x', ...extra }
  return `${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams(parameters)}`
}

async function invitation() {
  return (await server.admin(['user', 'invite'])).url
}

// No administrator is ever made, so that the set-up page stays.
const pages = {
  async 'set-up'(page) {
    await page.goto(server.setupLink)
    await page.waitForSelector('#submit')
  },
  async 'set-up, refused'(page) {
    await page.goto(server.setupLink)
    await page.fill('#identifier', 'root@example.com')
    await page.fill('#password', 'short')
    await page.click('#submit')
    await page.waitForSelector('#error-summary')
  },
  async 'set-up without a link'(page) {
    await page.goto(`${server.issuer}/setup`)
  },
  async 'home of a stranger'(page) {
    await page.goto(`${server.issuer}/`)
  },
  async 'sign-in'(page) {
    await page.goto(`${server.issuer}/sign-in`)
  },
  async 'sign-in for an app'(page) {
    await page.goto(authorize())
    await page.waitForSelector('#identifier')
  },
  async 'sign-in, refused'(page) {
    await page.goto(authorize())
    await signIn(page, { ...user, password: 'not the password' })
    await page.waitForSelector('#error-summary')
  },
  async 'a forgotten password'(page) {
    await page.goto(`${server.issuer}/sign-in`)
    await page.click('#forgot-password')
    await page.waitForURL('**/forgot-password')
  },
  async 'a sign-in link'(page) {
    await page.goto((await server.admin(['user', 'link', user.email])).url)
    await page.waitForSelector('#submit')
  },
  async 'a sign-in link, refused'(page) {
    await page.goto((await server.admin(['user', 'link', user.email])).url)
    await page.fill('#password', 'short')
    await page.click('#submit')
    await page.waitForSelector('#error-summary')
  },
  async 'a sign-in link that does not work'(page) {
    await page.goto(`${server.issuer}/reset-password?token=lnk_none`)
  },
  async 'no such page'(page) {
    await page.goto(`${server.issuer}/there-is-no-such-page`)
  },
  async 'an app with a wrong redirect URI'(page) {
    await page.goto(authorize({ redirect_uri: `${CALLBACK}/` }))
    await page.click('.folded summary')
  },
  async 'sign-up without an invitation'(page) {
    await page.goto(`${server.issuer}/sign-up`)
  },
  async 'sign-up with an invitation'(page) {
    await page.goto(await invitation())
    await page.waitForSelector('#submit')
  },
  async 'sign-up, refused'(page) {
    await page.goto(await invitation())
    await page.fill('#identifier', 'new@example.com')
    await page.fill('#password', 'short')
    await page.click('#submit')
    await page.waitForSelector('#error-summary')
  },
}

// Pages of somebody who is signed in.
const pagesOfAPerson = {
  async consent(page) {
    await page.goto(authorize())
    await page.waitForSelector('#consent-allow')
  },
  async 'confirm it is you'(page) {
    await page.goto(authorize({ prompt: 'login' }))
    await page.waitForSelector('#password')
  },
  async 'choose an account'(page) {
    await page.goto(authorize({ prompt: 'select_account' }))
    await page.waitForSelector('#other-account')
  },
  async 'an app for others'(page) {
    await page.goto(authorize({ client_id: closed.client_id }))
    await page.waitForSelector('#back-to-app')
  },
  async 'an app for others that takes posts'(page) {
    await page.goto(authorize({ client_id: closed.client_id, response_mode: 'form_post' }))
    await page.waitForSelector('button#back-to-app')
  },
  async 'home of a person'(page) {
    await page.goto(`${server.issuer}/`)
  },
  async 'sign out'(page) {
    await page.goto(`${server.issuer}/logout`)
    await page.waitForSelector('#logout-confirm')
  },
}

// Signing out ends the session, so this one signs in for itself.
const pagesAfterwards = {
  async 'signed out'(page) {
    await page.goto(`${server.issuer}/sign-in`)
    await signIn(page, user)
    await page.click('#logout-confirm')
    await page.waitForURL((url) => url.pathname !== '/')
  },
}

/** The cookies of a browser in which the person is signed in. */
async function signedInCookies() {
  const context = await browser.context()
  const page = await context.newPage()
  await page.goto(`${server.issuer}/sign-in`)
  await signIn(page, user)
  await page.waitForURL(`${server.issuer}/`)
  const state = await context.storageState()
  await context.close()
  return state.cookies
}

for (const [name, open] of Object.entries({ ...pages, ...pagesOfAPerson, ...pagesAfterwards })) {
  test(name, async () => {
    for (const [look, options] of Object.entries(LOOKS)) {
      const context = await browser.context(options)
      if (name in pagesOfAPerson) await context.addCookies(cookies)
      const complaints = watch(context, server.issuer)
      const page = await context.newPage()
      await open(page)
      await looksRight(page, look)
      assert.deepEqual(complaints(), [], look)
      await context.close()
    }
  })
}

// Pictures of the pages for the documentation: node tests/browser/screenshots.mjs [folder, default docs/images]
import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { givenServer, startServer } from '../interop/support/server.mjs'
import { openBrowser, signIn } from './support/chromium.mjs'

const MAX_BYTES = 120_000
const CALLBACK = 'https://wiki.example.com/callback'
const DESKTOP = { viewport: { width: 960, height: 640 } }
const WIDE = { viewport: { width: 1200, height: 760 } }
const PHONE = { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true }

const folder = resolve(process.argv[2] ?? fileURLToPath(new URL('../../docs/images', import.meta.url)))
mkdirSync(folder, { recursive: true })
const running = await startServer()
process.env.AUTHER_GIVEN_SERVER = JSON.stringify(running)
const server = givenServer()
const browser = await openBrowser(server)
try {
  await takeAll()
} finally {
  await browser.close()
  await running.stop()
}

async function takeAll() {
  const client = await server.client('web', ['--redirect-uri', CALLBACK], 'Team Wiki')
  const password = 'correct horse battery'
  await server.admin(['user', 'create', '--email', 'ann@example.com', '--name', 'Ann Lee', '--password-stdin', '--verified'], password)
  const user = { email: 'ann@example.com', password }
  const parameters = { client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid profile email', state: 'x' }
  const authorize = `${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams(parameters)}`

  const atSignIn = (page) => page.goto(authorize)
  const atConsent = async (page) => {
    await page.goto(authorize)
    await signIn(page, user)
    await page.waitForSelector('#consent-allow')
  }
  await take('sign-in', DESKTOP, atSignIn)
  await take('sign-in-dark', { ...DESKTOP, colorScheme: 'dark' }, atSignIn)
  await take('sign-in-phone', PHONE, atSignIn)
  await take('consent', DESKTOP, atConsent)
  await take('set-up', DESKTOP, (page) => page.goto(server.setupLink))
  await server.admin(['client', 'delete', client.client_id])
  await take('home', { viewport: { width: 720, height: 590 } }, async (page) => {
    await page.goto(server.setupLink)
    await page.fill('input[name=name]', 'Rosa Winter')
    await page.fill('#identifier', 'rosa@example.com')
    await page.fill('#password', password)
    await page.click('#submit')
    await page.waitForURL(`${server.issuer}/`)
  })
  await takeAdmin({ email: 'rosa@example.com', password })
}

/** Pages of the administrator that the set-up page has made. */
async function takeAdmin(root) {
  const client = await server.client('web', ['--redirect-uri', CALLBACK], 'Team Wiki')
  const model = {
    relations: { viewer: {}, editor: { includes: ['viewer'] }, owner: { includes: ['editor'] } },
    permissions: { read: { relation: 'viewer' }, change: { relation: 'editor' }, publish: { relation: 'owner' } },
  }
  const at = (path) => async (page) => {
    await page.goto(`${server.issuer}/sign-in?continue=${encodeURIComponent(path)}`)
    await signIn(page, root)
    await page.waitForSelector('main h1')
    await page.waitForFunction(() => !document.querySelector('main .skeleton'))
  }
  await server.admin(['model', 'put', `${client.client_id}:page`, '--file', '-'], JSON.stringify(model))
  await take('admin-clients', WIDE, at(`/admin/clients/${client.client_id}?tab=integration`))
  await take('admin-model', WIDE, at(`/admin/access/models/${client.client_id}:page`))
}

async function take(name, look, open) {
  const context = await browser.context(look)
  const page = await context.newPage()
  await open(page)
  await page.evaluate(() => document.activeElement?.blur())
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path, fullPage: name !== 'home' && !name.startsWith('admin') })
  const { size } = statSync(path)
  console.log(`${name}.png, ${Math.round(size / 1000)} kB`)
  if (size > MAX_BYTES) throw new Error(`${name}.png has ${size} bytes; the limit is ${MAX_BYTES}`)
  await context.close()
}

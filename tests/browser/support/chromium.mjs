// Chromium as a stranger has it after trusting our authority: no certificate error is waved through.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach } from 'node:test'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
]
const PATIENCE_MS = 15_000

/** A headless browser that trusts the authority of this server. Gives { context(options), close }. */
export async function openBrowser(server) {
  const home = mkdtempSync(join(tmpdir(), 'chromium-'))
  trust(home, server.caFile)
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
  })
  return {
    async context(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
      context.setDefaultTimeout(PATIENCE_MS)
      return context
    },
    async close() {
      await browser.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Puts the authority where Chromium on Linux looks for those that a person added. */
function trust(home, caFile) {
  const store = join(home, '.pki', 'nssdb')
  mkdirSync(store, { recursive: true })
  execFileSync('certutil', ['-d', `sql:${store}`, '-N', '--empty-password'])
  execFileSync('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'Auther under test', '-i', caFile])
}

/**
 * Watches every page of a context. `complaints()` are the things that must not happen on pages of the issuer: violations of their
 * own content policy, errors of their script, and requests to anywhere else.
 */
export function watch(context, issuer) {
  const found = []
  const isOurs = (url) => url.startsWith(`${issuer}/`)
  context.on('page', (page) => {
    page.on('console', (message) => {
      const where = message.location().url || page.url()
      const isPolicy = /Content Security Policy|Refused to/i.test(message.text())
      if (isPolicy || (message.type() === 'error' && isOurs(where) && !/status of 4\d\d/.test(message.text()))) found.push(`${where}: ${message.text()}`)
    })
    page.on('pageerror', (error) => isOurs(page.url()) && found.push(`${page.url()}: ${error.message}`))
    page.on('request', (request) => {
      if (!request.isNavigationRequest() && isOurs(request.frame().url()) && !isOurs(request.url()))
        found.push(`${request.frame().url()} asks ${request.url()}`)
    })
    page.on('requestfailed', (request) => {
      if (isOurs(request.url()) && !/ERR_ABORTED/.test(request.failure()?.errorText ?? ''))
        found.push(`${request.url()} failed: ${request.failure()?.errorText}`)
    })
  })
  return () => found
}

/** Fills in the sign-in page. */
export async function signIn(page, { email, password }) {
  await page.fill('#identifier', email)
  await page.fill('#password', password)
  await page.click('#submit')
}

/**
 * The browser of a file of tests, and a context in which nothing may go wrong: after each test what `watch` found must be nothing.
 * The browser closes with the last test.
 */
export async function givenBrowser(server, options) {
  const browser = await openBrowser(server)
  const context = await browser.context(options)
  const complaints = watch(context, server.issuer)
  after(() => browser.close())
  afterEach(() => assert.deepEqual(complaints().splice(0), [], 'no violation, no error, no request to anywhere else'))
  return { browser, context }
}

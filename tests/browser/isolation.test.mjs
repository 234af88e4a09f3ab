// What draws the admin and account pages: text keeps its direction to itself, shows what is not seen, and is never markup.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, signIn } from './support/chromium.mjs'

const server = givenServer()
const { context } = await givenBrowser(server)
const HEBREW = '\u05d0\u05d1\u05d2'
let page

before(async () => {
  const root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  page = await context.newPage()
  await page.goto(`${server.issuer}/sign-in?redirectTo=/admin`)
  await signIn(page, root)
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
})

/** The markup that a text gives, as an element of each kind draws it. */
const drawn = (text) =>
  page.evaluate(async (text) => {
    const scripts = performance.getEntriesByType('resource').map((entry) => entry.name)
    const { html, render } = await import(scripts.find((name) => /\/core\/html\b[^/]*\.js$/.test(name)))
    const Named = ({ children, name }) => html`<p>${name}: ${children}</p>`
    const root = document.createElement('div')
    render(html`<b>before ${text} after</b><option>${text}</option><${Named} name=${text}>${[text, [text]]}<//><i title=${text}></i>`, root)
    return root.innerHTML.replaceAll(' value=""', '')
  }, text)

test('a name that is read from right to left is isolated wherever an element draws it', async () => {
  const isolated = `<bdi>${HEBREW}</bdi>`
  assert.equal(
    await drawn(HEBREW),
    `<b>before ${isolated} after</b><option>${HEBREW}</option><p>${isolated}: ${isolated}${isolated}</p><i title="${HEBREW}"></i>`,
  )
})

test('a name that is read from left to right is drawn as it is', async () => {
  assert.equal(await drawn('Ann'), '<b>before Ann after</b><option>Ann</option><p>Ann: AnnAnn</p><i title="Ann"></i>')
})

test('characters that are not seen are drawn as their number', async () => {
  const markup = await drawn('Graf\u202eana')
  assert.match(markup, /^<b>before Graf\\u\{202e\}ana after<\/b><option>Graf\\u\{202e\}ana<\/option>/)
  assert.equal(markup.match(/\u202e/g)?.length ?? 0, 1, 'only in the attribute, which the browser draws by itself')
})

test('text is no markup', async () => {
  const markup = await drawn('<img src=x onerror=alert(1)>')
  assert.doesNotMatch(markup, /<img/)
})

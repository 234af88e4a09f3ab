// The admin pages with the keyboard alone: no pointer, and no focus that a script puts somewhere.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser } from './support/chromium.mjs'

const server = givenServer()
const { context } = await givenBrowser(server)
const FAR = 80
let page
let keys
let root
let ann

before(async () => {
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  ann = await server.user({ name: 'Ann Lee' })
  page = await context.newPage()
  keys = page.keyboard
})

const role = (name, title, more = {}) => page.getByRole(name, { name: title, exact: true, ...more })
const field = (name) => page.locator(`#field-${name}`)

/** Presses Tab (or Shift+Tab) until the focus is there, and sees to it that it shows. */
async function to(target, key = 'Tab') {
  await target.waitFor()
  for (let presses = 0; presses < FAR; presses += 1) {
    const found = await target.evaluate((element) => {
      if (element !== document.activeElement) return null
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
      return { shows: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' }
    })
    if (found) {
      assert.ok(found.shows, `${target} shows that it has the focus`)
      return
    }
    await keys.press(key)
  }
  assert.fail(`${target} cannot be reached with ${key}`)
}

async function press(target, key = 'Enter', way = 'Tab') {
  await to(target, way)
  await keys.press(key)
}

async function write(target, text) {
  await to(target)
  await keys.type(text)
}

/** Chooses in a list, by its arrows. */
async function choose(target, value) {
  await to(target)
  await target.locator(`option[value="${value}"]`).waitFor({ state: 'attached' })
  const [now, then] = await target.evaluate(
    (select, wanted) => [select.selectedIndex, [...select.options].findIndex((option) => option.value === wanted)],
    value,
  )
  for (let n = now; n !== then; n += Math.sign(then - now)) await keys.press(then > now ? 'ArrowDown' : 'ArrowUp')
  assert.equal(await target.inputValue(), value)
}

// The focus follows a drawing of the page: it may take some frames.
const hasFocus = (target) =>
  target.evaluate(async (element) => {
    for (let n = 0; n < 120 && element !== document.activeElement; n += 1) await new Promise(requestAnimationFrame)
    return element === document.activeElement
  })
const here = (path) => page.waitForURL(`${server.issuer}${path}`)

test('sign-in', async () => {
  await page.goto(`${server.issuer}/sign-in?continue=/admin`)
  await keys.type(root.email)
  await write(page.locator('#password'), root.password)
  await keys.press('Enter')
  await here('/admin')
  await role('heading', 'Overview').waitFor()
})

test('the first stop leads past the rail', async () => {
  await page.reload()
  await role('heading', 'Overview').waitFor()
  await press(role('link', 'Skip to the content'))
  assert.ok(await hasFocus(page.locator('main')))
})

test('an app is registered, and its secret confirmed', async () => {
  await press(page.locator('.rail').getByRole('link', { name: 'Clients', exact: true }))
  await here('/admin/clients')
  await press(page.locator('.page-header').getByRole('link', { name: 'Register a client' }))
  await here('/admin/clients/register')
  await write(field('name'), 'By Keyboard')
  const web = page.locator('input[name=type][value=web]')
  await to(web)
  await keys.press('ArrowDown')
  assert.ok((await page.locator('input[name=type][value=web]').isChecked()) === false, 'arrows choose another type')
  await keys.press('ArrowUp')
  assert.ok(await web.isChecked())
  await write(field('redirect_uris'), 'https://app.example.com/callback')
  await press(role('button', 'Register'))
  const saved = page.locator('#secret-saved')
  await saved.waitFor()
  await keys.press('Escape')
  assert.ok(await saved.isVisible(), 'a secret stays until it is said to be saved')
  await press(saved)
  await page.waitForURL('**/admin/clients/*?tab=integration')
  await role('heading', 'Ready code').waitFor()
  await press(page.locator('.pill', { hasText: 'curl' }), ' ')
  await page.waitForURL('**for=curl**')
})

test('somebody is made, and deleted by typing their name', async () => {
  await keys.press('g')
  await keys.press('u')
  await here('/admin/users')
  await press(page.locator('.page-header').getByRole('link', { name: 'New user' }))
  await write(field('email'), 'short@example.com')
  await write(field('name'), 'Short Lived')
  await press(field('email_verified'), ' ')
  await press(role('button', 'Create user'))
  await page.waitForURL('**/admin/users/usr_*')
  await role('heading', 'Short Lived').waitFor()
  const opener = role('button', 'Delete')
  await press(opener)
  await page.getByRole('dialog').waitFor()
  await keys.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.ok(await hasFocus(opener), 'the focus is back at the button')
  await keys.press('Enter')
  await page.getByRole('dialog').waitFor()
  await write(field('confirm'), 'wrong')
  await keys.press('Enter')
  await page.getByText('Type short@example.com to go on.').waitFor()
  await to(field('confirm'))
  await keys.press('Control+A')
  await keys.type('short@example.com')
  await press(page.getByRole('dialog').getByRole('button', { name: 'Delete' }))
  await here('/admin/users')
  await page.getByRole('link', { name: ann.email }).waitFor()
  assert.equal(await page.getByRole('link', { name: 'short@example.com' }).count(), 0)
})

test('the list is searched and sorted', async () => {
  await keys.press('/')
  const search = page.locator('#search')
  assert.ok(await hasFocus(search), '/ goes to the search')
  await keys.type('Lee')
  await page.getByText('1 in all').waitFor()
  await keys.press('Control+A')
  await keys.press('Delete')
  await page.getByText('2 in all').waitFor()
  const head = page.locator('thead').getByRole('button', { name: 'E-mail' })
  for (const [way, address] of [
    ['ascending', 'email'],
    ['descending', '-email'],
    [null, ''],
  ]) {
    await press(head)
    await page.waitForURL((url) => (url.searchParams.get('sort') ?? '') === address)
    await page.getByText('2 in all').waitFor()
    assert.equal(await page.getAttribute('th:has-text("E-mail")', 'aria-sort'), way)
    assert.ok(await hasFocus(head), 'the focus stays')
  }
})

test('a grant is given, and the tester asked', async () => {
  await press(page.locator('.rail').getByRole('link', { name: 'Grants', exact: true }))
  await press(page.locator('.page-header').getByRole('link', { name: 'New grant' }))
  await choose(field('entity_type'), 'users')
  await choose(field('relation'), 'viewer')
  await write(field('subject_id'), ann.email)
  await page.getByText('Will gain').first().waitFor()
  await press(role('button', 'Grant'))
  await page.waitForURL('**/admin/access/grants?**')
  await page.getByRole('row', { name: /viewer.*Ann Lee/ }).waitFor()
  await keys.press('Escape')
  await keys.press('g')
  await keys.press('t')
  await here('/admin/access/tester')
  await write(field('subject_id'), ann.email)
  await write(field('permission'), 'view')
  await choose(field('entity_type'), 'users')
  await to(field('entity_id'))
  await keys.press('Control+A')
  await keys.type('*')
  await keys.press('Enter')
  await page.locator('.answer.yes').waitFor()
})

test('the shortcuts are listed, and the focus comes back from them', async () => {
  await press(page.locator('.rail').getByRole('link', { name: 'Users', exact: true }), 'Enter', 'Shift+Tab')
  await here('/admin/users')
  const invite = role('button', 'Invite')
  await to(invite)
  await keys.press('?')
  const list = page.getByRole('dialog', { name: 'Shortcuts' })
  await list.waitFor()
  await keys.press('Escape')
  await list.waitFor({ state: 'detached' })
  assert.ok(await hasFocus(invite))
  await keys.press('Enter')
  await page.getByRole('dialog', { name: 'Invite somebody' }).waitFor()
  for (let n = 0; n < 12; n += 1) {
    await keys.press('Tab')
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog')), 'the focus stays in the dialog')
  }
  await keys.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.ok(await hasFocus(invite))
  await to(page.locator('.brand'), 'Shift+Tab')
})

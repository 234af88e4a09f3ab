// The pages about people, groups, sessions, the audit log, the overview and the settings, as an administrator uses them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, signIn } from './support/chromium.mjs'
import { signedIn, words } from './support/desk.mjs'

const server = givenServer()
const { browser, context } = await givenBrowser(server)
const CALLBACK = 'https://app.example.com/callback'
let page
let root
let client

before(async () => {
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  client = await server.client('web', ['--redirect-uri', CALLBACK], 'Ledger')
  page = await signedIn(server, context, root)
})

const { go, said, button, dialog } = words(() => page, `${server.issuer}/admin`)

/** Somebody in a browser of their own, signed in to the app. */
async function visitor(user) {
  const own = await browser.context()
  await own.route(`${CALLBACK}**`, (route) => route.fulfill({ body: 'Signed in' }))
  const tab = await own.newPage()
  const parameters = { client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid profile email', state: 'x' }
  await tab.goto(`${server.issuer}/api/auth/oauth2/authorize?${new URLSearchParams(parameters)}`)
  await signIn(tab, user)
  await tab.click('#consent-allow')
  await tab.waitForURL(`${CALLBACK}**`)
  return {
    close: () => own.close(),
    async isSignedIn() {
      await tab.goto(`${server.issuer}/`)
      return tab.isVisible('#logout-confirm')
    },
  }
}

async function mayEnter(user) {
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(`${server.issuer}/sign-in`)
  await signIn(tab, user)
  await tab.waitForSelector('#logout-confirm, #error-summary')
  const entered = await tab.isVisible('#logout-confirm')
  await own.close()
  return entered
}

test('the list of people is searched and filtered by its address', async () => {
  const ann = await server.user({ name: 'Ann Searched' })
  await go('/users')
  await page.waitForSelector('#search')
  await page.keyboard.press('/')
  await page.keyboard.type('Searched')
  await page.waitForURL('**?search=Searched')
  await said('1 in all')
  assert.ok(await page.isVisible(`a:has-text("${ann.email}")`))
  await page.reload()
  await said('1 in all')
  assert.equal(await page.inputValue('#search'), 'Searched')
  await page.fill('#search', 'there is nobody of this name')
  await said('Nothing fits')
  await button('Show all').click()
  await page.selectOption('select >> nth=1', 'admin')
  await page.waitForURL('**?role=admin')
  await said('1 in all')
})

test('a list is in the order of a column, kept in its address; on a phone it is chosen', async () => {
  for (const name of ['Zoe Ordered', 'Abe Ordered', 'Mia Ordered']) await server.user({ name })
  const inOrder = (...names) =>
    page.waitForFunction(
      (wanted) => [...document.querySelectorAll('tbody tr')].map((row) => row.querySelector('td:not(.choose)').innerText.split(' ')[0]).join() === wanted,
      names.join(),
    )
  await go('/users?search=Ordered')
  await said('3 in all')
  await button('Name', false).click()
  await inOrder('Abe', 'Mia', 'Zoe')
  await button('Name', false).click()
  await page.waitForURL('**sort=-name')
  await inOrder('Zoe', 'Mia', 'Abe')
  await page.reload()
  await inOrder('Zoe', 'Mia', 'Abe')
  await button('Created', false).click()
  await page.waitForURL('**sort=-created_at')
  await inOrder('Mia', 'Abe', 'Zoe')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.getByLabel('Sort by').selectOption({ label: 'Name, A to Z' })
  await page.waitForURL('**sort=name')
  await inOrder('Abe', 'Mia', 'Zoe')
  await page.setViewportSize({ width: 1280, height: 800 })
  await server.admin(['api-key', 'create', '--name', 'Sorted', '--owner', root.email])
  await server.admin(['group', 'create', '--name', 'Sorted'])
  for (const path of [
    '/clients?sort=-created_at',
    '/clients?sort=name',
    '/groups?sort=-name',
    '/groups?sort=created_at',
    '/sessions?sort=created_at',
    ...['name', '-created_at', 'expires_at', '-last_used_at'].map((field) => `/keys?sort=${field}`),
  ]) {
    await go(path)
    await page.waitForSelector('[aria-sort]')
    assert.equal(await page.locator('main [role=alert]').count(), 0, path)
  }
})

test('a person is made, with every mistake told at its field and what was typed kept', async () => {
  await go('/users/create')
  await page.fill('#field-email', 'no address')
  await page.fill('#field-name', 'Bea Made')
  await button('Create user').click()
  await page.waitForSelector('#field-email[aria-invalid=true]')
  assert.equal(await page.inputValue('#field-name'), 'Bea Made')
  await page.fill('#field-email', 'bea@example.com')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/admin/users/usr_*')
  await page.waitForSelector('h1:text-is("Bea Made")')
})

test('two who change the same person are told kindly, and nothing that was typed is lost', async () => {
  const cy = await server.user({ name: 'Cy First' })
  await go(`/users/${cy.id}`)
  await page.fill('#field-nickname', 'C')
  await server.admin(['user', 'update', cy.id, '--name', 'Cy Second'])
  await page
    .locator('form', { has: page.locator('#field-nickname') })
    .getByRole('button')
    .click()
  await said('Name is now “Cy Second”')
  assert.equal(await page.inputValue('#field-nickname'), 'C')
  await page
    .locator('form', { has: page.locator('#field-nickname') })
    .getByRole('button')
    .click()
  await said('Saved.')
  const now = await server.admin(['user', 'show', cy.id])
  assert.equal(now.nickname, 'C')
  assert.equal(now.name, 'Cy Second')
})

test('ending a session signs the person out of that browser', async () => {
  const dee = await server.user({ name: 'Dee' })
  const there = await visitor(dee)
  assert.ok(await there.isSignedIn())
  await go(`/users/${dee.id}?tab=sessions`)
  await said('1 session')
  await button('Revoke', false).last().click()
  await dialog().getByRole('button', { name: 'End session' }).click()
  await said('Signed in nowhere')
  assert.equal(await there.isSignedIn(), false)
  await there.close()
})

test('all sessions end together, after the name was typed', async () => {
  const eve = await server.user({ name: 'Eve' })
  const [one, two] = [await visitor(eve), await visitorAgain(eve)]
  await go(`/users/${eve.id}?tab=sessions`)
  await said('2 sessions')
  await button('Revoke all').click()
  await dialog().getByRole('button', { name: 'End all' }).click()
  await said(`Type ${eve.email} to go on.`)
  await page.fill('#field-confirm', eve.email)
  await dialog().getByRole('button', { name: 'End all' }).click()
  await said('2 sessions ended.')
  assert.equal(await one.isSignedIn(), false)
  assert.equal(await two.isSignedIn(), false)
  await one.close()
  await two.close()
})

/** A second browser of somebody who has consented before. */
async function visitorAgain(user) {
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(`${server.issuer}/sign-in`)
  await signIn(tab, user)
  await tab.waitForSelector('#logout-confirm')
  return {
    close: () => own.close(),
    async isSignedIn() {
      await tab.goto(`${server.issuer}/`)
      return tab.isVisible('#logout-confirm')
    },
  }
}

test('a password is set, and a locked account stays outside until it is let in again', async () => {
  const fay = await server.user({ name: 'Fay' })
  await go(`/users/${fay.id}`)
  await button('Set password').click()
  await page.fill('#field-password', 'short')
  await dialog().getByRole('button', { name: 'Set password' }).click()
  await page.waitForSelector('dialog .summary')
  await page.fill('#field-password', 'another long sentence')
  await dialog().getByRole('button', { name: 'Set password' }).click()
  await said(`The password of ${fay.email} is set.`)
  assert.equal(await mayEnter(fay), false)
  assert.equal(await mayEnter({ ...fay, password: 'another long sentence' }), true)
  await button('Disable').click()
  await dialog().getByRole('button', { name: 'Disable' }).click()
  await said('Fay is disabled. 1 session ended.')
  assert.equal(await mayEnter({ ...fay, password: 'another long sentence' }), false)
  await button('Enable').click()
  await said(`${fay.email} may sign in again.`)
  assert.equal(await mayEnter({ ...fay, password: 'another long sentence' }), true)
})

test('a sign-in link lets a colleague choose the first password, once', async () => {
  await go('/users/create')
  await page.fill('#field-email', 'newcomer@example.com')
  await button('Create user').click()
  await page.waitForURL('**/admin/users/usr_*')
  await button('Make a sign-in link').click()
  assert.ok((await dialog().innerText()).includes('choose their first password'))
  await dialog().getByRole('button', { name: 'Make the link' }).click()
  const shown = dialog().locator('pre')
  await shown.first().waitFor()
  const link = await shown.first().innerText()
  assert.match(link, /\/reset-password\?token=lnk_/)
  await page.click('#secret-saved')
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(link)
  assert.equal(await tab.innerText('h1'), 'Choose a password')
  assert.equal(await tab.inputValue('#identifier'), 'newcomer@example.com')
  await tab.fill('#password', 'a sentence of my own')
  await tab.click('#submit')
  await tab.waitForSelector('#logout-confirm')
  await tab.goto(link)
  assert.equal(await tab.innerText('h1'), 'This link does not work any more')
  await own.close()
})

test('ready roles are given to a helper and taken again', async () => {
  const helen = await server.user({ name: 'Helen Helper' })
  await go('/administrators')
  await page.waitForSelector(`tr:has-text("${root.email}"):has-text("Owner")`)
  await button('Add an administrator').click()
  await page.fill('#field-subject', helen.email)
  await dialog().getByRole('radio', { name: 'Helpdesk' }).check()
  await dialog().getByRole('button', { name: 'Add', exact: true }).click()
  await said(`${helen.email} is helpdesk now.`)
  await page.waitForSelector(`tr:has-text("${helen.email}"):has-text("Helpdesk")`)
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(`${server.issuer}/sign-in?continue=/admin/users/${helen.id}`)
  await signIn(tab, helen)
  await tab.waitForSelector('.rail a:has-text("Audit")')
  assert.deepEqual(await tab.locator('.rail a').allInnerTexts(), ['Overview', 'Users', 'Groups', 'Sessions', 'Audit'])
  assert.equal(await tab.locator('.top .whose').innerText(), 'Helen Helper')
  await own.close()
  await page.locator('tr', { hasText: helen.email }).getByRole('button').click()
  await dialog().getByRole('button', { name: 'Remove' }).click()
  await said('The roles were removed.')
  await page.locator(`tr:has-text("${helen.email}")`).waitFor({ state: 'detached' })
})

test('the audit log is downloaded as it is filtered', async () => {
  await go('/audit?action=user.create')
  const coming = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download CSV' }).click()
  const file = await coming
  assert.match(file.suggestedFilename(), /^audit-.*\.csv$/)
  const [head, ...rows] = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\r\n')
  assert.ok(head.startsWith('at,action,outcome'))
  assert.ok(rows.length > 2 && rows.every((row) => row.includes('user.create')), rows[0])
})

test('groups, permissions, apps, the token and API keys of one person', async () => {
  const gil = await server.user({ name: 'Gil' })
  const there = await visitor(gil)
  await there.close()
  await server.admin(['group', 'create', '--name', 'Readers'])
  await server.admin(['tuple', 'add', 'users', '*', 'viewer', 'group', 'Readers'])
  await server.admin(['api-key', 'create', '--name', 'Nightly', '--owner', gil.email])
  await go(`/users/${gil.id}?tab=groups`)
  await said('In no group')
  await page.selectOption('#field-group', { label: 'Readers' })
  await button('Add').click()
  await said('put in by name')
  await page.click('a:text-is("Permissions")')
  await page.waitForSelector('tr:has-text("users") >> text=view')
  await page.click('.tabs a:text-is("Token")')
  await page.selectOption('.chip select', client.client_id)
  await page.waitForSelector('section:has(h2:text-is("ID token"))')
  const idToken = page.locator('section', { has: page.locator('h2', { hasText: 'ID token' }) })
  assert.match(await idToken.innerText(), new RegExp(gil.id))
  assert.match(await idToken.innerText(), new RegExp(gil.email))
  await page.getByLabel('email', { exact: true }).uncheck()
  await page.waitForFunction((email) => !document.querySelector('.claims')?.innerText.includes(email), gil.email)
  await page.click('.tabs a:text-is("API keys")')
  await said('Nightly')
  await page.click('.tabs a:text-is("Apps")')
  await page.waitForSelector('tr:has-text("Ledger")')
  await button('Take back', false).click()
  await dialog().getByRole('button', { name: 'Take back' }).click()
  await said('No app is connected')
  await page.click('.tabs a:text-is("Activity")')
  await said('Consent given')
})

test('a deletion says what goes, and wants the name typed', async () => {
  const hal = await server.user({ name: 'Hal' })
  const there = await visitor(hal)
  await server.admin(['group', 'create', '--name', 'Deleters'])
  await server.admin(['group', 'add-member', 'Deleters', hal.email])
  await server.admin(['api-key', 'create', '--name', 'Of Hal', '--owner', hal.email])
  await go(`/users/${hal.id}`)
  await button('Delete').click()
  const text = await dialog().innerText()
  for (const part of ['Hal', 'ends 1 session', '1 membership', '1 API key', '1 consent']) assert.ok(text.includes(part), `${part} in ${text}`)
  await page.fill('#field-confirm', hal.email)
  await dialog().getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL('**/admin/users')
  assert.equal(await there.isSignedIn(), false)
  await there.close()
})

test('a group is made, filled, nested and deleted', async () => {
  const ida = await server.user({ name: 'Ida' })
  await server.admin(['group', 'create', '--name', 'Inner'])
  await server.admin(['group', 'add-member', 'Inner', ida.email])
  await go('/groups/create')
  await page.fill('#field-name', 'Outer')
  await page.fill('#field-description', 'Everybody')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/admin/groups/grp_*')
  await said('Nobody is in it')
  await page.fill('#member', 'nobody@example.com')
  await button('Add').click()
  await page.waitForSelector('#member[aria-invalid=true]')
  assert.equal(await page.inputValue('#member'), 'nobody@example.com')
  await page.fill('#member', root.email)
  await button('Add').click()
  await page.waitForSelector(`tr:has-text("${root.email}")`)
  await page.selectOption('#member-kind', 'group')
  await page.fill('#member', 'Inner')
  await button('Add').click()
  await page.waitForSelector('tr:has-text("Inner")')
  await page.selectOption('.bar select', '1')
  await page.waitForSelector(`tr:has-text("${ida.email}") >> text=Inner`)
  await page.click('.tabs a:text-is("Tree")')
  await page.waitForSelector(`.tree ul ul .leaf:has-text("${ida.email}")`)
  await page.click('.tabs a:text-is("Details")')
  await page.fill('#field-description', 'All of us')
  await button('Save').click()
  await page.waitForSelector('.lead:text-is("All of us")')
  await page.click('.tabs a:text-is("Members")')
  await page.locator('tr', { hasText: root.email }).getByRole('button').click()
  await dialog().getByRole('button', { name: 'Remove' }).click()
  await page.waitForSelector(`tr:has-text("${root.email}")`, { state: 'detached' })
  await button('Delete').click()
  assert.match(await dialog().innerText(), /the group Outer, removes 1 membership/)
  await page.fill('#field-confirm', 'Outer')
  await dialog().getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL('**/admin/groups')
  await page.waitForSelector('tr:has-text("Inner")')
  assert.equal(await page.isVisible('tr:has-text("Outer")'), false)
})

test('the sessions of everybody are narrowed to one person or one app', async () => {
  const jo = await server.user({ name: 'Jo' })
  const there = await visitor(jo)
  await go('/sessions')
  await page.waitForSelector(`tr:has-text("${jo.email}")`)
  await page.fill('#search', jo.email)
  await page.waitForURL('**?user=*')
  await said('1 in all')
  await page.selectOption('.chip select', client.client_id)
  await page.waitForURL('**client=*')
  await said('1 in all')
  await page.locator('tr', { hasText: jo.email }).getByRole('button').click()
  await dialog().getByRole('button', { name: 'End session' }).click()
  await said('No session fits')
  assert.equal(await there.isSignedIn(), false)
  await there.close()
})

test('the audit log is narrowed by its address, opened, and followed', async () => {
  const kim = await server.user({ name: 'Kim' })
  await mayEnter({ ...kim, password: 'not the password' })
  await go('/audit?action=user.sign_in&result=failure')
  await page.waitForSelector(`.entry:has-text("${kim.email}")`)
  assert.ok((await page.locator('.entry').allInnerTexts()).every((text) => /could not sign in/i.test(text)))
  const entry = page.locator('.entry', { hasText: kim.email }).first()
  await entry.locator('summary').press('Enter')
  const reference = await entry.locator('code', { hasText: /^req_/ }).innerText()
  await page.fill('#search', reference)
  await page.waitForURL('**request=req_*')
  await said('1 in all')
  await go('/audit?action=group')
  await button('Follow').click()
  await page.waitForURL('**follow=1')
  await server.admin(['group', 'create', '--name', 'Followed'])
  await page.waitForSelector('.entry.fresh:has-text("Group created")')
})

test('the overview counts, draws and says the same in numbers', async () => {
  await go('')
  await page.waitForSelector('.chart svg')
  assert.match(await page.getAttribute('.chart svg', 'aria-label'), /\d+ worked, \d+ failed/)
  await page.click('summary:text-is("In numbers")')
  await page.waitForSelector('.numbers-table tbody tr')
  assert.ok(await page.isVisible('.counts a[href="/admin/users"]'))
  for (const period of ['7d', '30d']) {
    await page.selectOption('.page-header select', period)
    await page.waitForURL(`**period=${period}`)
    await page.waitForSelector('.chart svg')
  }
})

test('the settings say where each value comes from and how to change it', async () => {
  await go('/settings')
  const listen = page.locator('.setting', { hasText: 'listen' }).first()
  await page.fill('#search', 'listen')
  await page.waitForURL('**search=listen')
  assert.match(await listen.innerText(), /flag/)
  await listen.locator('summary').click()
  assert.match(await listen.innerText(), /AUTHER_LISTEN=/)
  await page.fill('#search', 'master_key')
  await page.waitForSelector('.setting:has-text("master_key")')
  await page.click('a:text-is("Health")')
  await page.waitForSelector('.health li')
})

test('several people are disabled and let in again together', async () => {
  const [max, ned] = [await server.user({ name: 'Max Together' }), await server.user({ name: 'Ned Together' })]
  await go('/users?search=Together')
  for (const { email } of [max, ned]) await page.locator('tr', { hasText: email }).getByRole('checkbox').check()
  await said('2 chosen')
  await button('Disable').click()
  assert.ok((await dialog().innerText()).includes(ned.email))
  await dialog().getByRole('button', { name: 'Disable' }).click()
  await said('2 people are disabled.')
  assert.equal(await mayEnter(max), false)
  await page.waitForSelector('tr:has-text("disabled")')
  await page.getByRole('checkbox', { name: 'Choose all that are shown' }).check()
  await button('Enable').click()
  await dialog().getByRole('button', { name: 'Enable' }).click()
  await said('2 people may sign in again.')
  assert.equal(await mayEnter(ned), true)
})

test('who may only look sees no button that would be refused', async () => {
  const viewer = await server.user({ name: 'Olga Viewer' })
  for (const type of ['users', 'groups']) await server.admin(['tuple', 'add', type, '*', 'viewer', 'user', viewer.email])
  const own = await browser.context()
  const tab = await own.newPage()
  await tab.goto(`${server.issuer}/sign-in?continue=/admin/users`)
  await signIn(tab, viewer)
  await tab.waitForSelector(`a:has-text("${root.email}")`)
  assert.equal(await tab.locator('main :is(.primary, .danger, input[type=checkbox])').count(), 0)
  await tab.click(`a:has-text("${viewer.email}")`)
  await tab.waitForSelector('#field-name')
  assert.ok(await tab.isDisabled('#field-name'))
  assert.equal(await tab.locator('main .button:visible').count(), 0)
  assert.deepEqual(await tab.locator('.tabs a').allInnerTexts(), ['Profile', 'Groups', 'Apps'])
  await own.close()
})

// Models, grants and the tester, as an administrator uses them; and what those see who may do less.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { givenServer } from '../interop/support/server.mjs'
import { givenBrowser, watch } from './support/chromium.mjs'
import { signedIn, words } from './support/desk.mjs'
import { CLOSE_LOOKS, fits, LOOKS, looksRight } from './support/looks.mjs'

const server = givenServer()
const { browser, context } = await givenBrowser(server, { acceptDownloads: true })
const NASTY = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>'"&`
const TYPE = 'shop:invoice'
// Identifiers have no spaces.
const NASTY_ID = `<img/src=x/onerror=document.title='broken'>`
const modelPage = `/access/models/${encodeURIComponent(TYPE)}`
let page
let root
let ann
let bob

before(async () => {
  root = await server.user({ name: 'Root Person', extra: ['--admin'] })
  ann = await server.user({ name: 'Ann Lee' })
  bob = await server.user({ name: 'Bob Ray' })
  await server.client('web', ['--redirect-uri', 'https://shop.example.com/callback', '--client-id', 'shop'], 'Shop')
  await server.admin(['group', 'create', '--name', 'Staff'])
  await server.admin(['group', 'add-member', 'Staff', bob.email])
  page = await signedIn(server, context, root, '/admin')
})

const { go, said, button, dialog } = words(() => page, `${server.issuer}/admin`)
const definition = () => page.inputValue('#definition')
const check = (user, permission, id) => server.admin(['check', 'user', user.email, permission, TYPE, id])
const tester = (user, permission, id, more = {}) =>
  `/access/tester?${new URLSearchParams({ subject_type: 'user', subject_id: user.email, permission, entity_type: TYPE, entity_id: id, ...more })}`

test('who has no model yet is told what one is, and writes the first from an example', async () => {
  await go('/access')
  await said('No model of your own yet')
  await page.click('text=Write the first one')
  await page.fill('#field-type', TYPE)
  await said('A type of the app Shop.')
  await said('Valid.')
  await page.waitForSelector('.graph .node')
  assert.deepEqual(await page.locator('.graph .name').allTextContents(), ['owner', 'editor', 'viewer'])
  await button('Create model').click()
  // Who administers the platform may do everything with it, as before there was a model.
  await dialog().getByText('Nobody gains or loses anything.').waitFor()
  await dialog().getByRole('button', { name: 'Create model' }).click()
  await page.waitForURL(`**${modelPage}`)
  await page.getByRole('heading', { name: TYPE, exact: true }).waitFor()
  const stored = await server.admin(['model', 'get', TYPE])
  assert.equal(stored.version, 1)
  assert.equal(stored.client, 'shop')
})

test('the picture and the matrix say the same in signs and in words', async () => {
  await go(modelPage)
  await page.getByRole('img', { name: /owner ⊃ editor ⊃ viewer/ }).waitFor()
  const row = page.getByRole('row', { name: /^editor/ })
  assert.deepEqual(
    (await row.getByRole('cell').allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim().split(' ').pop()),
    ['yes', 'no', 'yes'],
  )
  await page.click('text=In words')
  await said('Held by who is given it or owner. It allows change, read.')
})

test('what is wrong is said while one types, with its line, and leads there', async () => {
  await go(modelPage)
  await said('Valid.')
  const sound = await definition()
  await page.fill('#definition', sound.replace('["viewer"]', '["vewer"]'))
  await said('One thing is wrong.')
  await page.getByText('relations.editor.includes[0]').waitFor()
  await button('Line 4').click()
  await page.locator('#definition:focus').waitFor()
  assert.match(
    await page.evaluate(() => {
      const area = document.activeElement
      return area.value.slice(area.selectionStart, area.selectionEnd)
    }),
    /vewer/,
  )
  assert.ok(await button('Review and save').isDisabled())
  await page.fill('#definition', sound.replace('"relations": {', '"relations": {,'))
  await said('Expected a name in quotes, found ,.')
  await page.reload()
  await said('Expected a name in quotes')
  await button('Discard').click()
  await said('Valid.')
  assert.equal(await definition(), sound, 'what was not saved came back, and then went')
})

test('a grant shows who gains what before it is written', async () => {
  await go('/access/grants/create')
  await page.selectOption('#field-entity_type', TYPE)
  await page.fill('#field-entity_id', 'inv_1')
  await page.selectOption('#field-relation', 'editor')
  await said('Allows change, read.')
  await page.fill('#field-subject_id', ann.email)
  const preview = page.locator('.changes')
  await preview.getByText('Ann Lee').waitFor()
  assert.match(await preview.innerText(), /Will gain[\s\S]*change, read on shop:invoice:inv_1/)
  assert.equal((await check(ann, 'change', 'inv_1')).allowed, false, 'nothing is written yet')
  await button('Grant').click()
  await page.waitForURL('**/admin/access/grants?entity_type=shop%3Ainvoice&entity_id=inv_1')
  await page.getByRole('row', { name: /inv_1.*editor.*Ann Lee/ }).waitFor()
  assert.equal((await check(ann, 'change', 'inv_1')).allowed, true)
})

test('a name that nobody has is pointed out, and what cannot be written is said at its field', async () => {
  await go(`/access/grants/create?entity_type=${TYPE}&entity_id=inv_1&relation=viewer&subject_type=group&subject_id=Nobody`)
  await said('There is no group Nobody here.')
  await page.fill('#field-entity_id', 'inv 1')
  await button('Grant').click()
  await page.waitForSelector('#field-entity_id-wrong')
  assert.equal(await page.inputValue('#field-subject_id'), 'Nobody', 'what was typed is still there')
})

test('the tester answers with a sentence and the way', async () => {
  await go('/access/tester')
  await page.fill('#field-subject_id', ann.email)
  await page.selectOption('#field-entity_type', TYPE)
  await page.fill('#field-permission', 'read')
  await page.fill('#field-entity_id', 'inv_1')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.answer.yes')
  await page.locator('.sentence', { hasText: 'Ann Lee' }).waitFor()
  assert.match((await page.innerText('.sentence')).replace(/\s+/g, ' '), /Yes Ann Lee may read inv_1 \(shop:invoice\): a relation gives it\./)
  assert.deepEqual(await page.locator('.graph .name').allTextContents(), ['Ann Lee', 'inv_1', 'read'])
  assert.match(await page.innerText('.trace'), /shop:invoice:inv_1#viewer holds:/)
  assert.equal(new URL(page.url()).searchParams.get('permission'), 'read', 'the question is in the address')
})

test('a no shows what would be enough, and leads to granting it', async () => {
  await go(tester(bob, 'delete', 'inv_1'))
  await page.waitForSelector('.answer.no')
  await page.click('text=Grant owner')
  await page.waitForURL('**/access/grants/create?**')
  await page.locator('.changes').getByText('Bob Ray').waitFor()
  assert.equal(await page.inputValue('#field-relation'), 'owner')
  await button('Grant').click()
  await page.waitForURL('**/admin/access/grants?**')
  await go(tester(bob, 'delete', 'inv_1'))
  await page.waitForSelector('.answer.yes')
})

test('through a group: the way leads over it, and a no offers to put somebody in', async () => {
  await server.admin(['tuple', 'add', TYPE, 'inv_2', 'viewer', 'group', 'Staff'])
  await go(tester(bob, 'read', 'inv_2'))
  await page.waitForSelector('.answer.yes')
  await page.locator('.graph .name', { hasText: 'Staff' }).waitFor()
  await go(tester(ann, 'read', 'inv_2'))
  await page.waitForSelector('.answer.no')
  await said('The group Staff is viewer of inv_2, and Ann Lee is not in it.')
  await page.getByRole('link', { name: 'Put them in Staff' }).waitFor()
})

test('saving a model first says who loses, and is a new version', async () => {
  await go(modelPage)
  await said('Valid.')
  await page.fill('#definition', (await definition()).replace('"editor": { "includes": ["viewer"] }', '"editor": {}'))
  await said('Valid.')
  await button('Review and save').click()
  await dialog().getByText('Will lose').waitFor()
  await dialog().getByText('Ann Lee').waitFor()
  assert.match(await dialog().innerText(), /read on shop:invoice:inv_1/)
  assert.equal((await check(ann, 'read', 'inv_1')).allowed, true, 'nothing is saved yet')
  await dialog().getByRole('button', { name: 'Save', exact: true }).click()
  await said('Version 2 of shop:invoice is saved.')
  assert.equal((await check(ann, 'read', 'inv_1')).allowed, false)
})

test('when somebody else was faster, nothing is lost on either side', async () => {
  await go(modelPage)
  await said('Valid.')
  const mine = (await definition()).replace('"editor": {}', '"editor": { "includes": ["viewer"], "description": "mine" }')
  await page.fill('#definition', mine)
  const { definition: theirs } = await server.admin(['model', 'get', TYPE])
  await viaApi('PUT', `/models/${encodeURIComponent(TYPE)}`, { definition: { ...theirs, description: 'What customers owe.' } })
  await button('Review and save').click()
  await dialog().getByRole('button', { name: 'Save', exact: true }).click()
  await said('Changed by someone else')
  assert.match(await dialog().innerText(), /Version 3 of shop:invoice/)
  await button('Keep writing').click()
  assert.equal(await definition(), mine)
  await button('Review and save').click()
  await dialog().getByRole('button', { name: 'Save', exact: true }).click()
  await button('Take theirs').click()
  await page.getByText('What customers owe.').first().waitFor()
  assert.match(await definition(), /What customers owe/)
})

test('a policy is checked, tried, saved, and has the last word', async () => {
  await go(`${modelPage}?tab=policies&permission=delete`)
  await button('Add a policy').click()
  await page.fill('#policy', 'return context.resource.amount <')
  await said('It does not compile. As it is, it denies.')
  await page.fill('#policy', 'return context.resource.amount < 1000')
  await said('The script is sound.')
  await button('Reset').click()
  assert.match(await page.inputValue('#context'), /"amount": 1/)
  await button('Run').click()
  await page.locator('.outcome', { hasText: 'allowed' }).waitFor()
  await page.fill('#context', '{"resource": {"amount": 5000}}')
  await button('Run').click()
  await page.locator('.outcome', { hasText: 'denied' }).waitFor()
  await button('Review and save').click()
  await dialog().getByRole('button', { name: 'Save', exact: true }).click()
  await said('Version 4 of shop:invoice is saved.')
  await page.locator('.history', { hasText: 'Version 1' }).waitFor()
  await go(tester(bob, 'delete', 'inv_1', { resource: '{"attributes":{"amount":5000}}' }))
  await said('the policy of delete did not say true')
  await go(tester(bob, 'delete', 'inv_1', { resource: '{"attributes":{"amount":50}}' }))
  await page.waitForSelector('.answer.yes')
})

test('a removed grant can be had back in the same place', async () => {
  await go(`/access/grants?entity_type=${TYPE}&subject=user:${ann.email}`)
  await button(/^Remove: /, false).click()
  await page.locator('.toast', { hasText: 'Ann Lee loses change on shop:invoice:inv_1.' }).waitFor()
  assert.equal((await check(ann, 'change', 'inv_1')).allowed, false)
  await button('Undo').click()
  await said('The grant is back.')
  assert.equal((await check(ann, 'change', 'inv_1')).allowed, true)
})

test('a grant on the platform itself goes only when its type is typed', async () => {
  await server.admin(['tuple', 'add', 'users', '*', 'viewer', 'user', ann.email])
  await go('/access/grants?entity_type=users')
  await button(/^Remove: /, false).click()
  await dialog().getByText('Ann Lee loses view on every users.').waitFor()
  await dialog().getByRole('button', { name: 'Remove grant' }).click()
  await said('Type users to go on.')
  await page.fill('#field-confirm', 'users')
  await dialog().getByRole('button', { name: 'Remove grant' }).click()
  await said('Removed')
  assert.equal((await server.admin(['tuple', 'list', '--entity-type', 'users'])).items.length, 0)
})

test('the filters are in the address, and nothing that fits is said so', async () => {
  await go('/access/grants')
  await page.fill('#field-subject', 'group:Staff')
  await button('Filter').click()
  await page.getByRole('row', { name: /inv_2.*viewer.*Staff/ }).waitFor()
  assert.equal(new URL(page.url()).searchParams.get('subject'), 'group:Staff')
  await page.fill('#field-entity_id', 'there-is-none')
  await button('Filter').click()
  await said('No such grant')
})

test('a file is imported, a wrong line is named, and the export can be imported again', async () => {
  await go('/access/grants/files')
  const lines = [
    `${TYPE}:inv_7#viewer@user:${ann.email}`,
    `{"entity_type":"${TYPE}","entity_id":"inv_8","relation":"nothing","subject_type":"user","subject_id":"${ann.email}"}`,
  ]
  await page.setInputFiles('#file', { name: 'grants.jsonl', mimeType: 'text/plain', buffer: Buffer.from(lines.join('\n')) })
  await button('Import 2 lines').click()
  await said('Nothing was written.')
  assert.match(await page.innerText('.problems'), /line 2/i)
  await page.fill('#field-lines', lines[0])
  await button('Import 1 line').click()
  await said('1 grant was written.')
  const [download] = await Promise.all([page.waitForEvent('download'), button('Download all grants').click()])
  const text = readFileSync(await download.path(), 'utf8').trim()
  assert.equal(text.split('\n').length, (await server.admin(['tuple', 'list', '--limit', '500'])).items.length)
  await page.fill('#field-lines', text)
  await button('Import', false).click()
  await page.locator('.tag', { hasText: 'done' }).waitFor()
})

test('a model that is in use stays, and says so', async () => {
  await go(modelPage)
  await button('Delete').click()
  await dialog()
    .getByText(/grants rest on it/)
    .waitFor()
  await page.fill('#field-confirm', TYPE)
  await dialog().getByRole('button', { name: 'Delete model' }).click()
  await page.waitForSelector('#field-confirm-wrong')
  assert.equal((await server.admin(['model', 'get', TYPE])).entity_type, TYPE)
})

test('what people wrote is shown as text', async () => {
  await viaApi('PUT', '/models/nasty', {
    definition: { description: NASTY, relations: { viewer: {} }, permissions: { read: { relation: 'viewer', description: NASTY } } },
  })
  await viaApi('POST', '/tuples', { entity_type: 'nasty', entity_id: NASTY_ID, relation: 'viewer', subject_type: 'user', subject_id: NASTY_ID })
  for (const path of [
    '/access',
    '/access/models/nasty',
    '/access/grants?entity_type=nasty',
    `/access/tester?${new URLSearchParams({ subject_type: 'user', subject_id: NASTY_ID, permission: 'read', entity_type: 'nasty', entity_id: NASTY_ID })}`,
  ]) {
    await go(path)
    await page.waitForSelector('main h1')
    await page.waitForLoadState('networkidle')
    assert.match(await page.innerText('main'), path === '/access' ? /nasty/ : /<img/, path)
    assert.doesNotMatch(await page.title(), /broken/, path)
    assert.equal(await page.locator('main img, main script').count(), 0, path)
  }
})

test('who may only look at people sees that, and is told about the rest', async () => {
  await server.admin(['tuple', 'add', 'users', '*', 'viewer', 'user', ann.email])
  const own = await browser.context()
  const found = watch(own, server.issuer)
  const tab = await signedIn(server, own, ann, '/admin')
  await tab.getByRole('navigation', { name: 'Administration' }).waitFor()
  assert.deepEqual(await tab.locator('.rail a').allTextContents(), ['Overview', 'Users'])
  await tab.goto(`${server.issuer}/admin/access/grants`)
  await tab.getByText('You may not look at this').waitFor()
  assert.match(await tab.innerText('main'), /view on tuples/)
  assert.deepEqual(found(), [])
  await own.close()
})

test('a page whose code could not be fetched is tried again', async () => {
  const own = await browser.context()
  const tab = await signedIn(server, own, root, '/admin')
  await tab.getByRole('heading', { name: 'Overview' }).waitFor()
  await own.setOffline(true)
  await tab.locator('.rail').getByRole('link', { name: 'Groups', exact: true }).click()
  await tab.getByText('This page could not be loaded').waitFor()
  await own.setOffline(false)
  await tab.getByRole('button', { name: 'Try again' }).click()
  await tab.getByRole('heading', { name: 'Groups', exact: true }).waitFor()
  await own.close()
})

test('who may look at nothing gets a page that says so, and a way out', async () => {
  const own = await browser.context()
  const found = watch(own, server.issuer)
  const tab = await signedIn(server, own, bob, '/admin')
  await tab.getByRole('heading', { name: 'You don’t have access to administration' }).waitFor()
  assert.equal(await tab.locator('.rail').count(), 0)
  await looksRight(tab, 'a stranger')
  await tab.locator('main').getByRole('link', { name: 'Your account', exact: true }).first().click()
  await tab.getByRole('heading', { name: 'Profile' }).waitFor()
  assert.deepEqual(found(), [])
  await own.close()
})

// What only shows with data; every page as it opens is looked at in every-app-page.test.mjs.
const pages = {
  'a model': [modelPage, '.graph .node'],
  policies: [`${modelPage}?tab=policies&permission=delete`, '.history li'],
  'a built-in model': ['/access/models/users', '.matrix'],
  'a new grant': [`/access/grants/create?entity_type=${TYPE}&entity_id=inv_9&relation=owner&subject=group:Staff`, '.changes'],
}

for (const [name, [path, shown]] of Object.entries(pages)) test(`${name} can be read by everybody`, () => everyLook(name, path, shown))
test('a yes can be read by everybody', () => everyLook('yes', tester(bob, 'read', 'inv_2'), '.answer.yes .graph'))
test('a no can be read by everybody', () => everyLook('no', tester(ann, 'read', 'inv_2'), '.nearest li'))

async function everyLook(name, path, shown) {
  const { cookies } = await context.storageState()
  for (const [look, options] of Object.entries(LOOKS)) {
    const own = await browser.context(options)
    await own.addCookies(cookies)
    const found = watch(own, server.issuer)
    const tab = await own.newPage()
    await tab.goto(`${server.issuer}/admin${path}`)
    await tab.waitForSelector(shown)
    await tab.waitForLoadState('networkidle')
    for (const summary of await tab.locator('main summary').all()) await summary.click()
    await (CLOSE_LOOKS.includes(look) ? looksRight : fits)(tab, `${name}, ${look}`)
    assert.deepEqual(found(), [], look)
    await own.close()
  }
}

/** A call of the API with the session of the browser. */
async function viaApi(method, path, data) {
  const answer = await context.request.fetch(`${server.issuer}/api/admin${path}`, { method, data, headers: { origin: server.issuer }, ignoreHTTPSErrors: true })
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`)
  return answer.json()
}

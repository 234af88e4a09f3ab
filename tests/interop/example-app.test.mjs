// The example of the README, started the way the README says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const source = fileURLToPath(new URL('../../docs/examples/first-app', import.meta.url))
let folder
let child
let origin
let user
let said = ''

before(async () => {
  const free = await listen(() => {})
  await free.close()
  origin = free.origin
  const client = await server.client('web', ['--client-id', 'first-app', '--redirect-uri', `${origin}/callback`])
  user = await server.user({ name: 'Ann <Lee>' })
  folder = mkdtempSync(join(tmpdir(), 'first-app-'))
  cpSync(source, folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
  symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'))
  const env = { ...process.env, ISSUER: server.issuer, CLIENT_SECRET: client.client_secret, PORT: new URL(origin).port }
  child = spawn(process.execPath, ['app.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((done, fail) => {
    child.once('exit', (code) => fail(new Error(`the example ended with ${code}`)))
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes(origin)) done()
    })
  })
})
after(() => {
  child?.removeAllListeners('exit')
  child?.kill()
  rmSync(folder, { recursive: true, force: true })
})

test('it is shorter than 60 lines and depends on what is tested here', () => {
  const lines = readFileSync(join(source, 'app.mjs'), 'utf8').trimEnd().split('\n')
  assert.ok(lines.length < 60, `${lines.length} lines`)
  const versions = (path) => JSON.parse(readFileSync(path, 'utf8')).dependencies
  const ours = versions(fileURLToPath(new URL('package.json', import.meta.url)))
  for (const [name, version] of Object.entries(versions(join(source, 'package.json')))) assert.equal(version, ours[name], name)
})

test('it signs a person in, says who it is, and signs out', async () => {
  const person = new Person()
  const start = await person.visit(origin)
  const signIn = start.links.find((link) => link.includes('sign-in'))
  const home = await person.signInTo(new URL(signIn, origin).href, user)
  assert.equal(home.url, `${origin}/`)
  assert.match(home.text, /Ann <Lee>/)
  assert.match(home.text, new RegExp(user.email.replaceAll('.', '\\.')))
  assert.ok(said.includes(user.email), 'and prints it')
})

test('it refuses an answer that it did not ask for', async () => {
  const page = await new Person().visit(`${origin}/callback?code=x&state=y&iss=${encodeURIComponent(server.issuer)}`)
  assert.equal(page.status, 400)
})

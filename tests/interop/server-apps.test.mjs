// The printed apps for servers in Python and Go, byte for byte, run as their guides say: a person signs in and is known.
// Left out where there is no Go. Java is in spring-apps.test.mjs, Node in express-app.test.mjs and example-app.test.mjs.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { go, python } from '../../assets/admin/pages/snippets-server.js'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const top = mkdtempSync(join(tmpdir(), 'apps-'))
const running = []
after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(top, { recursive: true, force: true })
})

async function freePort() {
  const probe = createServer()
  await new Promise((done) => probe.listen(0, 'localhost', done))
  const { port } = probe.address()
  await new Promise((done) => probe.close(done))
  return port
}

/** Until something listens there; an app that ends before that fails. */
async function listening(child, port) {
  let over
  child.once('exit', (code) => (over = code))
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (over !== undefined) throw new Error(`the app ended with ${over}`)
    const there = await new Promise((done) => {
      const socket = connect(port, 'localhost', () => done(true)).once('error', () => done(false))
      socket.once('connect', () => socket.destroy())
    })
    if (there) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('the app does not listen')
}

/** Registers a client, writes the files of its guide, starts the app with `start` and signs somebody in. */
async function signsIn(name, guideOf, start) {
  const port = await freePort()
  const redirectUri = `http://localhost:${port}/auth/callback`
  const { client_id, client_secret } = await server.client('web', ['--redirect-uri', redirectUri])
  const endpoints = { endSession: `${server.issuer}/api/auth/oauth2/end-session` }
  const discovery = `${server.issuer}/.well-known/openid-configuration`
  const guide = guideOf({ issuer: server.issuer, discovery, endpoints, clientId: client_id, redirectUri, isPublic: false })
  const folder = join(top, name)
  mkdirSync(folder)
  for (const [file, text] of guide.files) writeFileSync(join(folder, file), text)
  const env = {
    ...process.env,
    AUTHER_CLIENT_SECRET: client_secret,
    SESSION_SECRET: 'a secret of this test',
    SSL_CERT_FILE: server.caFile,
    REQUESTS_CA_BUNDLE: server.caFile,
  }
  const child = start(folder, port, env)
  running.push(child)
  await listening(child, port)
  const user = await server.user({ name: 'Ann Lee' })
  const page = await new Person().signInTo(`http://localhost:${port}/sign-in`, user)
  assert.equal(page.status, 200, page.text)
  assert.match(page.body, new RegExp(`${user.id}|${user.email}`))
}

test('the printed app in Python signs people in', async () => {
  await signsIn('python', python, (cwd, port, env) =>
    spawn(process.env.AUTHER_TEST_PYTHON ?? 'python3', ['-m', 'flask', '--app', 'app', 'run', '--port', port], {
      cwd,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
})

const skip = spawnSync('go', ['version']).status === 0 ? false : 'no Go on this machine'
test('the printed app in Go signs people in', { skip }, async () => {
  await signsIn('go', go, (cwd, _, env) => {
    for (const file of ['go.mod', 'go.sum']) cpSync(fileURLToPath(new URL(`./go/${file}`, import.meta.url)), join(cwd, file))
    execFileSync('go', ['build', '-o', 'app', '.'], { cwd, env: { ...process.env, GOFLAGS: '-mod=mod' }, stdio: 'inherit' })
    return spawn(join(cwd, 'app'), [], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
  })
})

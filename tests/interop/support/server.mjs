// A real server for one test file: the debug binary in an empty folder, exactly as a stranger would start it.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 10_000

/** The binary under test: AUTHER_BIN, or the debug build. */
export function binary() {
  const path = process.env.AUTHER_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug', 'auther')
  if (!existsSync(path)) throw new Error(`No server to test: build it first with cargo build, or name it in AUTHER_BIN.`)
  return resolve(path)
}

/** Starts `auther serve` in an empty folder and waits until it is ready. `env` overrides its settings. */
export async function startServer({ env = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'auther-'))
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const own = { ...withoutOurs(process.env), ...env }
  const child = spawn(binary(), ['serve', '--listen', `localhost:${port}`], { cwd: folder, env: own, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = []
  child.stdout.on('data', (chunk) => said.push(chunk))
  child.stderr.on('data', (chunk) => said.push(chunk))
  const log = () => Buffer.concat(said).toString('utf8')
  const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)))

  const stop = async () => {
    child.kill('SIGTERM')
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    const code = await ended
    clearTimeout(patience)
    rmSync(folder, { recursive: true, force: true })
    return code
  }
  try {
    await ready(issuer, ended, log)
    const setupLink = await printedLink(log)
    const server = { issuer, folder, setupLink, caFile: join(folder, 'ca.pem'), log, stop }
    writeFileSync(server.caFile, await run(folder, ['admin', 'ca']))
    return server
  } catch (error) {
    await stop()
    throw error
  }
}

/** The server that the runner started for this test file, and its command line. */
export function givenServer() {
  const given = process.env.AUTHER_GIVEN_SERVER
  if (!given) throw new Error('Start this file through its run.mjs: it needs a server of its own.')
  const { issuer, folder, setupLink, caFile } = JSON.parse(given)
  /** `auther admin …` with --json; `input` is one line for standard input. */
  const admin = async (args, input) => JSON.parse(await run(folder, ['admin', ...args, '--json'], input))
  let people = 0
  return {
    issuer,
    folder,
    setupLink,
    caFile,
    admin,
    /** Makes an account with a verified e-mail address. Gives what is needed to sign in. */
    async user({ name = 'Ann Lee', extra = [] } = {}) {
      const email = `person${++people}.${process.pid}@example.com`
      const password = `correct horse battery ${people}`
      const args = ['user', 'create', '--email', email, '--name', name, '--password-stdin', '--verified', ...extra]
      const { id } = await admin(args, password)
      return { id, email, name, password }
    },
    /** Registers an app: `client('web', ['--redirect-uri', …])`. Gives client_id and, if it has one, client_secret. */
    client: (type, args, name = 'Test app') => admin(['client', 'create', '--name', name, '--type', type, ...args]),
  }
}

function run(folder, args, input) {
  return new Promise((done, fail) => {
    const child = spawn(binary(), args, { cwd: folder, env: withoutOurs(process.env), stdio: 'pipe' })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.once('error', fail)
    child.once('close', (code) => {
      if (code === 0) done(out)
      else fail(new Error(`auther ${args.join(' ')} ended with ${code}: ${err.trim()}`))
    })
    child.stdin.end(input === undefined ? '' : `${input}\n`)
  })
}

/** Variables named AUTHER_… are settings of the server; those of the tests must not reach it. */
function withoutOurs(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AUTHER_')))
}

async function freePort() {
  const probe = createServer()
  await new Promise((done, fail) => probe.once('error', fail).listen(0, 'localhost', done))
  const { port } = probe.address()
  await new Promise((done) => probe.close(done))
  return port
}

async function ready(issuer, ended, log) {
  let over
  ended.then((code) => (over = code))
  for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; await pause(50)) {
    if (over !== undefined) throw new Error(`The server ended with ${over} instead of starting:\n${log()}`)
    if ((await status(`${issuer}/readyz`)) === 200) return
  }
  throw new Error(`The server was not ready after ${START_LIMIT_MS / 1000} s:\n${log()}`)
}

async function printedLink(log) {
  for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; await pause(20)) {
    const link = log().match(/https:\/\/\S+\/setup\S*/)
    if (link) return link[0]
  }
  throw new Error(`The server printed no set-up link:\n${log()}`)
}

// Before there is a certificate to believe in; everything after this verifies TLS with the exported authority.
function status(url) {
  return new Promise((done) => {
    const request = get(url, { rejectUnauthorized: false, agent: false, timeout: 2000 }, (answer) => {
      answer.resume()
      done(answer.statusCode)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => done(0))
  })
}

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds))
}

// What is done with a block, by its language and where it stands; and what cannot be done here, with the reason.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isSession, root } from './blocks.mjs'
import { differences, json } from './compare.mjs'

const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
/** The binary under test: AUTHER_BIN, or the debug build. */
export const binary = process.env.AUTHER_BIN ?? join(target, 'debug', 'auther')
if (!existsSync(binary)) throw new Error('No binary to test: build it first with cargo build, or name it in AUTHER_BIN.')

const MESSAGE = 'what Auther says in a case that does not arise here; unit tests hold the words'
const SHAPE = 'no command and no code: it shows a form or a picture'

// Blocks that are not run: [page, how the block begins, why].
const NOT_RUN = [
  ['docs/accounts-api.md', '{"code":"SIGN_UP_DISABLED"', MESSAGE],
  ['docs/architecture.md', '', SHAPE],
  ['docs/api-keys.md', 'ak_live_[0-9a-v]', SHAPE],
  ['docs/command-line.md', 'auther                      the same', SHAPE],
  ['docs/command-line.md', 'auther serve [--config FILE]', SHAPE],
  ['docs/command-line.md', 'auther healthcheck [--config', SHAPE],
  ['docs/configuration.md', 'AUTHER_RATE_LIMIT_ENABELD', MESSAGE],
  ['docs/integration.md', 'https://auth.example.com/api/auth/oauth2/end-session?', SHAPE],
  ['docs/operations.md', 'auther: auther.redb may be read', MESSAGE],
  ['docs/operations.md', 'auther: this data file is sealed', MESSAGE],
  ['docs/operations.md', '2026-', MESSAGE],
  ['docs/performance.md', 'cargo bench', 'a measurement of a release build, of many minutes'],
  ['docs/permissions.md', '   owner  ──includes', SHAPE],
  ['docs/permissions.md', '(abc:deployment', SHAPE],
  ['docs/security.md', '', SHAPE],
  ['docs/tls.md', 'ERROR background work', MESSAGE],
  ['docs/tls.md', 'COPY auther-ca.pem', 'needs docker, and an image from a registry'],
  ['docs/tls.md', 'certutil -user', 'needs Windows'],
  ['README.md', 'Signed in: Ann Lee', 'what the example app prints; tests/interop/example-app.test.mjs'],
].map(([page, begins, why]) => ({ page, begins, why, used: false }))

// Commands that are not run: [page or null, pattern, why].
const LEFT_OUT = [
  [null, /^cargo |^RUSTFLAGS=|^export OPENSSL_NO_VENDOR/, 'builds take minutes; CI and the release do them'],
  [null, /^apt-get /, 'installs packages of the system; tests/run does the same'],
  ['README.md', /^tests\/run/, 'this runs inside it'],
  [null, /^pip install/, 'installs packages of the registry; tests/run has them'],
  [null, /^npm install|node app\.mjs/, 'the example app runs in tests/interop/example-app.test.mjs, with packages of the registry'],
  [null, /^systemctl |^journalctl /, 'needs systemd as process 1'],
  [null, /list-consents|revoke-consent|\/consents/, 'needs a person who lets an app in, in a browser: tests/browser'],
  [null, /switch-on DIGEST/, 'needs a policy that did not come back'],
  ['docs/command-line.md', /outbox (retry|delete)/, 'needs a delivery, and nothing of this version delivers'],
  ['docs/tls.md', /^security |^sudo security /, 'needs macOS'],
  ['docs/tls.md', /python3 app\.py|java -jar|^docker |\.\/app$/, 'needs an app or a device of the reader; the variable is that of its library'],
  ['docs/tls.md', /^certbot |^sudo certbot /, 'needs a certificate authority on the Internet'],
  ['docs/tls.md', /^keytool /, 'needs keytool, of a JDK', () => !has('keytool')],
  ['docs/tls.md', /^setcap /, 'needs setcap (libcap2-bin)', () => !has('setcap', '-h')],
  ['docs/tls.md', /certutil /, 'needs certutil (libnss3-tools)', () => !has('certutil', '-H')],
].map(([page, pattern, why, holds]) => ({ page, pattern, why, holds, used: false }))

// Commands whose failure is what is shown.
const FAILS = [
  ['docs/command-line.md', /user show nobody|backup restore/],
  ['docs/configuration.md', /^auther config check/],
  // The server of these tests has no limit on guesses, and cheap hashes.
  ['docs/command-line.md', /admin doctor/],
]

/** What holds for a command: left out with a reason, or meant to fail. */
export function commandRule(page, command) {
  const line = LEFT_OUT.find((one) => (one.page === null || one.page === page) && one.pattern.test(command) && (one.holds?.() ?? true))
  if (line) line.used = true
  return { why: line?.why, fails: FAILS.some(([of, pattern]) => of === page && pattern.test(command)) }
}

/** Whether a command goes on until it is ended. */
export const isServer = (command) => /^([A-Z_]+=\S+ )*auther( serve)?( --(listen|issuer|tls|config|data) \S+)*( *#.*)?$/.test(command)

/** Lines of the tables that were for nothing. */
export function unusedLines() {
  const blocks = NOT_RUN.filter((one) => !one.used).map(({ page, begins }) => `rules.mjs: no block of ${page} begins with ${begins}`)
  const commands = LEFT_OUT.filter((one) => !one.used && !one.holds).map(({ pattern }) => `rules.mjs: no command is like ${pattern}`)
  return [...blocks, ...commands]
}

const has = (command, ...args) => spawnSync(command, args).error === undefined
const python = process.env.AUTHER_TEST_PYTHON ?? 'python3'

/** Runs a tool: { wrong }. */
function tool(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  return { wrong: status === 0 ? [] : [error?.message ?? `${stdout}${stderr}`.slice(0, 1500)] }
}

function written(page, name, text) {
  const file = join(page.beside, name)
  writeFileSync(file, text)
  return file
}

/** A check by a tool that may be missing. */
const where = (there, missing, check) => (page, block) => (there() ? check(page, block) : { why: missing })

async function readsToml(page, { text }) {
  for (const [, path] of text.matchAll(/"(\/etc\/\S+)"/g)) pem(path)
  const file = written(page, 'auther.toml', text)
  const { code, out, err } = await page.shell.run(`auther config --config ${file} check`)
  return { wrong: code === 0 ? [] : [out + err] }
}

/** A certificate, its key or a secret at a path that a page names. */
function pem(path) {
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(path)) return
  if (path.endsWith('.secret')) return writeFileSync(path, 'cs_a-secret-of-at-least-32-characters\n', { mode: 0o600 })
  const folder = dirname(path)
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=auth.example.com',
    '-addext',
    'subjectAltName=DNS:auth.example.com',
    '-keyout',
    `${folder}/privkey.pem`,
    '-out',
    `${folder}/fullchain.pem`,
  ])
  if (made.status !== 0) throw new Error(String(made.stderr))
}

async function readsLua(page, { text }) {
  const file = written(page, 'policy.lua', text)
  const { code, out, err } = await page.shell.run(`auther admin policy validate --file ${file}`)
  return { wrong: code === 0 ? [] : [out + err] }
}

async function readsJson(page, block) {
  const { text } = block
  const document = json(text) ?? json(`{${text}}`)
  if (document === undefined) return { wrong: ['it is no JSON'] }
  const asked = (page.given.answers ?? []).find(([begins]) => text.startsWith(begins))
  if (!asked) return { wrong: [] }
  const { code, out, err } = await page.shell.run(asked[1])
  const told = json(out.trim().split('\n').at(-1) || err.trim())
  if (told === undefined) return { wrong: [`${asked[1]} ended with ${code}: ${out}${err}`] }
  return { wrong: differences(document, told, !text.includes('…')) }
}

/** A script whose first line names its file is put there, for the commands of the page. */
async function readsPython(page, { text }) {
  const name = text.match(/^# (\w+\.py)\n/)?.[1]
  const file = written(page, 'block.py', text)
  if (name) await page.shell.run(`cp ${file} ${name}`)
  return tool(python, '-c', 'import ast, sys; ast.parse(open(sys.argv[1]).read())', file)
}

function nginxConfig(page, { text }) {
  for (const path of ['/etc/nginx/fullchain.pem']) pem(path)
  const file = written(page, 'nginx.conf', `pid ${page.beside}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${text}\n}\n`)
  return tool('nginx', '-t', '-q', '-c', file)
}

const caddy = (text) => /reverse_proxy/.test(text) && !/^\s*server/.test(text)

// By language. Bare blocks are sessions, or stand in the table above.
const RULES = {
  sh: {},
  json: { check: readsJson },
  toml: { check: readsToml },
  lua: { check: readsLua },
  js: { check: (page, { text }) => tool(process.execPath, '--check', written(page, 'block.mjs', unwrapped(text))) },
  python: { check: readsPython },
  go: { check: byGrammar('go', (text) => text) },
  java: { check: byGrammar('java', inClass) },
  csharp: { check: byGrammar('c_sharp', (text) => text) },
  yaml: { check: (page, { text }) => tool(python, '-c', 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))', written(page, 'block.yaml', text)) },
  nginx: { check: where(() => has('nginx', '-v'), 'needs nginx', nginxConfig) },
  caddy: {
    check: where(
      () => has('caddy', 'version'),
      'needs caddy',
      (page, { text }) => tool('caddy', 'validate', '--adapter', 'caddyfile', '--config', written(page, 'Caddyfile', text)),
    ),
  },
}

/** Reads a source file by the grammar of its language (tree-sitter). */
function byGrammar(language, whole) {
  return (page, { text }) => tool(python, new URL('parse.py', import.meta.url).pathname, language, written(page, `block.${language}`, whole(text)))
}

/** A part of a module, such as `providers: […]`, as a whole one. */
function unwrapped(text) {
  return /^\w+: /.test(text) ? `({${text}})` : text
}

/** Statements as a method. */
function inClass(text) {
  return /^\s*(package|import|@|public|class)/.test(text) ? text : `class Part { void part() { ${text} } }`
}

/** What is done with a block: {} for commands, { check }, or { why } it is not run; `undefined` where no rule is for it. */
export function ruleOf(block) {
  const line = NOT_RUN.find(({ page, begins }) => page === block.page && block.text.startsWith(begins) && !isSession(block))
  if (line) {
    line.used = true
    return { why: line.why }
  }
  if (isSession(block)) return {}
  if (block.language === '' && caddy(block.text)) return RULES.caddy
  return RULES[block.language]
}

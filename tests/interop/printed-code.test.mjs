// The code that the Integration page prints, for each kind of app and of redirect URI: every file is parsed by its own language's tools.
// What has no tool on this machine is named and left out.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { guides } from '../../assets/admin/pages/snippets.js'

const folder = mkdtempSync(join(tmpdir(), 'printed-'))
after(() => rmSync(folder, { recursive: true }))

const issuer = 'https://auth.example.com'
const at = (path) => `${issuer}/api/auth/${path}`
const endpoints = {
  authorize: at('oauth2/authorize'),
  token: at('oauth2/token'),
  userinfo: at('oauth2/userinfo'),
  endSession: at('oauth2/end-session'),
  jwks: at('jwks'),
}
const given = (type, redirectUri, more = {}) => ({
  issuer,
  endpoints,
  type,
  redirectUri,
  discovery: `${issuer}/.well-known/openid-configuration`,
  clientId: 'my-app',
  redirectUris: [redirectUri],
  isPublic: type !== 'web' && type !== 'm2m',
  method: type === 'web' ? 'client_secret_basic' : 'none',
  audience: 'https://api.example.com',
  audiences: ['https://api.example.com'],
  scopes: ['openid'],
  typ: 'JWT',
  ...more,
})

const kinds = [
  given('web', 'https://app.example.com/auth/callback'),
  given('web', 'https://app.example.com'),
  given('web', 'http://localhost:8080/login/oauth2/code/auther', { typ: 'at+jwt' }),
  given('web', 'https://app.example.com/cb?a=1', { isPublic: true, method: 'none' }),
  given('spa', 'https://spa.example.com'),
  given('native', 'myapp://auth/callback'),
  given('native', 'http://127.0.0.1/cb'),
  given('m2m', 'http://localhost:3000/auth/callback'),
]

const has = (command, ...args) => spawnSync(command, args).status === 0
const python = process.env.AUTHER_TEST_PYTHON || 'python3'
const grammars = fileURLToPath(new URL('../docs/parse.py', import.meta.url))
const byGrammar = (language) => (file) => spawnSync(python, [grammars, language, file])
const parsers = {
  go: spawnSync('gofmt', ['-h']).error ? byGrammar('go') : (file) => spawnSync('gofmt', ['-e', '-l', file]),
  py: has(python, '--version') ? (file) => spawnSync(python, ['-m', 'py_compile', file]) : null,
  mjs: (file) => spawnSync(process.execPath, ['--check', file]),
  // Alone it knows no library: what is no Java at all is found before that.
  java: has('javac', '-version') ? (file) => spawnSync('javac', ['-proc:none', '-d', folder, file]) : byGrammar('java'),
  // There is no .NET here: its files are read by the grammar of the language, and none is compiled.
  cs: byGrammar('c_sharp'),
}
parsers.js = parsers.mjs

test('every printed file is one of its language', (t) => {
  const leftOut = new Set()
  let parsed = 0
  for (const kind of kinds) {
    for (const guide of guides(kind)) {
      for (const [name, text] of guide.files) {
        assert.doesNotMatch(text, /"undefined|undefined"|\[object|NaN/, `${guide.id} ${name}`)
        const end = name.split('.').at(-1)
        if (!(end in parsers)) continue
        if (parsers[end] === null) {
          leftOut.add(end)
          continue
        }
        const file = join(folder, end === 'java' ? name.split('/').at(-1) : `printed-${parsed}.${end === 'js' ? 'mjs' : end}`)
        writeFileSync(file, text)
        const { status, stdout, stderr } = parsers[end](file)
        const said = `${stdout}${stderr}`
        if (end === 'java' && status !== 0) {
          const wrong = said.split('\n').filter((line) => /error:/.test(line) && !/does not exist|cannot find symbol|does not override/.test(line))
          assert.deepEqual(wrong, [], `${guide.id} ${name}\n${said}`)
        } else {
          assert.equal(status, 0, `${guide.id} ${name}: ${said}\n${text}`)
        }
        parsed += 1
      }
    }
  }
  assert.ok(parsed > 40, `${parsed}`)
  if (leftOut.size) t.diagnostic(`left out, no tools here: ${[...leftOut].join(', ')}`)
})

test('a server that is to come back to no path gets code with one, and is told to register it', () => {
  for (const guide of guides(given('web', 'https://app.example.com'))) {
    if (!['express', 'python', 'go', 'java'].includes(guide.id)) continue
    const code = guide.files.map(([, text]) => text).join('\n')
    assert.equal(guide.needs, 'https://app.example.com/auth/callback', guide.id)
    assert.match(code, /https:\/\/app\.example\.com\/auth\/callback/, guide.id)
  }
  for (const guide of guides(given('web', 'https://app.example.com/cb'))) {
    if (['python', 'go', 'java'].includes(guide.id)) assert.ok(!guide.needs, guide.id)
  }
})

test('every app signs its people out at Auther, too', () => {
  for (const guide of guides(given('web', 'https://app.example.com/cb'))) {
    if (!['python', 'go', 'java', 'express'].includes(guide.id)) continue
    const code = guide.files.map(([, text]) => text).join('\n')
    assert.match(code, /end-session|OidcClientInitiatedLogoutSuccessHandler|EndSession/i, guide.id)
  }
})

test('an API takes the typ that the client gives its access tokens, and tells kinds apart by token_use', () => {
  for (const typ of ['JWT', 'at+jwt']) {
    const api = guides(given('web', 'https://app.example.com/cb', { typ })).find(({ id }) => id === 'api')
    const of = (end) => api.files.find(([name]) => name.endsWith(end))[1]
    for (const end of ['.mjs', '.go', '.py', '.java', '.cs']) assert.match(of(end), /token_use/, end)
    assert.equal(/JOSEObjectType\("at\+jwt"\)/.test(of('.java')), typ === 'at+jwt')
    assert.match(of('.cs'), new RegExp(`ValidTypes = \\["${typ.replace('+', '\\+')}"\\]`))
  }
})

test('the documentation has the same code for APIs', () => {
  const page = readFileSync(new URL('../../docs/integration.md', import.meta.url), 'utf8')
  const api = guides(given('web', 'https://app.example.com/cb')).find(({ id }) => id === 'api')
  for (const [name, text] of api.files) {
    if (/\.(java|go|py|cs)$/.test(name)) assert.ok(page.includes(text.trim()), name)
  }
})

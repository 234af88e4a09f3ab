// Go programs by their libraries, go-oidc and golang.org/x/oauth2: the printed code of an API, groups as Vault and oauth2-proxy read them, and
// kubelogin's request for itself. Left out where there is no Go.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as oidc from 'openid-client'
import { api } from '../../assets/admin/pages/snippets-api.js'
import { lateListen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const AUDIENCE = 'https://api.example.com'
const skip = spawnSync('go', ['version']).status === 0 ? false : 'no Go on this machine'
const folder = mkdtempSync(join(tmpdir(), 'go-'))
const env = { ...process.env, SSL_CERT_FILE: server.caFile, GOFLAGS: '-mod=mod' }
let place
let user

before(async () => {
  if (skip) return
  cpSync(fileURLToPath(new URL('./go', import.meta.url)), folder, { recursive: true })
  const given = { issuer: server.issuer, audience: AUDIENCE, endpoints: { jwks: '' }, typ: 'JWT' }
  writeFileSync(join(folder, 'authorize.go'), api(given).files.find(([name]) => name.endsWith('.go'))[1])
  execFileSync('go', ['build', '-o', 'probe', '.'], { cwd: folder, stdio: 'inherit' })
  place = await lateListen()
  place.serve((question, answer) => answer.end(new URL(question.url, place.origin).href))
  user = await server.user({ name: 'Ann Lee' })
  await server.admin(['group', 'create', '--name', 'writers'])
  await server.admin(['tuple', 'add', 'group', 'writers', 'member', 'user', user.id])
})
after(async () => {
  await place?.close()
  rmSync(folder, { recursive: true, force: true })
})

const probe = (...args) => spawnSync(join(folder, 'probe'), args, { env, encoding: 'utf8' })

/** The tokens of a person at a new client. */
async function tokens(scope, args = []) {
  const uri = `${place.origin}/callback`
  const client = await server.client('web', ['--redirect-uri', uri, '--audience', AUDIENCE, '--trusted', ...args])
  const config = await oidc.discovery(new URL(server.issuer), client.client_id, client.client_secret)
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: uri,
    scope,
    state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const page = await new Person().signInTo(url, user)
  const got = await oidc.authorizationCodeGrant(config, new URL(page.url), { pkceCodeVerifier: verifier, expectedState: state })
  return { ...got, client }
}

test('the printed API takes access tokens with both types, and no ID token', { skip }, async () => {
  const child = spawn(join(folder, 'probe'), ['api'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const address = String(await new Promise((done) => child.stdout.once('data', done))).trim()
    const call = async (token) => (await fetch(`http://${address}/`, { headers: { authorization: `Bearer ${token}` } })).status
    for (const typ of ['JWT', 'at+jwt']) {
      const got = await tokens('openid email', ['--access-token-typ', typ])
      assert.deepEqual([await call(got.access_token), await call(got.id_token), await call('x')], [200, 401, 401], typ)
    }
  } finally {
    child.kill()
  }
})

test('Vault and oauth2-proxy find groups by name and by path', { skip }, async () => {
  for (const [scope, args, claim] of [
    ['openid groups', [], 'groups'],
    ['openid', ['--group-claims', 'always', '--group-claim-name', 'roles'], 'roles'],
    ['openid', ['--group-claims', 'always', '--group-claim-name', '/realm_access/roles'], '/realm_access/roles'],
  ]) {
    const got = await tokens(scope, args)
    const { stdout, stderr } = probe('groups', server.issuer, got.client.client_id, got.id_token, claim)
    assert.equal(stdout.trim(), '["writers"]', stderr)
  }
  const without = await tokens('openid')
  assert.match(probe('groups', server.issuer, without.client.client_id, without.id_token, 'groups').stderr, /claim not found in token/)
})

test('kubelogin, which always asks for openid, gets a token for itself', { skip }, async () => {
  const { client_id, client_secret } = await server.client('m2m', [])
  assert.equal(probe('machine', server.issuer, client_id, client_secret).stdout.trim(), '"Bearer"')
})

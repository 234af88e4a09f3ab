// The printed code for Java, byte for byte, built by Maven and run: an app that signs people in with Spring Security, and an API as its
// resource server, for access tokens of both types. Left out where there is no JDK or no Maven.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import * as oidc from 'openid-client'
import { api } from '../../assets/admin/pages/snippets-api.js'
import { java } from '../../assets/admin/pages/snippets-server.js'
import { lateListen } from './support/listen.mjs'
import { Person } from './support/person.mjs'
import { givenServer } from './support/server.mjs'

const server = givenServer()
const AUDIENCE = 'https://api.example.com'
const there = (command, ...args) => spawnSync(command, args).status === 0
const skip = there('javac', '-version') && there('mvn', '-v') ? false : 'no JDK and Maven on this machine'
const top = mkdtempSync(join(tmpdir(), 'spring-'))
const trust = join(top, 'auther-trust.p12')
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

/** Builds a Spring Boot application of these files, [[name, text]], with a starter of Spring Security, and gives its jar. */
function built(name, starter, files) {
  const folder = join(top, name)
  const own = (file) => readFileSync(new URL(`./java/${file}`, import.meta.url), 'utf8')
  const all = [['pom.xml', own('pom.xml').replace('STARTER', starter)], ['src/main/java/com/example/Application.java', own('Application.java')], ...files]
  for (const [file, text] of all) {
    const path = join(folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  execFileSync('mvn', ['-q', '-B', 'package'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  return join(folder, 'target', 'app.jar')
}

/** Starts an application, with the local CA in a store of its own as docs/tls.md says, and waits until it serves. */
async function started(jar, env, args = []) {
  const store = ['-importcert', '-noprompt', '-alias', 'auther', '-file', server.caFile, '-keystore', trust, '-storetype', 'PKCS12', '-storepass', 'changeit']
  if (running.length === 0) execFileSync('keytool', store, { stdio: 'pipe' })
  const options = [`-Djavax.net.ssl.trustStore=${trust}`, '-Djavax.net.ssl.trustStorePassword=changeit']
  const child = spawn('java', [...options, '-jar', jar, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  let said = ''
  await new Promise((done, fail) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (/Started Application/.test(said)) done()
    })
    child.once('exit', (code) => fail(new Error(`the application ended with ${code}:\n${said}`)))
  })
}

const given = (more) => ({ issuer: server.issuer, audience: AUDIENCE, endpoints: { jwks: '' }, typ: 'JWT', isPublic: false, ...more })

test('the printed app signs people in and out, at its own path and at that of Spring', { skip }, async () => {
  for (const [name, path] of [
    ['own', '/auth/callback'],
    ['usual', '/login/oauth2/code/auther'],
  ]) {
    const origin = `http://localhost:${await freePort()}`
    const redirectUri = `${origin}${path}`
    const client = await server.client('web', ['--redirect-uri', redirectUri, '--post-logout-redirect-uri', origin])
    const guide = java(given({ clientId: client.client_id, redirectUri }))
    const starters = [...guide.install.matchAll(/boot:(\S+)'/g)].map(([, starter]) => starter)
    assert.deepEqual(starters, ['spring-boot-starter-web', 'spring-boot-starter-oauth2-client'])
    await started(built(name, starters[1], guide.files), { AUTHER_CLIENT_SECRET: client.client_secret })
    const user = await server.user({ name: 'Ann Lee' })
    const page = await new Person().signInTo(`${origin}/`, user)
    assert.equal(page.status, 200, page.text)
    const claims = JSON.parse(page.body)
    assert.deepEqual([claims.sub, claims.email, claims.aud], [user.id, user.email, [client.client_id]])
  }
})

test('the printed API of Spring takes the type of access tokens that it is printed for, and no other kind', { skip }, async () => {
  const place = await lateListen()
  place.serve((question, answer) => answer.end(new URL(question.url, place.origin).href))
  const user = await server.user({ name: 'Ann Lee' })
  const tokens = async (typ) => {
    const redirect_uri = `${place.origin}/callback`
    const args = ['--redirect-uri', redirect_uri, '--audience', AUDIENCE, '--trusted', '--access-token-typ', typ]
    const client = await server.client('web', args)
    const config = await oidc.discovery(new URL(server.issuer), client.client_id, client.client_secret)
    const verifier = oidc.randomPKCECodeVerifier()
    const expectedState = oidc.randomState()
    const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
    const asked = { redirect_uri, scope: 'openid email', state: expectedState, code_challenge, code_challenge_method: 'S256' }
    const page = await new Person().signInTo(oidc.buildAuthorizationUrl(config, asked), user)
    return oidc.authorizationCodeGrant(config, new URL(page.url), { pkceCodeVerifier: verifier, expectedState })
  }
  const plain = await tokens('JWT')
  const typed = await tokens('at+jwt')
  await place.close()
  const controller = `package com.example;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
class Hello {
    @GetMapping("/")
    String hello(java.security.Principal who) {
        return who.getName();
    }
}
`
  for (const [typ, right, wrong] of [
    ['JWT', plain, typed],
    ['at+jwt', typed, plain],
  ]) {
    const file = api(given({ typ })).files.find(([name]) => name.endsWith('.java'))
    const jar = built(`api-${typ}`, 'spring-boot-starter-oauth2-resource-server', [
      [`src/main/java/com/example/${file[0].split('/').at(-1)}`, file[1]],
      ['src/main/java/com/example/Hello.java', controller],
    ])
    const port = await freePort()
    await started(jar, {}, [`--server.port=${port}`])
    const call = async (token) => {
      const answer = await fetch(`http://localhost:${port}/`, { headers: { authorization: `Bearer ${token}` } })
      return [answer.status, answer.status === 200 ? await answer.text() : '']
    }
    assert.deepEqual(await call(right.access_token), [200, user.id], typ)
    assert.equal((await call(wrong.access_token))[0], 401, typ)
    assert.equal((await call(right.id_token))[0], 401, typ)
    assert.equal((await call('x'))[0], 401, typ)
  }
})

// Starts the example app of the README as a process of its own, the way its README.md says.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listen } from './listen.mjs'

/** Folder of the example. */
export const source = fileURLToPath(new URL('../../../docs/examples/first-app', import.meta.url))

const byCommand = (server) => (redirectUri) => server.client('web', ['--client-id', 'first-app', '--redirect-uri', redirectUri])

/**
 * Starts the example at `server`. `register(redirectUri)` gives { client_id, client_secret }: with one command, if it is not given. Gives
 * { origin, said, stop }; `said()` is what it printed.
 */
export async function startFirstApp(server, register = byCommand(server)) {
  const free = await listen(() => {})
  await free.close()
  const { origin } = free
  const client = await register(`${origin}/callback`)
  const folder = mkdtempSync(join(tmpdir(), 'first-app-'))
  cpSync(source, folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
  const env = { ...process.env, ISSUER: server.issuer, CLIENT_ID: client.client_id, CLIENT_SECRET: client.client_secret, PORT: new URL(origin).port }
  const child = spawn(process.execPath, ['app.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  await new Promise((done, fail) => {
    child.once('exit', (code) => fail(new Error(`the example ended with ${code}`)))
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (said.includes(origin)) done()
    })
  })
  const stop = () => {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  return { origin, said: () => said, stop }
}

// Runs a Python test file against the server of the moment and reports its tests.
import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { binary } from './server.mjs'

/** The interpreter that has the packages of python/requirements.txt; tests/run makes it. */
const interpreter = process.env.AUTHER_TEST_PYTHON ?? 'python3'

/** `file.path` prints one JSON line per check: {"name", "passed", "milliseconds", "error"}. Other lines are passed on. */
export async function runPython(file, check, server) {
  const env = { ...process.env, AUTHER_BIN: binary(), REQUESTS_CA_BUNDLE: server.caFile, SSL_CERT_FILE: server.caFile, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn(interpreter, [file.path], { cwd: dirname(file.path), env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((done, fail) => child.once('error', fail).once('close', done))
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{"name"')) {
      console.log(`    ${line}`)
      continue
    }
    seen += 1
    check(JSON.parse(line))
  }
  const code = await ended
  if (seen === 0) check({ passed: false, name: `${file.title} ran (it ended with ${code})` })
}

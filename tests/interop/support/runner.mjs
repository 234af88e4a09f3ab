// Runs test files one after the other, each with a server of its own, and counts what passed.
//
// The authority that Auther makes for itself is given to Node before it starts (NODE_EXTRA_CA_CERTS), as an operator would:
// no client under test is told to look away from a certificate.

import { basename } from 'node:path'
import { run } from 'node:test'
import { startServer } from './server.mjs'

const colour = process.stdout.isTTY ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_, text) => text
const FILE_LIMIT_MS = 180_000

/** `files`: [{ path, title, env, limit }] (`limit` in milliseconds). Prints each check and a last line `N passed, N failed`; gives the number that failed. */
export async function runFiles(files, runOne = runNodeFile) {
  const total = { passed: 0, failed: 0 }
  for (const file of files) {
    console.log(`\n${colour(1, file.title)}`)
    try {
      await withServer(file, total, runOne)
    } catch (error) {
      report({ passed: false, name: `${basename(file.path)} could not run`, error }, total)
    }
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`)
  return total.failed
}

async function withServer(file, total, runOne) {
  const server = await startServer({ env: file.env })
  const before = total.failed
  try {
    process.env.AUTHER_GIVEN_SERVER = JSON.stringify(server)
    process.env.NODE_EXTRA_CA_CERTS = server.caFile
    await (file.run ?? runOne)(file, (check) => report(check, total), server)
    if (/ panicked at /.test(server.log())) report({ passed: false, name: 'the server did not panic' }, total)
  } finally {
    const code = await server.stop()
    if (code !== 0) report({ passed: false, name: `the server stopped cleanly (it ended with ${code})` }, total)
  }
  if (total.failed > before) console.log(colour(2, `  What the server said:\n${indented(tail(server.log()), 4)}`))
}

/** Runs one file of node:test in a process of its own and reports its tests. */
async function runNodeFile(file, check) {
  let seen = 0
  const events = run({ files: [file.path], timeout: file.limit ?? FILE_LIMIT_MS })
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') process.stdout.write(indented(data.message, 4))
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue
    if (type === 'test:pass' && data.name === file.path) continue
    seen += 1
    if (data.skip) {
      // Its tools are not on this machine: that is told, and is no failure.
      console.log(`  ${colour(2, `left out: ${data.name} (${data.skip})`)}`)
      continue
    }
    const error = data.details?.error
    check({ passed: type === 'test:pass', name: data.name, milliseconds: data.details?.duration_ms, error: error?.cause ?? error })
  }
  if (seen === 0) check({ passed: false, name: `${basename(file.path)} holds no test` })
}

function report({ passed, name, milliseconds, error }, total) {
  total[passed ? 'passed' : 'failed'] += 1
  const took = milliseconds > 500 ? colour(2, ` (${(milliseconds / 1000).toFixed(1)} s)`) : ''
  console.log(`  ${passed ? colour(32, 'ok  ') : colour(31, 'FAIL')} ${name}${took}`)
  if (!passed && error) console.log(indented(described(error), 7))
}

function described(error) {
  if (typeof error === 'string') return error
  const cause = error.cause ? `\ncaused by ${described(error.cause)}` : ''
  return `${error.stack ?? error.message ?? JSON.stringify(error)}${cause}`
}

function tail(text) {
  return text.trimEnd().split('\n').slice(-25).join('\n')
}

function indented(text, by) {
  return text.replace(/^(?=.)/gm, ' '.repeat(by))
}

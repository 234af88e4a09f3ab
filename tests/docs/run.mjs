// Runs every command and checks every block of README.md, CONTRIBUTING.md and docs/ as printed: node tests/docs/run.mjs [part of a page's path …]
//
// Each page has a folder, a shell and where it speaks of one a fresh server of its own. A block is dealt with by its language
// (rules.mjs); what cannot run here stands in one table there, with the reason, and so does what must be there before a page
// begins (given.mjs). A block that no rule is for fails, and so does a line of a table that is for no block.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

if (process.env.AUTHER_DOCS_MACHINE === undefined) {
  const [machine, self] = ['machine.sh', 'run.mjs'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
  // Some containers give root no namespaces or no overlays: there is no machine then on which a page may write to /etc.
  if (spawnSync('bash', [machine, 'true'], { stdio: 'inherit' }).status !== 0) {
    console.log('Left out: all pages, since this machine gives no namespaces or overlays for one of their own.\n\n0 passed, 0 failed')
    process.exit(0)
  }
  const { status } = spawnSync('bash', [machine, process.execPath, self, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const { blocksOf, pages } = await import('./blocks.mjs')
const { Page } = await import('./page.mjs')
const { unusedLines } = await import('./rules.mjs')

const wanted = process.argv.slice(2)
const chosen = pages().filter((page) => wanted.length === 0 || wanted.some((part) => page.includes(part)))
const total = { passed: 0, failed: 0 }
const leftOut = new Map()

for (const name of chosen) {
  const blocks = blocksOf(name)
  if (blocks.length === 0) continue
  console.log(`\n${name}`)
  let page
  try {
    page = await Page.open(name)
    for (const block of blocks) {
      for (const { line, what, wrong, why } of await page.check(block)) {
        if (why !== undefined) {
          leftOut.set(why, [...(leftOut.get(why) ?? []), `${name}:${line}`])
          continue
        }
        total[wrong.length ? 'failed' : 'passed'] += 1
        if (wrong.length) console.log(`  FAIL ${name}:${line}: ${what}\n       ${wrong.join('\n').replaceAll('\n', '\n       ')}`)
      }
    }
  } catch (error) {
    total.failed += 1
    console.log(`  FAIL ${name}: ${error.message}`)
  } finally {
    await page?.close()
  }
}

if (wanted.length === 0) {
  for (const line of unusedLines()) {
    total.failed += 1
    console.log(`  FAIL ${line}`)
  }
}
console.log('\nLeft out:')
for (const [why, where] of leftOut) console.log(`  ${why}: ${where.join(', ')}`)
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 && chosen.length > 0 ? 0 : 1)

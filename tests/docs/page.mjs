// A page of the documentation while its blocks are run.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commandsOf, root } from './blocks.mjs'
import { idsOf, learn, wrongIn } from './compare.mjs'
import { given } from './given.mjs'
import { binary, commandRule, isServer, ruleOf } from './rules.mjs'
import { Shell } from './shell.mjs'

const START_LIMIT_MS = 30_000

export class Page {
  static async open(name) {
    const top = mkdtempSync(join(process.env.AUTHER_DOCS_FOLDER, 'page-'))
    const [folder, beside] = [join(top, 'my-auther'), join(top, 'beside')]
    mkdirSync(folder)
    mkdirSync(beside)
    const page = new Page()
    Object.assign(page, { name, folder, beside, top, known: new Map(), done: new Set(), last: '', server: false, said: '' })
    page.given = given[name] ?? {}
    mkdirSync('/usr/local/bin', { recursive: true })
    // What sudo does for root, on a machine without it.
    writeFileSync('/usr/local/bin/sudo', '#!/bin/sh\n[ "$1" = -u ] && shift && user=$1 && shift && exec runuser -u "$user" -- "$@"\nexec "$@"\n', {
      mode: 0o755,
    })
    rmSync('/usr/local/bin/auther', { force: true })
    copyFileSync(binary, '/usr/local/bin/auther')
    const own = Object.entries(process.env).filter(([key]) => !/^AUTHER_|_CA_BUNDLE|SSL_CERT|NODE_EXTRA/.test(key))
    // Cheap password hashes: nothing here is about their cost.
    const cheap = { AUTHER_PASSWORD_MEMORY_KIB: '64', AUTHER_PASSWORD_ITERATIONS: '1', AUTHER_RATE_LIMIT_ENABLED: 'false' }
    const path = process.env.AUTHER_TEST_PYTHON ? `${dirname(process.env.AUTHER_TEST_PYTHON)}:${process.env.PATH}` : process.env.PATH
    page.shell = new Shell(folder, beside, { ...Object.fromEntries(own), ...cheap, PATH: path, REPOSITORY: root })
    await page.shell.run(`pick() { node -pe "(JSON.parse(require('fs').readFileSync(0, 'utf8')))$1"; }`)
    // At a terminal curl shows no progress.
    writeFileSync(join(process.env.HOME, '.curlrc'), 'silent\n')
    for (const [file, text] of Object.entries(page.given.files ?? {})) writeFileSync(join(folder, file), text)
    try {
      if (page.given.server !== undefined) await page.must(page.given.server)
      for (const command of page.given.before ?? []) await page.must(command)
    } catch (error) {
      await page.close()
      throw error
    }
    return page
  }

  async must(command) {
    const { code, out, err } = await this.#run(command)
    if (code !== 0) throw new Error(`${this.name}: ${command} ended with ${code}: ${out}${err}`)
  }

  /** What came of a block: [{ line, what, wrong: [], why? }]. */
  async check(block) {
    const rule = ruleOf(block)
    if (rule === undefined) return [{ line: block.line, what: block.text.split('\n')[0], wrong: [`no rule is for this ${block.language || 'bare'} block`] }]
    if (rule.why !== undefined) return [{ line: block.line, why: rule.why }]
    if (rule.check) return [{ line: block.line, what: block.text.split('\n')[0], ...(await rule.check(this, block)) }]
    const results = []
    for (const one of commandsOf(block)) results.push({ line: one.line, what: one.command, ...(await this.#command(one)) })
    return results
  }

  async #command({ command, printed }) {
    const { why, fails } = commandRule(this.name, command)
    if (why !== undefined) return { why }
    for (const [before, ...commands] of this.given.between ?? []) {
      if (this.done.has(before) || !command.includes(before)) continue
      this.done.add(before)
      for (const one of commands) await this.must(one)
    }
    const { text, missing } = await this.#filled(command)
    if (missing.length) return { wrong: [`nothing says what ${missing.join(', ')} is`] }
    const { code, out, err } = await this.#run(text)
    const told = `${out}${err}`
    this.last = told
    if (printed !== null) learn(printed, told, this.known)
    if ((code !== 0) !== (fails === true)) return { wrong: [`it ended with ${code}: ${told.slice(0, 1500)}`, text === command ? '' : `as ${text}`] }
    if (/^auther: |"code":"(invalid_fields|not_found|forbidden|invalid_request)"/m.test(told) && !fails && printed === null) return { wrong: [told] }
    return { wrong: printed === null ? [] : wrongIn(printed, out.trim() === '' ? err : /^\{|^\[/.test(out) ? out : told) }
  }

  /** The command with what the page names put in: identifiers that were printed before, and those that are given. */
  async #filled(command) {
    let text = command
    const missing = []
    const names = { ...(this.given.names ?? {}) }
    for (const [name, from] of Object.entries(names)) {
      if (!text.includes(name) || this.known.has(name)) continue
      if (typeof from === 'function') this.known.set(name, from(this.last))
      else {
        const { code, out, err } = await this.shell.run(from)
        if (code !== 0 || out.trim() === '') missing.push(`${name} (${from}: ${err})`)
        this.known.set(name, out.trim())
      }
    }
    for (const [name, now] of [...this.known].sort(([a], [b]) => b.length - a.length)) text = text.replaceAll(name, now)
    missing.push(...idsOf(command).filter((id) => !this.known.has(id)))
    return { text, missing }
  }

  async #run(command) {
    if (!isServer(command)) return this.shell.run(command)
    if (this.server) await this.#stop()
    const log = join(this.beside, 'log')
    const began = await this.shell.run(`: >${log}; ${command} >${log} 2>&1 & SERVER=$!`)
    this.server = true
    if (began.code !== 0) return began
    for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; ) {
      const { out } = await this.shell.run(`kill -0 $SERVER || echo GONE; cat ${log}`)
      if (/^GONE/.test(out)) break
      if (
        /^Auther .* serves/m.test(out) &&
        (
          await this.shell.run(
            'curl -qsk -o /dev/null --fail https://localhost:$(sed -n "s/.*:\\([0-9]*\\)[, ].*(.*/\\1/p" ' +
              log +
              ' | head -n 1)/readyz || curl -qs --fail -o /dev/null http://127.0.0.1:8080/readyz',
          )
        ).code === 0
      ) {
        return {
          code: 0,
          out: out
            .split('\n')
            .filter((line) => !/^\d{4}-/.test(line))
            .join('\n'),
          err: '',
        }
      }
      await new Promise((done) => setTimeout(done, 30))
    }
    const { out } = await this.shell.run(`cat ${log}`)
    return { code: 1, out, err: 'the server did not start' }
  }

  async #stop() {
    await this.shell.run('kill $SERVER; wait $SERVER')
    this.server = false
  }

  async close() {
    if (this.server) await this.#stop()
    await this.shell.end()
    // The machine is the same for all pages.
    for (const left of ['/etc/auther', '/etc/letsencrypt', '/var/lib/auther']) rmSync(left, { recursive: true, force: true })
  }
}

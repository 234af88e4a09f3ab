// One bash in which the commands of a page run one after the other, as in a terminal.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export class Shell {
  /** A bash in `folder`; its own files are kept in `beside`. */
  constructor(folder, beside, env) {
    this.beside = beside
    this.child = spawn('setsid', ['bash', '--noprofile', '--norc'], { cwd: folder, env, stdio: ['pipe', 'inherit', 'inherit', 'pipe'] })
    this.codes = createInterface({ input: this.child.stdio[3] })[Symbol.asyncIterator]()
  }

  /** Runs a command to its end: { code, out, err }. What it sets stays set. */
  async run(command) {
    const [script, out, err] = ['command', 'out', 'err'].map((name) => join(this.beside, name))
    writeFileSync(script, `${command}\n`)
    this.child.stdin.write(`. ${script} </dev/null >${out} 2>${err} 3>&-; echo $? >&3\n`)
    const { value, done } = await this.codes.next()
    if (done) throw new Error(`the shell ended at: ${command}`)
    return { code: Number(value), out: readFileSync(out, 'utf8'), err: readFileSync(err, 'utf8') }
  }

  /** Ends the shell. */
  async end() {
    const ended = new Promise((done) => this.child.once('close', done))
    this.child.stdin.end()
    await ended
  }
}

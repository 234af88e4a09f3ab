// The fenced blocks of the documentation, and the commands in them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Every page whose blocks are run, by its path in the repository. */
export function pages() {
  const below = (folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)
  const examples = below('docs/examples').map((folder) => `${folder}/README.md`)
  return ['README.md', 'CONTRIBUTING.md', ...below('docs').filter((name) => name.endsWith('.md')), ...examples]
}

/** The blocks of a page: [{ page, line, language, text }]; the line is that of its first text. */
export function blocksOf(page) {
  const found = []
  let open = null
  readFileSync(join(root, page), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const fence = line.match(/^( *)```(\S*)\s*$/)
      if (open === null) {
        if (fence) open = { page, line: index + 2, indent: fence[1].length, language: fence[2], lines: [] }
      } else if (fence && fence[1].length === open.indent) {
        const { indent, lines, ...block } = open
        found.push({ ...block, text: lines.map((one) => one.slice(indent)).join('\n') })
        open = null
      } else open.lines.push(line)
    })
  if (open !== null) throw new Error(`${page}:${open.line}: a block that does not end`)
  return found
}

/** Whether a block shows a terminal: lines with a prompt, and what is printed. */
export const isSession = ({ language, text }) => language === '' && /^[$#] /.test(text)

/** The commands of a shell script or a session: [{ line, command, printed }]; `printed` is null where nothing is shown. */
export function commandsOf(block) {
  const session = isSession(block)
  const found = []
  let open = null
  block.text.split('\n').forEach((text, index) => {
    const line = block.line + index
    if (open !== null) {
      open.command += `\n${text}`
    } else if (session) {
      if (/^[$#] /.test(text)) open = { line, command: text.slice(2), printed: [] }
      else found.at(-1)?.printed.push(text)
    } else if (text.trim() !== '' && !/^\s*#/.test(text)) {
      open = { line, command: text, printed: null }
    }
    if (open !== null && isWhole(open.command)) {
      found.push(open)
      open = null
    }
  })
  if (open !== null) throw new Error(`${block.page}:${open.line}: a command that does not end`)
  return found.map((one) => ({ ...one, printed: one.printed?.join('\n').trim() ? one.printed.join('\n') : null }))
}

/** Whether a command ends here: no line goes on, and no quotation is open. */
function isWhole(command) {
  const bare = command
    .replace(/'[^']*'/g, '')
    .replace(/"(\\.|[^"\\])*"/g, '')
    .replace(/(^|\s)#.*$/gm, '')
    .replace(/\\'/g, '')
  return !/\\$/.test(command) && (bare.match(/'/g) ?? []).length % 2 === 0
}

// Loads the samples in printed/: as they stand, with hosts and ids replaced and nothing else.
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const printed = new URL('../printed/', import.meta.url)
const packages = fileURLToPath(new URL('../node_modules', import.meta.url))

/** The text of a sample with each of `replacements` (from → to) made. Each must occur, or the test would prove nothing. */
export function sample(name, replacements) {
  let text = readFileSync(new URL(name, printed), 'utf8')
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`${name} does not say ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}

/** Imports module texts { 'name.js': text } that may use the packages of this folder. Gives { 'name.js': module }. */
export async function importTexts(texts) {
  const folder = mkdtempSync(join(tmpdir(), 'printed-'))
  symlinkSync(packages, join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const modules = {}
  for (const [name, text] of Object.entries(texts)) {
    const path = join(folder, basename(name))
    writeFileSync(path, text)
    modules[name] = await import(pathToFileURL(path))
  }
  return modules
}

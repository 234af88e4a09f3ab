// What must hold of every page, in every look.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** The screens that pages are looked at with. */
export const looks = {
  'desktop, light': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  'desktop, dark': { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  'phone, light': { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true },
  'small phone, dark': { viewport: { width: 320, height: 640 }, colorScheme: 'dark', isMobile: true, hasTouch: true },
}

/** Axe finds nothing in WCAG A and AA, and nothing is wider than the screen. */
export async function inspect(page, look) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((runOnly) => window.axe.run({ runOnly }), RULES)
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
  assert.deepEqual(told, [], `axe, ${look}`)
  const { wide, room } = await page.evaluate(() => ({ wide: document.scrollingElement.scrollWidth, room: window.innerWidth }))
  assert.ok(wide <= room, `${look}: ${wide} px wide on ${room}`)
}

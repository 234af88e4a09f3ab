// What every page must pass, whatever it shows: axe, and no sideways scrolling, at every width and in both colours.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export const LOOKS = {
  'desktop, light': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  'desktop, dark': { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  'phone, light': { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true },
  'small phone, dark': { viewport: { width: 320, height: 640 }, colorScheme: 'dark', isMobile: true, hasTouch: true },
}

/** Those of them in which axe looks at every colour and every width once; it takes its time. */
export const CLOSE_LOOKS = ['desktop, light', 'small phone, dark']

/** Fails if axe finds anything on the page as it is, or if it is wider than its window. */
export async function looksRight(page, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((runOnly) => window.axe.run({ runOnly }), RULES)
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`)
  assert.deepEqual(told, [], `axe: ${what}`)
  await fits(page, what)
}

/** Fails if the page is wider than its window. */
export async function fits(page, what) {
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth)
  assert.ok(wide <= page.viewportSize().width, `${what}: ${wide} px wide`)
}

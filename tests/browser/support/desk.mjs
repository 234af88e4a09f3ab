// Somebody at the admin or account pages: how they get there, and what the tests of these pages say and ask again and again.
import { signIn } from './chromium.mjs'

/** Opens a tab in `context`, signs `user` in and waits for the page at `path`. */
export async function signedIn(server, context, user, path = '/admin') {
  const tab = await context.newPage()
  await tab.goto(`${server.issuer}/sign-in?continue=${path}`)
  await signIn(tab, user)
  await tab.waitForURL(`${server.issuer}${path}`)
  return tab
}

/** Until what the page loads stands there. */
export async function settled(page) {
  await page.waitForSelector('main h1')
  await page.waitForFunction(() => !document.querySelector('main .skeleton'))
}

/** The words about the tab that `page()` gives; `base` is the address that paths are below of. */
export const words = (page, base) => ({
  async go(path) {
    await page().goto(base + path)
    await page().waitForSelector('main h1')
  },
  said: (text) => page().getByText(text).first().waitFor(),
  button: (name, exact = true) => page().getByRole('button', { name, exact }),
  dialog: () => page().getByRole('dialog'),
})

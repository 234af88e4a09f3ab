// People in Chromium against the real binary: node tests/browser/run.mjs [part of a file name …]
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runFiles } from '../interop/support/runner.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
// Signing in dozens of times in a minute from one address is what the limits are there to stop.
const env = { AUTHER_RATE_LIMIT_ENABLED: 'false' }

// A server with a name, a colour and a logo of its own.
const look = { ...env, AUTHER_LOOK_NAME: 'Meridian Works', AUTHER_LOOK_ACCENT: '#7a1f5c', AUTHER_LOOK_LOGO: here('../../assets/static/favicon.svg') }

const files = [
  { path: here('journey.test.mjs'), title: 'From the printed link to the first app' },
  { path: here('browser-app.test.mjs'), title: 'The printed single-page app, from another site' },
  { path: here('plain-pages.test.mjs'), title: 'Without JavaScript, and with the keyboard alone', env: { ...env, AUTHER_REGISTRATION: 'invite' } },
  { path: here('onward.test.mjs'), title: 'Apps that send the browser on after their callback', env },
  { path: here('waiting.test.mjs'), title: 'A name that was guessed at' },
  { path: here('admin-people.test.mjs'), title: 'Administering people, groups, sessions, the audit log and settings', env },
  { path: here('every-app-page.test.mjs'), title: 'Every admin and account page: axe, wide and light, narrow and dark', env },
  { path: here('every-tab.test.mjs'), title: 'Every tab about people: axe, wide and light, narrow and dark', env },
  { path: here('admin-access.test.mjs'), title: 'Administering models, grants and the tester', env },
  { path: here('account.test.mjs'), title: 'The account pages', env },
  { path: here('proof.test.mjs'), title: 'The password again, before what outlives a session', env: { ...env, AUTHER_SESSION_FRESH_SECONDS: '2' } },
  { path: here('admin-apps.test.mjs'), title: 'Administering apps and keys; the printed code signs people in', env },
  { path: here('keyboard.test.mjs'), title: 'Administering with the keyboard alone', env },
  { path: here('felt.test.mjs'), title: 'What is done on the pages is felt by machines and apps', env },
  { path: here('corpus.test.mjs'), title: 'What people and apps write is shown, never run', env },
  { path: here('isolation.test.mjs'), title: 'Names keep their direction to themselves' },
  {
    path: here('elsewhere.test.mjs'),
    title: 'Every printed command and call works; screen, CLI and API know the same',
    env: { AUTHER_REGISTRATION: 'invite' },
  },
  { path: here('look.test.mjs'), title: "A name, a colour and a logo of one's own", env: look },
  { path: here('every-page.test.mjs'), title: 'Every page: axe, desktop and phone, light and dark', env: { ...env, AUTHER_REGISTRATION: 'invite' } },
]

// A file that is not in the list would never run.
const forgotten = readdirSync(here('.')).filter((name) => name.endsWith('.test.mjs') && !files.some(({ path }) => path === here(name)))
if (forgotten.length > 0) throw new Error(`not in the list of ${here('run.mjs')}: ${forgotten.join(', ')}`)

const wanted = process.argv.slice(2)
const chosen = files.filter(({ path }) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
process.exitCode = (await runFiles(chosen)) > 0 || chosen.length === 0 ? 1 : 0

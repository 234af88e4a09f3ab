// All client libraries against the real binary: node tests/interop/run.mjs [part of a file name …]
import { fileURLToPath } from 'node:url'
import { runPython } from './support/python.mjs'
import { runFiles } from './support/runner.mjs'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

const files = [
  { path: here('set-up.test.mjs'), title: 'Set-up: from an empty folder to the first administrator' },
  { path: here('express-app.test.mjs'), title: 'openid-client and jose: the printed Express app' },
  { path: here('openid-client.test.mjs'), title: 'openid-client: everything else it can do', env: { AUTHER_TOKENS_REFRESH_GRACE_SECONDS: '0' } },
  { path: here('server-app.test.mjs'), title: 'jose: the printed server app with a secret' },
  { path: here('mobile-app.test.mjs'), title: 'The printed mobile app with a scheme of its own' },
  { path: here('auth-js.test.mjs'), title: 'Auth.js: a plain OIDC provider' },
  { path: here('wire.test.mjs'), title: 'The wire: aliases, errors, CORS, the JSON dialect' },
  { path: here('printed-code.test.mjs'), title: 'The printed code, parsed by the tools of its languages' },
  { path: here('server-apps.test.mjs'), title: 'Python and Go: the printed apps', limit: 300_000 },
  { path: here('spring-apps.test.mjs'), title: 'Java: the printed app and API, with Spring Security', limit: 600_000 },
  { path: here('go-clients.test.mjs'), title: 'Go: go-oidc, the printed API, groups, client_credentials' },
  { path: here('example-app.test.mjs'), title: 'The example app of the README' },
  { path: here('python/test_authlib.py'), title: 'Python: Authlib', run: runPython },
  { path: here('python/test_jupyterhub.py'), title: 'Python: JupyterHub, and the printed API', run: runPython },
  { path: here('python/test_machine.py'), title: 'Python: the printed machine client', run: runPython },
  {
    path: here('python/test_schemathesis.py'),
    title: 'Schemathesis: the description of the admin API',
    run: runPython,
    env: { AUTHER_RATE_LIMIT_ENABLED: 'false' },
  },
]

const wanted = process.argv.slice(2)
const chosen = files.filter(({ path }) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
process.exitCode = (await runFiles(chosen)) > 0 || chosen.length === 0 ? 1 : 0

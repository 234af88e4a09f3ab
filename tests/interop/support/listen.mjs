// Apps under test listen on a free port of this machine.
import { createServer } from 'node:http'

/**
 * Serves `handler` (a request listener or an Express app). Gives { origin, close }. With `host` 127.0.0.1 it is, for a browser,
 * another site than one at localhost.
 */
export async function listen(handler, host = 'localhost') {
  const server = createServer(handler)
  await new Promise((done, fail) => server.once('error', fail).listen(0, host, done))
  const close = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  }
  return { origin: `http://${host}:${server.address().port}`, close }
}

/** A port that the app will use: the redirect URI must be registered before the app starts. */
export async function lateListen() {
  let handler = (_, answer) => answer.writeHead(503).end()
  const place = await listen((question, answer) => handler(question, answer))
  return { ...place, serve: (given) => (handler = given) }
}

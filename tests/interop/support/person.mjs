// A person with a browser that has no JavaScript: keeps cookies, follows redirects, fills in forms.
import * as http from 'node:http'
import * as https from 'node:https'
import { forms, links, readable } from './html.mjs'

const MAX_HOPS = 20

export class Person {
  #cookies = new Map()

  /** `hosts` says where the origins of apps really are: { 'https://app.example.com': 'http://localhost:1234' }. */
  constructor({ hosts = {} } = {}) {
    this.hosts = hosts
    /** Every answer so far: { method, url, status, location }. */
    this.trail = []
  }

  /** Opens an address and follows redirects to a page, or to an address that no browser can open: { left: url }. */
  visit(url) {
    return this.#go({ method: 'GET', url: String(url) })
  }

  /** Presses the button with this id on a page, with these fields filled in. */
  press(page, id, filled = {}) {
    const form = page.forms.find((form) => form.buttons.some((button) => button.id === id))
    if (!form) throw new Error(`There is no button #${id} on ${page.url} (${page.status}): ${page.text.slice(0, 400)}`)
    const { name, value } = form.buttons.find((button) => button.id === id)
    const missing = Object.keys(filled).filter((field) => !form.fields.some(([known]) => known === field))
    if (missing.length) throw new Error(`The form on ${page.url} has no field ${missing.join(', ')}.`)
    const fields = form.fields.map(([field, value]) => [field, filled[field] ?? value])
    if (name) fields.push([name, value ?? ''])
    return this.send(page, form, fields)
  }

  /** Sends a form as it stands, with these pairs. */
  send(page, form, fields) {
    const url = new URL(form.action || page.url, page.url)
    const query = new URLSearchParams(fields)
    if (form.method !== 'POST') {
      url.search = query
      return this.#go({ method: 'GET', url: url.href })
    }
    return this.#go({ method: 'POST', url: url.href, body: query.toString(), origin: new URL(page.url).origin })
  }

  /** Fills in the sign-in page. */
  signIn(page, user) {
    return this.press(page, 'submit', { identifier: user.email, password: user.password })
  }

  /** Goes to the app's address and does what a willing person does: signs in if asked, allows if asked. Gives the app's page. */
  async signInTo(url, user) {
    let page = await this.visit(url)
    if (page.has('password')) page = await this.signIn(page, user)
    if (page.has('consent-allow')) page = await this.press(page, 'consent-allow')
    return page
  }

  /** Value of a cookie at a host, if there is one. */
  cookie(host, name) {
    return this.#cookies.get(host)?.get(name)
  }

  async #go(step) {
    for (let hops = 0; hops < MAX_HOPS; hops += 1) {
      const answer = await this.#ask(step)
      const location = answer.headers.location
      this.trail.push({ method: step.method, url: step.url, status: answer.status, location })
      if (answer.status < 300 || answer.status > 399 || !location) return page(step.url, answer)
      const target = new URL(location, step.url)
      if (!/^https?:$/.test(target.protocol)) return { left: location, status: answer.status, has: () => false }
      const keeps = answer.status === 307 || answer.status === 308
      step = { method: keeps ? step.method : 'GET', url: target.href, body: keeps ? step.body : undefined, origin: step.origin }
      if (step.method === 'GET') step.origin = undefined
    }
    throw new Error(`Redirected more than ${MAX_HOPS} times, at last to ${step.url}`)
  }

  #ask({ method, url, body, origin }) {
    const asked = new URL(url)
    const place = this.hosts[asked.origin] ? new URL(asked.pathname + asked.search, this.hosts[asked.origin]) : asked
    const headers = {
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'user-agent': 'Person/1.0 (tests)',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': origin === asked.origin ? 'same-origin' : origin ? 'cross-site' : 'none',
    }
    const cookies = [...(this.#cookies.get(asked.hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookies) headers.cookie = cookies
    if (origin) headers.origin = origin
    if (body !== undefined) {
      headers['content-type'] = 'application/x-www-form-urlencoded'
      headers['content-length'] = Buffer.byteLength(body)
    }
    const client = place.protocol === 'https:' ? https : http
    return new Promise((done, fail) => {
      const request = client.request(place, { method, headers, agent: false, timeout: 20_000 }, (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => {
          for (const line of answer.headers['set-cookie'] ?? []) this.#keep(asked, line)
          done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString('utf8') })
        })
      })
      request.once('timeout', () => request.destroy(new Error(`No answer from ${url}`)))
      request.once('error', fail)
      request.end(body)
    })
  }

  #keep(url, line) {
    const [pair, ...rest] = line.split(';').map((part) => part.trim())
    const cut = pair.indexOf('=')
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)]
    const flags = rest.map((flag) => flag.toLowerCase())
    if (name.startsWith('__Host-')) {
      const whole = flags.includes('secure') && flags.includes('path=/') && !flags.some((flag) => flag.startsWith('domain='))
      if (!whole || url.protocol !== 'https:') throw new Error(`A browser refuses this cookie: ${line}`)
    }
    const gone = flags.some((flag) => flag === 'max-age=0' || (flag.startsWith('expires=') && Date.parse(flag.slice(8)) < Date.now()))
    const jar = this.#cookies.get(url.hostname) ?? new Map()
    if (gone) jar.delete(name)
    else jar.set(name, value)
    this.#cookies.set(url.hostname, jar)
  }
}

function page(url, { status, headers, body }) {
  const found = forms(body)
  return {
    url,
    status,
    headers,
    body,
    forms: found,
    links: links(body),
    text: readable(body),
    has: (id) => new RegExp(`\\bid="${id}"`).test(body),
  }
}

// Enough of HTML to fill in a form: what a browser without JavaScript needs of a page.

const NAMED = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** Text with its character references resolved. */
export function unescaped(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal) return String.fromCodePoint(Number(decimal))
    return NAMED[name] ?? whole
  })
}

/** The forms of a page: { id, action, method, fields: [[name, value]], buttons: [{ id, name, value }], ids: Set }. */
export function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inside]) => {
    const form = { ...attributes(head), fields: [], buttons: [], ids: new Set() }
    form.method = (form.method ?? 'get').toUpperCase()
    for (const [, tag, text] of inside.matchAll(/<(input|button|textarea|select)\b([^>]*)>/gi)) {
      const control = attributes(text)
      if (control.id) form.ids.add(control.id)
      const kind = (control.type ?? (tag === 'button' ? 'submit' : 'text')).toLowerCase()
      if (kind === 'submit') form.buttons.push(control)
      else if (control.name && !(kind === 'checkbox' && control.checked === undefined)) form.fields.push([control.name, control.value ?? ''])
    }
    return form
  })
}

/** What a person reads: the text of a page without its tags. */
export function readable(html) {
  const body = html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
  return unescaped(body).replace(/\s+/g, ' ').trim()
}

/** Addresses of the links of a page. */
export function links(html) {
  return [...html.matchAll(/<a\b([^>]*)>/gi)].map(([, text]) => attributes(text).href).filter(Boolean)
}

function attributes(text) {
  const found = {}
  for (const [, name, quoted, single, bare] of text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    found[name.toLowerCase()] = unescaped(quoted ?? single ?? bare ?? '')
  }
  return found
}

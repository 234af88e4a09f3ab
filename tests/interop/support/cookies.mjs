// What apps of the tests need on the Node 18 of Debian 12.

/** An Express handler: Node 18 glues several cookies of one answer together, and a browser would keep the first only. */
export function oneHeaderPerCookie(_request, response, next) {
  if ('getSetCookie' in Headers.prototype) return next()
  const append = response.append.bind(response)
  response.append = (name, value) => append(name, /^set-cookie$/i.test(name) ? String(value).split(/, (?=[^;,=\s]+=)/) : value)
  next()
}

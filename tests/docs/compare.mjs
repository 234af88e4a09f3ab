// What was printed in the documentation against what is printed now.

const ID = /\b(usr|grp|key|ses|tpl|kid|aud|req|flr|gnt|inv|client|dlv)_[0-9a-v]{20,40}\b/g

/** The identifiers in a text, each once, in their order. */
export const idsOf = (text) => [...new Set(text.match(ID) ?? [])]

/** Which identifiers of the documentation stand for which of now: the n-th of a kind for the n-th of that kind. */
export function learn(printed, told, known) {
  const kinds = new Map()
  for (const id of idsOf(told)) {
    const kind = id.split('_')[0]
    kinds.set(kind, [...(kinds.get(kind) ?? []), id])
  }
  for (const id of idsOf(printed)) {
    const now = kinds.get(id.split('_')[0])?.shift()
    if (now !== undefined && !known.has(id)) known.set(id, now)
  }
}

/** The JSON of a printed line, if it is one. What is left out (`…`) is left out. */
export function json(text) {
  try {
    return JSON.parse(text.replace(/(?<=[[{]),?…|,?…(?=[,}\]])/g, '').replace(/([[{]),/g, '$1'))
  } catch {
    return undefined
  }
}

/** The differences between a printed document and one of now: members that are there only, at any depth. */
export function differences(printed, told, isWhole, at = '') {
  if (Array.isArray(printed) && Array.isArray(told)) {
    return printed.slice(0, 1).flatMap((one) => (told.length ? differences(one, told[0], isWhole, `${at}[0]`) : [`${at}: empty now`]))
  }
  const isObject = (one) => one !== null && typeof one === 'object' && !Array.isArray(one)
  if (isObject(printed) && isObject(told)) {
    const missing = Object.keys(printed).filter((name) => !(name in told))
    const unsaid = isWhole ? Object.keys(told).filter((name) => !(name in printed)) : []
    const both = Object.keys(printed).filter((name) => name in told)
    return [
      ...missing.map((name) => `${at}.${name} is printed and not answered`),
      ...unsaid.map((name) => `${at}.${name} is answered and not printed`),
      ...both.flatMap((name) => differences(printed[name], told[name], isWhole, `${at}.${name}`)),
    ]
  }
  const kind = (one) => (Array.isArray(one) ? 'list' : typeof one)
  if (printed === null || told === null || kind(printed) === kind(told)) {
    return typeof printed === 'boolean' && printed !== told ? [`${at} is ${told}, not ${printed}`] : []
  }
  return [`${at} is a ${kind(told)}, not a ${kind(printed)}`]
}

/** What is wrong with printed output: lines that are JSON by their members, others by their words. */
export function wrongIn(printed, told) {
  const lines = (text) => text.split('\n').filter((line) => line.trim() !== '')
  const [before, now] = [lines(printed), lines(told)]
  const wrong = []
  const first = json(before[0] ?? '')
  if (first !== undefined && typeof first === 'object') {
    const answer = json(now[0] ?? '')
    if (answer === undefined) return [`it printed ${told.slice(0, 300)}`]
    return differences(first, answer, !before[0].includes('…'))
  }
  const words = (line) =>
    line
      .replace(ID, ' ')
      .replace(/…/g, ' ')
      .split(/[^\p{L}_]+/u)
      .filter((word) => word.length > 2 && !/\d/.test(word))
  const all = new Set(now.flatMap(words))
  for (const line of before) {
    if (line.includes('…')) continue
    const lost = words(line.replace(/\b(lnk|cod|cs|rft|kid|tpl)_\S+/g, ' ').replace(/\b[0-9A-F]{2}(:[0-9A-F]{2})+\b/g, ' ')).filter(
      (word) => !all.has(word) && !/^[0-9a-zA-Z]{20,}$/.test(word),
    )
    if (lost.length) wrong.push(`${line.trim()} (not printed now: ${lost.join(', ')})`)
  }
  return wrong.length ? [...wrong, `it printed:\n${told.slice(0, 1500)}`] : []
}

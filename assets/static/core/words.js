// Turning what the API answers into words: numbers of things, devices, a text for the shell.

export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

// "a", "a and b", "a, b and c".
export function listing(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

// An argument for a POSIX shell.
export const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${String(text).replaceAll("'", "'\\''")}'`);

const BROWSERS = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bHeadlessChrome\//, "Headless Chrome"],
  [/\bCriOS\/|\bChrome\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
];
const SYSTEMS = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

// "Safari on iPhone" for the User-Agent of a browser; what is not known is said by its first word.
export function device(agent) {
  if (!agent) return "Unknown device";
  const find = (list) => list.find(([pattern]) => pattern.test(agent))?.[1];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (!browser) return system || agent.split(/[\s/]/)[0].slice(0, 40);
  return system ? `${browser} on ${system}` : browser;
}

// What goes with something, as `…/deletion` counts it: [verb, one, many] by the name of the count.
const GOES = {
  sessions: ["ends", "session"],
  refresh_families: ["revokes", "sign-in of an app", "sign-ins of apps"],
  api_keys: ["removes", "API key"],
  tuples: ["removes", "grant"],
  memberships: ["removes", "membership"],
  consents: ["removes", "consent"],
  models: ["removes", "model"],
};

// Who loses and who gains by a deletion, as a dry run found it: "Ends 12 permissions of 3 people, keys or apps."; "" where nobody does.
export function felt(changes) {
  if (!changes) return "";
  const who = (list) => count(new Set(list.map((one) => `${one.subject_type}:${one.subject_id}`)).size, "person, key or app", "people, keys or apps");
  const lost = changes.lost.length > 0 ? ` Ends ${count(changes.lost.length, "permission")} of ${who(changes.lost)}.` : "";
  const gained = changes.gained.length > 0 ? ` Gives ${count(changes.gained.length, "permission")} to ${who(changes.gained)}.` : "";
  return `${lost}${gained}${changes.complete ? "" : " There may be more: not everything was looked at."}`;
}

// "ends 3 sessions, removes 12 grants and 1 API key"; "" when nothing goes with it.
export function taken(counts) {
  const byVerb = new Map();
  // Memberships are tuples too, and were counted among them.
  const apart = { ...counts, tuples: (counts?.tuples || 0) - (counts?.memberships || 0) };
  for (const [name, n] of Object.entries(apart)) {
    if (!n || !GOES[name]) continue;
    const [verb, one, many] = GOES[name];
    byVerb.set(verb, [...(byVerb.get(verb) || []), count(n, one, many)]);
  }
  return listing([...byVerb].map(([verb, things]) => `${verb} ${listing(things)}`));
}

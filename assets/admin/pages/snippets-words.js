// Pieces of addresses that the printed code needs.
export { shell as shellWord } from "../../static/core/words.js";

// The path of a redirect URI, as a server routes it: one without a path is routed at /. Of one with a scheme of its own, a usual one.
export function pathOf(uri) {
  const web = /^https?:\/\/[^/?#]+([^?#]*)/.exec(uri);
  return web ? web[1] || "/" : "/auth/callback";
}

export function originOf(uri) {
  return /^https?:\/\/[^/?#]+/.exec(uri)?.[0] || "https://myapp.example.com";
}

export function schemeOf(uri) {
  return /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1] || "";
}

// A port that a server listens on for this redirect URI.
export function portOf(uri, usual) {
  return /^http:\/\/[^/]+:(\d+)/.exec(uri)?.[1] || usual;
}

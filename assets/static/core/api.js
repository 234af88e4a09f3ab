// The JSON API: one call, one answer. What is refused comes as a Problem (RFC 9457), with what is wrong with each field.
import { accountApi, adminApi, signInPage } from "./urls.js";

export class Problem extends Error {
  /**
   * @param {number} status of HTTP; 0 where no answer came
   * @param {any} body what the server said of it
   * @param {string | null} [requestId]
   */
  constructor(status, body, requestId) {
    super(body.detail || body.message || body.error_description || body.title || `The server answered ${status}.`);
    this.status = status;
    this.code = body.code || body.error || "";
    /** @type {{ field: string, message: string }[]} */
    this.list = body.errors || (Array.isArray(body.fields) ? body.fields : []);
    this.fields = Object.fromEntries(this.list.map((one) => [one.field, one.message]));
    this.requestId = requestId || body.request_id || "";
  }
}

/**
 * @param {string} path
 * @param {Query} [query]
 */
function address(path, query) {
  const given = Object.entries(query || {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return search ? `${path}?${search}` : path;
}

// Sends the browser to sign in, and back here.
export function signIn() {
  location.assign(signInPage(location.pathname + location.search));
}

// How a person is asked to confirm that it is them: the frame says it (proof.js). Answers whether they did.
/** @type {() => Promise<boolean>} */
let confirmed = () => Promise.resolve(false);
/** @param {() => Promise<boolean>} ask */
export const confirmBy = (ask) => {
  confirmed = ask;
};

/** @typedef {{ query?: Query, body?: unknown, signal?: AbortSignal }} Options */

// Answers the JSON of the answer, or null where it has none. Throws a Problem. What a session may do only when its person proved lately that it
// is them is asked for and then sent once more.
/**
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, options) {
  try {
    return await send(method, path, options);
  } catch (problem) {
    if (problem.status !== 403 || !/^session_not_fresh$/i.test(problem.code)) throw problem;
    if (await confirmed()) return send(method, path, options);
    problem.message = "Nothing was changed: it was not confirmed that it is you.";
    throw problem;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
async function send(method, path, { query, body, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address(path, query), { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server cannot be reached. Check the connection, then try again." });
  }
  const text = await response.text();
  /** @type {any} */
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = { detail: text };
  }
  if (response.ok) return answer;
  if (response.status === 401) signIn();
  throw new Problem(response.status, answer || {}, response.headers.get("x-request-id"));
}

/** @typedef {Record<string, any>} Query what is empty is left out */
/** @param {string} base */
const below = (base) => ({
  base,
  /** @type {(path: string, query?: Query, signal?: AbortSignal) => Promise<any>} */
  get: (path, query, signal) => call("GET", base + path, { query, signal }),
  /** @type {(path: string, body?: object, query?: Query, signal?: AbortSignal) => Promise<any>} */
  post: (path, body = {}, query, signal) => call("POST", base + path, { body, query, signal }),
  /** @type {(path: string, body: object) => Promise<any>} */
  patch: (path, body) => call("PATCH", base + path, { body }),
  /** @type {(path: string, body: object, query?: Query) => Promise<any>} */
  put: (path, body, query) => call("PUT", base + path, { body, query }),
  /** @type {(path: string, query?: Query) => Promise<any>} */
  remove: (path, query) => call("DELETE", base + path, { query }),
});

export const admin = below(adminApi());
export const account = below(accountApi());

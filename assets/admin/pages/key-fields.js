// The fields of an API key, as a form holds them and as the API takes them.
import { listed } from "./client-fields.js";

const DAY = 86400;

const lifetimes = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
  ["other", "another number of days"],
  ["", "no expiry"],
];
const windows = [
  ["1000", "second"],
  ["60000", "minute"],
  ["3600000", "hour"],
  ["86400000", "day"],
];
const refills = [
  ["", "never"],
  ["3600000", "every hour"],
  ["86400000", "every day"],
  ["604800000", "every week"],
  ["2592000000", "every 30 days"],
];

const limits = [
  { name: "h-limits", kind: "heading", label: "Limits", hint: "Empty means no limit." },
  {
    name: "networks",
    label: "Networks it may be used from",
    kind: "area",
    rows: 2,
    optional: true,
    placeholder: "10.0.0.0/8",
    hint: "Addresses or CIDR blocks, one in each line. Empty: from everywhere.",
  },
  { name: "rate_max", label: "Max uses", optional: true, inputmode: "numeric", autocomplete: "off", placeholder: "100" },
  { name: "rate_window", label: "in each", kind: "select", options: windows, when: (values) => values.rate_max !== "" },
  {
    name: "remaining",
    label: "Uses left",
    optional: true,
    inputmode: "numeric",
    autocomplete: "off",
    placeholder: "1000",
    hint: "Counts down with each use; the key stops at 0.",
  },
  { name: "refill_interval", label: "Filled up again", kind: "select", options: refills, when: (values) => values.remaining !== "" },
  {
    name: "refill_amount",
    label: "to so many uses",
    inputmode: "numeric",
    autocomplete: "off",
    when: (values) => values.remaining !== "" && values.refill_interval !== "",
  },
];

const ends = [
  { name: "lifetime", label: "Works for", kind: "select", options: lifetimes },
  { name: "expires_in", label: "Days", inputmode: "numeric", autocomplete: "off", when: (values) => values.lifetime === "other", hint: "1 to 3650." },
];

/** @param {{ isNew?: boolean, windowOptions?: string[][] }} given */
export function fieldsOf({ isNew, windowOptions = [] }) {
  const name = {
    name: "name",
    label: "Name",
    autocomplete: "off",
    placeholder: "CI/CD Pipeline Key",
    hint: "What it is for, so that you know later which one to revoke.",
  };
  if (isNew) {
    return [
      name,
      {
        name: "owner",
        label: "Owner",
        optional: true,
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "ann@example.com",
        hint: "E-mail address, username or id. Empty: yourself. The key holds nothing of its owner's, but stops with them.",
      },
      {
        name: "client",
        label: "For the app",
        kind: "select",
        options: [],
        hint: "Its tokens are then for the audiences of that app, and it stops with the app.",
      },
      ...ends,
      ...limits,
    ];
  }
  const more = (field) => (field.name === "rate_window" ? { ...field, options: [...windows, ...windowOptions] } : field);
  return [
    name,
    { name: "enabled", label: "Switched on", kind: "check" },
    { ...ends[0], options: [["keep", "stays as it is"], ...lifetimes] },
    ends[1],
    ...limits.map(more),
  ];
}

export const newForm = { lifetime: "30", rate_window: "60000", client: "", refill_interval: "" };

// An interval that stands in no list is offered as it is.
export const extra = (key) => {
  const known = windows.some(([value]) => value === String(key.rate_limit?.window_ms));
  return key.rate_limit && !known ? [[String(key.rate_limit.window_ms), `${key.rate_limit.window_ms / 1000} seconds`]] : [];
};

export function toForm(key) {
  return {
    name: key.name,
    enabled: key.enabled,
    lifetime: "keep",
    expires_in: "",
    networks: key.networks.join("\n"),
    rate_max: key.rate_limit ? String(key.rate_limit.max) : "",
    rate_window: String(key.rate_limit?.window_ms || 60000),
    remaining: key.remaining === null ? "" : String(key.remaining),
    refill_interval: key.refill ? String(key.refill.interval_ms) : "",
    refill_amount: key.refill ? String(key.refill.amount) : "",
  };
}

// Numbers are sent as numbers; what is none is sent as it is, and refused beside its field.
const number = (text) => (/^\d+$/.test(String(text).trim()) ? Number(text) : text);

// How long it works from now: for ever is null, and what stays as it is is not told.
function seconds({ lifetime, expires_in: days }) {
  if (lifetime === "keep") return undefined;
  if (lifetime === "") return null;
  const count = number(lifetime === "other" ? days : lifetime);
  return typeof count === "number" ? count * DAY : count;
}

const body = {
  name: (values) => values.name,
  owner: (values) => values.owner?.trim() || undefined,
  client: (values) => values.client || undefined,
  enabled: (values) => values.enabled,
  expires_in: (values) => seconds(values),
  networks: (values) => listed(values.networks),
  rate_limit: (values) => (values.rate_max === "" ? null : { max: number(values.rate_max), window_ms: Number(values.rate_window) }),
  remaining: (values) => (values.remaining === "" ? null : number(values.remaining)),
  refill: (values) =>
    values.remaining === "" || !values.refill_interval ? null : { amount: number(values.refill_amount), interval_ms: Number(values.refill_interval) },
};

// What the API takes. A new key is told nothing about limits that it does not have.
export function fromForm(values) {
  const all = Object.entries(body).map(([name, read]) => [name, read(values)]);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)));
}

// What differs from how it was, as a change: a limit that is taken away is null.
export function changes(before, after) {
  const all = Object.entries(body).map(([name, read]) => [name, read(before), read(after)]);
  return Object.fromEntries(all.filter(([, old, now]) => now !== undefined && JSON.stringify(old) !== JSON.stringify(now)).map(([name, , now]) => [name, now]));
}

// The names that the API gives to mistakes, in the words of the form.
export function placed(problem) {
  const { rate_limit: rate, refill, expires_in: ends } = problem.fields || {};
  if (rate) problem.fields.rate_max = rate;
  if (refill) problem.fields.refill_amount = refill;
  if (ends) problem.fields.lifetime = ends;
  return problem;
}

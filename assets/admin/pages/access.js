// What the pages of models, grants and the tester share: the models, the names of subjects, and what a change would do.
import { admin } from "../../static/core/api.js";
import { useLoaded } from "../../static/core/data.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { Tag } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { useHas } from "../rights.js";

// All that a list holds, page by page.
export async function all(path, query, signal) {
  const items = [];
  let after = null;
  do {
    const page = await admin.get(path, { ...query, limit: 500, after }, signal);
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}

// The models, one's own before the built-in ones.
export const allModels = async (signal) =>
  (await all("/models", {}, signal)).sort((one, two) => one.built_in - two.built_in || one.entity_type.localeCompare(two.entity_type));

export const useModels = () => useLoaded(allModels, []);

// Types whose tuples say who administers this installation. One group and one client are things, not the installation.
export const isOfThePlatform = (models, type) =>
  models.some((model) => model.built_in && model.entity_type === type && type !== "group" && type !== "oauth_client");

// Who may write models and grants, as the API decides it: `model(model)` and `grant(type, models)` say yes or no.
export function useWriting() {
  const has = useHas();
  const ofApp = (model, right) => Boolean(model?.client) && has(right);
  return {
    model: (model) => (model.built_in ? has("manage_platform on platform") : has("update on models") || ofApp(model, "manage on oauth_client")),
    grant: (type, models) => {
      if (type === "oauth_client") return has("manage_access on oauth_client");
      if (type === "group") return has("manage_members on groups");
      if (isOfThePlatform(models, type)) return has("manage_platform on platform");
      return (
        has("update on tuples") ||
        ofApp(
          models.find((model) => model.entity_type === type),
          "manage_access on oauth_client",
        )
      );
    },
  };
}

// Any of these, and there is some grant that they may write.
export const GRANTS = ["update on tuples", "manage_members on groups", "manage_access on oauth_client"];

export const modelPath = (type) => adminPage(`/access/models/${encodeURIComponent(type)}`);

export function address(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `${path}?${new URLSearchParams(given)}`;
}

// The text of a tuple's object or subject in its parts. Types hold colons, and so may ids: the longest type that is known decides.
export function split(text, types) {
  const type = [...types, "user", "group", "apikey", "client"].filter((one) => text.startsWith(`${one}:`)).sort((one, two) => two.length - one.length)[0];
  const at = type === undefined ? text.lastIndexOf(":") : type.length;
  return { type: text.slice(0, at), id: text.slice(at + 1) };
}

const KEPT_MS = 30_000;
const MOST_AT_ONCE = 6;
const known = new Map();
const waiting = [];
let running = 0;

async function withRoom(work) {
  if (running >= MOST_AT_ONCE) await new Promise((go) => waiting.push(go));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

const sources = {
  user: {
    id: /^usr_/,
    path: (id) => `/users/${id}`,
    name: (user) => ({ title: user.name || user.email, note: user.name ? user.email : "", href: adminPage(`/users/${user.id}`) }),
  },
  group: { id: /^grp_/, path: (id) => `/groups/${id}`, name: (group) => ({ title: group.name, note: "group", href: adminPage(`/groups/${group.id}`) }) },
  apikey: { id: /^key_/, path: (id) => `/api-keys/${id}`, name: (key) => ({ title: key.name, note: "API key" }) },
};

function lookUp(type, id) {
  const key = `${type}:${id}`;
  const before = known.get(key);
  if (before && Date.now() - before.at < KEPT_MS) return before.name;
  const source = sources[type];
  const name = source?.id.test(id)
    ? withRoom(() => admin.get(source.path(id))).then(source.name, () => ({ title: id, note: type }))
    : Promise.resolve(
        id === "*"
          ? { title: type === "user" ? "Everyone" : `Every ${type}`, note: "" }
          : { title: id, note: type === "client" ? "app" : type, href: type === "client" ? adminPage(`/clients/${encodeURIComponent(id)}`) : undefined },
      );
  known.set(key, { name, at: Date.now() });
  return name;
}

// The names of [{type, id}, …]: a function of type and id that answers {title, note, href}.
export function useNames(subjects) {
  const key = JSON.stringify(subjects.map(({ type, id }) => [type, id]));
  const [names, setNames] = useState({});
  useEffect(() => {
    let current = true;
    const wanted = subjects.filter(({ type, id }) => type && id);
    Promise.all(wanted.map(async ({ type, id }) => [`${type}:${id}`, await lookUp(type, id)])).then(
      (found) => current && setNames((old) => ({ ...old, ...Object.fromEntries(found) })),
    );
    return () => {
      current = false;
    };
  }, [key]);
  return (type, id) => names[`${type}:${id}`] || { title: sources[type]?.id.test(id) ? "…" : id, note: "" };
}

// Whether somebody of that name is here. Others are taken for the names of subjects in another system.
export async function isHere(type, id) {
  const source = sources[type];
  if (!source || id === "*") return true;
  return admin.get(source.path(encodeURIComponent(id))).then(
    () => true,
    (problem) => problem.status !== 404,
  );
}

// Somebody or something by name, with what tells them apart.
export function Subject({ of, id, relation, plain }) {
  const text = html`${of.title}${relation && html`<span class="muted"> #${relation}</span>`}`;
  return html`<span class="subject" title=${id}>${of.href && !plain ? html`<a href=${of.href}>${text}</a>` : html`<span>${text}</span>`}${of.note && html` <span class="muted">${of.note}</span>`}</span>`;
}

const MOST_SHOWN = 50;
const listed = (words) => (words.length > 5 ? `${words.slice(0, 4).join(", ")} and ${words.length - 4} more` : words.join(", "));

// Changes by who they are about: [{type, id, relation, what: [{permissions, objects}, …]}, …].
function bySubject(changes) {
  const found = new Map();
  for (const change of changes) {
    const key = `${change.subject_type}:${change.subject_id}#${change.subject_relation || ""}`;
    const one = found.get(key) || { key, type: change.subject_type, id: change.subject_id, relation: change.subject_relation, objects: new Map() };
    const object = `${change.entity_type}:${change.entity_id}`;
    const permission = change.abac_required ? `${change.permission} (a policy decides)` : change.permission;
    one.objects.set(object, [...(one.objects.get(object) || []), permission]);
    found.set(key, one);
  }
  return [...found.values()].map((one) => {
    const what = new Map();
    for (const [object, permissions] of one.objects) {
      const key = permissions.sort().join(", ");
      what.set(key, [...(what.get(key) || []), object.endsWith(":*") ? `every ${object.slice(0, -2)}` : object]);
    }
    return { ...one, what: [...what] };
  });
}

function Side({ title, kind, changes, nameOf }) {
  if (changes.length === 0) return null;
  const shown = changes.slice(0, MOST_SHOWN);
  return html`<div class="change"><h3><${Tag} kind=${kind}>${title}</${Tag}></h3><ul>${shown.map(
    (one) => html`<li key=${one.key}>
    <${Subject} of=${nameOf(one.type, one.id)} id=${one.id} relation=${one.relation} plain=${true} />
    ${one.what.map(([permissions, objects]) => html`<span key=${permissions} class="what"><b>${permissions}</b> on ${listed(objects)}</span>`)}
  </li>`,
  )}</ul>${changes.length > shown.length && html`<p class="hint">And ${changes.length - shown.length} more.</p>`}</div>`;
}

// What a dry run answered: who gains and who loses.
export function Changes({ changes }) {
  const [gained, lost] = [bySubject(changes.gained), bySubject(changes.lost)];
  const nameOf = useNames([...gained.slice(0, MOST_SHOWN), ...lost.slice(0, MOST_SHOWN)]);
  return html`<div class="changes">
    <${Side} title="Will gain" kind="good" changes=${gained} nameOf=${nameOf} />
    <${Side} title="Will lose" kind="bad" changes=${lost} nameOf=${nameOf} />
    ${gained.length + lost.length === 0 && changes.complete && html`<p>Nobody gains or loses anything.</p>`}
    ${!changes.complete && html`<p class="hint">This is not all: there is more than was looked at.</p>`}
  </div>`;
}

// In a line: "Ann Lee loses read and change on doc:1." Empty when nothing changes.
export async function told(changes, verb) {
  const subjects = bySubject(changes);
  if (subjects.length === 0) return "";
  const [first] = subjects;
  const { title } = await lookUp(first.type, first.id);
  const more = subjects.length > 1 ? ` So do ${subjects.length - 1} more.` : "";
  return `${title} ${verb} ${first.what.map(([permissions, objects]) => `${permissions} on ${listed(objects)}`).join("; ")}.${more}`;
}

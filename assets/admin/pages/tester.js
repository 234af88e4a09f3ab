// The permission tester: one question, answered in a sentence, as a path, and as the raw trace. The question is in the address.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { Graph } from "../../static/core/graph.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { curl, Elsewhere, Empty, Field, Header, Tag } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { takenFor } from "../people.js";
import { address, modelPath, split, useModels, useNames } from "./access.js";
import { SUBJECT_TYPES, SubjectField } from "./grant-new.js";
import { readJson, TextEditor } from "./text-editor.js";

const NAMES = ["subject_type", "subject_id", "permission", "entity_type", "entity_id", "resource", "context"];
const NEEDED = ["subject_type", "subject_id", "permission", "entity_type"];
// As many grants as the server tries with one question.
const MAX_TRIED = 20;

export function Tester() {
  const { query } = useAddress();
  const models = useModels();
  const asked = Object.fromEntries(NAMES.map((name) => [name, query.get(name) || ""]));
  const [count, setCount] = useState(0);
  const isAsked = NEEDED.every((name) => asked[name]);
  const body = question(asked);
  return html`
    <${Header} title="Tester" purpose="May somebody do something, and why?" />
    <section class="panel"><${Question} asked=${asked} models=${models.value || []} ask=${(values) => {
      setQuery(values);
      setCount((n) => n + 1);
    }} /></section>
    ${
      isAsked
        ? html`<${Answer} key=${JSON.stringify([asked, count])} asked=${asked} body=${body} models=${models.value || []} />`
        : html`<${Empty} title="Ask a question"><p>The answer says which grants lead there, step by step. If it is no, it says what comes nearest, and how to grant it.</p></${Empty}>`
    }
    <${Elsewhere} command=${command(asked)} request=${curl("POST", "/check", isAsked ? body : { subject_type: "user", subject_id: "ann@example.com", permission: "read", entity_type: "shop:invoice", entity_id: "inv_1", explain: true })} />`;
}

/** @param {Record<string, string>} asked */
function question({ resource, context, entity_id, ...asked }) {
  const read = (text) => (text ? readJson(text).value : undefined);
  return {
    ...asked,
    entity_id: entity_id || "*",
    ...(read(resource) ? { resource: read(resource) } : {}),
    ...(read(context) ? { context: read(context) } : {}),
    explain: true,
  };
}

function command(asked) {
  const words = [
    asked.subject_type || "user",
    asked.subject_id || "ann@example.com",
    asked.permission || "read",
    asked.entity_type || "shop:invoice",
    asked.entity_id || (asked.permission ? "*" : "inv_1"),
  ];
  return `auther admin check ${words.map(shell).join(" ")} --explain${asked.resource ? ` --resource ${shell(asked.resource)}` : ""}`;
}

function Question({ asked, models, ask }) {
  const [values, setValues] = useState(() => ({ ...asked, subject_type: asked.subject_type || "user", entity_type: asked.entity_type }));
  const [wrong, setWrong] = useState({});
  const set = (name) => (value) => setValues((old) => ({ ...old, [name]: value }));
  useEffect(() => {
    if (!values.entity_type && models.length > 0) set("entity_type")(models[0].entity_type);
  }, [models.length]);
  const model = models.find((one) => one.entity_type === values.entity_type);
  const permissions = Object.keys(model?.definition.permissions || {});
  const relations = Object.keys(model?.definition.relations || {});
  const submit = (event) => {
    event.preventDefault();
    const problems = {};
    for (const [name, words] of [
      ["subject_id", "Name somebody."],
      ["permission", "Name a permission or a relation."],
      ["entity_type", "Name a type."],
    ])
      if (!values[name].trim()) problems[name] = words;
    for (const name of ["resource", "context"]) {
      const read = values[name].trim() ? readJson(values[name]) : { value: {} };
      if (read.slip || typeof read.value !== "object" || read.value === null || Array.isArray(read.value))
        problems[name] = read.slip?.message || "This is no object: { … }.";
    }
    setWrong(problems);
    if (Object.keys(problems).length > 0) document.getElementById(`field-${Object.keys(problems)[0]}`)?.focus();
    else ask({ ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()])) });
  };
  const types = models.map((one) => [one.entity_type, one.built_in ? `${one.entity_type} (built in)` : one.entity_type]);
  const kinds = SUBJECT_TYPES.some(([kind]) => kind === values.subject_type) ? SUBJECT_TYPES : [[values.subject_type, values.subject_type], ...SUBJECT_TYPES];
  return html`<form class="question" onSubmit=${submit} novalidate>
    <div class="asks">
      <${Field} name="subject_type" kind="select" label="May" value=${values.subject_type} onInput=${set("subject_type")} options=${kinds} />
      <div><${SubjectField} label="Name" type=${values.subject_type} value=${values.subject_id} onInput=${set("subject_id")} wrong=${wrong.subject_id} /></div>
      <div><${Field} name="permission" label="do" value=${values.permission} onInput=${set("permission")} wrong=${wrong.permission} list="permissions" autocomplete="off" spellcheck="false" autocapitalize="off" hint=${permissions.length > 0 ? `${permissions.slice(0, 5).join(", ")}${permissions.length > 5 ? " …" : ""}` : "A permission or a relation."} />
        <datalist id="permissions">${permissions.map((name) => html`<option key=${name} value=${name} />`)}${relations.map((name) => html`<option key=${`relation ${name}`} value=${name}>relation</option>`)}</datalist></div>
      <${Field} name="entity_type" kind="select" label="with" value=${values.entity_type} onInput=${set("entity_type")} wrong=${wrong.entity_type} options=${types.some(([one]) => one === values.entity_type) || !values.entity_type ? types : [[values.entity_type, values.entity_type], ...types]} />
      <${Field} name="entity_id" label="Object" value=${values.entity_id} onInput=${set("entity_id")} placeholder="* for all" autocomplete="off" spellcheck="false" autocapitalize="off" />
    </div>
    <details class="more" open=${Boolean(values.resource || values.context || wrong.resource || wrong.context)}><summary>What policies get</summary>
      <div class="columns">
        <div><${TextEditor} id="field-resource" label="Resource" hint="JSON, optional" rows=${5} value=${values.resource} onInput=${set("resource")} invalid=${Boolean(wrong.resource)} />${wrong.resource ? html`<p class="wrong">${wrong.resource}</p>` : html`<p class="hint">Such as <code>${'{"attributes": {"amount": 50}}'}</code></p>`}</div>
        <div><${TextEditor} id="field-context" label="Context" hint="JSON, optional" rows=${5} value=${values.context} onInput=${set("context")} invalid=${Boolean(wrong.context)} />${wrong.context ? html`<p class="wrong">${wrong.context}</p>` : html`<p class="hint">Such as <code>${'{"request": {"ip": "203.0.113.9"}}'}</code></p>`}</div>
      </div></details>
    <div class="actions side"><button type="submit" class="button primary">Ask</button></div>
  </form>`;
}

function Answer({ asked, body, models }) {
  const from = useLoaded((signal) => admin.post("/check", body, undefined, signal), []);
  return html`<${Loaded} from=${from} lines=${3}>${(answer) => html`<${Told} asked=${asked} answer=${answer} models=${models} />`}</${Loaded}>`;
}

// The steps that hold, from the object to the subject: each a tuple, or what it leads through.
function pathOf(step, types, found = []) {
  if (!step || !["yes", "gated"].includes(step.holds)) return found;
  if (step.tuple) {
    const [object, subject] = step.tuple.text.split(/#[^@]*@/);
    const relation = step.tuple.text.slice(object.length + 1).split("@")[0];
    const [set, setRelation] = subject.split("#");
    found.push({
      rule: step.rule,
      id: step.tuple.id,
      object: split(object, types),
      relation,
      subject: split(set, types),
      subjectRelation: setRelation,
      script: step.script,
    });
  }
  const below = step.rule === "except" ? (step.by || []).slice(0, 1) : step.by || [];
  below.forEach((one) => pathOf(one, types, found));
  return found;
}

const key = ({ type, id }) => `${type}:${id}`;
const scripts = { condition: "condition", policy: "policy" };

function Told({ asked, answer, models }) {
  const types = models.map((model) => model.entity_type);
  const steps = answer.allowed ? pathOf(answer.explanation?.derivation, types) : [];
  const who = { type: answer.subject_type, id: answer.subject_id };
  const nameOf = useNames([who, ...steps.flatMap(({ object, subject }) => [object, subject])]);
  const name = nameOf(who.type, who.id).title;
  const object =
    asked.entity_id && asked.entity_id !== "*"
      ? html`<b>${asked.entity_id}</b> <span class="muted">(${asked.entity_type})</span>`
      : html`every <b>${asked.entity_type}</b>`;
  return html`
    <section class=${`panel answer ${answer.allowed ? "yes" : "no"}`} aria-live="polite">
      <p class="sentence"><${Tag} kind=${answer.allowed ? "good" : "bad"}>${answer.allowed ? "Yes" : "No"}</${Tag}> <span><b>${name}</b> ${answer.allowed ? "may" : "may not"} <b>${asked.permission}</b> ${object}: ${answer.because}.${takenFor(answer.resolved)}</span></p>
      ${steps.length > 0 && html`<${Path} steps=${steps} who=${who} asked=${asked} nameOf=${nameOf} />`}
      ${!answer.allowed && html`<${Nearest} answer=${answer} asked=${asked} types=${types} name=${name} />`}
    </section>
    <section class="panel"><h2>Trace</h2>
      ${answer.explanation?.words?.length > 0 ? html`<pre class="trace" tabindex="0">${answer.explanation.words.join("\n")}</pre>` : html`<p class="lead">There is nothing to tell: nobody has anything there.</p>`}
      <details class="in-words"><summary>Raw answer</summary><pre class="trace" tabindex="0">${JSON.stringify(answer, null, 2)}</pre></details>
    </section>`;
}

// From whom it is about, along the grants, to what they may.
function Path({ steps, who, asked, nameOf }) {
  const nodes = new Map();
  const edges = [];
  const put = (thing, kind) => {
    const named = nameOf(thing.type, thing.id);
    const id = key(thing);
    if (!nodes.has(id)) nodes.set(id, { id, title: thing.id === "*" ? `every ${thing.type}` : named.title, notes: thing.id === "*" ? [] : [thing.type], kind });
    return id;
  };
  const start = put(who, "start");
  const sentences = [];
  for (const step of steps) {
    // A grant to everyone of a type is a grant to who asks.
    const from = step.subject.id === "*" && step.subject.type === who.type ? start : put(step.subject);
    const to = put(step.object);
    const note = step.script ? `, ${scripts[step.script.source]} agrees` : "";
    edges.push(
      step.rule === "parent"
        ? { from, to, label: "is its parent", kind: "parent" }
        : { from, to, label: `${step.subjectRelation ? `${step.subjectRelation} → ` : ""}${step.relation}${note}` },
    );
    sentences.push(
      html`<li key=${step.id}><a href=${address(adminPage("/access/grants"), { entity_type: step.object.type, entity_id: step.object.id, relation: step.relation })}>${nameOf(step.subject.type, step.subject.id).title} ${step.rule === "parent" ? "is the parent" : `is ${step.relation}`} of ${step.object.id === "*" ? `every ${step.object.type}` : nameOf(step.object.type, step.object.id).title}</a>${note}</li>`,
    );
  }
  const last = key(steps[0].object);
  nodes.set("permission", { id: "permission", title: asked.permission, notes: ["allowed"], kind: "good" });
  edges.push({ from: last, to: "permission", label: steps[0].object.type === asked.entity_type ? "" : "gives it everywhere" });
  const list = [...nodes.values()];
  return html`<${Graph} nodes=${list} edges=${edges} across=${true} title=${`The way from ${nodes.get(start).title} to ${asked.permission}, in ${steps.length} ${steps.length === 1 ? "step" : "steps"}`} />
    <details class="in-words"><summary>In words, with its grants</summary><ol class="way-words">${sentences.reverse()}</ol></details>`;
}

// The relations that a definition takes away from others.
function takenAway(part, found = new Set(), inside = false) {
  if (Array.isArray(part)) part.forEach((one) => takenAway(one, found, inside));
  else if (part && typeof part === "object") {
    if (inside && typeof part.relation === "string" && !part.from) found.add(part.relation);
    for (const [name, one] of Object.entries(part)) takenAway(one, found, inside || name === "except");
  }
  return found;
}

const NEW = adminPage("/access/grants/create");

// A way to a yes: what stands in it, what to press, where that leads, and the grant that would be made, to be tried first.
const way = (words, title, href, grant) => ({ words, title, href, grant });
const granting = (words, title, grant) => way(words, title, address(NEW, { ...grant, names: "false" }), grant);

// The ways that the near misses show.
function waysOf({ answer, asked, types, name, subject, nameOf }) {
  const policy = address(modelPath(asked.entity_type), { tab: "policies", permission: asked.permission });
  return (answer.explanation?.misses || [])
    .filter((miss) => miss.tuple)
    .map((miss) => {
      const { object, relation, subject: set } = partsOf(miss.tuple, types);
      const what = object.id === "*" ? `every ${object.type}` : nameOf(object.type, object.id).title;
      const whom = nameOf(set.type, set.id).title;
      const grants = address(adminPage("/access/grants"), { entity_type: object.type, entity_id: object.id, relation });
      switch (miss.why) {
        case "excluded":
          return way(`It would hold, but ${name} is ${relation} of ${what}, which takes it away.`, "See that grant", grants);
        case "exclusion_unclear":
          return way(`It would hold, but whether ${name} is ${relation} of ${what} could not be found out.`, "See that grant", grants);
        case "policy_denied":
          return way(`${whom} is ${relation} of ${what}, but the policy of ${asked.permission} did not say true.`, "See the policy", policy);
        case "condition_denied":
          return way(`The grant of ${relation} of ${what} would do, but its condition did not say true.`, "See that grant", grants);
        case "script_failed":
          return way(`The grant of ${relation} of ${what} would do, but its script failed: ${miss.message || "no more is known"}.`, "See the policy", policy);
        case "expired":
          return granting(`${whom} was ${relation} of ${what} until that grant ended.`, "Grant it anew", {
            entity_type: object.type,
            entity_id: object.id,
            relation,
            subject_type: set.type,
            subject_id: set.id,
          });
        case "not_in_set":
          if (set.type !== "group") return way(`${whom} is ${relation} of ${what}, and ${name} does not belong to it.`, "See that grant", grants);
          return granting(`The group ${whom} is ${relation} of ${what}, and ${name} is not in it.`, `Put them in ${whom}`, {
            entity_type: "group",
            entity_id: set.id,
            relation: "member",
            ...subject,
          });
        case "not_on_parent":
          return way(
            `${what} has the parent ${whom}, on which ${name} has nothing.`,
            "Grant something there",
            address(NEW, { entity_type: set.type, entity_id: set.id, ...subject, names: "false" }),
          );
        default:
          return null;
      }
    })
    .filter(Boolean);
}

// The ways that a reason shows without any grant.
function waysOfReason({ answer, asked, name }) {
  switch (answer.reason) {
    case "no_model":
      return [way(`There is no model of ${asked.entity_type}.`, "Write one", address(adminPage("/access/create"), { type: asked.entity_type }))];
    case "no_permission":
      return [way(`The model of ${asked.entity_type} has no ${asked.permission}.`, "See the model", modelPath(asked.entity_type))];
    case "subject_disabled":
      return [
        way(
          `${name} is disabled or has ended, and may do nothing.`,
          answer.subject_type === "user" ? "See the account" : null,
          adminPage(`/users/${answer.subject_id}`),
        ),
      ];
    case "subject_not_found":
      return [way(`There is no ${asked.subject_type} ${asked.subject_id} here.`)];
    default:
      return [];
  }
}

// No answer means that every grant may be enough.
function unlessGivenUp(problem) {
  if (problem.name === "AbortError") throw problem;
  return [];
}

// Which of some grants would each be enough, asked about at once.
async function areEnough(grants, answer, asked, signal) {
  const question = {
    subject_type: answer.subject_type,
    subject_id: answer.subject_id,
    permission: asked.permission,
    entity_type: asked.entity_type,
    entity_id: asked.entity_id || null,
    names: false,
  };
  const { would_do: enough } = await admin.post("/check", { ...question, would_do: grants.slice(0, MAX_TRIED) }, undefined, signal);
  return enough;
}

// What would make a denial a yes. What can be granted is tried, and only what would be enough is offered.
function Nearest({ answer, asked, types, name }) {
  const model = useLoaded((signal) => admin.get(`/models/${encodeURIComponent(asked.entity_type)}`, undefined, signal).catch(() => null), []);
  const misses = answer.explanation?.misses || [];
  const nameOf = useNames(misses.filter((miss) => miss.tuple).flatMap((miss) => Object.values(partsOf(miss.tuple, types)).filter((part) => part.type)));
  const subject = { subject_type: answer.subject_type, subject_id: answer.subject_id };
  const on = { entity_type: asked.entity_type, entity_id: asked.entity_id || "*" };
  const what = on.entity_id === "*" ? `every ${on.entity_type}` : on.entity_id;
  const description = model.value?.description;
  const permission = description?.permissions.find((one) => one.name === asked.permission);
  const gives = (relation) => relation === asked.permission || ["yes", "unless"].includes(description?.matrix[relation]?.[asked.permission] ?? "");
  const enough =
    description && answer.reason === "no_tuple"
      ? description.relations
          .filter((one) => one.takes_tuples && gives(one.name))
          .map((one) => one.name)
          .reverse()
      : [];
  const held = misses.filter((miss) => miss.why === "other_relation").map((miss) => miss.relation);
  const away = takenAway(model.value?.definition);
  const ways = [
    ...waysOfReason({ answer, asked, name }),
    ...held
      .filter((relation) => away.has(relation))
      .map((relation) =>
        way(
          `${name} is ${relation} of ${what}, which takes away what others have.`,
          "See that grant",
          address(adminPage("/access/grants"), { ...on, relation }),
        ),
      ),
    ...waysOf({ answer, asked, types, name, subject, nameOf }),
    ...enough.map((relation) =>
      granting(`Make ${name} ${relation} of ${what}.${permission?.policy ? " A policy then has the last word." : ""}`, `Grant ${relation}`, {
        ...on,
        relation,
        ...subject,
      }),
    ),
  ];
  const grants = ways.filter((one) => one.grant).map((one) => JSON.stringify(one.grant));
  const tried = useLoaded(
    async (signal) => {
      if (grants.length === 0) return {};
      const enough = await areEnough(
        grants.map((grant) => JSON.parse(grant)),
        answer,
        asked,
        signal,
      ).catch(unlessGivenUp);
      return Object.fromEntries(grants.map((grant, n) => [grant, enough?.[n] !== false]));
    },
    [grants.join()],
  );
  if (model.loading || tried.value === undefined) return html`<p class="lead">Looking for the nearest way to a yes…</p>`;
  const open = ways.filter((one) => !one.grant || tried.value?.[JSON.stringify(one.grant)] !== false);
  const few = ways.length - open.length;
  const lesser = held.filter((relation) => !away.has(relation));
  return html`<div class="nearest"><h2>What would allow it</h2>
    ${lesser.length > 0 && answer.reason === "no_tuple" && html`<p class="lead">${name} is ${lesser.join(" and ")} of ${what}, which is not enough.</p>`}
    <ul>${open.map((one, n) => html`<li key=${n}><span>${one.words}</span>${one.title && html`<a class="button small" href=${one.href}>${one.title}</a>`}</li>`)}
      ${open.length === 0 && html`<li><span>No single grant would be enough. The model decides.</span><a class="button small" href=${modelPath(asked.entity_type)}>See the model</a></li>`}</ul>
    ${few > 0 && open.length > 0 && html`<p class="hint">${few} other ${few === 1 ? "grant" : "grants"} would not be enough alone.</p>`}</div>`;
}

function partsOf(tuple, types) {
  const [object, subject] = tuple.text.split(/#[^@]*@/);
  return { object: split(object, types), relation: tuple.text.slice(object.length + 1).split("@")[0], subject: split(subject.split("#")[0], types) };
}

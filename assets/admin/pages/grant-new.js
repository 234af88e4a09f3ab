// A new grant: what is asked for follows the model of the chosen type, and who would gain what is shown before anything is written.
import { admin } from "../../static/core/api.js";
import { Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useState } from "../../static/core/html.js";
import { navigate, useAddress } from "../../static/core/router.js";
import { Button, curl, Elsewhere, Empty, Field, Header, Tag, toast, Wrong } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { shell } from "../../static/core/words.js";
import { takenFor } from "../people.js";
import { address, Changes, isHere, isOfThePlatform, modelPath, split, useModels, useWriting } from "./access.js";
import { parts } from "./grants.js";
import { ScriptField } from "./model-policies.js";

/** @import { NewTuple } from "../../api" */

const WAIT_MS = 350;

// Where names are suggested from, as [value, words] for a subject type.
const suggestions = {
  user: (search) => admin.get("/users", { search, limit: 10 }).then(({ items }) => items.map((user) => [user.email, user.name || ""])),
  group: (search) => admin.get("/groups", { search, limit: 10 }).then(({ items }) => items.map((group) => [group.name, group.description || ""])),
  client: (search) => admin.get("/clients", { search, limit: 10 }).then(({ items }) => items.map((client) => [client.client_id, client.name])),
  apikey: () => admin.get("/api-keys", { limit: 100 }).then(({ items }) => items.map((key) => [key.id, key.name])),
};

// A field for the id of somebody, with suggestions while one types.
export function SubjectField({ name = "subject_id", label = "Who", type, value, onInput, wrong }) {
  const [found, setFound] = useState([]);
  const search = type === "apikey" ? "" : value;
  useEffect(() => {
    if (!suggestions[type]) {
      setFound([]);
      return undefined;
    }
    let current = true;
    const timer = setTimeout(
      () =>
        suggestions[type](search).then(
          (items) => current && setFound(items),
          () => current && setFound([]),
        ),
      200,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [type, search]);
  const hints = {
    user: "E-mail address, username or id; * for everyone.",
    group: "Name or id of the group: its members have it.",
    apikey: "The key's id, key_….",
    client: "The client id.",
  };
  return html`<${Field} name=${name} label=${label} value=${value} onInput=${onInput} wrong=${wrong} hint=${hints[type] || `The id of one ${type}.`} list=${`${name}-found`} autocomplete="off" spellcheck="false" autocapitalize="off" />
    <datalist id=${`${name}-found`}>${found.map(([one, words]) => html`<option key=${one} value=${one}>${words}</option>`)}</datalist>`;
}

export const SUBJECT_TYPES = [
  ["user", "a person"],
  ["group", "a group"],
  ["apikey", "an API key"],
  ["client", "an app"],
];

// What may stand on the right of a relation, as options; the four kinds when the model does not say.
function subjectTypes(relation) {
  const allowed = relation?.subjects;
  const titles = Object.fromEntries(SUBJECT_TYPES);
  if (!allowed) return [...SUBJECT_TYPES, ["other", "a thing of another type"]];
  return [...new Set(allowed.map((rule) => rule.replace(/[#:]\*?[^:]*$/, (end) => (end.startsWith("#") || end === ":*" ? "" : end))))].map((type) => [
    type,
    titles[type] || type,
  ]);
}

export function NewGrant() {
  const models = useModels();
  return html`
    <${Header} title="New grant" purpose="Gives somebody a relation to an object." back=${{ href: adminPage("/access/grants"), title: "Grants" }} />
    <${Loaded} from=${models}>${(list) => html`<${Grant} models=${list} />`}</${Loaded}>`;
}

function initial(query, models) {
  const subject = query.get("subject") || "";
  const from = subject
    ? split(
        subject,
        models.map((model) => model.entity_type),
      )
    : { type: query.get("subject_type") || "user", id: query.get("subject_id") || "" };
  const type = query.get("entity_type") || models.find((model) => !model.built_in)?.entity_type || "users";
  return {
    entity_type: type,
    entity_id: query.get("entity_id") ?? (isOfThePlatform(models, type) ? "*" : ""),
    relation: query.get("relation") || "",
    subject_type: from.type || "user",
    subject_id: from.id,
    other_type: "",
    subject_relation: query.get("subject_relation") || "",
    condition: "",
    ends: "",
    // What another page names is an identifier; what is typed may be a name.
    names: query.get("names") !== "false",
  };
}

// The tuple that the fields say, or null while something is missing.
function tupleOf(values) {
  const subject_type = values.subject_type === "other" ? values.other_type.trim() : values.subject_type;
  const moment = values.ends ? new Date(values.ends) : null;
  const tuple = {
    entity_type: values.entity_type,
    entity_id: values.entity_id.trim(),
    relation: values.relation,
    subject_type,
    subject_id: values.subject_id.trim(),
    subject_relation: values.subject_relation.trim() || null,
    condition: values.condition.trim() || null,
    expires_at: moment && !Number.isNaN(+moment) ? moment.toISOString() : null,
  };
  return tuple.entity_type && tuple.entity_id && tuple.relation && subject_type && tuple.subject_id
    ? { ...parts(tuple), ...(values.names ? {} : { names: false }) }
    : null;
}

function Grant({ models }) {
  const { query } = useAddress();
  const [values, setValues] = useState(() => initial(query, models));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const type = values.entity_type;
  const may = useWriting().grant(type, models);
  const model = useLoaded(
    (signal) =>
      admin.get(`/models/${encodeURIComponent(type)}`, undefined, signal).catch((error) => {
        if (error.status === 404) return null;
        throw error;
      }),
    [type],
  );
  const description = model.value?.entity_type === type ? model.value?.description : null;
  const relations = (description?.relations || []).filter((relation) => relation.takes_tuples);
  const chosen = relations.find((relation) => relation.name === values.relation);
  const kinds = subjectTypes(chosen);
  const set = (name) => (value) => setValues((old) => ({ ...old, [name]: value }));
  useEffect(() => {
    if (!description) return;
    const names = relations.map((relation) => relation.name);
    // Asked of what is chosen by then: somebody may have been quicker than this.
    setValues((old) => (names.includes(old.relation) ? old : { ...old, relation: names.at(-1) || "" }));
  }, [description]);
  useEffect(() => {
    if (chosen && !kinds.some(([kind]) => kind === values.subject_type)) {
      if (kinds.some(([kind]) => kind === "other")) setValues((old) => ({ ...old, other_type: old.subject_type, subject_type: "other" }));
      else set("subject_type")(kinds[0]?.[0] || "user");
    }
  }, [values.relation, description]);
  const tuple = tupleOf(values);
  const wrong = problem?.fields || {};
  const gives = (relation) =>
    (description?.permissions || []).filter((one) => ["yes", "unless"].includes(description?.matrix[relation]?.[one.name] ?? "")).map((one) => one.name);
  const send = async (event) => {
    event.preventDefault();
    if (!tuple) {
      setProblem(new Error("Something is missing: the object, the relation and who all have to be named."));
      return;
    }
    setBusy(true);
    try {
      const { resolved } = await admin.post("/tuples", tuple);
      toast(`Granted.${takenFor(resolved)}`);
      navigate(address(adminPage("/access/grants"), { entity_type: tuple.entity_type, entity_id: tuple.entity_id }));
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const isSet = !["user", "apikey", "client"].includes(values.subject_type);
  const types = models.map((one) => [one.entity_type, one.built_in ? `${one.entity_type} (built in)` : one.entity_type]);
  return html`<div class="model-desk">
    <section class="panel"><form onSubmit=${send} novalidate aria-busy=${busy}>
      ${problem && Object.keys(wrong).length === 0 && html`<${Wrong} problem=${problem} />`}
      <${Field} name="entity_type" kind="select" label="Type" value=${type} onInput=${(value) => setValues((old) => ({ ...old, entity_type: value, entity_id: isOfThePlatform(models, value) ? "*" : old.entity_id === "*" ? "" : old.entity_id }))} wrong=${wrong.entity_type}
        options=${types.some(([one]) => one === type) ? types : [[type, type], ...types]} />
      ${model.value === null && html`<p class="hint">There is no model of ${type} yet. <a href=${address(adminPage("/access/create"), { type })}>Write one</a> first.</p>`}
      <${Field} name="entity_id" label="Object" value=${values.entity_id} onInput=${set("entity_id")} wrong=${wrong.entity_id} hint=${`The id that your app uses. * means every ${type}.`} autocomplete="off" spellcheck="false" autocapitalize="off" />
      <${Field} name="relation" kind="select" label="Relation" value=${values.relation} onInput=${set("relation")} wrong=${wrong.relation} options=${relations.map(({ name }) => [name, name])}
        hint=${chosen && (gives(chosen.name).length > 0 ? `Allows ${gives(chosen.name).join(", ")}.` : "Allows nothing by itself.")} />
      <${Field} name="subject_type" kind="select" label="To" value=${values.subject_type} onInput=${set("subject_type")} options=${kinds} wrong=${wrong.subject_type} />
      ${values.subject_type === "other" && html`<${Field} name="other_type" label="Its type" value=${values.other_type} onInput=${set("other_type")} autocomplete="off" spellcheck="false" />`}
      <${SubjectField} type=${values.subject_type === "other" ? values.other_type || "thing" : values.subject_type} value=${values.subject_id} onInput=${(value) => setValues((old) => ({ ...old, subject_id: value, names: true }))} wrong=${wrong.subject_id} />
      <details class="more" open=${Boolean(values.condition || values.ends || wrong.condition || wrong.expires_at || values.subject_relation)}><summary>More: end, condition${isSet ? ", part of it" : ""}</summary>
        ${isSet && html`<${Field} name="subject_relation" label="Subject relation" optional=${true} value=${values.subject_relation} onInput=${set("subject_relation")} wrong=${wrong.subject_relation} hint="A relation, such as lead: who has it to that thing has this grant. Without it, members of a group." />`}
        <${Field} name="ends" kind="datetime-local" label="Ends" optional=${true} value=${values.ends} onInput=${set("ends")} wrong=${wrong.expires_at} hint="In your own time zone. It expires then." />
        <${ScriptField} id="condition" label="Condition" rows=${5} script=${values.condition} change=${set("condition")} />
        ${wrong.condition && html`<p class="wrong">${wrong.condition}</p>`}
        <p class="hint">Lua that must return true for this grant to count. It takes the place of the permission's policy.</p>
      </details>
      ${!may && html`<p class="hint">You may look, but not give relations to objects of this type.</p>`}
      <div class="actions side"><button type="submit" class="button primary" disabled=${busy || !may}>Grant</button><${Button} onClick=${() => history.back()}>Cancel</${Button}></div>
    </form></section>
    <div class="beside"><${Preview} tuple=${tuple} type=${type} />
      <${Elsewhere} command=${command(tuple)} request=${curl("POST", "/tuples", tuple || { entity_type: type, entity_id: "1", relation: values.relation || "viewer", subject_type: "user", subject_id: "ann@example.com" })} /></div>
  </div>`;
}

function command(tuple) {
  const said = tuple || { entity_type: "TYPE", entity_id: "ID", relation: "RELATION", subject_type: "user", subject_id: "ann@example.com" };
  const words = [said.entity_type, said.entity_id, said.relation, said.subject_type, said.subject_id].map(shell).join(" ");
  const flags = `${said.names === false ? " --as-is" : ""}${said.subject_relation ? ` --subject-relation ${shell(said.subject_relation)}` : ""}${said.expires_at ? ` --expires-at ${said.expires_at}` : ""}${said.condition ? " --condition-file condition.lua" : ""}`;
  return `auther admin tuple add ${words}${flags} --dry-run\nauther admin tuple add ${words}${flags}`;
}

const words = { user: "person", group: "group", apikey: "API key" };

// Who would gain what, asked for while the fields are filled in.
/** @param {{ tuple: NewTuple | null, [more: string]: any }} given */
function Preview({ tuple, type }) {
  const key = JSON.stringify(tuple);
  const [state, setState] = useState({});
  useEffect(() => {
    if (!tuple) {
      setState({});
      return undefined;
    }
    let current = true;
    const control = new AbortController();
    const timer = setTimeout(() => {
      Promise.all([admin.post("/tuples/dry-run", { add: [tuple] }, undefined, control.signal), isHere(tuple.subject_type, tuple.subject_id)]).then(
        ([changes, known]) => current && setState({ key, changes, known }),
        (problem) => current && setState({ key, problem }),
      );
    }, WAIT_MS);
    return () => {
      current = false;
      clearTimeout(timer);
      control.abort();
    };
  }, [key]);
  if (!tuple)
    return html`<${Empty} title="What this would change"><p>Fill in the object and who. What they gain is shown here before anything is written.</p></${Empty}>`;
  return html`<section class="panel" aria-live="polite"><h2>What this would change</h2>
    ${
      state.key !== key
        ? html`<p class="lead">Looking…</p>`
        : state.problem
          ? html`<p class="wrong">${state.problem.message}</p>`
          : html`<${Changes} changes=${state.changes} />
        ${state.changes.resolved.map((one) => html`<p class="hint" key=${one.id}>${takenFor(one)}</p>`)}
        ${!state.known && html`<p class="hint"><${Tag} kind="warn">unknown</${Tag}> There is no ${words[tuple.subject_type]} ${tuple.subject_id} here. It is taken for the name of one in another system.</p>`}
        ${state.known && state.changes.gained.length === 0 && state.changes.lost.length === 0 && html`<p class="hint">They can do it all already, or the relation allows nothing. <a href=${modelPath(type)}>See the model</a>.</p>`}`
    }
  </section>`;
}

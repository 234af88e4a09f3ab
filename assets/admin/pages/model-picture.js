// A model as a picture and as a matrix: which relation gives which, and what each of them allows.
import { Graph } from "../../static/core/graph.js";
import { html } from "../../static/core/html.js";
import { Tag } from "../../static/core/ui.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const listOf = (value) => (Array.isArray(value) ? value : []);

// What an expression rests on, as edges to `to`: `kind` is "part" below allOf, "not" below except.
function edgesOf(expression, to, kind) {
  if (!isObject(expression)) return [];
  const found = [];
  if (typeof expression.relation === "string") {
    if (typeof expression.from === "string")
      found.push({
        from: expression.from,
        to,
        kind: kind || "parent",
        label: `${kind === "not" ? "but not " : ""}${expression.relation} of ${expression.from}`,
      });
    else found.push({ from: expression.relation, to, kind, label: kind === "not" ? "but not" : kind === "part" ? "and" : "includes" });
  }
  for (const part of listOf(expression.anyOf)) found.push(...edgesOf(part, to, kind));
  for (const part of listOf(expression.allOf)) found.push(...edgesOf(part, to, kind || "part"));
  for (const part of listOf(expression.except)) found.push(...edgesOf(part, to, "not"));
  return found;
}

// The nodes and edges of a definition that was found valid.
export function pictureOf(definition, description) {
  const relations = isObject(definition.relations) ? definition.relations : {};
  const permissions = Object.entries(isObject(definition.permissions) ? definition.permissions : {});
  const takes = new Map(description.relations.map((relation) => [relation.name, relation.takes_tuples]));
  const nodes = description.relations.map(({ name }) => {
    const own = permissions
      .filter(([, permission]) => permission.relation === name)
      .map(([title, permission]) => (permission.policy ? `${title} if policy` : title));
    const shown = own.length > 4 ? [...own.slice(0, 3), `and ${own.length - 3} more`] : own;
    return { id: name, title: name, notes: shown, kind: takes.get(name) ? "" : "derived" };
  });
  const edges = Object.entries(relations).flatMap(([name, relation]) => [
    ...[...listOf(relation?.includes), ...listOf(relation?.union)].map((lower) => ({ from: name, to: lower, label: "includes" })),
    ...edgesOf(relation, name, ""),
  ]);
  return { nodes, edges };
}

// What the picture shows, in words, one sentence for each relation.
function sentences(description) {
  return description.relations.map((relation) => {
    const allowed = description.permissions.filter((permission) => ["yes", "unless"].includes(description.matrix[relation.name]?.[permission.name]));
    const takes = relation.subjects ? ` Takes ${relation.subjects.join(", ")}.` : "";
    const gives = allowed.length > 0 ? ` It allows ${allowed.map((one) => one.name).join(", ")}.` : " It allows nothing by itself.";
    return [relation.name, `Held by who is ${relation.held_by.replaceAll("given", "given it")}.${gives}${takes}`];
  });
}

export function Picture({ definition, description }) {
  const { nodes, edges } = pictureOf(definition, description);
  const kinds = new Set(edges.map((edge) => edge.kind || ""));
  return html`<section class="panel">
    <h2>Hierarchy</h2>
    <p class="lead">Who has the upper relation has the lower one too. Below each name: the permissions that need it.</p>
    <${Graph} nodes=${nodes} edges=${edges} title=${`Hierarchy of ${description.entity_type}: ${description.hierarchy.join("; ") || "no relation includes another"}`} />
    ${
      (kinds.has("not") || kinds.has("part") || kinds.has("parent")) &&
      html`<ul class="key">
      ${kinds.has("parent") && html`<li><i class="parent"></i>held on the parent</li>`}
      ${kinds.has("part") && html`<li><i class="part"></i>needed as well</li>`}
      ${kinds.has("not") && html`<li><i class="not"></i>taken away</li>`}
    </ul>`
    }
    <details class="in-words"><summary>In words</summary><dl class="facts wide">${sentences(description).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd>${text}</dd></div>`)}</dl></details>
  </section>`;
}

const worths = {
  yes: ["yes", html`<b class="yes" aria-hidden="true"></b>`],
  unless: ["unless taken away", html`<span aria-hidden="true">unless</span>`],
  part: ["with another relation", html`<span aria-hidden="true">part</span>`],
  no: ["no", html`<span class="muted" aria-hidden="true">–</span>`],
};

export function Matrix({ description }) {
  const { relations, permissions, matrix } = description;
  if (permissions.length === 0) {
    return html`<section class="panel"><h2>Permissions</h2><p class="lead">No permissions yet. Until then, questions name relations.</p></section>`;
  }
  const met = new Set(relations.flatMap((relation) => permissions.map((permission) => matrix[relation.name][permission.name])));
  return html`<section class="panel">
    <h2>Permissions</h2>
    <p class="lead">What each relation allows.</p>
    <div class="matrix" tabindex="0" role="group" aria-label="Relations and their permissions"><table>
      <caption class="unseen">Which relation gives which permission</caption>
      <thead><tr><th scope="col"><span class="unseen">Relation</span></th>${permissions.map((permission) => html`<th key=${permission.name} scope="col" title=${permission.description || undefined}>${permission.name}${permission.policy && html`<${Tag}>policy</${Tag}>`}</th>`)}</tr></thead>
      <tbody>${relations.map(
        (relation) =>
          html`<tr key=${relation.name}><th scope="row">${relation.name}</th>${permissions.map((permission) => {
            const [words, sign] = worths[matrix[relation.name][permission.name]];
            return html`<td key=${permission.name} class=${matrix[relation.name][permission.name]}>${sign}<span class="unseen">${words}</span></td>`;
          })}</tr>`,
      )}</tbody>
    </table></div>
    ${(met.has("unless") || met.has("part")) && html`<p class="hint">${met.has("unless") && "unless: enough, if nothing takes it away. "}${met.has("part") && "part: another relation is needed as well."}</p>`}
  </section>`;
}

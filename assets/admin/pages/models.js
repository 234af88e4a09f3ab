// Models: the list, one of them, and a new one. How its text is edited is in model-editor.js, its policies in model-policies.js.
import { admin } from "../../static/core/api.js";
import { List, Loaded, useLoaded } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { navigate, useAddress } from "../../static/core/router.js";
import { Button, Confirm, curl, Elsewhere, Empty, Field, Header, Tabs, Tag, Time, toast } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { May, useMay } from "../rights.js";
import { address, all, allModels, modelPath, useWriting } from "./access.js";
import { ModelText, Review, SaveBar, useDraft } from "./model-editor.js";
import { Policies } from "./model-policies.js";
import { written } from "./text-editor.js";

const names = (members) => Object.keys(members || {});
const some = (list) =>
  list.length === 0 ? html`<span class="muted">none</span>` : list.length > 4 ? `${list.slice(0, 4).join(", ")} and ${list.length - 4} more` : list.join(", ");

const columns = [
  { title: "Type", cell: (model) => html`<code>${model.entity_type}</code>` },
  { title: "Relations", cell: (model) => some(names(model.definition.relations)) },
  { title: "Permissions", cell: (model) => some(names(model.definition.permissions)) },
  {
    title: "App",
    cell: (model) =>
      model.client ? html`<a href=${adminPage(`/clients/${encodeURIComponent(model.client)}`)}>${model.client}</a>` : html`<span class="muted">none</span>`,
    tight: true,
  },
  { title: "State", cell: (model) => (model.built_in ? html`<${Tag}>built in</${Tag}>` : html`version ${model.version}`), tight: true },
];

const filters = [
  {
    name: "kind",
    title: "Kind",
    options: [
      ["own", "yours"],
      ["built-in", "built in"],
    ],
  },
];

// The API tells models page by page; there are few, so that they are searched here.
async function load({ search, kind }, signal) {
  const wanted = (search || "").toLowerCase();
  const text = (model) =>
    [model.entity_type, model.definition.description, ...names(model.definition.relations), ...names(model.definition.permissions)].join(" ").toLowerCase();
  const items = (await allModels(signal)).filter((model) => text(model).includes(wanted) && (!kind || model.built_in === (kind === "built-in")));
  return { items, next: null };
}

const FirstModel = () => html`<${Empty} title="No model of your own yet">
  <p>A model says which roles there are for a type of thing, such as an invoice, and what each role allows. Who has which role is then a <a href=${adminPage("/access/grants")}>grant</a>.</p>
  <${May} to="update on models"><p><a class="button" href=${adminPage("/access/create")}>Write the first one</a></p></${May}></${Empty}>`;

export function Models() {
  const own = useLoaded((signal) => load({ kind: "own", search: "" }, signal), []);
  return html`
    <${Header} title="Models" purpose="Which roles there are for each type of thing, and what they allow."><${May} to="update on models"><a class="button primary" href=${adminPage("/access/create")}>New model</a></${May}></${Header}>
    ${own.value?.items.length === 0 && html`<${FirstModel} />`}
    <${List} caption="Models" search="Search by type, relation or permission" filters=${filters} columns=${columns} href=${(model) => modelPath(model.entity_type)} keyOf=${(model) => model.entity_type}
      load=${load} empty=${() => null} />
    <${Elsewhere} command="auther admin model list" request=${curl("GET", "/models")} />`;
}

export function Model({ type }) {
  const from = useLoaded((signal) => admin.get(`/models/${encodeURIComponent(type)}`, undefined, signal), [type]);
  return html`<${Loaded} from=${from}>${(model) => html`<${Desk} model=${model} />`}</${Loaded}>`;
}

function Desk({ model }) {
  const type = model.entity_type;
  const { query } = useAddress();
  const tab = query.get("tab") || "model";
  const may = useWriting().model(model);
  const [stored, setStored] = useState(model);
  const [dialog, setDialog] = useState(null);
  const saved = written(stored.definition);
  const draft = useDraft(type, type, saved);
  const take = (next) => {
    setStored(next);
    setDialog(null);
    draft.setText(written(next.definition));
  };
  const kept = (next) => {
    take(next);
    toast(`Version ${next.version} of ${type} is saved.`);
  };
  const policies = Object.values(stored.definition.permissions || {}).filter((permission) => permission.policy).length;
  const tabs = [
    ["model", "Model"],
    ["policies", policies ? `Policies (${policies})` : "Policies"],
  ];
  return html`
    <${Header} title=${type} purpose=${stored.definition.description || "What the relations and permissions of this type mean."} back=${{ href: adminPage("/access"), title: "Models" }}>
      <a class="button" href=${address(adminPage("/access/grants"), { entity_type: type })}>Grants</a>
      <a class="button" href=${address(adminPage("/access/tester"), { entity_type: type })}>Test</a>
      ${!stored.built_in && may && html`<${Button} kind="danger" onClick=${() => setDialog("delete")}>Delete</${Button}>`}
    </${Header}>
    <p class="lead">${
      stored.built_in
        ? html`<${Tag}>built in</${Tag}> Comes with Auther and says who administers it.${may && " What you save takes its place."}`
        : html`Version ${stored.version}, saved <${Time} at=${stored.updated_at} />${stored.client && html`, of the app <a href=${adminPage(`/clients/${encodeURIComponent(stored.client)}`)}>${stored.client}</a>`}.`
    }</p>
    <${Tabs} tabs=${tabs} current=${tab} href=${(name) => address(modelPath(type), { tab: name === "model" ? "" : name }).replace(/\?$/, "")} />
    ${tab === "policies" ? html`<${Policies} type=${type} draft=${draft} stored=${stored} may=${may} />` : html`<${ModelText} draft=${draft} readonly=${!may} />`}
    ${may && html`<${SaveBar} draft=${draft} saved=${saved} review=${() => setDialog("review")} />`}
    ${dialog === "review" && html`<${Review} type=${type} definition=${draft.definition} version=${stored.version} close=${() => setDialog(null)} done=${kept} takeTheirs=${take} />`}
    ${dialog === "delete" && html`<${Delete} stored=${stored} close=${() => setDialog(null)} />`}
    ${
      tab === "policies"
        ? html`<${Elsewhere} command=${`auther admin policy versions ${type}\nauther admin policy evaluations --entity-type ${type}`}
          request=${curl("GET", `/policies/versions?entity_type=${encodeURIComponent(type)}`)} />`
        : html`<${Elsewhere} command=${`auther admin model get ${type} --json\nauther admin model put ${type} --file model.json --dry-run\nauther admin model put ${type} --file model.json`}
          request=${curl("PUT", `/models/${encodeURIComponent(type)}`, { definition: stored.definition, version: stored.version })} />`
    }`;
}

function Delete({ stored, close }) {
  const type = stored.entity_type;
  const grants = useLoaded((signal) => admin.get("/tuples", { entity_type: type, limit: 500 }, signal), []);
  const count = grants.value?.items.length;
  const inUse =
    count > 0
      ? `${count}${grants.value.next ? " or more" : ""} ${count === 1 ? "grant rests" : "grants rest"} on it, and as long as they do it cannot go. Remove them first. `
      : "";
  const loses = `${inUse}Deletes the model of ${type} with ${names(stored.definition.relations).length} relations and ${names(stored.definition.permissions).length} permissions. Questions about ${type} are then answered no.`;
  const done = () => {
    toast(`The model ${type} was deleted.`);
    navigate(adminPage("/access"));
  };
  return html`<${Confirm} title=${`Delete ${type}`} loses=${loses} type=${type} action="Delete model" close=${close} done=${done}
    send=${() => admin.remove(`/models/${encodeURIComponent(type)}`, { version: stored.version })} />`;
}

const examples = {
  roles: [
    "Roles",
    {
      relations: { owner: { includes: ["editor"] }, editor: { includes: ["viewer"] }, viewer: {} },
      permissions: { read: { relation: "viewer" }, change: { relation: "editor" }, delete: { relation: "owner", description: "Gone for good." } },
    },
  ],
  folders: [
    "Things in folders",
    {
      relations: {
        parent: { subjects: ["folder"] },
        owner: { includes: ["viewer"] },
        viewer: { anyOf: [{ direct: true }, { relation: "viewer", from: "parent" }], subjects: ["user", "group"] },
      },
      permissions: { read: { relation: "viewer" }, delete: { relation: "owner" } },
    },
  ],
  policy: [
    "Roles with a policy",
    {
      relations: { owner: { includes: ["viewer"] }, viewer: {} },
      permissions: {
        read: { relation: "viewer" },
        refund: { relation: "owner", policyEngine: "lua", policy: "-- Small amounts only\nreturn context.resource.amount < 1000" },
      },
    },
  ],
  banned: [
    "All but some",
    {
      relations: { member: {}, banned: {}, reader: { anyOf: [{ relation: "member" }], except: [{ relation: "banned" }] } },
      permissions: { read: { relation: "reader" } },
    },
  ],
};

const TYPE = /^[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*){0,2}$/;

export function NewModel() {
  const { query } = useAddress();
  const may = useMay("update on models", "manage on oauth_client");
  const [type, setType] = useState(query.get("type") || "");
  const [client, setClient] = useState("");
  const [example, setExample] = useState("roles");
  const [dialog, setDialog] = useState(false);
  const saved = written(examples[example][1]);
  const isNamed = TYPE.test(type);
  const draft = useDraft("", isNamed ? type : "", saved);
  const clients = useLoaded((signal) => all("/clients", {}, signal).catch(() => []), []);
  const owner = (clients.value || []).find((one) => type.startsWith(`${one.client_id}:`) || type.startsWith(`client_${one.client_id}:`));
  const choose = (name) => {
    setExample(name);
    draft.setText(written(examples[name][1]));
  };
  const done = (model) => {
    draft.setText(saved);
    toast(`The model ${model.entity_type} was created.`);
    navigate(modelPath(model.entity_type));
  };
  return html`
    <${Header} title="New model" purpose="A type of thing, the roles people can have for it, and what those allow." back=${{ href: adminPage("/access"), title: "Models" }} />
    <section class="panel"><div class="columns">
      <${Field} name="type" label="Type" value=${type} onInput=${setType} autocomplete="off" spellcheck="false" autocapitalize="off" wrong=${type && !isNamed ? "Letters, digits and _ . - in up to three parts with a colon between them." : undefined}
        hint=${owner ? `A type of the app ${owner.name}.` : "Such as invoice, or shop:invoice for the app whose id is shop."} />
      ${
        !owner &&
        html`<${Field} name="client" kind="select" label="App" optional=${true} value=${client} onInput=${setClient} hint="Its owners may then change the model."
        options=${[["", "none"], ...(clients.value || []).map((one) => [one.client_id, `${one.name} (${one.client_id})`])]} />`
      }
      <${Field} name="example" kind="select" label="Begin with" value=${example} onInput=${choose} options=${Object.entries(examples).map(([name, [title]]) => [name, title])} hint="Takes the place of the text below." />
    </div></section>
    <${ModelText} draft=${draft} />
    ${
      !may
        ? html`<p class="hint">You can try one out here. To create it you need the permission update on models.</p>`
        : html`<div class="save-bar"><p class="muted">${!isNamed ? "Name the type first." : draft.isSound ? "Nobody is given anything yet." : "It can be created when nothing is wrong any more."}</p>
      <div class="actions side"><a class="button" href=${adminPage("/access")}>Cancel</a><${Button} kind="primary" disabled=${!isNamed || !draft.isSound} onClick=${() => setDialog(true)}>Create model</${Button}></div></div>`
    }
    ${dialog && html`<${Review} type=${type} definition=${draft.definition} version=${0} client=${owner ? "" : client} isNew=${true} close=${() => setDialog(false)} done=${done} takeTheirs=${(model) => navigate(modelPath(model.entity_type))} />`}
    <${Elsewhere} command=${`auther admin model validate ${type || "invoice"} --file model.json\nauther admin model put ${type || "invoice"} --file model.json`}
      request=${curl("PUT", `/models/${encodeURIComponent(type || "invoice")}`, { definition: draft.definition || {}, version: 0 })} />`;
}

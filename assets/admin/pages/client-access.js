// Who may use a client: everybody, or those who are named here, themselves or through a group.
import { admin } from "../../static/core/api.js";
import { html, useState } from "../../static/core/html.js";
import { curl, Elsewhere, Empty, Field, Tag, Time, toast, Wrong } from "../../static/core/ui.js";
import { shell } from "../../static/core/words.js";
import { Named, takenFor } from "../people.js";
import { known, Relations, RowForm, Suggestions } from "../relations.js";
import { useMay } from "../rights.js";

const policies = [
  ["all_users", "Everybody with an account", "Anyone who can sign in here can sign in to this app."],
  ["restricted", "Only those named below", "Others see a page that says so, and the app gets access_denied. Administrators of Auther always get in."],
];

const relations = [
  ["use", "use: may sign in to it"],
  ["admin", "admin: may sign in, and manage who else may"],
  ["owner", "owner: may do everything with this app"],
  ["full_access", "full_access: everything inside the app is allowed"],
  ["introspect", "introspect: another app that is shown this app's tokens"],
];

const kinds = [
  ["user", "Person"],
  ["group", "Group"],
  ["apikey", "API key"],
  ["client", "App"],
];
const about = { user: "ann@example.com", group: "Staff", apikey: "key_…", client: "client id" };
const titles = Object.fromEntries(kinds);

const columns = [
  {
    title: "Who",
    cell: ({ subject_type: kind, subject_id: id, subject_relation: relation }) => html`<${Named} kind=${kind} id=${id} />${relation && ` (${relation})`}`,
  },
  { title: "Kind", cell: (tuple) => titles[tuple.subject_type] || tuple.subject_type },
  { title: "May", cell: (tuple) => html`<${Tag}>${tuple.relation}</${Tag}>` },
  { title: "Until", cell: (tuple) => html`<${Time} at=${tuple.expires_at} none="for ever" />` },
  { title: "Since", cell: (tuple) => html`<${Time} at=${tuple.created_at} />` },
];

const said = (tuple) => `${(titles[tuple.subject_type] || tuple.subject_type).toLowerCase()} ${tuple.subject_id}, ${tuple.relation}`;

export function Access({ client, reload }) {
  const [version, setVersion] = useState(0);
  const may = useMay("manage_platform on platform", "manage_access on oauth_client");
  const id = client.client_id;
  const isRestricted = client.access_policy === "restricted";
  const query = { entity_type: "oauth_client", entity_id: id };
  return html`
    ${client.type !== "m2m" && html`<${Policy} client=${client} reload=${reload} />`}
    <section class="panel">
      <div><h2>Who may use it</h2><p class="lead">${isRestricted ? "Only these people, and who is in these groups." : "Everybody may sign in now. These count when the app is restricted; owners and admins manage it in either case."}</p></div>
      <${Relations} caption="Who may use this client" query=${query} version=${version} may=${may} columns=${columns} said=${said}
        empty=${() => html`<${Empty} title="Nobody is named yet"><p>${isRestricted ? "Only administrators of Auther can sign in to it now. Name a person or a group below." : "Name a person or a group below, then restrict the app to them."}</p></${Empty}>`} />
      ${may && html`<${Add} id=${id} added=${() => setVersion(version + 1)} />`}
    </section>
    <${Elsewhere} command=${`auther admin client update ${shell(id)} --access-policy restricted\nauther admin tuple add oauth_client ${shell(id)} use group Staff`}
      request=${`${curl("PATCH", `/clients/${encodeURIComponent(id)}`, { access_policy: "restricted" })}\n${curl("POST", "/tuples", { ...query, relation: "use", subject_type: "group", subject_id: "Staff" })}`} />`;
}

function Policy({ client, reload }) {
  const [problem, setProblem] = useState(null);
  const isFixed = client.managed_by === "config";
  const may = useMay("update on clients");
  const choose = async (policy) => {
    try {
      await admin.patch(`/clients/${encodeURIComponent(client.client_id)}`, { access_policy: policy, version: client.version });
      setProblem(null);
      toast(policy === "restricted" ? "Only those who are named may use it now." : "Everybody may use it now.");
    } catch (error) {
      setProblem(error);
    }
    reload();
  };
  if (isFixed || !may)
    return html`<section class="panel"><h2>Who may sign in</h2><p>${policies.find(([key]) => key === client.access_policy)?.[1]}.${isFixed && " This is declared in the configuration file."}</p></section>`;
  return html`<section class="panel"><${Field} name="access_policy" kind="radio" label="Who may sign in" options=${policies} value=${client.access_policy} onInput=${choose} /><${Wrong} problem=${problem} /></section>`;
}

function Add({ id, added }) {
  const [values, set] = useState({ subject_type: "user", subject_id: "", relation: "use" });
  const send = async () => {
    const who = values.subject_id.trim();
    await known(values.subject_type, who);
    const { resolved } = await admin.post("/tuples", { entity_type: "oauth_client", entity_id: id, ...values, subject_id: who });
    toast(`They may use it now.${takenFor(resolved)}`);
    set({ ...values, subject_id: "" });
    added();
  };
  const fields = [
    { name: "subject_type", kind: "select", label: "Kind", options: kinds },
    { name: "subject_id", label: "Who", list: "who-suggestions", autocomplete: "off", spellcheck: "false", placeholder: about[values.subject_type] },
    { name: "relation", label: "May", kind: "select", options: relations },
  ];
  return html`<h3>Let somebody in</h3>
    <${RowForm} fields=${fields} values=${values} set=${set} action="Add" send=${send} />
    <${Suggestions} id="who-suggestions" kind=${values.subject_type} text=${values.subject_id} />`;
}

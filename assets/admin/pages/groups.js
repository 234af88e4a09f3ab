// Groups: the list, a new one, and one with its members, the groups in it, and what it gives.
import { admin } from "../../static/core/api.js";
import { List, Loaded, useLoaded } from "../../static/core/data.js";
import { html, useEffect, useRef, useState } from "../../static/core/html.js";
import { navigate, setQuery, useAddress } from "../../static/core/router.js";
import { Ask, Button, curl, Elsewhere, Empty, Facts, Form, Header, Id, Table, Tabs, Tag, Time, toast, Wrong } from "../../static/core/ui.js";
import { adminPage } from "../../static/core/urls.js";
import { count, shell } from "../../static/core/words.js";
import { Delete, EditForm, idOf, Named, takenFor } from "../people.js";
import { ForThose, May, useShown } from "../rights.js";
import { Log } from "./audit.js";

const columns = [
  { title: "Name", sort: "name", cell: (group) => group.name },
  { title: "What it is for", cell: (group) => group.description || html`<span class="muted">not said</span>` },
  { title: "Created", sort: "-created_at", tight: true, cell: (group) => html`<${Time} at=${group.created_at} />` },
];

export function Groups() {
  return html`
    <${Header} title="Groups" purpose="Sets of people, machines and other groups. What is granted to a group holds for everybody in it."><${May} to="create on groups"><a class="button primary" href=${adminPage("/groups/create")}>New group</a></${May}></${Header}>
    <${List} caption="Groups" search="Search by name or id" columns=${columns} href=${(group) => adminPage(`/groups/${group.id}`)} load=${(query, signal) => admin.get("/groups", query, signal)}
      empty=${() => html`<${Empty} title="No groups yet"><p>Grant once to a group instead of to each person: anyone who joins has it, anyone who leaves loses it. <a href=${adminPage("/groups/create")}>Make the first one</a>.</p></${Empty}>`} />
    <${Elsewhere} command="auther admin group list" request=${curl("GET", "/groups")} />`;
}

const fields = [
  { name: "name", label: "Name", autocomplete: "off" },
  { name: "description", label: "What it is for", optional: true, autocomplete: "off" },
];

export function NewGroup() {
  const send = ({ name, description }) => admin.post("/groups", { name, ...(description && { description }) });
  const done = (group) => {
    toast(`${group.name} was made.`);
    navigate(adminPage(`/groups/${group.id}`));
  };
  return html`
    <${Header} title="New group" purpose="A set to grant something to, all at once." back=${{ href: adminPage("/groups"), title: "Groups" }} />
    <section class="panel form"><${Form} fields=${fields} action="Create group" send=${send} done=${done} cancel=${() => navigate(adminPage("/groups"))} /></section>
    <${Elsewhere} command=${`auther admin group create --name Engineering --description 'Who builds it'`} request=${curl("POST", "/groups", { name: "Engineering", description: "Who builds it" })} />`;
}

const tabs = [
  ["members", "Members", Members],
  ["tree", "Tree", TreeTab, "view on tuples"],
  ["grants", "Permissions", Grants, "view on tuples"],
  ["details", "Details", Details],
  ["activity", "Activity", Activity, "view on audit"],
];

export function Group({ id }) {
  const from = useLoaded((signal) => admin.get(`/groups/${encodeURIComponent(id)}`, {}, signal), [id]);
  const back = { href: adminPage("/groups"), title: "Groups" };
  if (from.value === undefined) return html`<${Header} title="Group" back=${back} /><${Loaded} from=${from}>${() => null}</${Loaded}>`;
  return html`<${One} key=${from.value.id} first=${from.value} back=${back} />`;
}

function One({ first, back }) {
  const { query } = useAddress();
  const [group, setGroup] = useState(first);
  const shown = useShown(tabs);
  const [name, , Tab] = shown.find(([tab]) => tab === query.get("tab")) || shown[0];
  const path = `/groups/${group.id}`;
  return html`
    <${Header} title=${group.name} purpose=${group.description || "A group without a description."} back=${back}>
      <${May} to="delete on groups"><${Delete} path=${path} what=${`the group ${group.name}`} name=${group.name} done=${() => navigate(adminPage("/groups"))} /></${May}></${Header}>
    <${Tabs} tabs=${shown} current=${name} href=${(tab) => adminPage(`${path}${tab === "members" ? "" : `?tab=${tab}`}`)} />
    <${Tab} key=${name} group=${group} saved=${setGroup} />`;
}

// Members

const KINDS = { user: "person", group: "group", apikey: "API key", client: "app" };

function Members({ group }) {
  const all = useAddress().query.get("all") === "1";
  const path = `/groups/${group.id}/members`;
  const from = useLoaded((signal) => admin.get(path, { direct: all ? undefined : true }, signal), [group.id, all]);
  const [gone, setGone] = useState(null);
  const removed = () => {
    toast("Removed.");
    setGone(null);
    from.reload();
  };
  const columns = [
    {
      title: "Member",
      cell: (member) =>
        html`<${Named} kind=${member.subject_type} id=${member.subject_id} />${member.conditional && html` <span class="muted">on a condition</span>`}`,
    },
    { title: "Kind", cell: (member) => KINDS[member.subject_type] || member.subject_type },
    ...(all
      ? [
          {
            title: "Why",
            cell: (member) =>
              member.through ? html`<span class="muted">through</span> <${Named} kind="group" id=${member.through.id || member.through} />` : "put in by name",
          },
        ]
      : []),
    {
      title: "",
      tight: true,
      cell: (member) =>
        !member.through &&
        html`<${May} to="manage_members on groups"><${Button} kind="small danger" aria-label=${`Remove ${member.name || member.subject_id}`} onClick=${() => setGone(member)}>Remove</${Button}></${May}>`,
    },
  ];
  const choose = (event) => setQuery({ all: event.target.value });
  return html`
    <div class="bar"><p class="lead">${all ? "Everybody whom a grant to this group reaches." : "Who was put in by name."}</p>
      <label class="chip"><span>Show</span><select value=${all ? "1" : ""} onChange=${choose}><option value="" selected=${!all}>direct members</option><option value="1" selected=${all}>everybody, nested too</option></select></label></div>
    <${Loaded} from=${from}>${({ items }) =>
      items.length === 0
        ? html`<${Empty} title="Nobody is in it"><p>Add people, API keys, apps or other groups below. What is granted to ${group.name} then holds for them.</p></${Empty}>`
        : html`<${Table} caption="Members" columns=${columns} items=${items} keyOf=${(member) => `${member.subject_type}:${member.subject_id}:${member.through?.id || member.through || ""}`} />
          <p class="muted list-end">${count(items.length, "member")}</p>`}</${Loaded}>
    <${May} to="manage_members on groups"><${AddMember} group=${group} added=${from.reload} /></${May}>
    ${
      gone &&
      html`<${Ask} title=${`Remove from ${group.name}`} action="Remove" close=${() => setGone(null)} done=${removed} send=${() => admin.remove(`${path}/${gone.subject_type}/${encodeURIComponent(gone.subject_id)}`, { names: false })}>
      <p><strong>${gone.name || gone.subject_id}</strong> leaves ${group.name} and loses what only this group gave.</p></${Ask}>`
    }
    <${Elsewhere} command=${`auther admin group add-member ${shell(group.name)} ann@example.org\nauther admin group show ${shell(group.name)}`} request=${curl("POST", path, { subject_id: "ann@example.org" })} />`;
}

const SEARCHED = {
  user: {
    label: "Who",
    hint: "E-mail address, username or id.",
    load: (search, signal) => admin.get("/users", { search, limit: 20 }, signal),
    option: (user) => [user.email, user.name],
  },
  group: {
    label: "Which group",
    hint: "Its members count as members here.",
    load: (search, signal) => admin.get("/groups", { search, limit: 20 }, signal),
    option: (group) => [group.name, group.description],
  },
  client: {
    label: "Which app",
    hint: "Its client_id.",
    load: (search, signal) => admin.get("/clients", { search, limit: 20 }, signal),
    option: (client) => [client.client_id, client.name],
  },
  apikey: { label: "Which API key", hint: "Its id.", load: (_, signal) => admin.get("/api-keys", { limit: 100 }, signal), option: (key) => [key.id, key.name] },
};

function AddMember({ group, added }) {
  const [kind, setKind] = useState("user");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const [options, setOptions] = useState([]);
  const input = useRef(null);
  const { label, hint, load, option } = SEARCHED[kind];
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(
      () =>
        load(text.trim(), control.signal).then(
          (page) => setOptions(page.items.map(option)),
          () => {},
        ),
      200,
    );
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [kind, text]);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      // Whether somebody is called so is looked up first: a name that nobody has would be kept as one of another system.
      await idOf(kind, text.trim());
      const { resolved } = await admin.post(`/groups/${group.id}/members`, { subject_type: kind, subject_id: text.trim() });
      toast(`${text.trim()} is in ${group.name}.${takenFor(resolved)}`);
      setText("");
      setProblem(null);
      added();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
    input.current?.focus();
  };
  const wrong = problem && (problem.fields?.subject_id || problem.message);
  return html`<section class="panel"><h2>Add a member</h2><form class="add" onSubmit=${submit} aria-busy=${busy} novalidate>
    <div class="field"><label for="member-kind">Kind</label><select id="member-kind" value=${kind} onChange=${(event) => {
      setKind(event.target.value);
      setText("");
      setProblem(null);
    }}>
      ${Object.entries(KINDS).map(([value, title]) => html`<option key=${value} value=${value} selected=${value === kind}>${title}</option>`)}</select></div>
    <div class="field grow"><label for="member">${label}</label>
      <input id="member" ref=${input} list="member-options" autocomplete="off" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)} aria-describedby="member-hint" aria-invalid=${wrong ? "true" : undefined} />
      <datalist id="member-options">${options.map(([value, title]) => html`<option key=${value} value=${value}>${title || ""}</option>`)}</datalist>
      <p class=${wrong ? "wrong" : "hint"} id="member-hint" role=${wrong ? "alert" : undefined}>${wrong || hint}</p></div>
    <button type="submit" class="button primary" disabled=${busy || !text.trim()}>Add</button>
  </form></section>`;
}

// The groups in it and those it is in, as a tree

function Branch({ id, name, above, first = false }) {
  const [open, setOpen] = useState(first || above.length < 3);
  const circle = above.includes(id);
  const from = useLoaded((signal) => (open && !circle ? admin.get(`/groups/${id}/members`, { direct: true }, signal) : Promise.resolve(null)), [id, open]);
  const members = from.value?.items || [];
  const groups = members.filter((member) => member.subject_type === "group");
  const others = members.filter((member) => member.subject_type !== "group");
  const title = html`${first ? html`<strong>${name}</strong>` : html`<a href=${adminPage(`/groups/${id}`)}>${name}</a>`}`;
  if (circle) return html`<li>${title} <${Tag} kind="warn">above already</${Tag}></li>`;
  return html`<li>
    <div class="branch"><button type="button" class="quiet" aria-expanded=${open} aria-label=${`Show what is in ${name}`} onClick=${() => setOpen(!open)}><span class="arrow"></span></button>${title}
      ${open && from.value && html`<span class="muted">${members.length === 0 ? "nobody" : `${others.length} direct`}</span>`}</div>
    <${Wrong} problem=${from.problem} />
    ${
      open &&
      members.length > 0 &&
      html`<ul>
      ${groups.map((member) => html`<${Branch} key=${member.subject_id} id=${member.subject_id} name=${member.name || member.subject_id} above=${[...above, id]} />`)}
      ${others.map((member) => html`<li key=${member.subject_id} class="leaf"><${Named} kind=${member.subject_type} id=${member.subject_id} /> ${member.subject_type !== "user" && html`<span class="muted">${KINDS[member.subject_type] || member.subject_type}</span>`}</li>`)}
    </ul>`
    }
  </li>`;
}

function TreeTab({ group }) {
  const parents = useLoaded((signal) => admin.get("/tuples", { subject: `group:${group.id}`, entity_type: "group", limit: 100 }, signal), [group.id]);
  const above = parents.value?.items || [];
  return html`
    <section class="panel"><h2>In it</h2><p class="lead">A member of a lower group is a member of those above it.</p>
      <ul class="tree"><${Branch} id=${group.id} name=${group.name} above=${[]} first=${true} /></ul></section>
    <section class="panel"><h2>It is in</h2>${above.length === 0 ? html`<p class="muted">No other group.</p>` : html`<ul class="chosen">${above.map((tuple) => html`<li key=${tuple.id}><${Named} kind="group" id=${tuple.entity_id} /></li>`)}</ul>`}</section>
    <${Elsewhere} command=${`auther admin group add-member Product ${shell(group.name)} --type group`} request=${curl("POST", "/groups/Product/members", { subject_type: "group", subject_id: group.name })} />`;
}

// What it gives

const grantColumns = [
  { title: "Type", cell: (tuple) => html`<code>${tuple.entity_type}</code>` },
  { title: "Which", cell: (tuple) => (tuple.entity_id === "*" ? "all of them" : html`<code>${tuple.entity_id}</code>`) },
  { title: "Its members are", cell: (tuple) => html`<${Tag}>${tuple.relation}</${Tag}>` },
  { title: "Ends", cell: (tuple) => html`<${Time} at=${tuple.expires_at} />` },
];

function Grants({ group }) {
  const grants = adminPage(`/access/grants?subject=${encodeURIComponent(`group:${group.id}`)}`);
  const load = async (query, signal) => {
    const page = await admin.get("/tuples", { ...query, subject: `group:${group.id}` }, signal);
    return { ...page, items: page.items.filter((tuple) => tuple.entity_type !== "group") };
  };
  return html`
    <${List} caption="Grants" columns=${grantColumns} load=${load}
      empty=${() => html`<${Empty} title="It gives nothing yet"><p>Give the group a relation to something, and all its members have it. <a href=${grants}>Do it at Grants</a>.</p></${Empty}>`} />
    <p><a href=${grants}>Change them at Grants</a></p>
    <${Elsewhere} command=${`auther admin tuple add billing:invoice '*' viewer group ${shell(group.name)}`} request=${curl("GET", `/tuples?subject=group:${group.id}`)} />`;
}

// Its name

function Details({ group, saved }) {
  const path = `/groups/${group.id}`;
  const send = (change) => admin.patch(path, { ...change, ...(change.description === "" && { description: null }) });
  const done = (answer) => {
    saved(answer);
    toast("Saved.");
  };
  return html`<div class="sides"><section class="panel"><h2>Name</h2><${ForThose} who="update on groups"><${EditForm} fields=${fields} record=${group} read=${() => admin.get(path)} send=${send} saved=${done} /></${ForThose}></section>
    <section class="panel"><h2>Facts</h2><${Facts} rows=${[["Id", html`<${Id}>${group.id}</${Id}>`], ["Created", html`<${Time} at=${group.created_at} />`], ["Changed", html`<${Time} at=${group.updated_at} />`]]} /></section></div>
    <${Elsewhere} command=${`auther admin group update ${shell(group.name)} --name ${shell(group.name)}`} request=${curl("PATCH", path, { name: group.name, version: group.version })} />`;
}

function Activity({ group }) {
  return html`<${Log} filter=${{ target: group.id }} empty="Nothing yet" /><${Elsewhere} command=${`auther admin audit list --target ${group.id}`} request=${curl("GET", `/audit?target=${group.id}`)} />`;
}

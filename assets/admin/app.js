// The frame of the admin pages: the rail, the shortcuts, and the page that the address names. Start reading at `routes`.
import { admin } from "../static/core/api.js";
import { html, render, useEffect, useRef, useState } from "../static/core/html.js";
import { Proof } from "../static/core/proof.js";
import { loadAhead, Routed } from "../static/core/routed.js";
import { match, takeLinks, useAddress } from "../static/core/router.js";
import { Brand, Dialog, Empty, Header, Skeleton, Toasts, Wrong } from "../static/core/ui.js";
import { accountPage, adminPage, signOutPage } from "../static/core/urls.js";
import { Rights } from "./rights.js";

/** @import { Me } from "../api" */

const page = (path, file, name) => ({ path, name, load: () => import(`./pages/${file}.js`) });

// Every page: its address, its file below pages/, and what that file exports for it.
const routes = [
  page(adminPage(), "overview", "Overview"),
  page(adminPage("/users"), "users", "Users"),
  page(adminPage("/users/create"), "users", "NewUser"),
  page(adminPage("/users/:id"), "user", "User"),
  page(adminPage("/groups"), "groups", "Groups"),
  page(adminPage("/groups/create"), "groups", "NewGroup"),
  page(adminPage("/groups/:id"), "groups", "Group"),
  page(adminPage("/sessions"), "sessions", "Sessions"),
  page(adminPage("/clients"), "clients", "Clients"),
  page(adminPage("/clients/register"), "clients", "NewClient"),
  page(adminPage("/clients/:id"), "client", "Client"),
  page(adminPage("/clients/:id/test"), "test-sign-in", "TestSignIn"),
  page(adminPage("/keys"), "keys", "Keys"),
  page(adminPage("/keys/create"), "keys", "NewKey"),
  page(adminPage("/keys/:id"), "key", "Key"),
  page(adminPage("/access"), "models", "Models"),
  page(adminPage("/access/create"), "models", "NewModel"),
  page(adminPage("/access/models/:type"), "models", "Model"),
  page(adminPage("/access/grants"), "grants", "Grants"),
  page(adminPage("/access/grants/create"), "grant-new", "NewGrant"),
  page(adminPage("/access/grants/files"), "grant-files", "GrantFiles"),
  page(adminPage("/access/tester"), "tester", "Tester"),
  page(adminPage("/administrators"), "administrators", "Administrators"),
  page(adminPage("/audit"), "audit", "Audit"),
  page(adminPage("/settings"), "settings", "Settings"),
];

// What each entry needs: one of the rights that follow its name. Anyone who has any right here sees the overview.
/** @type {[title: string, entries: [href: string, name: string, ...needs: string[]][]][]} */
const rail = [
  ["", [[adminPage(), "Overview"]]],
  [
    "People",
    [
      [adminPage("/users"), "Users", "view on users"],
      [adminPage("/groups"), "Groups", "view on groups"],
      [adminPage("/sessions"), "Sessions", "view_all on sessions"],
      [adminPage("/administrators"), "Administrators", "view on tuples"],
    ],
  ],
  [
    "Apps",
    [
      [adminPage("/clients"), "Clients", "view on clients"],
      [adminPage("/keys"), "Keys", "view_all on api_keys", "view on keys"],
    ],
  ],
  [
    "Access",
    [
      [adminPage("/access"), "Models", "view on models"],
      [adminPage("/access/grants"), "Grants", "view on tuples"],
      [adminPage("/access/tester"), "Tester", "view on tuples"],
    ],
  ],
  ["Events", [[adminPage("/audit"), "Audit", "view on audit"]]],
  ["System", [[adminPage("/settings"), "Settings", "view on settings"]]],
];

const shortcuts = [
  ["/", "Search this list"],
  ["g u", "Users"],
  ["g c", "Clients"],
  ["g k", "Keys"],
  ["g t", "Permission tester"],
  ["g a", "Audit"],
  ["?", "This list"],
  ["Esc", "Close what is open"],
];
const jumps = { u: adminPage("/users"), c: adminPage("/clients"), k: adminPage("/keys"), t: adminPage("/access/tester"), a: adminPage("/audit") };

// The entry of the rail that the address belongs to: the longest that it begins with.
function entryOf(path) {
  const fitting = rail.flatMap(([, links]) => links).filter(([link]) => path === link || (link !== adminPage() && path.startsWith(`${link}/`)));
  return fitting.sort(([one], [two]) => two.length - one.length)[0];
}

// Whether `me` may see an entry. Until it is known who asks, and from servers that do not say, everything is shown: the API decides anyway.
const maySee = (me, needs) => !me?.rights || me.is_admin || (needs.length === 0 ? me.rights.length > 0 : needs.some((right) => me.rights.includes(right)));

/** @param {{ me: Me, [more: string]: any }} given */
function Rail({ path, me }) {
  const current = entryOf(path)?.[0];
  const shown = rail.map(([title, links]) => ({ title, links: links.filter(([, , ...needs]) => maySee(me, needs)) })).filter(({ links }) => links.length > 0);
  return html`<nav class="rail" aria-label="Administration">${shown.map(
    ({ title, links }) =>
      html`<div key=${title}>${title && html`<h2>${title}</h2>`}<ul>${links.map(
        ([href, name]) => html`<li key=${href}><a href=${href} aria-current=${href === current ? "page" : undefined}>${name}</a></li>`,
      )}</ul></div>`,
  )}</nav>`;
}

// Who is signed in and what they may see here: `me` of the API; {stranger: true, …} for somebody who may see nothing; {problem}; or null.
function useMe() {
  const [me, setMe] = useState(null);
  const ask = () => {
    setMe(null);
    admin.get("/me").then(
      (answer) => setMe(answer.is_admin || answer.rights?.length > 0 ? answer : { ...answer, stranger: true }),
      // A server that cannot say who asks leaves it to each page.
      (problem) => setMe(problem.status === 403 ? { stranger: true } : problem.status === 404 ? {} : { problem }),
    );
  };
  useEffect(ask, []);
  return [me, ask];
}

/** @param {{ me: Me, [more: string]: any }} given */
function Stranger({ me }) {
  return html`<${Header} title="No access" /><${Empty} title="You don’t have access to administration">
    <p>You are signed in${me.email ? ` as ${me.email}` : ""}. These pages are for the people who look after this server. What is yours is under <a href=${accountPage()}>your account</a>.</p>
    <p>An administrator can give you a role on the page <b>Administrators</b>.</p>
    <p><a class="button" href=${accountPage()}>Your account</a> <a class="button" href=${signOutPage}>Sign out</a></p></${Empty}>`;
}

function Closed({ name, needs }) {
  return html`<${Header} title=${name} /><${Empty} title="You may not look at this">
    <p>You need permission to see ${name.toLowerCase()}. Ask an administrator for a role that has it <span class="muted">(${needs.join(" or ")})</span>. <a href=${adminPage()}>Go to the overview</a>.</p></${Empty}>`;
}

/** @param {{ me: Me, [more: string]: any }} given */
function Page({ path, me }) {
  const [, name, ...needs] = (match(routes, path) && entryOf(path)) || [];
  if (name && !maySee(me, needs)) return html`<${Closed} name=${name} needs=${needs} />`;
  return html`<${Routed} routes=${routes} path=${path} home=${{ href: adminPage(), title: "the overview" }} />`;
}

function useShortcuts(show) {
  const before = useRef("");
  useEffect(() => {
    const pressed = (event) => {
      const inField = event.target.closest?.("input, textarea, select, dialog");
      if (inField || event.metaKey || event.ctrlKey || event.altKey) return;
      const jump = before.current === "g" && jumps[event.key];
      before.current = event.key;
      /** @type {(selector: string) => HTMLElement | null} */
      const find = (selector) => document.querySelector(selector);
      if (jump) find(`.rail a[href="${jump}"]`)?.click();
      else if (event.key === "/") find("#search, [role=search] input")?.focus();
      else if (event.key === "?") show();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function App() {
  const { path } = useAddress();
  const [open, setOpen] = useState(false);
  const [help, setHelp] = useState(false);
  const [me, askAgain] = useMe();
  useShortcuts(() => setHelp(true));
  useEffect(() => setOpen(false), [path]);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <${Brand} href=${adminPage()} />
      <button type="button" class="quiet menu" aria-expanded=${open} aria-controls="rail" onClick=${() => setOpen(!open)}>Menu</button>
      <span class="grow"></span>
      <button type="button" class="quiet for-keys" onClick=${() => setHelp(true)}>Shortcuts</button>
      <a class="quiet account-link" href=${accountPage()}><span class="unseen">Your account: </span><span class="whose">${me?.name || me?.email || "Your account"}</span></a>
      <a class="quiet" href=${signOutPage}>Sign out</a>
    </header>
    <div id="rail" class=${open ? "aside open" : "aside"}>${me && !me.stranger && !me.problem && html`<${Rail} path=${path} me=${me} />`}</div>
    <main id="main" tabindex="-1">${!me ? html`<${Skeleton} />` : me.stranger ? html`<${Stranger} me=${me} />` : me.problem ? html`<${Header} title="Administration" /><${Wrong} problem=${me.problem} retry=${askAgain} />` : html`<${Rights.Provider} value=${me}><${Page} path=${path} me=${me} /></${Rights.Provider}>`}</main>
    ${
      help &&
      html`<${Dialog} title="Shortcuts" close=${() => setHelp(false)}>
      <dl class="facts">${shortcuts.map(([keys, what]) => html`<div key=${keys}><dt><kbd>${keys}</kbd></dt><dd>${what}</dd></div>`)}</dl>
      <div class="actions side"><button type="button" class="button" onClick=${() => setHelp(false)}>Close</button></div></${Dialog}>`
    }
    <${Proof} who=${me?.email} />
    <${Toasts} />`;
}

loadAhead(routes);
takeLinks(adminPage());
render(html`<${App} />`, document.getElementById("app"));

// The frame of the admin pages: the rail, the shortcuts, and the page that the address names. Start reading at `routes`.
import { html, render, useEffect, useRef, useState } from "../static/core/html.js";
import { match, takeLinks, useAddress } from "../static/core/router.js";
import { Dialog, Empty, Header, Skeleton, Toasts, Wrong } from "../static/core/ui.js";

const page = (path, file, name) => ({ path, name, load: () => import(`./pages/${file}.js`) });

// Every page: its address, its file below pages/, and what that file exports for it.
const routes = [
  page("/admin", "overview", "Overview"),
  page("/admin/users", "users", "Users"),
  page("/admin/users/create", "users", "NewUser"),
  page("/admin/users/:id", "user", "User"),
  page("/admin/groups", "groups", "Groups"),
  page("/admin/groups/create", "groups", "NewGroup"),
  page("/admin/groups/:id", "groups", "Group"),
  page("/admin/sessions", "sessions", "Sessions"),
  page("/admin/clients", "clients", "Clients"),
  page("/admin/clients/register", "clients", "NewClient"),
  page("/admin/clients/:id", "client", "Client"),
  page("/admin/keys", "keys", "Keys"),
  page("/admin/access", "models", "Models"),
  page("/admin/access/models/:type", "models", "Model"),
  page("/admin/access/grants", "grants", "Grants"),
  page("/admin/access/tester", "tester", "Tester"),
  page("/admin/audit", "audit", "Audit"),
  page("/admin/settings", "settings", "Settings"),
];

const rail = [
  ["", [["/admin", "Overview"]]],
  ["People", [["/admin/users", "Users"], ["/admin/groups", "Groups"], ["/admin/sessions", "Sessions"]]],
  ["Apps", [["/admin/clients", "Clients"], ["/admin/keys", "Keys"]]],
  ["Access", [["/admin/access", "Models"], ["/admin/access/grants", "Grants"], ["/admin/access/tester", "Tester"]]],
  ["Events", [["/admin/audit", "Audit"]]],
  ["System", [["/admin/settings", "Settings"]]],
];

const shortcuts = [["/", "Search this list"], ["g u", "Users"], ["g c", "Clients"], ["g k", "Keys"], ["g t", "Permission tester"], ["g a", "Audit"], ["?", "This list"], ["Esc", "Close what is open"]];
const jumps = { u: "/admin/users", c: "/admin/clients", k: "/admin/keys", t: "/admin/access/tester", a: "/admin/audit" };

// The entry of the rail that the address belongs to: the longest that it begins with.
function isIn(path, href) {
  const all = rail.flatMap(([, links]) => links.map(([link]) => link));
  const fitting = all.filter((link) => path === link || (link !== "/admin" && path.startsWith(`${link}/`)));
  return fitting.sort((one, two) => two.length - one.length)[0] === href;
}

function Rail({ path }) {
  return html`<nav class="rail" aria-label="Administration">${rail.map(
    ([title, links]) => html`<div key=${title}>${title && html`<h2>${title}</h2>`}<ul>${links.map(
      ([href, name]) => html`<li key=${href}><a href=${href} aria-current=${isIn(path, href) ? "page" : undefined}>${name}</a></li>`,
    )}</ul></div>`,
  )}</nav>`;
}

function Page({ path }) {
  const found = match(routes, path);
  const [loaded, setLoaded] = useState({});
  useEffect(() => {
    if (!found) return;
    let current = true;
    found.route.load().then(
      (module) => current && setLoaded({ route: found.route, Part: module[found.route.name] }),
      () => current && setLoaded({ route: found.route, problem: new Error("This page could not be loaded. Reload it, then look into the server's log.") }),
    );
    return () => { current = false; };
  }, [found?.route]);
  if (!found) {
    return html`<${Header} title="Nothing here" /><${Empty} title="There is no such page"><p>The address may be mistyped, or from an older version. <a href="/admin">Go to the overview</a>.</p></${Empty}>`;
  }
  if (loaded.route !== found.route) return html`<${Skeleton} />`;
  if (loaded.problem) return html`<${Wrong} problem=${loaded.problem} />`;
  return html`<${loaded.Part} key=${path} ...${found.params} />`;
}

function useShortcuts(show) {
  const before = useRef("");
  useEffect(() => {
    const pressed = (event) => {
      const inField = event.target.closest?.("input, textarea, select, dialog");
      if (inField || event.metaKey || event.ctrlKey || event.altKey) return;
      const jump = before.current === "g" && jumps[event.key];
      before.current = event.key;
      if (jump) document.querySelector(`.rail a[href="${jump}"]`)?.click();
      else if (event.key === "/") document.getElementById("search")?.focus();
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
  useShortcuts(() => setHelp(true));
  useEffect(() => setOpen(false), [path]);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/admin"><img src="/assets/favicon.svg" alt="" width="24" height="24" />Auther</a>
      <button type="button" class="quiet menu" aria-expanded=${open} aria-controls="rail" onClick=${() => setOpen(!open)}>Menu</button>
      <span class="grow"></span>
      <button type="button" class="quiet for-keys" onClick=${() => setHelp(true)}>Shortcuts</button>
      <a class="quiet" href="/account">Your account</a>
    </header>
    <div id="rail" class=${open ? "aside open" : "aside"}><${Rail} path=${path} /></div>
    <main id="main" tabindex="-1"><${Page} path=${path} /></main>
    ${help && html`<${Dialog} title="Shortcuts" close=${() => setHelp(false)}>
      <dl class="facts">${shortcuts.map(([keys, what]) => html`<div key=${keys}><dt><kbd>${keys}</kbd></dt><dd>${what}</dd></div>`)}</dl>
      <div class="actions side"><button type="button" class="button" onClick=${() => setHelp(false)}>Close</button></div></${Dialog}>`}
    <${Toasts} />`;
}

takeLinks("/admin");
render(html`<${App} />`, document.getElementById("app"));

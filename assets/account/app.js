// The account pages: what a person sees and changes of their own. Start reading at `routes`; what comes later (passkeys, second factors,
// accounts elsewhere) is a section of security.js, or a file and a route of its own.
import { account, admin, signIn } from "../static/core/api.js";
import { Loaded, useLoaded } from "../static/core/data.js";
import { html, render, useEffect, useState } from "../static/core/html.js";
import { Proof } from "../static/core/proof.js";
import { loadAhead, Routed } from "../static/core/routed.js";
import { takeLinks, useAddress } from "../static/core/router.js";
import { Brand, Toasts } from "../static/core/ui.js";
import { accountPage, adminPage, signOutPage } from "../static/core/urls.js";

// Every page: its address, what the rail calls it, its file, and what that file exports for it.
const routes = [
  { path: accountPage(), title: "Profile", name: "Profile", load: () => import("./profile.js") },
  { path: accountPage("/security"), title: "Security", name: "Security", load: () => import("./security.js") },
  { path: accountPage("/sessions"), title: "Sessions", name: "Sessions", load: () => import("./sessions.js") },
  { path: accountPage("/apps"), title: "Connected apps", name: "Apps", load: () => import("./apps.js") },
  { path: accountPage("/keys"), title: "API keys", name: "Keys", load: () => import("./keys.js") },
  { path: accountPage("/keys/create"), title: null, name: "NewKey", load: () => import("./keys.js") },
  { path: accountPage("/access"), title: "Your permissions", name: "Access", load: () => import("./access.js") },
  { path: accountPage("/delete"), title: "Delete account", name: "Leave", load: () => import("./leave.js") },
];

function Rail({ path, isAdmin }) {
  const entries = routes.filter((route) => route.title);
  const isIn = (route) => path.replace(/\/$/, "") === route.path || (route.path !== accountPage() && path.startsWith(`${route.path}/`));
  return html`<nav class="rail" aria-label="Your account"><ul>${entries.map(
    (route) => html`<li key=${route.path}><a href=${route.path} aria-current=${isIn(route) ? "page" : undefined}>${route.title}</a></li>`,
  )}</ul>${isAdmin && html`<h2>This server</h2><ul><li><a href=${adminPage()}>Administration</a></li></ul>`}</nav>`;
}

// Who is signed in: {user, session}.
async function whoIsIt(signal) {
  const me = await account.get("/get-session", undefined, signal);
  if (!me) {
    signIn();
    return new Promise(() => {});
  }
  return me;
}

// Whether there is anything for this person to administer.
const administers = (signal) =>
  admin.get("/me", undefined, signal).then(
    (me) => me.is_admin || me.rights?.length > 0,
    () => false,
  );

function App() {
  const { path } = useAddress();
  const [open, setOpen] = useState(false);
  const me = useLoaded(whoIsIt, []);
  const rights = useLoaded(administers, []);
  useEffect(() => setOpen(false), [path]);
  const isAdmin = rights.value || me.value?.user.role === "admin";
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <${Brand} href=${accountPage()} />
      <button type="button" class="quiet menu" aria-expanded=${open} aria-controls="rail" onClick=${() => setOpen(!open)}>Menu</button>
      <span class="grow"></span>
      <a class="quiet" href=${signOutPage}>Sign out</a>
    </header>
    <div id="rail" class=${open ? "aside open" : "aside"}><${Rail} path=${path} isAdmin=${isAdmin} /></div>
    <main id="main" tabindex="-1"><${Loaded} from=${me}>${(value, reload) => html`<${Routed} routes=${routes} path=${path} home=${{ href: accountPage(), title: "your profile" }} me=${value} changed=${reload} />`}</${Loaded}></main>
    <${Proof} who=${me.value?.user.email} />
    <${Toasts} />`;
}

loadAhead(routes);
takeLinks(accountPage());
render(html`<${App} />`, document.getElementById("app"));

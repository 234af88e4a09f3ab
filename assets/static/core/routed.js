// Draws the page that an address names. Its file is loaded when somebody first goes there.
import { html, useEffect, useState } from "./html.js";
import { match } from "./router.js";
import { Empty, Header, Skeleton, Wrong } from "./ui.js";

// Loads the file of a page before it is drawn: it is on its way while the server says who asks.
export function loadAhead(routes) {
  match(routes, location.pathname)
    ?.route.load()
    .catch(() => {});
}

// `routes` is [{path, name, load()}, …]: what `load` gives exports the page under `name`. `home` is {href, title}: where to go from an address that
// names no page. Everything else is passed on to the page, with what the names in its path stand for.
export function Routed({ routes, path, home, ...rest }) {
  const found = match(routes, path);
  const [tries, setTries] = useState(0);
  const [loaded, setLoaded] = useState(/** @type {{ route?: object, Part?: unknown, problem?: Error }} */ ({}));
  useEffect(() => {
    if (!found) return undefined;
    let current = true;
    found.route.load().then(
      (module) => current && setLoaded({ route: found.route, Part: module[found.route.name] }),
      () =>
        current &&
        setLoaded({
          route: found.route,
          problem: new Error(
            "This page could not be loaded: the server was not reached. Look whether you are connected, then try again or load the page anew.",
          ),
        }),
    );
    return () => {
      current = false;
    };
  }, [found?.route, tries]);
  if (!found) {
    return html`<${Header} title="Nothing here" /><${Empty} title="There is no such page"><p>The address may be mistyped, or from an older version. <a href=${home.href}>Go to ${home.title}</a>.</p></${Empty}>`;
  }
  if (loaded.route !== found.route) return html`<${Skeleton} />`;
  if (loaded.problem) return html`<${Wrong} problem=${loaded.problem} retry=${() => setTries((n) => n + 1)} />`;
  return html`<${loaded.Part} key=${path} ...${rest} ...${found.params} />`;
}

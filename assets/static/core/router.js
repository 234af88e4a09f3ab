// Where we are: the path says which page, the query what it shows. Links within the pages change the address without a new document.
import { useEffect, useState } from "./html.js";

const listeners = new Set();
const tell = () => listeners.forEach((listener) => listener());

addEventListener("popstate", tell);

export function navigate(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  tell();
  if (!replace) {
    scrollTo(0, 0);
    // A screen reader begins with the new page, not where the old link was.
    requestAnimationFrame(() => document.querySelector("main")?.focus());
  }
}

// Links below `base` are ours; all others, and those that open elsewhere, are the browser's.
export function takeLinks(base) {
  addEventListener("click", (event) => {
    /** @type {HTMLAnchorElement | null | undefined} */
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href, location.href);
    const isOurs = url.origin === location.origin && (url.pathname === base || url.pathname.startsWith(`${base}/`));
    if (!isOurs || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    navigate(url.pathname + url.search);
  });
}

export function useAddress() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

// Puts values into the query; an empty value takes its name out.
export function setQuery(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  navigate(location.pathname + (search ? `?${search}` : ""), { replace: true });
}

// The first of `routes` ({path: adminPage("/users/:id"), …}) that fits, with what its names stand for; null when none does.
export function match(routes, path) {
  const parts = path.replace(/\/$/, "").split("/");
  for (const route of routes) {
    const wanted = route.path.split("/");
    if (wanted.length !== parts.length) continue;
    const params = {};
    const fits = wanted.every((part, n) => {
      if (!part.startsWith(":")) return part === parts[n];
      try {
        params[part.slice(1)] = decodeURIComponent(parts[n]);
      } catch {
        return false;
      }
      return parts[n] !== "";
    });
    if (fits) return { route, params };
  }
  return null;
}

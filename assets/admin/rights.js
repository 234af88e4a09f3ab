// What the person who is signed in may do here, so that a page shows no button that would be refused. The API decides all the same.
import { createContext, html, useContext } from "../static/core/html.js";

// What `me` of the API says.
export const Rights = createContext(null);

// Whether they have one of these rights, each written as `update on users`. Where it is not known, everything is shown.
export function useMay(...rights) {
  return useHas()(...rights);
}

// A function that says the same, for where the right depends on the row.
export function useHas() {
  const me = useContext(Rights);
  return (...rights) => !me?.rights || me.is_admin || rights.some((right) => me.rights.includes(right));
}

// Of tabs ([address, name, part, …rights that it needs]) those that they may see.
export function useShown(tabs) {
  const me = useContext(Rights);
  return tabs.filter(([, , , ...needs]) => !me?.rights || me.is_admin || needs.every((right) => me.rights.includes(right)));
}

// Draws its children for who has the right.
export function May({ to, children }) {
  return useMay(to) ? children : null;
}

// Forms that are to be read only by who lacks the right.
export function ForThose({ who, children }) {
  const may = useMay(who);
  return html`<fieldset class="plain" disabled=${!may}>${!may && html`<p class="hint">To change this you need the permission ${who}.</p>`}${children}</fieldset>`;
}

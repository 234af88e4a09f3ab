// What somebody may do, by the things they may do it with.
import { account } from "../static/core/api.js";
import { List } from "../static/core/data.js";
import { html, useState } from "../static/core/html.js";
import { Elsewhere, Empty, Header } from "../static/core/ui.js";
import { ownCall } from "./parts.js";

const columns = [
  { title: "With", cell: ({ entityType, entityId }) => html`<span class="muted">${entityType}</span> <b>${entityId === "*" ? "all" : entityId}</b>` },
  {
    title: "You may",
    cell: ({ permissions }) =>
      html`<span class="tags">${permissions.map((permission) => html`<span class="tag" key=${permission}>${permission}</span>`)}</span>`,
  },
];

export function Access() {
  const [isPart, setIsPart] = useState(false);
  const load = async ({ search }, signal) => {
    const { items, truncated } = await account.get("/my-access", undefined, signal);
    setIsPart(Boolean(truncated));
    const wanted = (search || "").toLowerCase();
    return { items: items.filter((item) => [item.entityType, item.entityId, ...item.permissions].join(" ").toLowerCase().includes(wanted)), next: null };
  };
  return html`
    <${Header} title="Your permissions" purpose="What was granted to you, or to a group you are in." />
    <${List} caption="Your permissions" search="Search by thing or permission" columns=${columns} keyOf=${(item) => `${item.entityType}:${item.entityId}`} load=${load}
      empty=${() => html`<${Empty} title="Nothing was granted to you yet"><p>Apps may still let you do things by their own rules. What is granted here is done by who administers them.</p></${Empty}>`} />
    ${isPart && html`<p class="hint">This is a part: there is more than can be listed.</p>`}
    <p class="hint">A policy may still have the last word, by time or amount. Whether one thing is allowed right now, the app asks.</p>
    <${Elsewhere} request=${ownCall("GET", "/my-access")} />`;
}

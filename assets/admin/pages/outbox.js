// The outbox: deliveries to other servers that wait for their next try, or were given up.
import { admin } from "../../static/core/api.js";
import { List } from "../../static/core/data.js";
import { html, useState } from "../../static/core/html.js";
import { setQuery, useAddress } from "../../static/core/router.js";
import { Ask, Button, curl, Elsewhere, Empty, Id, Tag, Time, toast } from "../../static/core/ui.js";

const STATES = { waiting: ["warn", "waiting"], dead: ["bad", "given up"] };

// Both things that can be done with one delivery.
function Actions({ delivery, done }) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      await admin.post(`/outbox/${delivery.id}/retry`);
      toast("The delivery is tried again.");
      done();
    } catch (problem) {
      toast(problem.message, "bad");
    }
    setBusy(false);
  };
  const deleted = () => {
    setOpen(false);
    toast("The delivery is deleted.");
    done();
  };
  return html`<span class="tags"><${Button} kind="small" busy=${busy} onClick=${retry} aria-label=${`Try ${delivery.id} again`}>Try again</${Button}>
    <${Button} kind="small danger" onClick=${() => setOpen(true)} aria-label=${`Delete ${delivery.id}`}>Delete</${Button}></span>
    ${
      open &&
      html`<${Ask} title="Delete this delivery" action="Delete" close=${() => setOpen(false)} done=${deleted} send=${() => admin.remove(`/outbox/${delivery.id}`)}>
      <p>The ${delivery.kind} about <${Id}>${delivery.target}</${Id}> is not delivered.</p></${Ask}>`
    }`;
}

export function Outbox() {
  const { query } = useAddress();
  const [version, setVersion] = useState(0);
  const state = query.get("state") || "";
  const columns = [
    { title: "Delivery", cell: (one) => html`<span class="over"><span>${one.kind}</span><span class="under"><${Id}>${one.target}</${Id}></span></span>` },
    { title: "State", cell: (one) => html`<${Tag} kind=${(STATES[one.state] || [""])[0]}>${(STATES[one.state] || ["", one.state])[1]}</${Tag}>` },
    { title: "Tries", cell: (one) => one.attempts },
    { title: "Next try", cell: (one) => (one.state === "dead" ? html`<span class="muted">none</span>` : html`<${Time} at=${one.due_at} />`) },
    { title: "Last error", cell: (one) => one.error || html`<span class="muted">none</span>` },
    { title: "", tight: true, cell: (one) => html`<${Actions} delivery=${one} done=${() => setVersion(version + 1)} />` },
  ];
  const narrowed = state && `?state=${state}`;
  return html`
    <form class="narrow" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label class="chip"><span>Show</span><select value=${state} onChange=${(event) => setQuery({ state: event.target.value })}>
        <option value="" selected=${!state}>all</option>${Object.entries(STATES).map(([value, [, word]]) => html`<option key=${value} value=${value} selected=${state === value}>${word}</option>`)}</select></label></form>
    <${List} caption="Deliveries" columns=${columns} version=${`${version} ${state}`} load=${(wanted, signal) => admin.get("/outbox", { ...wanted, state }, signal)}
      empty=${() => html`<${Empty} title=${state ? "No delivery fits" : "Nothing waits"}><p>A delivery to another server is listed here until it arrives, or until it is deleted.</p></${Empty}>`} />
    <${Elsewhere} command=${`auther admin outbox list${state && ` --state ${state}`}\nauther admin outbox retry dlv_…\nauther admin outbox delete dlv_…`} request=${curl("GET", `/outbox${narrowed}`)} />`;
}

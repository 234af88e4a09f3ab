// What several account pages share.
import { html, useState } from "../static/core/html.js";
import { Button, Dialog, Wrong } from "../static/core/ui.js";

// A call of one's own for "How to do this elsewhere": with the token of a sign-in.
export function ownCall(method, path, body) {
  const data = body === undefined ? "" : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl -X ${method} '${location.origin}${path}' \\\n  -H "authorization: Bearer $TOKEN"${data}`;
}

// Says what goes, then does it: for what can be had again by signing in again.
export function Ask({ title, loses, action, send, done, close }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      done(await send());
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} close=${close}>
    <p>${loses}</p>
    ${problem && html`<${Wrong} problem=${problem} />`}
    <div class="actions side"><${Button} kind="danger" busy=${busy} onClick=${act}>${action}</${Button}><${Button} onClick=${close}>Keep it</${Button}></div>
  </${Dialog}>`;
}

// The account pages: what a person sees and changes of their own. Start reading at `App`.
import { html, render } from "../static/core/html.js";
import { Header, Toasts } from "../static/core/ui.js";

function App() {
  return html`<header class="top"><a class="brand" href="/account"><img src="/assets/favicon.svg" alt="" width="24" height="24" />Auther</a></header>
    <main id="main" tabindex="-1"><${Header} title="Your account" /></main><${Toasts} />`;
}

render(html`<${App} />`, document.getElementById("app"));

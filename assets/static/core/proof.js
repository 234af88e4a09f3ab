// "Confirm it is you": the password again, before a session that nobody proved for a while does what outlives it or changes how somebody signs in.
// The server refuses such a call; api.js asks here and then sends it again, so that what was typed and chosen stays where it is.
import { account, confirmBy } from "./api.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Dialog, Form } from "./ui.js";

const fields = [{ name: "own-password", label: "Your password", kind: "password", autocomplete: "current-password", autofocus: true }];

async function prove({ "own-password": password }) {
  const wrong = (message) => Object.assign(new Error(message), { fields: { "own-password": message } });
  if (!password) throw wrong("Enter your password.");
  try {
    return await account.post("/verify-password", { password });
  } catch (problem) {
    throw problem.code === "INVALID_PASSWORD" ? wrong("This is not your password.") : problem;
  }
}

// Each frame draws it once; `who` is the address of the person, for password managers and for people with two accounts. Calls that are refused
// together wait for one answer.
export function Proof({ who }) {
  const [open, setOpen] = useState(false);
  const asked = useRef(null);
  useEffect(() => {
    confirmBy(() => {
      if (!asked.current) {
        asked.current = {};
        asked.current.answer = new Promise((settle) => Object.assign(asked.current, { settle }));
        setOpen(true);
      }
      return asked.current.answer;
    });
  }, []);
  const end = (isProved) => {
    const { settle } = asked.current;
    asked.current = null;
    setOpen(false);
    settle(isProved);
  };
  if (!open) return null;
  return html`<${Dialog} title="Confirm it is you" close=${() => end(false)}>
    <p>What you are about to do lasts longer than this session, or changes how somebody signs in. Your password confirms it, and counts for a few minutes.</p>
    ${
      who &&
      html`<p class="lead">Signed in as <b>${who}</b></p>
    <input class="unseen" type="text" name="username" autocomplete="username" value=${who} readonly tabindex="-1" aria-hidden="true" />`
    }
    <${Form} fields=${fields} action="Confirm" send=${prove} done=${() => end(true)} cancel=${() => end(false)} />
  </${Dialog}>`;
}

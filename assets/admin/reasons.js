// Why something was refused, in words: the audit log and the page of a person say it beside the event.
const WORDS = {
  unknown: "no such account",
  wrong_password: "wrong password",
  disabled: "the account is disabled",
  delayed: "tried again before the pause was over",
  browser_is_known: "the browser keeps no cookies",
  person_has_proof: "no way to sign in is set up",
  level_is_reachable: "the app asks for more proof than there is",
  email_taken: "the address is taken",
  registration_closed: "registration is closed",
  invalid_invite: "the invitation does not work",
  permission_denied: "a permission is missing",
  foreign_page: "sent by a page of another site",
  token_of_an_app: "the token was made for an app",
  wrong_secret: "wrong secret",
  wrong_method: "wrong way to prove itself",
  unknown_client: "no such app",
  unknown_key: "signed with an unknown key",
  assertion_lifetime: "the assertion lives too long",
  assertion_replayed: "the assertion was used before",
  assertion_audience: "the assertion is for another server",
  expired: "expired",
  revoked: "revoked",
};

// The reason of a refusal in words; one that has none here, as it is written in the log; nothing when there is none.
export function reasonOf(row) {
  const reason = row?.detail?.reason;
  if (row?.outcome !== "failure" || typeof reason !== "string") return "";
  return WORDS[reason] || reason.replaceAll("_", " ");
}

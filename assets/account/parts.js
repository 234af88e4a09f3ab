// What several account pages share.
import { absolute, accountApi } from "../static/core/urls.js";

// A call of one's own for "How to do this elsewhere": with the token of a sign-in; `path` as for `account` in api.js.
export function ownCall(method, path, body) {
  const data = body === undefined ? "" : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl -X ${method} '${absolute(accountApi(path))}' \\\n  -H "authorization: Bearer $TOKEN"${data}`;
}

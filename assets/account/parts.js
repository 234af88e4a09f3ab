// What several account pages share.

// A call of one's own for "How to do this elsewhere": with the token of a sign-in.
export function ownCall(method, path, body) {
  const data = body === undefined ? "" : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl -X ${method} '${location.origin}${path}' \\\n  -H "authorization: Bearer $TOKEN"${data}`;
}

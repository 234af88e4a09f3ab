// Every address that the pages go to, call or print. The server says below which path all of them are (`data-base`); no other script builds one.
const { base = "" } = document.body.dataset;

// Pages. `path` begins with a slash or a question mark, or is left out.
export const adminPage = (path = "") => `${base}/admin${path}`;
export const accountPage = (path = "") => `${base}/account${path}`;
export const homePage = `${base}/`;
export const signOutPage = `${base}/logout`;

// Asks who is there, and then goes on to `next`, a path of this site.
export const signInPage = (next) => `${base}/sign-in?continue=${encodeURIComponent(next)}`;

// The JSON APIs. `path` begins with a slash.
export const adminApi = (path = "") => `${base}/api/admin${path}`;
export const accountApi = (path = "") => `${base}/api/auth${path}`;

// One of these for a program elsewhere.
export const absolute = (address) => location.origin + address;

// What apps are given is at the issuer, however this page was reached. The first is the page that plays an app, which a redirect URI leads back to.
export const testPageAt = (issuer, clientId) => `${issuer}/admin/clients/${encodeURIComponent(clientId)}/test`;
export const checkEndpointAt = (issuer) => `${issuer}/api/auth/check-permission`;

// Generate PKCE challenge
async function generatePKCE() {
  const verifier = crypto.randomUUID() + crypto.randomUUID(); // 72 chars
  const encoder = new TextEncoder();
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(verifier));
  const challenge = btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return { verifier, challenge };
}

async function login() {
  const state = crypto.randomUUID();
  const { verifier, challenge } = await generatePKCE();

  // Store state and verifier in sessionStorage (cleared on tab close)
  sessionStorage.setItem("auth_state", state);
  sessionStorage.setItem("auth_verifier", verifier);

  const authorizeUrl = new URL("https://auth.example.com/api/auth/oauth2/authorize");
  authorizeUrl.searchParams.set("client_id", "my-spa-client-id");
  authorizeUrl.searchParams.set("redirect_uri", "https://spa.example.com/auth/callback");
  authorizeUrl.searchParams.set("response_type", "code");
  authorizeUrl.searchParams.set("scope", "openid email profile");
  authorizeUrl.searchParams.set("state", state);
  authorizeUrl.searchParams.set("code_challenge", challenge);
  authorizeUrl.searchParams.set("code_challenge_method", "S256");

  window.location.href = authorizeUrl.toString();
}

async function handleCallback() {
  const params = new URLSearchParams(window.location.search);
  const code = params.get("code");
  const state = params.get("state");

  // Verify state
  if (state !== sessionStorage.getItem("auth_state")) {
    throw new Error("CSRF state mismatch");
  }

  const verifier = sessionStorage.getItem("auth_verifier");

  // Exchange code for tokens (no client secret, PKCE verifier instead)
  const tokenResponse = await fetch(
    "https://auth.example.com/api/auth/oauth2/token",
    {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: "https://spa.example.com/auth/callback",
        client_id: "my-spa-client-id",
        code_verifier: verifier, // PKCE proof
      }),
    }
  );

  const { access_token, id_token } = await tokenResponse.json();

  // Store tokens in memory (not localStorage for security)
  tokenStore.setTokens({ access_token, id_token });

  // Clean up PKCE state
  sessionStorage.removeItem("auth_state");
  sessionStorage.removeItem("auth_verifier");

  // Read permissions from the ID token (it's a JWT you can decode client-side)
  const payload = JSON.parse(atob(id_token.split(".")[1]));
  console.log("User permissions:", payload.permissions);

  window.location.href = "/dashboard";
}

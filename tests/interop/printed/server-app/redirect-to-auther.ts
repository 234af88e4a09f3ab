function redirectToAuther() {
  const state = crypto.randomUUID(); // CSRF protection
  // Store state in session/cookie for verification later

  const authorizeUrl = new URL("https://auth.example.com/api/auth/oauth2/authorize");
  authorizeUrl.searchParams.set("client_id", process.env.AUTHER_CLIENT_ID);
  authorizeUrl.searchParams.set("redirect_uri", "https://myapp.example.com/auth/callback");
  authorizeUrl.searchParams.set("response_type", "code");
  authorizeUrl.searchParams.set("scope", "openid email profile");
  authorizeUrl.searchParams.set("state", state);

  redirect(authorizeUrl.toString());
}

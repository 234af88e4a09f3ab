export async function GET(request: Request) {
  const url = new URL(request.url);
  const code = url.searchParams.get("code");
  const state = url.searchParams.get("state");

  // 1. Verify the state matches what you stored (CSRF protection)
  const storedState = getStoredState(); // from session/cookie
  if (state !== storedState) throw new Error("CSRF state mismatch");

  // 2. Exchange the authorization code for tokens
  const tokenResponse = await fetch(
    "https://auth.example.com/api/auth/oauth2/token",
    {
      method: "POST",
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        // client_secret_basic: Base64(client_id:client_secret)
        Authorization: `Basic ${Buffer.from(
          `${process.env.AUTHER_CLIENT_ID}:${process.env.AUTHER_CLIENT_SECRET}`
        ).toString("base64")}`,
      },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: "https://myapp.example.com/auth/callback",
      }),
    }
  );

  const { access_token, id_token } = await tokenResponse.json();

  // 3. The id_token is a JWT signed with RS256.
  //    Verify it using Auther's JWKS endpoint.
  const JWKS = createRemoteJWKSet(
    new URL("https://auth.example.com/api/auth/jwks")
  );
  const { payload } = await jwtVerify(id_token, JWKS, {
    issuer: "https://auth.example.com",
    audience: "your-audience",
  });

  // 4. payload now contains:
  //    payload.sub -> user ID
  //    payload.email -> user email
  //    payload.permissions -> { "client_abc:invoice": ["read", "write"] }
  //    payload.abac_required -> { "client_abc:invoice": ["refund"] }

  // 5. Create a session in your app
  await createLocalSession(payload);

  return redirect("/dashboard");
}

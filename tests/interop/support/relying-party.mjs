// An app with openid-client that leaves the browser to somebody else.
import * as oidc from 'openid-client'

/** `begin()` gives the address to send a browser to; `finish(url)` takes the address it came back to and gives the tokens; `refresh(token)` renews them. */
export async function relyingParty(server, { client_id, client_secret }, callback) {
  const config = await oidc.discovery(new URL(server.issuer), client_id, { client_secret })
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  return {
    async begin() {
      const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
      return oidc.buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope: 'openid email offline_access',
        code_challenge,
        code_challenge_method: 'S256',
        state: expectedState,
      }).href
    },
    finish: (url) => oidc.authorizationCodeGrant(config, new URL(url), { pkceCodeVerifier, expectedState }),
    refresh: (token) => oidc.refreshTokenGrant(config, token),
  }
}

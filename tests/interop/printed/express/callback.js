import * as client from 'openid-client'

const issuer = new URL('https://{tenant-id}.authalla.com')
const clientId = 'client_123'

export async function callback(req, res, next) {
  try {
    const config = await client.discovery(issuer, clientId)
    const currentUrl = new URL(req.originalUrl, `${req.protocol}://${req.get('host')}`)

    const { codeVerifier, state } = req.session.oauth || {}
    const tokens = await client.authorizationCodeGrant(config, currentUrl, {
      pkceCodeVerifier: codeVerifier,
      expectedState: state,
    })

    const claims = tokens.claims()
    req.session.tokens = tokens
    req.session.user = { sub: claims.sub, email: claims.email }
    res.redirect('/app')
  } catch (error) {
    next(error)
  }
}

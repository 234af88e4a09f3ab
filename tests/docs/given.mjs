// What must be there before the blocks of a page are run: what the page says it takes for granted.
//
// `server`: how a server is started before the page begins; without it the page starts one. `before`: commands, and `between`
// those that are run before the first command of the page that holds a text.
// `files`: in the page's folder. `names`: what stands in the page for something that is known only when it runs, and the command
// that tells it now, asked when a command first needs it; or a function of what was printed last. `answers`: how a JSON block
// begins, and the command whose answer it is.

const EXAMPLE = 'auther --issuer https://auth.example.com --listen :443 --listen localhost:8443'
const ANN =
  "echo 'correct horse battery' | auther admin user create --email ann@example.com --name 'Ann Lee' --username ann --password-stdin --verified --admin"
const person = (email, more = '') => `echo 'another good phrase' | auther admin user create --email ${email} --password-stdin ${more}`
const BOB = person('bob@example.com', "--name 'Robert Ray'")
const CY = person('cy@example.com', '--name Cy')
const CA = ['auther admin ca > auther-ca.pem', 'export CURL_CA_BUNDLE=$PWD/auther-ca.pem']
const signIn = (name, password, variable = 'TOKEN') =>
  `${variable}=$(curl -s https://localhost:8443/api/auth/sign-in/email -H 'content-type: application/json' -d '{"email":"${name}","password":"${password}"}' | pick .token)`
const client = (id, type, more = '') =>
  `SECRET=$(auther admin client create --name ${id} --type ${type} --client-id ${id} ${more} --json | pick .client_secret)`
const APP = '--redirect-uri http://localhost:3000/callback'
const key = (more = '') => `auther admin api-key create --name test --owner ann@example.com ${more} --json`

const INVOICE = JSON.stringify({
  relations: { owner: { includes: ['editor'] }, editor: { includes: ['viewer'] }, viewer: {} },
  permissions: {
    read: { relation: 'viewer' },
    change: { relation: 'editor' },
    refund: { relation: 'owner', policyEngine: 'lua', policy: 'return context.resource.amount < 1000' },
  },
})
const SHOP = [
  client('shop', 'web', APP),
  'auther admin model put shop:invoice --file invoice.json',
  'auther admin tuple add shop:invoice inv_1 owner user bob@example.com',
]

/** The code of an authorization request of `client`, signed in as Ann. */
const code = (client, more = '') =>
  `curl -b jar -o /dev/null -w '%{redirect_url}' 'https://auth.example.com/api/auth/oauth2/authorize?client_id=${client}&redirect_uri=http://localhost:3000/callback&response_type=code&scope=openid%20profile%20email%20offline_access&state=s1&nonce=n1${more}' | sed 's/.*code=\\([^&]*\\).*/\\1/'`

const H = 'H=https://localhost:8443/api/admin'
const A = 'A=https://localhost:8443/api/auth'
const I = 'I=https://localhost:8443/api/internal'
const Z = 'Z=https://localhost:8443'
const FILES = {
  'invoice.json': INVOICE,
  'page.json': '{"relations":{"viewer":{}}}',
  'less.json': INVOICE.replaceAll('"includes":', '"union":').replace('{"union":["editor"]}', '{}').replace('{"union":["viewer"]}', '{}'),
  'hours.lua': 'return context.time.hour >= 9',
  'office.lua': 'return context.time.hour >= 9',
  'shop.fga': 'model\n  schema 1.1\ntype user\ntype folder\n  relations\n    define viewer: [user]\n',
}
const first = (list, more = '') => `auther admin ${list} --json | pick .items[0].id${more}`
const STAFF = ['auther admin group create --name Staff', 'auther admin group add-member Staff cy@example.com']
const WIKI = 'auther admin client create --name Wiki --type web --client-id wiki --redirect-uri https://wiki.example.com/callback'
/** A request of the client wiki that is refused, with a slash too many behind its redirect URI. */
const FAILED =
  "curl -o /dev/null 'https://localhost:8443/api/auth/oauth2/authorize?client_id=wiki&response_type=code&scope=openid&redirect_uri=https://wiki.example.com/callback/'"
const TOKENS = (client) =>
  `curl -c jar -o /dev/null https://auth.example.com/api/auth/sign-in/email -H 'content-type: application/json' -d '{"email":"ann@example.com","password":"correct horse battery"}'; curl -u "${client}:$SECRET" https://auth.example.com/api/auth/oauth2/token -d grant_type=authorization_code -d "code=$(${code(client)})" -d redirect_uri=http://localhost:3000/callback > tokens.json; ACCESS_TOKEN=$(pick .access_token < tokens.json); REFRESH_TOKEN=$(pick .refresh_token < tokens.json)`
const USER = 'usr_06gvppb2ma5bouu2rrqmbimbto'

export const given = {
  'docs/accounts-api.md': {
    server: 'AUTHER_REGISTRATION=invite auther',
    before: [...CA, ANN, BOB, ...SHOP, A, signIn('bob@example.com', 'another good phrase')],
    files: FILES,
    names: {
      'inv_06gvo9edq9tu…': `auther admin user invite --email cy@example.com --json | pick ".url.match(/(inv_[^&]*)/)[1]"`,
      ses_06gvo7rl3ivq3tol4ndiva1drc: `curl $A/list-sessions -H "authorization: Bearer $OTHER" | pick ".find((one) => one.id !== '$(curl $A/get-session -H "authorization: Bearer $TOKEN" | pick .session.id)').id"`,
    },
    between: [
      ['$A/list-sessions', signIn('bob@example.com', 'another good phrase'), signIn('bob@example.com', 'another good phrase', 'OTHER')],
      ['$A/verify-password', signIn('cy@example.com', 'some good phrase')],
      ['$A/update-user', signIn('bob@example.com', 'another good phrase')],
      ['$A/change-password', signIn('bob@example.com', 'another good phrase')],
      ['$A/delete-user', signIn('cy@example.com', 'some good phrase')],
    ],
    answers: [
      [
        '{"code":"INVALID_EMAIL_OR_PASSWORD"',
        `curl https://localhost:8443/api/auth/sign-in/email -H 'content-type: application/json' -d '{"email":"bob@example.com","password":"wrong"}'`,
      ],
      ['{"code":"INVALID_FIELD"', `curl $A/update-user -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"role":"admin"}'`],
    ],
  },
  'docs/admin-api.md': {
    server: 'auther',
    before: [...CA, ANN, BOB, CY, ...SHOP, H, ...STAFF, signIn('ann@example.com', 'correct horse battery'), `KEY=$(${key()} | pick .key)`],
    files: FILES,
    between: [
      [
        'dee@example.com/deletion',
        person('dee@example.com'),
        'auther admin group create --name Sales',
        'auther admin group add-member Sales dee@example.com',
        'auther admin tuple add shop:invoice inv_5 viewer user dee@example.com --condition-file office.lua',
      ],
      ['$H/groups -H', 'auther admin group delete Sales'],
      ['clients/wiki/integration', WIKI],
      ['clients/wiki/failures -H', FAILED],
      ['$H/audit', person('ed@example.com'), 'auther admin user delete ed@example.com'],
      ['shop:note/dry-run', "auther admin tuple add shop:note '*' viewer user bob@example.com"],
      ['DELETE $H/models/shop:note', "auther admin tuple remove shop:note '*' viewer user bob@example.com"],
    ],
    answers: [
      [
        '{"type":"about:blank","title":"Bad Request"',
        `curl $H/groups -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"name":1,"colour":"x"}'`,
      ],
    ],
  },
  'docs/api-keys.md': {
    server: EXAMPLE,
    before: [
      ...CA,
      ANN,
      signIn('ann@example.com', 'correct horse battery', 'SESSION_TOKEN'),
      'CLIENT_ID=tool',
      client('tool', 'm2m').replace('SECRET=', 'CLIENT_SECRET='),
    ],
    names: { 'ak_live_…': `${key('--network 203.0.113.0/24')} | pick .key` },
    answers: [
      [
        '{"id":"key_',
        `curl https://auth.example.com/api/auth/api-key/list -H "Authorization: Bearer $SESSION_TOKEN" | pick '.map((one) => JSON.stringify(one))[0]'`,
      ],
    ],
  },
  'docs/command-line.md': {
    server: 'AUTHER_REGISTRATION=invite auther',
    before: [],
    files: FILES,
    names: {
      key_06gvppufu8no1qa0shspd5e11o: `${key()} | pick .id`,
      key_06gvo7r1mfep619es8r3s9pmds: `${key('--expires-in 2592000')} | pick .id`,
      flr_06gvq1s4h9q7bkv7rhb5s1l2e8: `curl -k -o /dev/null ${FAILED.slice(5)}; ${first('client failures wiki')}`,
      tpl_2839bdcc1b3ab4d564f1914ed5f84708c66ea99d: first('tuple list --entity-type shop:invoice'),
      'kid_06gvo7m2…': `auther admin key list --json | pick ".items.find((one) => one.state === 'next').kid"`,
      ses_06gvo8oftfsmtrtirckaiqanfg: `curl -k -o /dev/null https://localhost:8443/api/auth/sign-in/email -H 'content-type: application/json' -d '{"email":"ann@example.com","password":"correct horse battery"}'; ${first('session list')}`,
      dlv_06gvo7mf9cccritumit58h7qu0: 'echo',
    },
    between: [
      ['admin recover', ANN],
      ['auther admin user token', client('shop', 'web', APP)],
      ['auther admin user link', CY],
      ['auther admin group add-member Engineering bob', BOB],
      ['--file less.json', ...SHOP.slice(1)],
      ['tuple add shop:invoice inv_1', ...STAFF],
      ['--entity-type shop:invoice', 'auther admin tuple add shop:invoice inv_2 viewer user bob@example.com'],
      ['check user cy@example.com', 'auther admin tuple add shop:invoice inv_5 viewer group Staff', SHOP[2]],
      [
        'audit list --limit 3',
        signIn('ann@example.com', 'correct horse battery').replace('curl', 'curl -k'),
        client('my-mobile-client-id', 'native', '--redirect-uri myapp://auth/callback'),
        'auther admin client delete my-mobile-client-id',
        `curl -k https://localhost:8443/api/auth/sign-in/email -H 'content-type: application/json' -d '{"email":"ann@example.com","password":"wrong"}'`,
        'curl -k -X POST https://localhost:8443/api/auth/sign-out -H "authorization: Bearer $TOKEN"',
      ],
      ['backup create /var', 'mkdir -p /var/lib/auther/backups'],
    ],
    answers: [['{"client_id":"nightly"', 'auther admin client update nightly --trusted=false --json']],
  },
  'docs/configuration.md': {
    between: [
      ['AUTHER_TLS_MODE=off', `printf 'issuer = "https://auth.example.com"\\nregistration = "invite"\\n' > auther.toml`],
      [
        'auther config check',
        `printf 'isuer = "x"\\nissuer = "https://auth.example.com/sso"\\ntls.mode = "file"\\nlisten = ["auth.example.com:443"]\\n\\ntokens.code_seconds = 5000\\n' > auther.toml`,
      ],
      ['AUTHER_CLIENTS_JSON', 'rm auther.toml'],
    ],
  },
  'docs/integration.md': {
    server: EXAMPLE,
    before: [
      ...CA,
      ANN,
      'auther admin group create --name Staff',
      WIKI,
      ...['photos', 'shop', 'my-app'].map((id) => client(id, 'web', APP)),
      signIn('ann@example.com', 'correct horse battery'),
    ],
    between: [
      ['"nightly:$SECRET"', 'SECRET=$(auther admin client rotate-secret nightly --json | pick .client_secret)'],
      ['"curl-app:$SECRET" https://auth.example.com/api/auth/oauth2/introspect', client('curl-app', 'web', `${APP} --trusted`), TOKENS('curl-app')],
    ],
    answers: [
      [
        '{"iss":"https://auth.example.com","sub"',
        `${client('decoded', 'web', `${APP} --trusted`)}; ${TOKENS('decoded')}; node -p 'Buffer.from(process.argv[1].split(".")[1], "base64url").toString()' "$ACCESS_TOKEN"`,
      ],
    ],
  },
  'docs/operations.md': {
    files: { 'auther.toml': '' },
    before: ['cp /usr/local/bin/auther auther', 'mkdir packaging', 'cp "$REPOSITORY"/packaging/auther.service packaging'],
    between: [
      [
        'sudo -u auther auther admin --config',
        'install -d -o auther -g auther -m 0750 /var/lib/auther',
        'sudo -u auther auther admin --config /etc/auther/auther.toml --data /var/lib/auther/auther.redb setup-link',
      ],
    ],
  },
  'docs/permission-api.md': {
    server: 'auther',
    before: [
      ...CA,
      ANN,
      BOB,
      CY,
      client('shop', 'm2m'),
      ...SHOP.slice(1),
      ...STAFF,
      'auther admin tuple add shop:invoice inv_3 editor user bob@example.com --condition-file office.lua',
      "auther admin tuple add groups '*' viewer client shop",
      A,
      I,
      Z,
      signIn('bob@example.com', 'another good phrase'),
    ],
    files: FILES,
    names: { [USER]: 'auther admin user show bob@example.com --json | pick .id' },
    answers: [
      [
        '{"allowed":false,"reason":"no_tuple"',
        `curl $A/check-permission -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"entityType":"shop:invoice","entityId":"inv_7","permission":"change"}'`,
      ],
      [
        '{"error":"invalid_request"',
        `curl $A/check-permission -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"entityType":"shop:invoice","entityId":"inv_7","permission":"change","colour":"x"}'`,
      ],
    ],
  },
  'docs/policies.md': { server: 'auther', before: [...CA, ANN, H, signIn('ann@example.com', 'correct horse battery')] },
  'docs/examples/first-app/README.md': { server: 'auther' },
  'docs/tls.md': {
    server: 'auther',
    before: [
      'id auther || useradd --system auther',
      'mkdir -p /etc/letsencrypt/live/auth.example.com /etc/letsencrypt/renewal-hooks/deploy',
      'RENEWED_LINEAGE=/etc/letsencrypt/live/auth.example.com',
      'touch "$RENEWED_LINEAGE"/fullchain.pem "$RENEWED_LINEAGE"/privkey.pem /etc/letsencrypt/renewal-hooks/deploy/auther',
    ],
  },
}

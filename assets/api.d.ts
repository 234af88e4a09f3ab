// The shapes of the admin API, made from its description by a test, which says when they are out of date
// and with AUTHER_WRITE_GENERATED=1 writes them anew: cargo test --lib declarations_for_the_pages

/** Who may sign in to a client. */
export type AccessPolicy = "all_users" | "restricted";

/** `typ` of an access token's header. RFC 9068 §2.1 wants `at+jwt`, so that an access token is not taken for another one; many verifiers take `JWT` alone. What a token of Auther is for is told by its claim `token_use` in either case. */
export type AccessTokenTyp = "JWT" | "at+jwt";

/** What kind of actor did it. */
export type ActorKind = "anonymous" | "user" | "client" | "key" | "local" | "system";

/** What tokens are signed with (RFC 7518 §3.1, RFC 8037 §3.1). */
export type Algorithm = "RS256" | "ES256" | "EdDSA";

/** A key of a machine: everything but its text. */
export interface ApiKey {
  id: ApiKeyId;
  /** What people call it. */
  name: string;
  /** The beginning of its text. */
  start: string;
  owner: UserId;
  client: ClientId | null;
  enabled: boolean;
  expired: boolean;
  expires_at: Timestamp | null;
  /** Where it may be used from, as CIDR; empty for everywhere. */
  networks: string[];
  rate_limit: RateLimit | null;
  /** Uses left; `null` for any number. */
  remaining: number | null;
  refill: Refill | null;
  /** Notes. */
  metadata: Record<string, unknown>;
  /** How often it was used. */
  uses: number;
  last_used_at: Timestamp | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  version: number;
  /** Its text, shown this once. */
  key?: string;
}

/** A change; what is absent stays. */
export interface ApiKeyChange {
  /** The version that the change was made from; another one by now is 409 `conflict`. */
  version?: number | null;
  /** What people call it. */
  name?: string | null;
  /** Whether it works. */
  enabled?: boolean | null;
  /** Seconds from now until it ends; `null` for never. */
  expires_in?: number | null;
  /** All networks from now on, as CIDR or addresses. Who is no administrator may only narrow them. */
  networks?: string[] | null;
  /** All notes from now on. */
  metadata?: Record<string, unknown> | null;
  /** Uses left; `null` for any number. */
  remaining?: number | null;
  refill?: RefillRule | null;
  rate_limit?: RateLimit | null;
}

/** An identifier that begins with `key_`. */
export type ApiKeyId = string;

/** A request of an app that was refused, or that went on without some of its scopes. */
export interface AppFailure {
  id: FailureId;
  /** The last time. */
  at: Timestamp;
  /** A stable word. */
  error: string;
  message: string;
  /** The value that was wrong. */
  sent: string | null;
  /** What is registered and comes nearest to it. */
  registered: string | null;
  /** How often it was sent. */
  count: number;
  fix: Fix | null;
  /** What to do about it, in words. */
  next_step: string;
}

/** One audience, or several. */
export type Audience = string | string[];

/** An identifier that begins with `aud_`. */
export type AuditId = string;

/** Who did what to whom. */
export interface AuditRow {
  id: AuditId;
  at: Timestamp;
  /** Such as `user.sign_in`. */
  action: string;
  outcome: Outcome;
  actor_kind: ActorKind;
  actor: string | null;
  target: string | null;
  /** The request that did it. */
  request: string | null;
  ip: string | null;
  user_agent: string | null;
  /** What more there is to say, by the action. */
  detail: Record<string, unknown>;
}

/** `token_endpoint_auth_method` (OIDC Core §9, RFC 7591 §2). */
export type AuthMethod = "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none";

/** A copy of the data file. */
export interface Backup {
  path: string;
  rows: number;
  bytes: number;
  /** Over all rows, in hexadecimal. */
  sha256: string;
  /** The number of the shape of the data. */
  schema: number;
  /** Rows by table, without empty tables. */
  tables: Record<string, number>;
  /** Whether the audit log and the overview know of it: not when the disk of the data file is full. */
  recorded: boolean;
}

/** Somebody's permission. */
export interface Change {
  /** `user`, `group`, `apikey`, `client`, or any entity type. */
  subject_type: string;
  /** The identifier, or [`ANY`]. */
  subject_id: string;
  /** With it, the subject is everyone who has this relation to `kind:id`. */
  subject_relation?: string;
  /** What. */
  permission: string;
  /** On which type. */
  entity_type: string;
  /** On which object. */
  entity_id: string;
  /** Whether a policy or condition decides before or afterwards: it may be gained, or lost. */
  abac_required: boolean;
}

/** Whether somebody may do something, and why. */
export interface CheckAnswer {
  allowed: boolean;
  /** What decided it: a stable word. */
  reason: string;
  /** Where the script comes from that ran last. */
  source?: string;
  /** The state of tuples, models and groups that was asked about. */
  revision: number;
  /** The reason in words. */
  because: string;
  subject_type: string;
  subject_id: string;
  /** The name that the subject was given by. */
  resolved?: Name;
  /** What there is to say of the subject when it is nobody here. */
  note?: string;
  /** The derivation or what came nearest, and both in sentences. */
  explanation?: Record<string, unknown>;
  /** For each tuple that was tried, whether it would do. */
  would_do?: boolean[];
}

/** May somebody do something? */
export interface CheckQuestion {
  subject_type: string;
  /** Who: an identifier, or the name of a person or group. */
  subject_id: string;
  /** With it, the subject is everyone who has this relation to the one that is named. */
  subject_relation?: string | null;
  /** A permission, or a relation. */
  permission: string;
  entity_type: string;
  /** The object; all of the type when absent. */
  entity_id?: string | null;
  /** What policies may know of the object: `id`, `type`, and attributes, in `attributes` or beside it. */
  resource?: Record<string, unknown> | null;
  /** What policies may know besides. */
  context?: Record<string, unknown> | null;
  /** Whether to say why. */
  explain?: boolean | null;
  /** Whether somebody may be named; otherwise all is an identifier. */
  names?: boolean | null;
  /** Tuples of which each is tried: whether it would be enough, or up to a policy. */
  would_do?: NewTuple[] | null;
}

/** A step that is to be done, or was. */
export interface ChecklistStep {
  done: boolean;
  title: string;
  /** The page where it is done. */
  href: string;
}

/** An app or a machine: everything but its secrets, whose ages stand there instead. */
export interface Client {
  /** Where codes are sent, exactly (RFC 9700 §4.1.3) */
  redirect_uris: string[];
  /** Where people return after logging out, exactly (RP-Initiated Logout §3.1) */
  post_logout_redirect_uris: string[];
  /** Redirect URIs may be plain http on private addresses and names that end in .lan, .home.arpa or .internal. Anyone who listens in that network can read codes and what the app shows. */
  allow_private_http: boolean;
  /** How the app proves itself at the token endpoint */
  token_endpoint_auth_method: AuthMethod;
  /** What it may present at the token endpoint */
  grant_types: GrantType[];
  /** `aud` of its access tokens; the installation's when there is none */
  audiences: string[];
  /** Origins whose pages may call from a browser, beyond those of the redirect URIs */
  origins: string[];
  /** Scopes it may ask for; all when there is none */
  scopes: string[];
  /** People are not asked for consent */
  trusted: boolean;
  /** PKCE is demanded even though the app has a secret; of public apps it always is */
  require_pkce: boolean;
  /** A scope that it may not ask for ends its request, and is not just left out */
  strict_scopes: boolean;
  /** What its tokens are signed with */
  signing_alg: Algorithm;
  /** typ in the header of its access tokens: JWT, which every verifier takes, or at+jwt of RFC 9068 */
  access_token_typ: AccessTokenTyp;
  /** Its public keys for `private_key_jwt`, as a JWK set (RFC 7517) */
  jwks: Record<string, unknown> | null;
  /** Who may sign in: everybody, or those who hold owner, admin or use of it, themselves or through a group, and administrators */
  access_policy: AccessPolicy;
  /** Which permissions stand in its tokens: on its own types and those of no client, on all types, or none */
  permission_claims: PermissionScope;
  /** When the names of a person's groups stand in its tokens: when it asks for the scope groups, always, or never */
  group_claims: GroupClaims;
  /** The claim that groups stand in: a name, or a path of members such as /realm_access/groups; groups when empty */
  group_claim_name: string;
  /** Groups stand there by their paths, such as /staff/writers, and not by their names */
  group_paths: boolean;
  /** Which groups stand there: names, or beginnings of names with * at the end; all when there is none */
  group_filter: string[];
  /** More claims, each as NAME=SOURCE: department=attribute:department, roles=roles, role=role:admin,use */
  claims: string[];
  /** Which claims about the person stand in its ID tokens: those of its scopes, or only those that its claims parameter asks for; userinfo has them all (OpenID Connect Core §5.4) */
  id_token_claims: IdTokenClaims;
  /** Lifetime of its access tokens, in seconds; the installation's when there is none */
  access_token_seconds: number | null;
  client_id: ClientId;
  /** Name that people see. */
  name: string;
  /** web: keeps a secret; spa: in the browser; native: on a device; m2m: without people. */
  type: ClientType;
  /** A disabled app gets nothing. */
  disabled: boolean;
  /** Where it was declared; in the configuration: read-only here. */
  managed_by: Origin;
  /** Its secrets by their ages: one, or two while a rotation overlaps. */
  secrets: SecretAge[];
  created_at: Timestamp;
  updated_at: Timestamp;
  version: number;
  /** What ended with the change. */
  ended?: Ended;
  /** The sign-ins of the last days. */
  sign_ins?: RecentProtection;
  /** Whether PKCE could be demanded without anybody noticing. */
  could_require_pkce?: boolean;
  /** Whether nothing ties most of its sign-ins to the browser that began them. */
  is_unprotected?: boolean;
  /** A new secret, shown this once. */
  client_secret?: string;
}

/** What is to change of an app; what is absent stays. */
export interface ClientChange {
  /** Where codes are sent, exactly (RFC 9700 §4.1.3) */
  redirect_uris?: string[];
  /** Where people return after logging out, exactly (RP-Initiated Logout §3.1) */
  post_logout_redirect_uris?: string[];
  /** Redirect URIs may be plain http on private addresses and names that end in .lan, .home.arpa or .internal. Anyone who listens in that network can read codes and what the app shows. */
  allow_private_http?: boolean;
  /** How the app proves itself at the token endpoint */
  token_endpoint_auth_method?: AuthMethod;
  /** What it may present at the token endpoint */
  grant_types?: GrantType[];
  /** `aud` of its access tokens; the installation's when there is none */
  audiences?: string[];
  /** Origins whose pages may call from a browser, beyond those of the redirect URIs */
  origins?: string[];
  /** Scopes it may ask for; all when there is none */
  scopes?: string[];
  /** People are not asked for consent */
  trusted?: boolean;
  /** PKCE is demanded even though the app has a secret; of public apps it always is */
  require_pkce?: boolean;
  /** A scope that it may not ask for ends its request, and is not just left out */
  strict_scopes?: boolean;
  /** What its tokens are signed with */
  signing_alg?: Algorithm;
  /** typ in the header of its access tokens: JWT, which every verifier takes, or at+jwt of RFC 9068 */
  access_token_typ?: AccessTokenTyp;
  /** Its public keys for `private_key_jwt`, as a JWK set (RFC 7517) */
  jwks?: Record<string, unknown> | null;
  /** Who may sign in: everybody, or those who hold owner, admin or use of it, themselves or through a group, and administrators */
  access_policy?: AccessPolicy;
  /** Which permissions stand in its tokens: on its own types and those of no client, on all types, or none */
  permission_claims?: PermissionScope;
  /** When the names of a person's groups stand in its tokens: when it asks for the scope groups, always, or never */
  group_claims?: GroupClaims;
  /** The claim that groups stand in: a name, or a path of members such as /realm_access/groups; groups when empty */
  group_claim_name?: string;
  /** Groups stand there by their paths, such as /staff/writers, and not by their names */
  group_paths?: boolean;
  /** Which groups stand there: names, or beginnings of names with * at the end; all when there is none */
  group_filter?: string[];
  /** More claims, each as NAME=SOURCE: department=attribute:department, roles=roles, role=role:admin,use */
  claims?: string[];
  /** Which claims about the person stand in its ID tokens: those of its scopes, or only those that its claims parameter asks for; userinfo has them all (OpenID Connect Core §5.4) */
  id_token_claims?: IdTokenClaims;
  /** Lifetime of its access tokens, in seconds; the installation's when there is none */
  access_token_seconds?: number | null;
  /** Name that people see */
  name?: string | null;
  type?: ClientType | null;
  /** May be sent as it is; the client_id of an app cannot change. */
  client_id?: string | null;
  /** The version that the change was made from; another one by now is 409 `conflict`. */
  version?: number | null;
}

/** What the deletion of an app would take along. */
export interface ClientDeletion {
  refresh_families: number;
  api_keys: number;
  tuples: number;
  memberships: number;
  consents: number;
  models: number;
  changes: PermissionChanges | null;
}

/** The identifier of an app: 2 to 64 characters of A-Z a-z 0-9 . _ - */
export type ClientId = string;

/** What kind of app a client is. */
export type ClientType = "web" | "spa" | "native" | "m2m";

/** An app that a person has let in. */
export interface Consent {
  client_id: ClientId;
  client_name: string | null;
  /** What it may see. */
  scopes: string[];
  created_at: Timestamp;
  updated_at: Timestamp;
}

/** A key that was deleted. */
export interface DeletedApiKey {
  id: ApiKeyId;
  name: string;
  owner: UserId;
  deleted: boolean;
  ended: EndedTuples;
}

/** An app that was deleted. */
export interface DeletedClient {
  client_id: ClientId;
  deleted: boolean;
  ended: Ended;
}

/** A group that was deleted. */
export interface DeletedGroup {
  id: GroupId;
  name: string;
  deleted: boolean;
  ended: GroupEnded;
}

/** A model that was deleted. */
export interface DeletedModel {
  entity_type: string;
  deleted: boolean;
}

/** A person who was deleted. */
export interface DeletedUser {
  id: UserId;
  email: string;
  deleted: boolean;
  ended: Ended;
}

/** A delivery that is not done. Its payload is for who receives it. */
export interface Delivery {
  id: DeliveryId;
  kind: string;
  /** What it is about. */
  target: string;
  state: DeliveryState;
  /** How often it was tried. */
  attempts: number;
  /** When it is tried next. */
  due_at: Timestamp;
  tried_at: Timestamp | null;
  /** What went wrong the last time. */
  error: string | null;
  created_at: Timestamp;
  expires_at: Timestamp;
}

/** An identifier that begins with `dlv_`. */
export type DeliveryId = string;

/** Whether a delivery is still tried. */
export type DeliveryState = "waiting" | "dead";

/** A model, described in words. */
export interface DescribedModel {
  entity_type: string;
  client: ClientId | null;
  built_in: boolean;
  /** `relations`, `permissions` and what else was written. */
  definition: Record<string, unknown>;
  /** 0 for a built-in one. */
  version: number;
  created_at?: Timestamp;
  updated_at?: Timestamp;
  description: Description;
  /** What is allowed and probably not meant. */
  warnings: Mistake[];
}

/** A permission in words. */
export interface DescribedPermission {
  /** Its name. */
  name: string;
  /** The relation it needs. */
  relation: string;
  /** Whether a policy has to agree. */
  policy: boolean;
  /** What it is for. */
  description: string | null;
}

/** A relation in words. */
export interface DescribedRelation {
  /** Its name. */
  name: string;
  /** Who has it: `given, or editor, or viewer of parent`. */
  held_by: string;
  /** Whether it can be given. */
  takes_tuples: boolean;
  /** What may stand as subject, `["user", "group#member"]`; `null` for anything. */
  subjects: string[] | null;
}

/** What pages and the command line show of a model. */
export interface Description {
  /** The entity type. */
  entity_type: string;
  /** `owner ⊃ editor ⊃ viewer`: who has the left can do all that the right can. Every inclusion stands in one of them. */
  hierarchy: string[];
  /** In the order of the hierarchy, the most powerful first. */
  relations: DescribedRelation[];
  /** By name. */
  permissions: DescribedPermission[];
  /** By relation, then by permission: what holding the relation is worth. */
  matrix: Record<string, Record<string, Sufficiency>>;
}

/** What a subject may do. */
export interface Effective {
  /** By type and object; `*` stands for every object of the type. */
  items: EffectiveItem[];
  /** Whether there is more than was looked at. */
  truncated: boolean;
}

/** What a subject may do with one object. */
export interface EffectiveItem {
  /** The type. */
  entity_type: string;
  /** The object. */
  entity_id: string;
  /** Names of permissions, sorted; of relations where the type has no permissions. */
  permissions: string[];
  /** Those of them that depend on a policy and must be asked live. */
  abac_required: string[];
}

/** How much ended. */
export interface Ended {
  /** Sessions removed. */
  sessions: number;
  /** Token families revoked that were not yet. */
  grants: number;
  /** Consents removed. */
  consents: number;
  /** API keys removed, or that worked and do not any more. */
  api_keys?: number;
  /** Relations removed, memberships of groups included. */
  tuples?: number;
  /** How many of those were memberships of groups. */
  memberships?: number;
  /** Entity types removed: those of a client, with everything that was granted on their objects. */
  models?: number;
}

/** A session that was ended. */
export interface EndedSession {
  id: SessionId;
  ended: Ended;
}

/** A person who was signed out everywhere. */
export interface EndedSessions {
  id: UserId;
  email: string;
  ended: Ended;
}

/** How many relations ended. */
export interface EndedTuples {
  tuples: number;
}

/** A link that lets somebody in. */
export interface EntryLink {
  url: string;
  expires_at: Timestamp;
}

/** What a policy got and answered. */
export interface Evaluation {
  id: EvaluationId;
  at: Timestamp;
  entity_type: string;
  entity_id: string;
  permission: string;
  subject_type: string;
  subject_id: string;
  policy_source: PolicyLevel;
  /** The name of the permission, or the identifier of the tuple. */
  policy_name: string;
  policy_script: string | null;
  result: PolicyResult;
  /** The code of a fault. */
  error: string | null;
  /** The fault in words, or why what it returned counts as deny. */
  message: string | null;
  /** What it knew, without what is redacted. */
  context: unknown;
  execution_time_ms: number;
  request: string | null;
  ip: string | null;
  user_agent: string | null;
  /** So many like it were left out before it. */
  left_out: number;
}

/** An identifier that begins with `evl_`. */
export type EvaluationId = string;

/** An identifier that begins with `flr_`. */
export type FailureId = string;

/** What is wrong with one field of a request. */
export interface FieldProblem {
  /** Where: `subjects[2].id`. */
  field: string;
  /** What is wrong and what to do. */
  message: string;
}

/** What a check found. */
export interface Finding {
  /** A stable name. */
  name: string;
  /** How it ended. */
  state: FindingState;
  /** What was found, in a sentence. */
  message: string;
  /** What to do; `None` when there is nothing to do. */
  fix: string | null;
}

/** How a check ended. */
export type FindingState = "ok" | "warn" | "fail";

/** A change of an app that puts a failure right. */
export interface Fix {
  /** The list. */
  field: string;
  /** What it lacks. */
  add: string;
}

/** `grant_type` (RFC 6749, RFC 7591 §2). */
export type GrantType = "authorization_code" | "refresh_token" | "client_credentials";

/** A named set of people, keys and other groups. */
export interface Group {
  id: GroupId;
  /** Unique without regard to case. */
  name: string;
  /** What it is for. */
  description: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  /** 1, and one more with every change. */
  version: number;
}

/** What may be said about a group; absent stays as it is. */
export interface GroupChange {
  /** Unique name. */
  name?: string | null;
  /** What it is for; `null` takes it away. */
  description?: string | null;
  /** The version that the change was made from; another one by now is 409 `conflict`. */
  version?: number | null;
}

/** When the names of a person's groups stand in a client's tokens. */
export type GroupClaims = "requested" | "always" | "none";

/** What the deletion of a group would take along. */
export interface GroupDeletion {
  /** Memberships, and relations that the group has. */
  tuples: number;
  /** How many of those are memberships. */
  memberships: number;
  changes: PermissionChanges | null;
}

/** What went with a group. */
export interface GroupEnded {
  /** Memberships, and relations that the group had. */
  tuples: number;
  /** How many of those were memberships. */
  memberships: number;
}

/** An identifier that begins with `grp_`. */
export type GroupId = string;

/** Which claims about the person stand in the id tokens of a client. */
export type IdTokenClaims = "all" | "requested";

/** Models that were imported. */
export interface ImportedModels {
  items: Model[];
  next: string | null;
  warnings: Mistake[];
}

/** How many tuples were imported. */
export interface ImportedTuples {
  /** Those that are there now. */
  written: number;
  /** Those that have expired and were left out. */
  expired: number;
  /** Those whose subject was named. */
  resolved: number;
  /** Those whose subject was taken for an identifier, and is also the name of somebody here. */
  names: number;
  /** Those whose subject is nobody here: of an unknown type, or of another system. */
  strangers?: number;
  /** What there is to say of the first of them. */
  notes?: string[];
}

/** What the developer of an app needs: addresses as discovery has them, and what is registered. Never a secret. */
export interface Integration {
  issuer: string;
  discovery: string;
  jwks: string;
  authorize: string;
  token: string;
  userinfo: string;
  end_session: string;
  client_id: ClientId;
  client_name: string;
  /** `aud` of its access tokens. */
  audience: Audience;
  redirect_uris: string[];
  post_logout_redirect_uris: string[];
  /** Scopes that it may ask for. */
  scopes: string[];
  type: ClientType;
  auth_method: AuthMethod;
  grant_types: GrantType[];
  signing_alg: Algorithm;
  pkce_required: boolean;
  /** The claim that the names of a person's groups stand in, if they do. */
  groups_in: string | null;
  /** When they stand there. */
  group_claims: GroupClaims;
  /** `typ` in the header of its access tokens. */
  access_token_typ: AccessTokenTyp;
}

/** An invitation to sign up, with its link, which is shown this once. */
export interface Invite {
  id: InviteId;
  email: string | null;
  /** The link. */
  url: string;
  created_at: Timestamp;
  expires_at: Timestamp;
}

/** An identifier that begins with `inv_`. */
export type InviteId = string;

/** A group that a person is in. */
export interface JoinedGroup {
  id: GroupId;
  name: string;
  /** Whether they were put in by name, not only through another group. */
  direct: boolean;
}

/** How old a token-signing key is. */
export interface KeyAge {
  kid: KeyId;
  alg: Algorithm;
  state: KeyState;
  /** Since it began to sign, or was made. */
  age_days: number;
}

/** An identifier that begins with `kid_`. */
export type KeyId = string;

/** Which keys are to rotate. */
export interface KeyRotation {
  alg?: Algorithm | null;
}

/** Where a key stands in its life. */
export type KeyState = "current" | "next" | "retired";

/** The certificate of the local CA. */
export interface LocalCa {
  pem: string;
  /** Over the certificate, in hexadecimal. */
  sha256: string;
  /** The same as tools print it: two digits, a colon, and so on. */
  fingerprint: string;
  /** Where everybody may load it, where this server shows a certificate of it. */
  url: string | null;
  created_at: Timestamp;
  expires_at: Timestamp;
}

/** How many were looked at. */
export interface LookedAt {
  /** People, keys, clients and subjects of other systems. */
  subjects: number;
  /** Objects. */
  objects: number;
}

/** Who calls, and the rights they hold over all objects. */
export interface Me {
  kind: ActorKind;
  id: string | null;
  /** Of a person. */
  email: string | null;
  name: string | null;
  /** Whether they administer the platform. */
  is_admin: boolean;
  /** Each as `view on users`. */
  rights: string[];
}

/** Somebody in a group. */
export interface Member {
  subject_type: string;
  subject_id: string;
  subject_relation: string | null;
  /** The e-mail address of a person, the name of a group. */
  name: string | null;
  /** The group that they were put in by name, when it is another one. */
  through: string | null;
  /** Whether a condition decides at the time of a check. */
  conditional: boolean;
}

/** What a member of a group can be. */
export type MemberKind = "user" | "apikey" | "client" | "group";

/** One mistake in a document, and where it is. */
export interface Mistake {
  /** Such as `relations.reader.anyOf[1].from`; empty for the whole document. */
  at: string;
  /** What is wrong and what to do. */
  problem: string;
}

/** A model as it was written. */
export interface Model {
  entity_type: string;
  client: ClientId | null;
  built_in: boolean;
  /** `relations`, `permissions` and what else was written. */
  definition: Record<string, unknown>;
  /** 0 for a built-in one. */
  version: number;
  created_at?: Timestamp;
  updated_at?: Timestamp;
}

/** What another model would change. */
export interface ModelChanges {
  gained: Change[];
  lost: Change[];
  /** Whether this is all. */
  complete: boolean;
  looked_at: LookedAt;
  warnings: Mistake[];
  refused: RefusedChange | null;
}

/** A model to look at. */
export interface ModelDraft {
  /** `relations`, `permissions` and what else there is to say. */
  definition: Record<string, unknown>;
  /** The type that it is for; `document` when absent. */
  entity_type?: string | null;
}

/** Models that OpenFGA wrote. */
export interface ModelImport {
  /** JSON, or OpenFGA's own language. */
  source: string;
  /** What stands before each type from now on. */
  prefix?: string | null;
  /** Other names of types, by the name in the source; no prefix stands before them. */
  rename?: Record<string, string> | null;
  /** Whether tuples are removed that the new models would not take. Without it they are in the way. */
  remove_tuples?: boolean | null;
}

/** A name and whose it is. */
export interface Name {
  /** As it was typed. */
  typed: string;
  /** What it was taken for. */
  as: NameKind;
  /** The identifier that takes its place. */
  id: string;
}

/** What kind of name a text was. */
export type NameKind = "email" | "username" | "group_name";

/** A key to make. */
export interface NewApiKey {
  /** What people call it. */
  name: string;
  /** Whose it is: e-mail address, username or id. The administrator's who asks when absent, or the first one's. */
  owner?: string | null;
  /** What its text begins with; `ak_live_` when absent. */
  prefix?: string | null;
  /** Seconds until it ends; never when absent. */
  expires_in?: number | null;
  /** The app to bind it to. */
  client?: string | null;
  /** Where it may be used from, as CIDR or addresses; everywhere when absent. */
  networks?: string[] | null;
  /** Notes. */
  metadata?: Record<string, unknown> | null;
  /** How many uses it has; any number when absent. */
  remaining?: number | null;
  rate_limit?: RateLimit | null;
  refill?: RefillRule | null;
}

/** Where a copy is to be. */
export interface NewBackup {
  /** An absolute path on the machine, where there is nothing yet. */
  path: string;
}

/** An app to register. What is absent is as it is for an app of its type. */
export interface NewClient {
  /** Where codes are sent, exactly (RFC 9700 §4.1.3) */
  redirect_uris?: string[];
  /** Where people return after logging out, exactly (RP-Initiated Logout §3.1) */
  post_logout_redirect_uris?: string[];
  /** Redirect URIs may be plain http on private addresses and names that end in .lan, .home.arpa or .internal. Anyone who listens in that network can read codes and what the app shows. */
  allow_private_http?: boolean;
  /** How the app proves itself at the token endpoint */
  token_endpoint_auth_method?: AuthMethod;
  /** What it may present at the token endpoint */
  grant_types?: GrantType[];
  /** `aud` of its access tokens; the installation's when there is none */
  audiences?: string[];
  /** Origins whose pages may call from a browser, beyond those of the redirect URIs */
  origins?: string[];
  /** Scopes it may ask for; all when there is none */
  scopes?: string[];
  /** People are not asked for consent */
  trusted?: boolean;
  /** PKCE is demanded even though the app has a secret; of public apps it always is */
  require_pkce?: boolean;
  /** A scope that it may not ask for ends its request, and is not just left out */
  strict_scopes?: boolean;
  /** What its tokens are signed with */
  signing_alg?: Algorithm;
  /** typ in the header of its access tokens: JWT, which every verifier takes, or at+jwt of RFC 9068 */
  access_token_typ?: AccessTokenTyp;
  /** Its public keys for `private_key_jwt`, as a JWK set (RFC 7517) */
  jwks?: Record<string, unknown> | null;
  /** Who may sign in: everybody, or those who hold owner, admin or use of it, themselves or through a group, and administrators */
  access_policy?: AccessPolicy;
  /** Which permissions stand in its tokens: on its own types and those of no client, on all types, or none */
  permission_claims?: PermissionScope;
  /** When the names of a person's groups stand in its tokens: when it asks for the scope groups, always, or never */
  group_claims?: GroupClaims;
  /** The claim that groups stand in: a name, or a path of members such as /realm_access/groups; groups when empty */
  group_claim_name?: string;
  /** Groups stand there by their paths, such as /staff/writers, and not by their names */
  group_paths?: boolean;
  /** Which groups stand there: names, or beginnings of names with * at the end; all when there is none */
  group_filter?: string[];
  /** More claims, each as NAME=SOURCE: department=attribute:department, roles=roles, role=role:admin,use */
  claims?: string[];
  /** Which claims about the person stand in its ID tokens: those of its scopes, or only those that its claims parameter asks for; userinfo has them all (OpenID Connect Core §5.4) */
  id_token_claims?: IdTokenClaims;
  /** Lifetime of its access tokens, in seconds; the installation's when there is none */
  access_token_seconds?: number | null;
  /** Name that people see */
  name: string;
  /** web: keeps a secret; spa: in the browser; native: on a device; m2m: without people */
  type: ClientType;
  /** The client_id; generated when absent */
  client_id?: string | null;
}

/** A group to make. */
export interface NewGroup {
  /** Unique name. */
  name: string;
  /** What it is for. */
  description?: string | null;
}

/** An invitation to make. */
export interface NewInvite {
  /** The only address that may use it. */
  email?: string | null;
  /** Seconds until it stops working; a week when absent. */
  expires_in?: number | null;
}

/** Somebody to put into a group. */
export interface NewMember {
  subject_type?: MemberKind | null;
  /** An identifier, or the name of a person or group. */
  subject_id: string;
  /** Whether they may be named; otherwise all is an identifier. */
  names?: boolean | null;
}

/** A model to write. */
export interface NewModel {
  /** `relations`, `permissions` and what else there is to say. */
  definition: Record<string, unknown>;
  client?: ClientId | null;
  /** The version that the change was made from, 0 when there must be none; another one by now is 409 `conflict`. */
  version?: number | null;
}

/** A new password. */
export interface NewPassword {
  /** The password. */
  password: string;
}

/** A sign-in link to make. */
export interface NewSignInLink {
  /** Seconds until it stops working: an hour to 7 days, a day when absent. */
  expires_in?: number | null;
}

/** A tuple to write, or to remove. It may be sent as it was read. */
export interface NewTuple {
  entity_type: string;
  /** The object; `*` for all of the type. */
  entity_id: string;
  relation: string;
  subject_type: string;
  /** Who: an identifier, or the name of a person or group; `*` for all of the type. */
  subject_id: string;
  /** With it, the subject is everyone who has this relation to the one that is named. */
  subject_relation?: string | null;
  /** Lua that must return true for the tuple to count. */
  condition?: string | null;
  expires_at?: Timestamp | null;
  /** Whether somebody may be named; otherwise all is an identifier. */
  names?: boolean | null;
  /** Said when it is read; ignored. */
  id?: string | null;
  created_at?: Timestamp | null;
  updated_at?: Timestamp | null;
  /** Said when it is read; ignored. */
  resolved?: Record<string, unknown> | null;
  /** Said when it is written; ignored. */
  note?: string | null;
}

/** One tuple, or several, all or none. */
export type NewTuples = TupleBatch | NewTuple;

/** An account to make. */
export interface NewUser {
  /** Full name. */
  name?: string | null;
  /** First name or names. */
  given_name?: string | null;
  /** Last name or names. */
  family_name?: string | null;
  /** Middle name or names. */
  middle_name?: string | null;
  /** Casual name. */
  nickname?: string | null;
  /** URL of the person's page. */
  profile?: string | null;
  /** URL of a picture. */
  picture?: string | null;
  /** URL of a web site. */
  website?: string | null;
  /** Gender, in any words. */
  gender?: string | null;
  /** `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`. */
  birthdate?: string | null;
  /** A name of the time-zone database. */
  zoneinfo?: string | null;
  /** A BCP 47 tag. */
  locale?: string | null;
  /** E.164 is recommended. */
  phone_number?: string | null;
  /** Whether the number is known to be theirs. */
  phone_number_verified?: boolean | null;
  /** Postal address (OIDC Core §5.1.1). */
  address?: Record<string, unknown> | null;
  /** E-mail address. */
  email: string;
  /** Whether the address is known to be theirs; true when absent, since many apps refuse people without. */
  email_verified?: boolean | null;
  /** Name to sign in with besides the e-mail address. */
  username?: string | null;
  /** Without one a recovery link sets it. */
  password?: string | null;
  /** Custom attributes. */
  attributes?: Record<string, unknown> | null;
  /** Role names; `admin` makes an administrator. */
  roles?: string[] | null;
  /** Whether they administer this installation, beside what `roles` says. */
  admin?: boolean | null;
}

/** Where a client was declared. */
export type Origin = "admin" | "config";

/** How an audited action ended. */
export type Outcome = "success" | "failure";

/** What is there and what happened lately. What the caller may not see is `null` or empty. */
export interface Overview {
  counts: OverviewCounts;
  sign_ins: SignInSum | null;
  /** The present hour last. */
  per_hour: SignInHour[];
  /** The way from an empty installation to one that people rely on. */
  checklist: ChecklistStep[];
  keys: KeyAge[];
  /** The newest rows of the audit log. */
  recent: AuditRow[];
}

/** How many there are. */
export interface OverviewCounts {
  users: number | null;
  clients: number | null;
  groups: number | null;
  api_keys: number | null;
  tuples: number | null;
  sessions: number | null;
}

/** What a change would do. */
export interface PermissionChanges {
  /** Who could do what afterwards and cannot now. */
  gained: Change[];
  /** Who can do what now and could not afterwards. */
  lost: Change[];
  /** Whether this is all: false when there is more than was looked at or listed, or when a policy or condition is another one afterwards, of which only a check says what it does. What is listed is true in either case. */
  complete: boolean;
  /** How far the look went. */
  looked_at: LookedAt;
}

/** Which permissions stand in tokens; own+platform is another word for own. */
export type PermissionScope = "own" | "all" | "none" | "own+platform";

/** Where a policy stands. */
export type PolicyLevel = "permission" | "tuple";

/** What a policy came to. */
export type PolicyResult = "allowed" | "denied" | "error";

/** What a policy was. */
export interface PolicyVersion {
  entity_type: string;
  policy_level: PolicyLevel;
  /** The name of the permission, or the identifier of the tuple. */
  policy_name: string;
  /** `null` when it was taken away. */
  script: string | null;
  version: number;
  changed_by_type: ActorKind;
  changed_by: string | null;
  reason: string | null;
  at: Timestamp;
}

/** A refusal as the admin API sends it (RFC 9457). */
export interface Problem {
  /** `about:blank`: the code says more than a type could. */
  type: string;
  /** The status in words. */
  title: string;
  status: number;
  /** A stable word for programs. */
  code: string;
  /** A sentence for people. */
  detail: string;
  /** The request, as the log names it. */
  request_id: string;
  /** All fields that are wrong, at once. */
  errors?: FieldProblem[];
}

/** At most `max` uses in each window. */
export interface RateLimit {
  /** Uses per window. */
  max: number;
  /** Length of the window in milliseconds. */
  window_ms: number;
}

/** The sign-ins to an app in the last [`DAYS`] days. */
export interface RecentProtection {
  /** How many days that is. */
  days: number;
  /** All of them. */
  all: number;
  /** Those with PKCE (S256). */
  pkce: number;
  /** Those with neither PKCE, nor a nonce, nor a state. */
  bare: number;
}

/** Whose password is to be set anew. */
export interface Recovery {
  /** Their e-mail address, username or id. */
  email: string;
}

/** How the uses that are left grow back. */
export interface Refill {
  /** Uses after each refill. */
  amount: number;
  /** Between refills, in milliseconds. */
  interval_ms: number;
  /** The last one. */
  last: Timestamp;
}

/** `remaining` becomes `amount` again every `interval_ms`. */
export interface RefillRule {
  /** Uses after each refill. */
  amount: number;
  /** Between refills, in milliseconds. */
  interval_ms: number;
}

/** Why a person gets no tokens for an app. */
export type Refused = "user_disabled" | "client_disabled" | "access_denied";

/** Why a change would be refused. */
export interface RefusedChange {
  code: string;
  message: string;
}

/** All keys, after one was retired. */
export interface RetiredKey {
  /** The one. */
  kid: string;
  items: SigningKey[];
  next: string | null;
}

/** A consent that was taken back. */
export interface RevokedConsent {
  user: UserId;
  client_id: ClientId;
  deleted: boolean;
  ended: RevokedGrants;
}

/** How much of what an app got ended. */
export interface RevokedGrants {
  grants: number;
}

/** What happens to the old secret. */
export interface Rotation {
  /** How long it goes on working, in seconds; it ends at once when absent. */
  overlap_seconds?: number | null;
}

/** The digest of a script's text. */
export type ScriptDigest = string;

/** Why a script failed. */
export interface ScriptError {
  /** A stable word. */
  code: string;
  line: number | null;
  message: string;
}

/** A remark on one line. */
export interface ScriptNote {
  /** Counted from 1. */
  line: number;
  /** A sentence. */
  message: string;
}

/** What there is to say about a script. */
export interface ScriptReport {
  /** Whether it can run. */
  valid: boolean;
  errors: ScriptNote[];
  /** It runs, but hardly as it is meant. */
  warnings: ScriptNote[];
  /** It could be better. */
  suggestions: ScriptNote[];
  switched_off: SwitchedOff | null;
}

/** A script to look at. */
export interface ScriptText {
  /** Lua. */
  script: string;
}

/** A script to run. */
export interface ScriptTrial {
  /** Lua. */
  script: string;
  /** What it knows, which is completed as that of a check is. */
  context?: Record<string, unknown> | null;
}

/** How old a secret is. */
export interface SecretAge {
  created_at: Timestamp;
  expires_at: Timestamp | null;
}

/** A signed-in browser or device. */
export interface Session {
  id: SessionId;
  user: UserId;
  created_at: Timestamp;
  /** When it ends unless it is used before. */
  expires_at: Timestamp;
  /** When it ends in any case. */
  ends_at: Timestamp;
  last_seen_at: Timestamp;
  /** When they last proved that it is them. */
  auth_time: Timestamp;
  /** How they did (RFC 8176). */
  amr: string[];
  ip: string | null;
  user_agent: string | null;
  /** The apps that got a code out of it. */
  clients: ClientId[];
}

/** An identifier that begins with `ses_`. */
export type SessionId = string;

/** A key of the configuration. A secret says only that it is set. */
export interface Setting {
  /** Its name in the file. */
  key: string;
  value: unknown;
  origin: SettingOrigin;
  /** Where exactly it was typed. */
  place: string | null;
  /** Its environment variable. */
  variable: string | null;
  /** Whether a new value comes into effect without a restart. */
  reloadable: boolean;
  /** Whether a new value waits for a restart. */
  waiting: boolean;
  /** Whether anything reads it in this version. */
  has_effect: boolean;
  secret: boolean;
  description: string | null;
}

/** Where a value was typed. */
export type SettingOrigin = "default" | "file" | "environment" | "flag";

/** Sign-ins of an hour. */
export interface SignInHour {
  /** When the hour began. */
  at: Timestamp;
  ok: number;
  failed: number;
}

/** A link with which a person signs in once and sets a password, shown this once. A newer one for the same person takes its place, and it ends with any change of the password. */
export interface SignInLink {
  id: UserId;
  email: string;
  /** The link. */
  url: string;
  expires_at: Timestamp;
}

/** What failed sign-ins have come to for a person, as the process that answers has counted them. */
export interface SignInPause {
  id: UserId;
  email: string;
  /** Failures in a row within the last hour, at the place with the most. */
  failures: number;
  /** Seconds until nobody waits any more who signs in as them; 0 when nobody waits. The person is not locked out: the right password works when the turn has come. */
  wait_seconds: number;
}

/** Sign-ins of the period. */
export interface SignInSum {
  ok: number;
  failed: number;
}

/** A key as the admin API lists it. */
export interface SigningKey {
  /** Its name in token headers. */
  kid: KeyId;
  /** What it signs with. */
  alg: Algorithm;
  /** Where it stands. */
  state: KeyState;
  /** When it was made and published. */
  created_at: Timestamp;
  activated_at: Timestamp | null;
  retired_at: Timestamp | null;
}

/** What holding one relation is worth for another one or for a permission. A policy may still say no. */
export type Sufficiency = "no" | "part" | "unless" | "yes";

/** A policy that did not come back and is not run any more. */
export interface SwitchedOff {
  script: ScriptDigest;
  /** What it was to decide. */
  about: string;
  /** Whose it was: a client, or `platform`. */
  owner: string;
  at: Timestamp;
}

/** Policies that are switched off. */
export interface SwitchedOffList {
  items: SwitchedOff[];
}

/** A time as RFC 3339 writes it, such as `2026-01-31T12:00:00.000Z`. */
export type Timestamp = string;

/** What tokens would say after a sign-in with a password at this moment. */
export interface TokenPreview {
  /** Claims of the id token, without the hash of the access token; none when the scopes have no `openid`. */
  id_token: Record<string, unknown> | null;
  /** Claims of the access token. */
  access_token: Record<string, unknown>;
  /** Scopes that the app may not ask for, and that are left out. */
  ignored_scopes: string[];
  refused: Refused | null;
}

/** What a script came to. */
export interface TrialResult {
  result: PolicyResult;
  /** What it returned: true, false, or the name of another type. */
  returned: string | null;
  /** Why what it returned counts as deny. */
  note: string | null;
  execution_time_ms: number;
  error: ScriptError | null;
}

/** What other tuples would change. */
export interface TriedTuples {
  gained: Change[];
  lost: Change[];
  /** Whether this is all. */
  complete: boolean;
  looked_at: LookedAt;
  /** The names that subjects were given by. */
  resolved: Name[];
  /** What there is to say of subjects that are nobody here. */
  notes: string[];
}

/** A tuple: who has which relation to which object. */
export interface Tuple {
  /** Made of its six parts: the same tuple has the same identifier everywhere. */
  id: string;
  entity_type: string;
  /** The object; `*` for all of the type. */
  entity_id: string;
  relation: string;
  subject_type: string;
  /** Who; `*` for all of the type. */
  subject_id: string;
  /** With it, the subject is everyone who has this relation to the one that is named. */
  subject_relation: string | null;
  /** Lua that must return true for the tuple to count. */
  condition: string | null;
  expires_at: Timestamp | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  /** The name that the subject was given by. */
  resolved?: Name;
  /** What there is to say of the subject when it is nobody here, where a tuple was written. */
  note?: string;
}

/** Several tuples to write. */
export interface TupleBatch {
  /** The tuples. */
  tuples: NewTuple[];
}

/** Tuples to try. */
export interface TupleChanges {
  /** Those that would be written. */
  add?: NewTuple[] | null;
  /** Those that would be removed. */
  remove?: NewTuple[] | null;
}

/** Tuples as lines of any notation that is read. */
export interface TupleImport {
  /** The lines. */
  lines: string[];
  /** The number of the first line, for messages. */
  first_line?: number | null;
  /** What stands before the types of OpenFGA tuples from now on. */
  prefix?: string | null;
  /** Other names of their types, as where their models were imported. */
  rename?: Record<string, string> | null;
  /** Whether people and groups are named; otherwise all are identifiers. */
  names?: boolean | null;
}

/** A page of tuples. */
export interface TuplePage {
  items: Tuple[];
  next: string | null;
  /** The name that the subject was given by. */
  resolved?: Name;
}

/** A person: everything but the password. */
export interface User {
  name?: string;
  given_name?: string;
  family_name?: string;
  middle_name?: string;
  nickname?: string;
  /** URL of the person's page. */
  profile?: string;
  /** URL of a picture. */
  picture?: string;
  /** URL of a web site. */
  website?: string;
  gender?: string;
  /** `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`. */
  birthdate?: string;
  /** A name of the time-zone database. */
  zoneinfo?: string;
  /** BCP 47 tag. */
  locale?: string;
  /** E.164 is recommended. */
  phone_number?: string;
  /** Whether the number was proved to be theirs. */
  phone_number_verified?: boolean;
  /** OIDC Core §5.1.1. */
  address?: Record<string, unknown>;
  id: UserId;
  email: string;
  /** Whether the address is known to be theirs. */
  email_verified: boolean;
  /** Name to sign in with besides the e-mail address. */
  username: string | null;
  /** Custom attributes. */
  attributes: Record<string, unknown>;
  /** `admin` for administrators. */
  roles: string[];
  has_password: boolean;
  /** A disabled person cannot sign in. */
  disabled: boolean;
  created_at: Timestamp;
  updated_at: Timestamp;
  version: number;
  /** What ended with the change. */
  ended?: Ended;
}

/** What is to change of a person; what is absent stays. */
export interface UserChange {
  /** Full name. */
  name?: string | null;
  /** First name or names. */
  given_name?: string | null;
  /** Last name or names. */
  family_name?: string | null;
  /** Middle name or names. */
  middle_name?: string | null;
  /** Casual name. */
  nickname?: string | null;
  /** URL of the person's page. */
  profile?: string | null;
  /** URL of a picture. */
  picture?: string | null;
  /** URL of a web site. */
  website?: string | null;
  /** Gender, in any words. */
  gender?: string | null;
  /** `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`. */
  birthdate?: string | null;
  /** A name of the time-zone database. */
  zoneinfo?: string | null;
  /** A BCP 47 tag. */
  locale?: string | null;
  /** E.164 is recommended. */
  phone_number?: string | null;
  /** Whether the number is known to be theirs. */
  phone_number_verified?: boolean | null;
  /** Postal address (OIDC Core §5.1.1). */
  address?: Record<string, unknown> | null;
  /** A new address; it counts as not verified unless `email_verified` says so. */
  email?: string | null;
  /** Whether the address is known to be theirs. */
  email_verified?: boolean | null;
  /** Name to sign in with besides the e-mail address; `null` takes it away. */
  username?: string | null;
  /** All custom attributes from now on. */
  attributes?: Record<string, unknown> | null;
  /** All roles from now on. */
  roles?: string[] | null;
  /** Whether they administer this installation; their other roles stay. */
  admin?: boolean | null;
  /** The version that the change was made from; another one by now is 409 `conflict`. */
  version?: number | null;
}

/** What the deletion of a person would take along. */
export interface UserDeletion {
  sessions: number;
  refresh_families: number;
  api_keys: number;
  tuples: number;
  memberships: number;
  consents: number;
  changes: PermissionChanges | null;
}

/** An identifier that begins with `usr_`. */
export type UserId = string;

/** A model that was looked at. */
export interface ValidModel {
  entity_type: string;
  valid: boolean;
  description: Description;
  warnings: Mistake[];
}

/** One tuple that was written, or several. */
export type WrittenTuples = TuplePage | Tuple;

/** What each operation takes and gives. */
export interface Operations {
  /** People, oldest first */
  "GET /users": {
    body: undefined;
    answer: {
      items: User[];
      next: string | null;
    };
  };
  /** Makes an account */
  "POST /users": {
    body: NewUser;
    answer: User;
  };
  /** A person, by e-mail address, username or id */
  "GET /users/{user}": {
    body: undefined;
    answer: User;
  };
  /** Changes a person; what is absent stays, a claim that is null goes */
  "PATCH /users/{user}": {
    body: UserChange;
    answer: User;
  };
  /** Deletes a person and what was theirs */
  "DELETE /users/{user}": {
    body: undefined;
    answer: DeletedUser;
  };
  /** What a deletion would take along */
  "GET /users/{user}/deletion": {
    body: undefined;
    answer: UserDeletion;
  };
  /** The groups they are in */
  "GET /users/{user}/groups": {
    body: undefined;
    answer: {
      items: JoinedGroup[];
      next: string | null;
    };
  };
  /** What they may do */
  "GET /users/{user}/access": {
    body: undefined;
    answer: Effective;
  };
  /** What their tokens would say; nothing is signed or stored */
  "GET /users/{user}/token": {
    body: undefined;
    answer: TokenPreview;
  };
  /** Signs somebody out everywhere: ends all sessions and all tokens that apps hold for them */
  "DELETE /users/{user}/sessions": {
    body: undefined;
    answer: EndedSessions;
  };
  /** The apps they have let in */
  "GET /users/{user}/consents": {
    body: undefined;
    answer: {
      items: Consent[];
      next: string | null;
    };
  };
  /** Ends what an app got by their consent */
  "DELETE /users/{user}/consents/{client}": {
    body: undefined;
    answer: RevokedConsent;
  };
  /** Sets a password, which ends every session */
  "POST /users/{user}/password": {
    body: NewPassword;
    answer: User;
  };
  /** Makes a link with which a person signs in once and sets a password */
  "POST /users/{user}/link": {
    body: NewSignInLink;
    answer: SignInLink;
  };
  /** What failed sign-ins have come to */
  "GET /users/{user}/pause": {
    body: undefined;
    answer: SignInPause;
  };
  /** Forgets failed sign-ins, so that nobody waits; answers what they had come to */
  "POST /users/{user}/unlock": {
    body: undefined;
    answer: SignInPause;
  };
  /** Locks somebody out, which ends every session */
  "POST /users/{user}/disable": {
    body: undefined;
    answer: User;
  };
  /** Lets somebody in again */
  "POST /users/{user}/enable": {
    body: undefined;
    answer: User;
  };
  /** Makes a link to sign up, shown this once */
  "POST /invites": {
    body: NewInvite;
    answer: Invite;
  };
  /** Apps and machines, by id */
  "GET /clients": {
    body: undefined;
    answer: {
      items: Client[];
      next: string | null;
    };
  };
  /** Registers an app; its secret is shown this once */
  "POST /clients": {
    body: NewClient;
    answer: Client;
  };
  /** An app */
  "GET /clients/{client}": {
    body: undefined;
    answer: Client;
  };
  /** Changes an app; what is absent stays, a key set or lifetime that is null goes */
  "PATCH /clients/{client}": {
    body: ClientChange;
    answer: Client;
  };
  /** Deletes an app with its grants and consents */
  "DELETE /clients/{client}": {
    body: undefined;
    answer: DeletedClient;
  };
  /** What a deletion would take along */
  "GET /clients/{client}/deletion": {
    body: undefined;
    answer: ClientDeletion;
  };
  /** What the app's developer needs; never a secret */
  "GET /clients/{client}/integration": {
    body: undefined;
    answer: Integration;
  };
  /** Requests of the app that failed, newest first */
  "GET /clients/{client}/failures": {
    body: undefined;
    answer: {
      items: AppFailure[];
      next: string | null;
    };
  };
  /** Adds the redirect URI that was sent */
  "POST /clients/{client}/failures/{failure}/fix": {
    body: undefined;
    answer: Client;
  };
  /** Makes another secret, shown this once */
  "POST /clients/{client}/rotate-secret": {
    body: Rotation;
    answer: Client;
  };
  /** Gives the app nothing more, and revokes its grants */
  "POST /clients/{client}/disable": {
    body: undefined;
    answer: Client;
  };
  /** Lets the app work again */
  "POST /clients/{client}/enable": {
    body: undefined;
    answer: Client;
  };
  /** This document */
  "GET /openapi.json": {
    body: undefined;
    answer: Record<string, unknown>;
  };
  /** Who calls, and the rights they hold over all objects */
  "GET /me": {
    body: undefined;
    answer: Me;
  };
  /** What is there and what happened lately */
  "GET /overview": {
    body: undefined;
    answer: Overview;
  };
  /** The configuration in effect, without its secrets */
  "GET /settings": {
    body: undefined;
    answer: {
      items: Setting[];
      next: string | null;
    };
  };
  /** What is wrong with the installation, and what to do */
  "GET /doctor": {
    body: undefined;
    answer: {
      items: Finding[];
      next: string | null;
    };
  };
  /** Groups, oldest first */
  "GET /groups": {
    body: undefined;
    answer: {
      items: Group[];
      next: string | null;
    };
  };
  /** Makes a group */
  "POST /groups": {
    body: NewGroup;
    answer: Group;
  };
  /** A group, by name or id */
  "GET /groups/{group}": {
    body: undefined;
    answer: Group;
  };
  /** Changes a group; what is absent stays */
  "PATCH /groups/{group}": {
    body: GroupChange;
    answer: Group;
  };
  /** Deletes a group with all that was granted to it */
  "DELETE /groups/{group}": {
    body: undefined;
    answer: DeletedGroup;
  };
  /** What a deletion would take along */
  "GET /groups/{group}/deletion": {
    body: undefined;
    answer: GroupDeletion;
  };
  /** Everybody in it */
  "GET /groups/{group}/members": {
    body: undefined;
    answer: {
      items: Member[];
      next: string | null;
    };
  };
  /** Puts somebody in */
  "POST /groups/{group}/members": {
    body: NewMember;
    answer: Tuple;
  };
  /** Takes somebody out */
  "DELETE /groups/{group}/members/{type}/{id}": {
    body: undefined;
    answer: Tuple;
  };
  /** Models by name, and at the end the built-in ones */
  "GET /models": {
    body: undefined;
    answer: {
      items: Model[];
      next: string | null;
    };
  };
  /** What is wrong with a model; nothing is written */
  "POST /models/validate": {
    body: ModelDraft;
    answer: ValidModel;
  };
  /** Writes models that OpenFGA wrote */
  "POST /models/import": {
    body: ModelImport;
    answer: ImportedModels;
  };
  /** A model, described in words */
  "GET /models/{type}": {
    body: undefined;
    answer: DescribedModel;
  };
  /** Writes a model; 201 when it is new */
  "PUT /models/{type}": {
    body: NewModel;
    answer: DescribedModel;
  };
  /** Deletes a model that no tuple uses */
  "DELETE /models/{type}": {
    body: undefined;
    answer: DeletedModel;
  };
  /** Who would gain and who would lose what by another model */
  "POST /models/{type}/dry-run": {
    body: NewModel;
    answer: ModelChanges;
  };
  /** Who would gain and who would lose what by other tuples */
  "POST /tuples/dry-run": {
    body: TupleChanges;
    answer: TriedTuples;
  };
  /** Who has which relation to which object */
  "GET /tuples": {
    body: undefined;
    answer: TuplePage;
  };
  /** Writes a tuple, or up to 1000 of them, all or none */
  "POST /tuples": {
    body: NewTuples;
    answer: WrittenTuples;
  };
  /** Removes a tuple, by its parts */
  "POST /tuples/remove": {
    body: NewTuple;
    answer: Tuple;
  };
  /** Writes tuples from lines of any notation, all or none */
  "POST /tuples/import": {
    body: TupleImport;
    answer: ImportedTuples;
  };
  /** A tuple */
  "GET /tuples/{tuple}": {
    body: undefined;
    answer: Tuple;
  };
  /** Removes a tuple */
  "DELETE /tuples/{tuple}": {
    body: undefined;
    answer: Tuple;
  };
  /** May somebody do something, and why */
  "POST /check": {
    body: CheckQuestion;
    answer: CheckAnswer;
  };
  /** Token-signing keys, oldest first */
  "GET /keys": {
    body: undefined;
    answer: {
      items: SigningKey[];
      next: string | null;
    };
  };
  /** Signs with the keys that are published ahead */
  "POST /keys/rotate": {
    body: KeyRotation;
    answer: {
      items: SigningKey[];
      next: string | null;
    };
  };
  /** Takes a key out of use; its tokens stop verifying */
  "POST /keys/{kid}/retire": {
    body: undefined;
    answer: RetiredKey;
  };
  /** Signed-in browsers and devices, newest first */
  "GET /sessions": {
    body: undefined;
    answer: {
      items: Session[];
      next: string | null;
    };
  };
  /** Ends a session with the tokens that came from it */
  "DELETE /sessions/{session}": {
    body: undefined;
    answer: EndedSession;
  };
  /** API keys, newest first */
  "GET /api-keys": {
    body: undefined;
    answer: {
      items: ApiKey[];
      next: string | null;
    };
  };
  /** Makes a key, shown this once */
  "POST /api-keys": {
    body: NewApiKey;
    answer: ApiKey;
  };
  /** A key */
  "GET /api-keys/{key}": {
    body: undefined;
    answer: ApiKey;
  };
  /** Changes a key; what is absent stays, a limit or an end that is null goes */
  "PATCH /api-keys/{key}": {
    body: ApiKeyChange;
    answer: ApiKey;
  };
  /** Deletes a key; it stops working at once */
  "DELETE /api-keys/{key}": {
    body: undefined;
    answer: DeletedApiKey;
  };
  /** Who did what to whom, newest first */
  "GET /audit": {
    body: undefined;
    answer: {
      items: AuditRow[];
      next: string | null;
    };
  };
  /** The audit log as a file: all rows that are asked for, JSON Lines or comma-separated values */
  "GET /audit/export": {
    body: undefined;
    answer: unknown;
  };
  /** Deliveries that are not done, newest first */
  "GET /outbox": {
    body: undefined;
    answer: {
      items: Delivery[];
      next: string | null;
    };
  };
  /** Deletes a delivery: it is not done */
  "DELETE /outbox/{delivery}": {
    body: undefined;
    answer: Delivery;
  };
  /** Tries a delivery again now */
  "POST /outbox/{delivery}/retry": {
    body: undefined;
    answer: Delivery;
  };
  /** What is wrong with a script; it is not run */
  "POST /policies/validate": {
    body: ScriptText;
    answer: ScriptReport;
  };
  /** Runs a script as a check would, and records nothing */
  "POST /policies/test": {
    body: ScriptTrial;
    answer: TrialResult;
  };
  /** What policies got and answered, newest first */
  "GET /policies/evaluations": {
    body: undefined;
    answer: {
      items: Evaluation[];
      next: string | null;
    };
  };
  /** What the policies of a type were, the newest first for each */
  "GET /policies/versions": {
    body: undefined;
    answer: {
      items: PolicyVersion[];
      next: string | null;
    };
  };
  /** Policies that did not come back and are not run any more, oldest first */
  "GET /policies/switched-off": {
    body: undefined;
    answer: SwitchedOffList;
  };
  /** Lets the policy run again whose text has this digest */
  "DELETE /policies/switched-off/{script}": {
    body: undefined;
    answer: SwitchedOff;
  };
  /** Copies the data file */
  "POST /backup": {
    body: NewBackup;
    answer: Backup;
  };
  /** The certificate of the local CA */
  "GET /ca": {
    body: undefined;
    answer: LocalCa;
  };
  /** A link for the first administrator */
  "POST /setup-link": {
    body: undefined;
    answer: EntryLink;
  };
  /** A link with which anybody, administrators included, sets a new password */
  "POST /recover": {
    body: Recovery;
    answer: EntryLink;
  };
}

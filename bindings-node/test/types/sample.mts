// The installed package's types, used as a host would: compiled strictly, never run.
import {
  Clock, DELETE, errorCodes, Keyring, lint, selectorOptions, SessileError, Step, Store,
  type AuditEvent, type BackendStats, type CheckReport, type Committed, type Config, type ConfigChanges, type ConfigDefinition, type ConfigExport, type Configs,
  type Dashboard, type DataKeyUsage, type ErrorCode, type Execution, type Finding, type Health, type Identifier, type Imported, type Info, type Issuer,
  type KeyringDescription, type KeyUsage, type Page, type Problem, type Copied, type Rewrapped, type SelectorOption, type Session, type SessionEntry, type Sessions, type Started, type Stats, type StoreOptions, type Tls, type User, type UserRef,
  type UserSessions, type VerifiedToken, type Verification,
} from 'sessile'

interface Cart { items: string[] }

const options: StoreOptions = {
  keyring: 'keyring.json', workspace: 'w', product: 'shop', env: 'prd', durability: 'commit',
  issuers: [{ issuer: 'https://id.example.com', audiences: ['shop'], jwks: { keys: [] } }],
  issuerSecrets: { 'https://hs.example.com': Buffer.alloc(32) }, limits: { fieldValue: 1024 },
  audit: true, onEvent: ({ event, at }) => console.log(at, event), secrets: 'sqlite:./secrets.db', readOnly: true, allowNetworkFilesystem: false, clock: Clock.manual(new Date()),
}

export async function onAServer(tls: Tls): Promise<void> {
  const limits = { connect: 500, connections: 2, deadline: 1_000 }
  await using store = await Store.open('rediss://sessions@redis.example.com', {
    keyring: 'keyring.json', backendPassword: 'p', passwordEnv: undefined, tls, allowEviction: false, lazy: true, schema: 'sessile', limits,
  })
  const health: Health = await store.health()
  if (!health.ok) console.log(health.error.code satisfies ErrorCode, health.error.reason ?? 'unknown')
  const backend: BackendStats = store.stats().backend
  if (backend.kind === 'postgresql') console.log(backend.connections?.open, backend.meanMicros)
  // @ts-expect-error: there is no server to ask
  if (backend.kind === 'sqlite') console.log(backend.calls)
  // @ts-expect-error: files are paths
  await Store.open('memory:', { tls: { ca: 7 } })
  console.log(store.healthSync().micros)
}

export async function pipeline(token: string): Promise<void> {
  await Keyring.generate('keyring.json')
  await using store: Store = await Store.open('sqlite:./sessions.db', options)
  using run: Execution = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token, requestId: 'r-17' })

  const text: string = await run.step({ operation: 'GET', fields: ['cart'] }, '{}')
  const bytes: Buffer = run.stepSync(Step.parse({ fields: 'a, b' }), new Uint8Array())
  const message = { order: 7 }
  const out = await run.step('{"operation":"GET"}', message)
  const order: number = out.order
  const cart: Cart | undefined = out['cart']

  const session: Session = run.global('user_session', { scoped: true })
  const found: Cart | undefined = await session.get<Cart>('cart')
  // @ts-expect-error: a value is unknown until the host says what it is
  const wrong: number = await session.get('cart')
  const sum: number = await run.local.increment('n')
  const big: bigint = run.local.incrementSync('n', 1n)
  const expires: Date | null | undefined = session.expiresAtSync('cart')
  const info: Info | undefined = await session.info()
  const committed: Committed = await session.commit({ exclusive: true })
  const versioned = await session.getVersioned<Cart>('cart')
  const version: string = await session.putIf('cart', { items: [] }, versioned?.version ?? null, { ttl: 60 })
  const updated: number | undefined = await session.update<number>('n', async (n = 0) => (n > 9 ? DELETE : n + 1))
  const raw: Record<string, string> = session.allRawSync()
  const proof: VerifiedToken = await store.verify(token)
  await store.global(proof, 'global').put({ a: 1 })
  // @ts-expect-error: who the user is takes proof
  store.global({ realm: 'r', subject: 's', expiresAt: new Date() })
  // @ts-expect-error: an option that there is none of
  await Store.open('memory:', { produkt: 'shop' })
  // @ts-expect-error: objects come from where they are made
  new Store()

  try {
    run.subprocess('for-each').end()
  } catch (error) {
    if (!(error instanceof SessileError)) throw error
    const code: ErrorCode = error.code
    if (code === 'CONFLICT') console.log(error.details['fields'], error.number, error.retryable, errorCodes[code].category)
    // @ts-expect-error: no such code
    if (code === 'CONFLICTED') return
  }
  const findings: Finding[] = lint([{ type: 'retry', steps: [{ type: 'rest', url: 1 }, { fields: 'a' }], onError: [] }])
  const places: string[] = findings.filter((finding) => finding.rule === 'never_read').map((finding) => finding.at)
  console.log(places, text, bytes, order, cart, found, wrong, sum, big, expires, info, committed, version, updated, raw)
}

export async function care(store: Store): Promise<void> {
  const events: AuditEvent[] = store.hasEvents ? store.drainEvents(100) : []
  const seen: [string, number | undefined][] = events.map((event) => [event.event, event.count])
  await store.flush()
  await store.backup('/var/backups/sessions.db')
  const report: CheckReport = await store.check()
  const first: Problem | undefined = report.ok ? store.checkSync().problems[0] : undefined
  // @ts-expect-error: no such kind
  if (first?.kind === 'files') return
  const code: ErrorCode | undefined = first?.code
  // @ts-expect-error: a path is text
  store.backupSync(new URL('file:///var/backups'))
  console.log(seen, report.problemCount, code, first?.where)
}

export async function keys(store: Store): Promise<void> {
  const key: string = await Keyring.add('keyring.json', 'data')
  const kid: string = Keyring.addSync('keyring.json', 'signing')
  await Keyring.promote('keyring.json', key)
  Keyring.retireSync('keyring.json', kid)
  const description: KeyringDescription = await Keyring.describe('keyring.json')
  const since: number = description.data[0]!.created.getTime()
  let page: Rewrapped = await store.rewrap({ limit: 500 })
  while (!page.done) page = store.rewrapSync({ limit: 500, cursor: page.cursor })
  let copied: Copied = await store.copyTo(store, { limit: 500 })
  while (!copied.done) copied = store.copyToSync(store, { limit: 500, cursor: copied.cursor })
  // @ts-expect-error another store is wanted
  void store.copyTo('redis://elsewhere')
  const usage: KeyUsage = await store.keyUsage()
  const missing: DataKeyUsage | undefined = usage.keys.find((each) => each.state === 'missing')
  const problem: ErrorCode | undefined = usage.problem?.code
  await store.dropKey('1')
  await store.reloadKeys()
  store.reloadKeysSync(new Uint8Array())
  const given = await Store.open('memory:', { keyringCallback: async () => '{}' })
  await given.close()
  // @ts-expect-error: a kind that there is none of
  await Keyring.add('keyring.json', 'index')
  // @ts-expect-error: a key is named by text
  await store.dropKey(1)
  // @ts-expect-error: a keyring is text or bytes
  await Store.open('memory:', { keyringCallback: () => 7 })
  console.log(since, missing?.heads, problem, usage.signing[0]?.kid)
}

export async function revocations(store: Store, token: string): Promise<void> {
  const issuer: Issuer = {
    issuer: 'https://id.example.com', audiences: ['shop'], jwksUrl: 'https://id.example.com/jwks', jwksCa: 'ca.pem',
    jwksFile: undefined, profile: 'rfc9068', leeway: 30,
  }
  const proof: VerifiedToken = await store.verify(token)
  const since: number | undefined = proof.authenticatedAt?.getTime()
  if (proof.id !== null) await store.revokeTokenId(proof.issuer, proof.id)
  await store.revokeToken(token)
  await store.revokeIssuer(issuer.issuer, new Date())
  store.revokeIssuerSync(issuer.issuer)
  const alive: number = await store.acceptLogoutToken(token)
  const stats: Stats = store.stats()
  const reasons: string[] = stats.issuers.flatMap((each) => each.refusedKeys.map((key) => key.reason))
  // @ts-expect-error: a profile that there is none of
  await Store.open('memory:', { issuers: [{ ...issuer, profile: 'rfc9069' }] })
  // @ts-expect-error: an instant is a Date or a number
  await store.revokeIssuer(issuer.issuer, '2026-01-01')
  console.log(since, alive, stats.tokenCache.hits, reasons, proof.acr)
}

interface Visit { userId: string; count?: number }

export async function configurations(configs: Configs): Promise<void> {
  const definition: ConfigDefinition = {
    name: 'Visit', tag: 'visit', description: null, expiry: 7, period: 'Days', idle: { value: 30, period: 'min' },
    schema: { userId: 'string' }, form: 'shorthand', selector: 'userId', tokenExpiry: 1, tokenPeriod: 'hour',
    maxSessionsPerUser: 3, onLimit: 'reject', retention: null, acr: ['silver', 'gold'], maxAuthAge: 3600,
  }
  const made: Config = await configs.create(definition)
  const began: Date | null = configs.createSync('{"name": "Other"}').createdAt
  const changes: ConfigChanges = { idle: null, tokenExpiry: null, name: 'Visits' }
  const changed: Config = await configs.update(made.tag, changes)
  const page: Page<Config> = configs.listSync({ limit: 10, cursor: (await configs.list()).nextCursor })
  const exported: ConfigExport = await configs.export(page.items.map((config) => config.tag))
  const imported: Imported = configs.importSync(exported, { replace: true })
  const options: SelectorOption[] = selectorOptions({ userId: 'string' })
  await configs.delete('visit', { force: true })
  // @ts-expect-error: a definition has a name
  await configs.create({ tag: 'visit' })
  // @ts-expect-error: a member that there is none of
  await configs.create({ name: 'Visit', expirey: 7 })
  // @ts-expect-error: a tag stays
  await configs.update('visit', { tag: 'visits' })
  // @ts-expect-error: there may be no idle time
  const minutes: number = changed.idle.value
  console.log(began, imported.created, options.map((option) => option.type), minutes)
}

export async function lives(store: Store): Promise<void> {
  const sessions: Sessions = store.sessions
  const started: Started = await sessions.start('visit', { userId: 'ada' }, { ttl: 60 })
  const end: Date | null = (await sessions.refresh(started.refreshToken)).expiresAt
  const verification: Verification<Visit> = await sessions.verify<Visit>(started.token)
  // @ts-expect-error: only a good token has data
  const early: Visit = verification.data
  if (verification.valid) {
    const visit: Visit = verification.data
    const identifier: Identifier = verification.identifier
    console.log(visit.count, identifier, verification.expiresAt?.getTime())
    // @ts-expect-error: and no reason
    console.log(verification.reason)
  } else if (verification.reason === 'expired') console.log('refresh')
  // @ts-expect-error: no such reason
  else if (verification.reason === 'exspired') console.log(early)

  const user: UserRef = { realm: 'https://id.example.com', subject: 7 }
  const gone: number = await sessions.revokeAll('visit', user, { except: started.sessionId })
  const entries: Page<SessionEntry> = sessions.listSync('visit', { user: 9007199254740993n, limit: 5 })
  for (const entry of entries.items) {
    const why: ErrorCode | boolean = entry.unreadable ?? entry.active
    console.log(entry.sessionId, why)
    // @ts-expect-error: one that cannot be opened has no times
    console.log(entry.startedAt)
  }
  const users: User[] = (await sessions.users('visit', { limit: 5 })).items
  const one: UserSessions = sessions.userSync('visit', 'ada')
  if (one.unreadable === undefined) console.log(one.state === 'active', one.firstSeenAt.getTime(), one.sessions.length)
  const figures: Dashboard = await sessions.dashboard('visit')
  const moved: Date | null = sessions.extendSync(started.sessionId, 60)
  await sessions.update(started.sessionId, { count: 1 })
  // @ts-expect-error: a user is no list
  await sessions.forget('visit', ['ada'])
  // @ts-expect-error: the option is `except`
  await sessions.revokeAll('visit', 'ada', started.sessionId)
  const swept: number = (await store.sweep()) + store.sweepSync(10)
  console.log(end, gone, users, figures.averageSessionsPerUser, moved, swept)
}

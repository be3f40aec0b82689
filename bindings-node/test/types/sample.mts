// The installed package's types, used as a host would: compiled strictly, never run.
import {
  Clock, DELETE, errorCodes, Keyring, lint, SessileError, Step, Store,
  type Committed, type ErrorCode, type Execution, type Finding, type Info, type Session, type StoreOptions, type VerifiedToken,
} from 'sessile'

interface Cart { items: string[] }

const options: StoreOptions = {
  keyring: 'keyring.json', workspace: 'w', product: 'shop', env: 'prd', durability: 'commit',
  issuers: [{ issuer: 'https://id.example.com', audiences: ['shop'], jwks: { keys: [] } }],
  issuerSecrets: { 'https://hs.example.com': Buffer.alloc(32) }, limits: { fieldValue: 1024 }, clock: Clock.manual(new Date()),
}

export async function pipeline(token: string): Promise<void> {
  await Keyring.generate('keyring.json')
  await using store: Store = await Store.open('sqlite:./sessions.db', options)
  using run: Execution = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token })

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

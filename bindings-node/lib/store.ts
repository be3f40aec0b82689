import { invalid } from './error.js'
import type { CheckReport } from './check.js'
import { Clock } from './clock.js'
import { Configs } from './configs.js'
import { watch, type AuditEvent, type OnEvent } from './events.js'
import { Execution } from './execution.js'
import { isObject, jsonText, kindOf, nameOf, nothing, number, optionalText, parsed, seconds, text, textOf } from './json.js'
import { fromInside, inside, later, native, now, own, type Handle, type Reply, type Ticket } from './native.js'
import { Session } from './session.js'
import { Sessions } from './sessions.js'
import { Step, Steps, type StepObject } from './step.js'

/** An issuer of tokens that a store trusts. It fixes who a user is: no token and no configuration can change that. */
export interface Issuer {
  /** The `iss` of its tokens, exactly. */
  issuer: string
  /** The `aud` values that are meant for this store; a token needs one of them. */
  audiences: readonly string[]
  /** Its public keys, as a JWK set. */
  jwks?: { keys: readonly object[] } | undefined
  /** HMAC instead of public keys: the secret comes through {@link StoreOptions.issuerSecrets}. */
  symmetric?: boolean | undefined
  /** `HS256`, `HS384` or `HS512`, for a symmetric issuer. */
  algorithm?: string | undefined
  /** Where its subjects live; the issuer itself by default. Two issuers with one realm have the same users. */
  realm?: string | undefined
  /** The claim that names the user; `sub` by default. */
  subjectClaim?: string | undefined
  /** Seconds that clocks may differ, at most 120; 30 by default. */
  leeway?: number | undefined
  /** The longest life of its tokens, in seconds; a day by default. */
  maxTokenLife?: number | undefined
}

/** How large a thing may be before it is refused with `LIMIT_EXCEEDED`. Sizes are bytes of UTF-8 JSON text. */
export interface Limits {
  /** A field's name (256). */
  fieldName?: number | undefined
  /** One field's value (1 MiB). */
  fieldValue?: number | undefined
  /** All fields of a session together (4 MiB). */
  session?: number | undefined
  /** Fields in one session (1,024). */
  fields?: number | undefined
  /** Fields named by one step (256). */
  stepFields?: number | undefined
  /** A message (16 MiB). */
  message?: number | undefined
  /** Nesting depth of JSON (128). */
  depth?: number | undefined
  /** A token (8 KiB). */
  token?: number | undefined
  /** Nesting of sub-processes (64). */
  nesting?: number | undefined
  /** How long one operation may take, in milliseconds (2,000). */
  deadline?: number | undefined
  /** Audit events that wait to be fetched (4,096). */
  auditEvents?: number | undefined
}

/** How to open a store. */
export interface StoreOptions {
  /** The path of the keyring file. Every store but `memory:` needs a keyring. */
  keyring?: string | undefined
  /** The keyring itself, as JSON text. */
  keyringBytes?: string | Uint8Array | undefined
  /** The environment variable that holds the keyring's JSON text. */
  keyringEnv?: string | undefined
  /** Part of the namespace: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`; `default` by default. */
  workspace?: string | undefined
  /** Part of the namespace; `default` by default. */
  product?: string | undefined
  /** Part of the namespace; `dev` by default. */
  env?: string | undefined
  /** Whose tokens are trusted, besides the store's own. */
  issuers?: readonly Issuer[] | undefined
  /** The HMAC secret of each symmetric issuer, by its `issuer`: bytes, or text taken as UTF-8. */
  issuerSecrets?: Readonly<Record<string, string | Uint8Array>> | undefined
  /** The URL of a second store, kept out of backups, for the users' secrets of configurations with `shred`. */
  secrets?: string | undefined
  limits?: Limits | undefined
  /**
   * `interval` (the default): a killed process loses nothing, a power cut may lose the last moments. `commit`: what a
   * promise confirmed is on the disk.
   */
  durability?: 'interval' | 'commit' | undefined
  /** Nothing is written, made or locked; a change is `READ_ONLY`, a missing file `NOT_FOUND`. */
  readOnly?: boolean | undefined
  /** Opens a file on a network's file system, where one machine alone does so. */
  allowNetworkFilesystem?: boolean | undefined
  /** Keeps audit events for {@link Store.drainEvents}. */
  audit?: boolean | undefined
  /**
   * Is called with each audit event instead, in their order, on the thread that the store belongs to: in a microtask after
   * the call that gave rise to it. What it throws is an uncaught exception.
   */
  onEvent?: OnEvent | undefined
  /** A clock to use instead of the system's. */
  clock?: Clock | undefined
}

/** What started an execution, and how its caller proved who they are. */
export interface Trigger {
  /** `rest`, `http`, `scheduler`, `event`, … */
  type: string
  /** `jwt`, `apiKey`, `none`. */
  security?: string | undefined
  [member: string]: unknown
}

/** How an execution begins. */
export interface ExecutionOptions {
  /** An object, or JSON text. Global sessions want `rest` or `http` with `jwt`. */
  trigger?: Trigger | string | null | undefined
  /** The user's token, with or without `Bearer ` or `<tag>:`. The first Global operation verifies it. */
  token?: string | null | undefined
  /** The host's own name for what it is for, 1 to 256 bytes, which its audit events then bear. */
  requestId?: string | null | undefined
}

/** Proof of who a user is: only {@link Store.verify} makes one. */
export class VerifiedToken {
  readonly #handle: Handle
  /** Where the subject lives: the issuer, unless its definition names another realm. */
  readonly realm: string
  readonly subject: string
  readonly expiresAt: Date

  private constructor(key: symbol, handle: Handle) {
    fromInside(key, 'a VerifiedToken')
    this.#handle = handle
    own(this, handle)
    const [realm, subject, expiresAt] = native.tokenClaims(handle)
    this.realm = realm
    this.subject = subject
    this.expiresAt = new Date(Number(expiresAt))
    Object.freeze(this)
  }

  /** @internal */
  static of(reply: Reply): VerifiedToken {
    return new VerifiedToken(inside, reply as Handle)
  }

  /** @internal */
  static handleOf(token: VerifiedToken): Handle {
    if (!(token instanceof VerifiedToken)) throw invalid(`token: a VerifiedToken is expected, not ${kindOf(token)}`)
    return token.#handle
  }
}

/** Login tokens of the store's own issuer, for a login pipeline. */
export class Tokens {
  readonly #store: Handle
  /** @internal The store closes when nobody holds it: its tokens hold it. */
  readonly owner: object

  private constructor(key: symbol, store: Handle, owner: object) {
    fromInside(key, 'Tokens')
    this.#store = store
    this.owner = owner
  }

  /** @internal */
  static of(key: symbol, store: Handle, owner: object): Tokens {
    return new Tokens(key, store, owner)
  }

  /**
   * Signs a login token for the user `claims.sub`. `ttl` in seconds, 1 to 86,400.
   *
   * `INVALID_ARGUMENT` for `claims` without `sub`, or with one that is the store's to set.
   */
  issue(claims: { sub: string; [claim: string]: unknown }, ttl: number): Promise<string> {
    return later(this.issue, (ticket) => this.#issue(ticket, claims, ttl), text)
  }

  /** {@link issue}, here and now. */
  issueSync(claims: { sub: string; [claim: string]: unknown }, ttl: number): string {
    return now(this.issueSync, (ticket) => this.#issue(ticket, claims, ttl), text)
  }

  /** The public keys, as a JWK set for others to verify these tokens with. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }> {
    return later(this.jwks, (ticket) => native.tokensJwks(this.#store, ticket), keySet)
  }

  /** {@link jwks}, here and now. */
  jwksSync(): { keys: Record<string, unknown>[] } {
    return now(this.jwksSync, (ticket) => native.tokensJwks(this.#store, ticket), keySet)
  }

  #issue(ticket: Ticket, claims: unknown, ttl: number): Reply {
    return native.tokensIssue(this.#store, ticket, textOf(claims, 'claims'), seconds(ttl) ?? 0)
  }
}

/**
 * An open store: where Global sessions live, and where executions begin.
 *
 * A store belongs to its thread; every worker opens its own, on the same file if it likes.
 */
export class Store {
  readonly #handle: Handle
  readonly #steps: Steps
  #configs: Configs | undefined
  #sessions: Sessions | undefined
  /** Login tokens of the store's own issuer. */
  readonly tokens: Tokens

  private constructor(key: symbol, handle: Handle) {
    fromInside(key, 'a Store')
    this.#handle = handle
    this.#steps = new Steps(handle, this)
    this.tokens = Tokens.of(inside, handle, this)
    own(this, handle)
  }

  /**
   * Opens (or makes) the store at `url`: `memory:`, `sqlite:PATH`.
   *
   * `INVALID_ARGUMENT` for the options; `KEY_REQUIRED`, `KEYRING_INVALID`, `KEY_UNAVAILABLE`, `KEY_MISMATCH` for the
   * keyring; `UNSUPPORTED`, `FORMAT_TOO_NEW`, `IO`, `BUSY` for the file.
   */
  static open(url: string, options: StoreOptions = {}): Promise<Store> {
    return later(Store.open, (ticket) => open(url, options, ticket), Store.#of(options))
  }

  /** {@link open}, here and now. */
  static openSync(url: string, options: StoreOptions = {}): Store {
    return now(Store.openSync, (ticket) => open(url, options, ticket), Store.#of(options))
  }

  // The options are looked at once they were found good.
  static readonly #of = (options: StoreOptions) => (handle: Reply): Store => {
    const store = new Store(inside, handle as Handle)
    if (options.onEvent !== undefined) watch(store, options.onEvent)
    return store
  }

  /** Starts an execution. It never fails for its token: the first Global operation verifies that. */
  execution(options: ExecutionOptions = {}): Execution {
    const start = () => native.storeExecution(this.#handle, ...origin(options))
    return now(this.execution, start, this.#execution)
  }

  /** Checks and reads a step, to be run many times, within this store's limits. As {@link Step.parse}. */
  parseStep(step: StepObject | string): Step {
    return now(this.parseStep, () => Step.within(step, this.#handle), (handle) => Step.of(inside, handle as Handle))
  }

  /**
   * Takes up an execution from a checkpoint of at most 24 hours. If it belongs to a user, `token` must be that user's.
   *
   * `CORRUPT`; `KEY_*`; `INVALID_ARGUMENT` when it is too old; `GLOBAL_NOT_ALLOWED`; `TOKEN_*`.
   */
  resume(checkpoint: Uint8Array, options: ExecutionOptions = {}): Promise<Execution> {
    const start = (ticket: Ticket) => native.storeResume(this.#handle, ticket, bytes(checkpoint), ...origin(options))
    return later(this.resume, start, this.#execution)
  }

  /** {@link resume}, here and now. */
  resumeSync(checkpoint: Uint8Array, options: ExecutionOptions = {}): Execution {
    const start = (ticket: Ticket) => native.storeResume(this.#handle, ticket, bytes(checkpoint), ...origin(options))
    return now(this.resumeSync, start, this.#execution)
  }

  /** Verifies a token, with or without `Bearer ` or `<tag>:`. `TOKEN_*`. */
  verify(token: string): Promise<VerifiedToken> {
    return later(this.verify, (ticket) => native.storeVerify(this.#handle, ticket, nameOf(token, 'token')), VerifiedToken.of)
  }

  /** {@link verify}, here and now. */
  verifySync(token: string): VerifiedToken {
    return now(this.verifySync, (ticket) => native.storeVerify(this.#handle, ticket, nameOf(token, 'token')), VerifiedToken.of)
  }

  /** The user's Global session of configuration `tag` (absent: `global`), from proof alone, outside any execution. */
  global(token: VerifiedToken, tag?: string | null): Session {
    return now(
      this.global,
      () => native.storeGlobal(this.#handle, VerifiedToken.handleOf(token), optionalText(tag, 'tag')),
      (handle) => Session.of(inside, handle as Handle, this),
    )
  }

  /** The store's session configurations. */
  get configs(): Configs {
    return (this.#configs ??= Configs.of(inside, this.#handle, this))
  }

  /** The life of users' sessions. */
  get sessions(): Sessions {
    return (this.#sessions ??= Sessions.of(inside, this.#handle, this))
  }

  /**
   * Gives space back: drops up to `budget` sessions that were over a day ago, and records of users who are gone for
   * longer than their configuration's retention. Gives how many. Nothing needs it to be right.
   */
  sweep(budget = 1000): Promise<number> {
    return later(this.sweep, (ticket) => native.storeSweep(this.#handle, ticket, countOf(budget, 'budget')), number)
  }

  /** {@link sweep}, here and now. */
  sweepSync(budget = 1000): number {
    return now(this.sweepSync, (ticket) => native.storeSweep(this.#handle, ticket, countOf(budget, 'budget')), number)
  }

  /** Whether {@link drainEvents} has something to give. Costs next to nothing: it may be asked after every call. */
  get hasEvents(): boolean {
    return native.storeHasEvents(this.#handle)
  }

  /**
   * The oldest audit events that nobody fetched yet, `max` at most; none without {@link StoreOptions.audit}. Those of a
   * closed store can still be fetched. Nothing waits: there is no promise.
   */
  drainEvents(max = 1000): AuditEvent[] {
    const drain = () => native.storeDrainEvents(this.#handle, countOf(max, 'max'))
    return now(this.drainEvents, drain, parsed)
  }

  /**
   * Waits until everything that was acknowledged before is on the disk. For the moments that matter under
   * `durability: 'interval'`; else there is nothing to wait for. `IO`.
   */
  flush(): Promise<void> {
    return later(this.flush, (ticket) => native.storeFlush(this.#handle, ticket), nothing)
  }

  /** {@link flush}, here and now. */
  flushSync(): void {
    now(this.flushSync, (ticket) => native.storeFlush(this.#handle, ticket), nothing)
  }

  /**
   * Copies the store to a new file at `path`, as of one instant, while others go on reading and writing. The copy is
   * sealed under the same keyring, which is not in it.
   *
   * `ALREADY_EXISTS`: no file is ever replaced; `UNSUPPORTED` in memory; `IO`.
   */
  backup(path: string): Promise<void> {
    return later(this.backup, (ticket) => native.storeBackup(this.#handle, ticket, nameOf(path, 'path')), nothing)
  }

  /** {@link backup}, here and now. */
  backupSync(path: string): void {
    now(this.backupSync, (ticket) => native.storeBackup(this.#handle, ticket, nameOf(path, 'path')), nothing)
  }

  /**
   * Looks everything over while the store is in use: the file as a whole, and every record of this workspace, product
   * and env, opened with the keyring. Takes as long as there is data. What it finds is no error.
   */
  check(): Promise<CheckReport> {
    return later(this.check, (ticket) => native.storeCheck(this.#handle, ticket), parsed)
  }

  /** {@link check}, here and now. */
  checkSync(): CheckReport {
    return now(this.checkSync, (ticket) => native.storeCheck(this.#handle, ticket), parsed)
  }

  /** Closes the store: every call after that is `CLOSED`. Closing twice is fine. */
  close(): Promise<void> {
    return later(this.close, (ticket) => native.storeClose(this.#handle, ticket), nothing)
  }

  /** {@link close}, here and now. */
  closeSync(): void {
    now(this.closeSync, (ticket) => native.storeClose(this.#handle, ticket), nothing)
  }

  [Symbol.dispose](): void {
    this.closeSync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  readonly #execution = (handle: Reply): Execution => Execution.of(inside, handle as Handle, this.#steps)
}

// Secrets and objects have arguments of their own; everything else rides in JSON, and the core knows its members.
function open(url: string, options: StoreOptions, ticket: Ticket): Reply {
  if (!isObject(options as unknown)) throw invalid(`options: an object is expected, not ${kindOf(options)}`)
  const { clock, keyringBytes, keyringEnv, issuerSecrets, onEvent, ...members } = options
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw invalid(`onEvent: a function is expected, not ${kindOf(onEvent)}`)
  }
  const watched = onEvent === undefined ? {} : { audit: true }
  return native.storeOpen(
    textOf({ ...members, ...watched, url }, 'options'),
    ticket,
    clock === undefined ? undefined : Clock.handleOf(clock),
    optionalText(keyringEnv, 'keyringEnv'),
    keyringBytes === undefined ? undefined : textOrBytes(keyringBytes, 'keyringBytes'),
    ...Object.entries(issuerSecrets ?? {}).flatMap(([issuer, secret]) => [issuer, secretOf(secret)]),
  )
}

function origin(options: ExecutionOptions): (string | undefined)[] {
  if (!isObject(options as unknown)) throw invalid(`options: an object like { trigger, token } is expected, not ${kindOf(options)}`)
  const { trigger, token, requestId } = options
  return [
    trigger === undefined || trigger === null ? undefined : jsonText(trigger, 'trigger'),
    optionalText(token, 'token'),
    optionalText(requestId, 'requestId'),
  ]
}

function countOf(count: unknown, what: string): number {
  if (typeof count !== 'number') throw invalid(`${what}: a number is expected, not ${kindOf(count)}`)
  return count
}

function bytes(checkpoint: unknown): Uint8Array {
  if (!(checkpoint instanceof Uint8Array)) throw invalid(`checkpoint: a Uint8Array is expected, not ${kindOf(checkpoint)}`)
  return checkpoint
}

function textOrBytes(given: unknown, what: string): string | Uint8Array {
  if (given instanceof Uint8Array) return given
  if (typeof given !== 'string') throw invalid(`${what}: a Uint8Array or a string is expected, not ${kindOf(given)}`)
  return given
}

function secretOf(secret: unknown): Uint8Array {
  const given = textOrBytes(secret, 'issuerSecrets')
  return typeof given === 'string' ? Buffer.from(given) : given
}

const keySet = (reply: Reply): { keys: Record<string, unknown>[] } => JSON.parse(reply as string)

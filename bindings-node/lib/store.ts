import { invalid } from './error.js'
import type { CheckReport } from './check.js'
import { millisOf } from './clock.js'
import { Configs } from './configs.js'
import { watch, type AuditEvent } from './events.js'
import { Execution } from './execution.js'
import type { Health } from './health.js'
import { isObject, jsonText, kindOf, nameOf, nothing, number, optionalText, parsed } from './json.js'
import { asked, askedNow, callbackOf, textOrBytes, type KeyringCallback, type Copied, type KeyUsage, type Rewrapped } from './keys.js'
import { fromInside, inside, later, native, now, own, type Handle, type Reply, type Ticket } from './native.js'
import { open, type StoreOptions } from './options.js'
import { pageText, type PageOptions } from './page.js'
import { Session } from './session.js'
import { Sessions } from './sessions.js'
import type { Stats } from './stats.js'
import { Step, Steps, type StepObject } from './step.js'
import { Tokens, VerifiedToken } from './token.js'

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
  readonly #callback: KeyringCallback | undefined
  /** Login tokens of the store's own issuer. */
  readonly tokens: Tokens

  private constructor(key: symbol, handle: Handle, callback: KeyringCallback | undefined) {
    fromInside(key, 'a Store')
    this.#handle = handle
    this.#callback = callback
    this.#steps = new Steps(handle, this)
    this.tokens = Tokens.of(inside, handle, this)
    own(this, handle)
  }

  /**
   * Opens (or makes) the store at `url`: `memory:`, `sqlite:PATH`, `redis://HOST`, `postgresql://USER@HOST/DATABASE`.
   *
   * `INVALID_ARGUMENT` for the options; `KEY_REQUIRED`, `KEYRING_INVALID`, `KEY_UNAVAILABLE`, `KEY_MISMATCH` for the
   * keyring; `UNSUPPORTED`, `FORMAT_TOO_NEW`, `IO`, `BUSY` for the file; `UNAVAILABLE`, `TIMEOUT` for the server.
   */
  static async open(url: string, options: StoreOptions = {}): Promise<Store> {
    const callback = callbackOf(options)
    const keyring = callback && (await asked(callback))
    return later(Store.open, (ticket) => open(url, options, ticket, keyring), Store.#with(options, callback))
  }

  /** {@link open}, here and now. */
  static openSync(url: string, options: StoreOptions = {}): Store {
    const callback = now(Store.openSync, () => undefined, () => callbackOf(options))
    const start = (ticket: Ticket) => open(url, options, ticket, callback && askedNow(callback))
    return now(Store.openSync, start, Store.#with(options, callback))
  }

  // The options are looked at once they were found good.
  static readonly #with = (options: StoreOptions, callback: KeyringCallback | undefined) => (handle: Reply): Store => {
    const store = new Store(inside, handle as Handle, callback)
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

  /**
   * Revokes every token that `issuer` gave out until `notBefore` (a Date, or milliseconds since 1970; now by default):
   * login, session and refresh tokens where it is the store's own. It only ever moves forward. Counts at once here and
   * within a second in every process, for running executions too: `TOKEN_REVOKED`.
   *
   * `NOT_FOUND` if the store has no issuer of that name; `INVALID_ARGUMENT` for what is yet to come.
   */
  revokeIssuer(issuer: string, notBefore?: Date | number): Promise<void> {
    return later(this.revokeIssuer, (ticket) => this.#revokeIssuer(ticket, issuer, notBefore), nothing)
  }

  /** {@link revokeIssuer}, here and now. */
  revokeIssuerSync(issuer: string, notBefore?: Date | number): void {
    now(this.revokeIssuerSync, (ticket) => this.#revokeIssuer(ticket, issuer, notBefore), nothing)
  }

  #revokeIssuer(ticket: Ticket, issuer: unknown, notBefore: unknown): Reply {
    const millis = notBefore === undefined ? undefined : millisOf(notBefore, 'notBefore')
    return native.storeRevokeIssuer(this.#handle, ticket, nameOf(issuer, 'issuer'), millis)
  }

  /**
   * Revokes one token, which must verify; it may be bound to a key, and it may have expired, which is enough. It is known
   * by its `jti`: `INVALID_ARGUMENT` if it has none. Counts as {@link revokeIssuer}. `TOKEN_*`.
   */
  revokeToken(token: string): Promise<void> {
    return later(this.revokeToken, (ticket) => native.storeRevokeToken(this.#handle, ticket, nameOf(token, 'token')), nothing)
  }

  /** {@link revokeToken}, here and now. */
  revokeTokenSync(token: string): void {
    now(this.revokeTokenSync, (ticket) => native.storeRevokeToken(this.#handle, ticket, nameOf(token, 'token')), nothing)
  }

  /** Revokes one token by its issuer and `jti`, for who does not have its text. `NOT_FOUND` for an unknown issuer. */
  revokeTokenId(issuer: string, jti: string): Promise<void> {
    return later(this.revokeTokenId, (ticket) => this.#revokeTokenId(ticket, issuer, jti), nothing)
  }

  /** {@link revokeTokenId}, here and now. */
  revokeTokenIdSync(issuer: string, jti: string): void {
    now(this.revokeTokenIdSync, (ticket) => this.#revokeTokenId(ticket, issuer, jti), nothing)
  }

  #revokeTokenId(ticket: Ticket, issuer: unknown, jti: unknown): Reply {
    return native.storeRevokeTokenId(this.#handle, ticket, nameOf(issuer, 'issuer'), nameOf(jti, 'jti'))
  }

  /**
   * Takes a logout token (OpenID Connect Back-Channel Logout) of one of the issuers: its user's sessions are revoked under
   * every configuration, begun or not, and all tokens with its `sid`. Gives how many sessions were alive. A logout token
   * is taken once. `TOKEN_*`.
   */
  acceptLogoutToken(token: string): Promise<number> {
    return later(this.acceptLogoutToken, (ticket) => this.#acceptLogoutToken(ticket, token), number)
  }

  /** {@link acceptLogoutToken}, here and now. */
  acceptLogoutTokenSync(token: string): number {
    return now(this.acceptLogoutTokenSync, (ticket) => this.#acceptLogoutToken(ticket, token), number)
  }

  #acceptLogoutToken(ticket: Ticket, token: unknown): Reply {
    return native.storeAcceptLogoutToken(this.#handle, ticket, nameOf(token, 'token'))
  }

  /**
   * Asks the store for something small. A store that does not answer is no error: `ok` is false then, by the deadline like
   * any call. `CLOSED`.
   */
  health(): Promise<Health> {
    return later(this.health, (ticket) => native.storeHealth(this.#handle, ticket), parsed)
  }

  /** {@link health}, here and now. */
  healthSync(): Health {
    return now(this.healthSync, (ticket) => native.storeHealth(this.#handle, ticket), parsed)
  }

  /** What there is to know of tokens and of their issuers' keys. */
  stats(): Stats {
    return now(this.stats, () => native.storeStats(this.#handle), parsed)
  }

  /**
   * Reads the keyring again, now: its file, environment variable or callback, or `keyringBytes` in place of those that
   * were given. A file is also followed by itself, within seconds. New keys open at once, and seal once they are 60
   * seconds old.
   *
   * `KEYRING_INVALID`, `KEY_MISMATCH`, `KEY_UNAVAILABLE` say why the new one is not in force; the one before is then.
   */
  async reloadKeys(keyringBytes?: string | Uint8Array): Promise<void> {
    const given = keyringBytes === undefined && this.#callback ? await asked(this.#callback) : keyringBytes
    return later(this.reloadKeys, (ticket) => this.#reloadKeys(ticket, given), nothing)
  }

  /** {@link reloadKeys}, here and now. */
  reloadKeysSync(keyringBytes?: string | Uint8Array): void {
    const given = () => (keyringBytes === undefined && this.#callback ? askedNow(this.#callback) : keyringBytes)
    now(this.reloadKeysSync, (ticket) => this.#reloadKeys(ticket, given()), nothing)
  }

  #reloadKeys(ticket: Ticket, given: unknown): Reply {
    const keyring = given === undefined ? undefined : textOrBytes(given, 'keyringBytes')
    return native.storeReloadKeys(this.#handle, ticket, keyring)
  }

  /**
   * Seals with the primary key what is sealed with older ones, `limit` records (1 to 1,000, 100 by default) from `cursor`
   * on, while everybody goes on working. Call it with the cursor until it is done; it may be stopped and taken up again.
   *
   * `CONFLICT`, `details.waitSeconds`, while the primary is too new to seal.
   */
  rewrap(options?: PageOptions): Promise<Rewrapped> {
    return later(this.rewrap, (ticket) => native.storeRewrap(this.#handle, ticket, pageText(options)), parsed)
  }

  /** {@link rewrap}, here and now. */
  rewrapSync(options?: PageOptions): Rewrapped {
    return now(this.rewrapSync, (ticket) => native.storeRewrap(this.#handle, ticket, pageText(options)), parsed)
  }

  /**
   * Brings what is stored in this workspace, product and env to `other`, a store of the same on another backend, opened with
   * the same keyring, `limit` records (1 to 1,000, 100 by default) from `cursor` on. Call it with the cursor until it is
   * done, while nobody writes; it may be stopped, taken up again, and made twice.
   *
   * Before anything is written: `KEY_UNAVAILABLE`, `KEY_MISMATCH` and `KEY_REVOKED` if the other can't open what is brought,
   * `CONFLICT` if a tag means another configuration there, `INVALID_ARGUMENT` for another namespace and for the store itself.
   */
  copyTo(other: Store, options?: PageOptions): Promise<Copied> {
    return later(this.copyTo, (ticket) => this.#copyTo(ticket, other, options), parsed)
  }

  /** {@link copyTo}, here and now. */
  copyToSync(other: Store, options?: PageOptions): Copied {
    return now(this.copyToSync, (ticket) => this.#copyTo(ticket, other, options), parsed)
  }

  #copyTo(ticket: Ticket, other: Store, options?: PageOptions): Reply {
    if (!(other instanceof Store)) throw invalid(`other: a Store is expected, not ${kindOf(other)}`)
    return native.storeCopyTo(this.#handle, ticket, other.#handle, pageText(options))
  }

  /** How much is sealed with each key in this workspace, product and env. It reads all of it. */
  keyUsage(): Promise<KeyUsage> {
    return later(this.keyUsage, (ticket) => native.storeKeyUsage(this.#handle, ticket), parsed)
  }

  /** {@link keyUsage}, here and now. */
  keyUsageSync(): KeyUsage {
    return now(this.keyUsageSync, (ticket) => native.storeKeyUsage(this.#handle, ticket), parsed)
  }

  /**
   * Takes a retired or revoked data key (`'1'`) out of the keyring file, if nothing of this workspace, product and env is
   * sealed with it: else `CONFLICT` with the counts. What others hold that share the file must be asked of them;
   * checkpoints live 24 hours. `NOT_FOUND`; `UNSUPPORTED` for a keyring that is no file.
   */
  dropKey(key: string): Promise<void> {
    return later(this.dropKey, (ticket) => native.storeDropKey(this.#handle, ticket, nameOf(key, 'key')), nothing)
  }

  /** {@link dropKey}, here and now. */
  dropKeySync(key: string): void {
    now(this.dropKeySync, (ticket) => native.storeDropKey(this.#handle, ticket, nameOf(key, 'key')), nothing)
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

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { tellSoon } from './events.js'
import { errorAt, errorOfText, SessileError, type Method } from './error.js'

/** What a native call gives. `null` has one meaning: the operation is under way and will answer under its ticket. */
export type Reply = undefined | null | string | string[] | boolean | number | Buffer

/** An index into this environment's table of native objects. */
export type Handle = number

/** 0: wait for the answer here and now. */
export type Ticket = number

/** The addon. Verbs take the handle they act on and a ticket first. */
interface Native {
  connect(settle: () => void): void
  drain(): Reply[]
  release(handle: Handle): void

  codes(): string
  keyringGenerate(path: string): undefined
  keyringGenerateJson(): string
  keyringAdd(path: string, kind: string): string
  keyringPromote(path: string, key: string): undefined
  keyringRetire(path: string, key: string): undefined
  keyringRevoke(path: string, key: string): undefined
  keyringDrop(path: string, key: string): undefined
  keyringDescribe(path: string): string
  clockManual(millis: number): Handle
  clockNow(clock: Handle): number
  clockSet(clock: Handle, millis: number): undefined
  clockAdvance(clock: Handle, millis: number): undefined

  storeOpen(
    options: string,
    ticket: Ticket,
    clock: Handle | undefined,
    keyringEnv: string | undefined,
    keyringBytes: string | Uint8Array | undefined,
    backendPassword: string | undefined,
    ...issuerSecrets: (string | Uint8Array)[]
  ): Reply
  storeSweep(store: Handle, ticket: Ticket, budget: number): Reply
  storeHasEvents(store: Handle): boolean
  storeDrainEvents(store: Handle, max: number): string
  storeFlush(store: Handle, ticket: Ticket): Reply
  storeBackup(store: Handle, ticket: Ticket, path: string): Reply
  storeCheck(store: Handle, ticket: Ticket): Reply
  storeRevokeIssuer(store: Handle, ticket: Ticket, issuer: string, notBefore?: number): Reply
  storeRevokeToken(store: Handle, ticket: Ticket, token: string): Reply
  storeRevokeTokenId(store: Handle, ticket: Ticket, issuer: string, jti: string): Reply
  storeAcceptLogoutToken(store: Handle, ticket: Ticket, token: string): Reply
  storeHealth(store: Handle, ticket: Ticket): Reply
  storeStats(store: Handle): string
  storeReloadKeys(store: Handle, ticket: Ticket, keyring?: string | Uint8Array): Reply
  storeRewrap(store: Handle, ticket: Ticket, page: string): Reply
  storeCopyTo(store: Handle, ticket: Ticket, other: Handle, page: string): Reply
  storeKeyUsage(store: Handle, ticket: Ticket): Reply
  storeDropKey(store: Handle, ticket: Ticket, key: string): Reply
  storeClose(store: Handle, ticket: Ticket): Reply
  storeExecution(store: Handle, trigger?: string, token?: string, requestId?: string): Handle
  storeResume(store: Handle, ticket: Ticket, checkpoint: Uint8Array, trigger?: string, token?: string, requestId?: string): Reply
  storeVerify(store: Handle, ticket: Ticket, token: string): Reply
  storeGlobal(store: Handle, token: Handle, tag?: string): Handle
  tokenClaims(token: Handle): string
  tokensIssue(store: Handle, ticket: Ticket, claims: string, ttl: number): Reply
  tokensJwks(store: Handle, ticket: Ticket): Reply

  executionId(execution: Handle): string
  executionSubprocessId(execution: Handle): string
  executionName(execution: Handle): string
  executionLocal(execution: Handle): Handle
  executionScoped(execution: Handle): Handle
  executionGlobal(execution: Handle, tag?: string): Handle
  executionScopedGlobal(execution: Handle, tag?: string): Handle
  executionSubprocess(execution: Handle, name: string): Handle
  executionSubprocessById(execution: Handle, id: string): Handle
  executionCommit(execution: Handle, ticket: Ticket, exclusive: boolean): Reply
  executionEnd(execution: Handle): undefined
  executionRenew(execution: Handle, ticket: Ticket, token: string): Reply
  executionCheckpoint(execution: Handle, ticket: Ticket): Reply

  lint(pipeline: string): string

  stepParse(text: string, store?: Handle): Handle
  stepShape(step: Handle): [operation: string, ...fields: string[]]
  stepJson(step: Handle): string
  step(execution: Handle, ticket: Ticket, step: Handle, message?: string): Reply
  stepBytes(execution: Handle, ticket: Ticket, step: Handle, message: Uint8Array): Reply
  stepObject(execution: Handle, ticket: Ticket, step: Handle, message?: string): Reply

  get(session: Handle, ticket: Ticket, name: string): Reply
  getRaw(session: Handle, ticket: Ticket, name: string): Reply
  getMany(session: Handle, ticket: Ticket, names: readonly string[]): Reply
  getVersioned(session: Handle, ticket: Ticket, name: string): Reply
  all(session: Handle, ticket: Ticket): Reply
  allRaw(session: Handle, ticket: Ticket): Reply
  keys(session: Handle, ticket: Ticket): Reply
  contains(session: Handle, ticket: Ticket, name: string): Reply
  put(session: Handle, ticket: Ticket, fields: string, ttl?: number): Reply
  putRaw(session: Handle, ticket: Ticket, name: string, value: string, ttl?: number): Reply
  delete(session: Handle, ticket: Ticket, names: readonly string[]): Reply
  clear(session: Handle, ticket: Ticket): Reply
  increment(session: Handle, ticket: Ticket, name: string, by: string): Reply
  incrementRaw(session: Handle, ticket: Ticket, name: string, by: string): Reply
  append(session: Handle, ticket: Ticket, name: string, values: string): Reply
  putIfAbsent(session: Handle, ticket: Ticket, name: string, value: string, ttl?: number): Reply
  take(session: Handle, ticket: Ticket, name: string): Reply
  takeRaw(session: Handle, ticket: Ticket, name: string): Reply
  putIf(session: Handle, ticket: Ticket, name: string, value: string, version?: string, ttl?: number): Reply
  update(session: Handle, name: string): Handle
  updateCurrent(update: Handle, ticket: Ticket): Reply
  updateTryCommit(update: Handle, ticket: Ticket, value?: string): Reply
  getPath(session: Handle, ticket: Ticket, name: string, pointer: string): Reply
  putPath(session: Handle, ticket: Ticket, name: string, pointer: string, value: string): Reply
  deletePath(session: Handle, ticket: Ticket, name: string, pointer: string): Reply
  setTtl(session: Handle, ticket: Ticket, name: string, ttl?: number): Reply
  expiresAt(session: Handle, ticket: Ticket, name: string): Reply
  info(session: Handle, ticket: Ticket): Reply
  sessionCommit(session: Handle, ticket: Ticket, exclusive: boolean): Reply
  sessionEnd(session: Handle, ticket: Ticket): Reply

  configsCreate(store: Handle, ticket: Ticket, definition: string): Reply
  configsGet(store: Handle, ticket: Ticket, tag: string): Reply
  configsList(store: Handle, ticket: Ticket, page: string): Reply
  configsUpdate(store: Handle, ticket: Ticket, tag: string, changes: string): Reply
  configsDelete(store: Handle, ticket: Ticket, tag: string, force: boolean): Reply
  configsExport(store: Handle, ticket: Ticket, tags?: string): Reply
  configsImport(store: Handle, ticket: Ticket, document: string, replace: boolean): Reply
  selectorOptions(schema: string): string

  sessionsStart(store: Handle, ticket: Ticket, tag: string, data: string, ttl?: number): Reply
  sessionsVerify(store: Handle, ticket: Ticket, token: string): Reply
  sessionsRefresh(store: Handle, ticket: Ticket, refreshToken: string): Reply
  sessionsRevoke(store: Handle, ticket: Ticket, sessionId: string): Reply
  sessionsRevokeAll(store: Handle, ticket: Ticket, tag: string, user: string, except?: string): Reply
  sessionsList(store: Handle, ticket: Ticket, tag: string, user: string | undefined, page: string): Reply
  sessionsUpdate(store: Handle, ticket: Ticket, sessionId: string, data: string): Reply
  sessionsExtend(store: Handle, ticket: Ticket, sessionId: string, ttl: number): Reply
  sessionsUsers(store: Handle, ticket: Ticket, tag: string, page: string): Reply
  sessionsUser(store: Handle, ticket: Ticket, tag: string, user: string): Reply
  sessionsDashboard(store: Handle, ticket: Ticket, tag: string): Reply
  sessionsForget(store: Handle, ticket: Ticket, tag: string, user: string): Reply
}

export const native: Native = load()

function load(): Native {
  const folder = join(__dirname, '..', 'prebuilds')
  const platform = `${process.platform}-${process.arch}`
  const there = readdirSync(folder)
  const fitting = [platform, `${platform}-musl`].filter((name) => there.includes(name))
  let cause: unknown
  for (const name of fitting) {
    try {
      return require(join(folder, name, 'sessile.node')) as Native
    } catch (thrown) {
      cause ??= thrown
    }
  }
  const message = fitting.length === 0
    ? `this package has no addon for ${platform}, only for ${there.join(', ')}`
    : `the addon for ${platform} cannot be loaded: ${(cause as Error).message}`
  throw new SessileError('UNSUPPORTED', message, { platform }, { cause })
}

type Outcome = [error: string | undefined, value: Reply]

let tickets = 0
const waiting = new Map<Ticket, (outcome: Outcome) => void>()

// Once a burst: everything that has finished by then.
native.connect(() => {
  const finished = native.drain()
  for (let at = 0; at < finished.length; at += 3) {
    const ticket = finished[at] as Ticket
    const settle = waiting.get(ticket)
    waiting.delete(ticket)
    settle?.([finished[at + 1] as string | undefined, finished[at + 2]])
  }
  tellSoon()
})

/** A call and how its answer is read: written once, for the promise ({@link later}) and its `Sync` twin ({@link now}). */
export type Verb<T> = readonly [call: (ticket: Ticket) => Reply, read: (reply: Reply) => T]

/** Makes a call and waits for its answer. Errors point to the caller of `method`. */
export function now<T>(method: Method, call: (ticket: Ticket) => Reply, read: (reply: Reply) => T): T {
  try {
    return read(call(0))
  } catch (thrown) {
    throw errorAt(thrown, method)
  } finally {
    tellSoon()
  }
}

/** Makes a call; what is ready at once settles its promise at once. Errors point to the caller of `method`. */
export function later<T>(method: Method, call: (ticket: Ticket) => Reply, read: (reply: Reply) => T): Promise<T> {
  const ticket = ++tickets
  try {
    const reply = call(ticket)
    return reply === null ? pending(ticket, read) : Promise.resolve(read(reply))
  } catch (thrown) {
    return Promise.reject(errorAt(thrown, method))
  } finally {
    tellSoon()
  }
}

// The error is made here, in an async function that the caller awaits, so that its stack shows `at async` the caller.
async function pending<T>(ticket: Ticket, read: (reply: Reply) => T): Promise<T> {
  const [error, value] = await new Promise<Outcome>((settle) => waiting.set(ticket, settle))
  if (error !== undefined) throw errorOfText(error)
  return read(value)
}

const released = new FinalizationRegistry<Handle>((handle) => native.release(handle))

/** Releases `handle` when nothing in JavaScript can name `owner` any more. */
export function own(owner: object, handle: Handle): void {
  released.register(owner, handle)
}

/** What only this package has: constructors ask for it, so that objects come from where they are made. */
export const inside = Symbol('sessile')

/** Refuses a constructor's caller from outside. */
export function fromInside(key: symbol, what: string): void {
  if (key !== inside) throw new SessileError('INVALID_ARGUMENT', `${what} cannot be constructed`)
}

import { invalid, SessileError } from './error.js'
import {
  arrayText, fieldsText, flagOf, kindOf, nameOf, namesOf, nothing, number, optionalText, parsed, rawText, seconds, text,
  textOf, ttlOf,
  type Fields,
} from './json.js'
import { fromInside, later, native, now, own, type Handle, type Reply } from './native.js'
import { dated, endOf } from './time.js'

/** How long fields stay. */
export interface Ttl {
  /** Whole seconds, at least 1, until they go; left out: they stay. */
  ttl?: number | undefined
}

/** How to commit. */
export interface CommitOptions {
  /** Demand that no field to be changed was changed in the parent since the snapshot: else `CONFLICT`, naming them. */
  exclusive?: boolean | undefined
}

/** What a commit changed: names, sorted. */
export interface Committed {
  put: string[]
  deleted: string[]
}

/** A value with its field's version: opaque, compared for equality. */
export interface Versioned<T = unknown> {
  value: T
  version: string
}

/** A session's version and times. */
export interface Info {
  /** Changes since the session (or the sub-process) began. */
  version: number
  createdAt: Date
  updatedAt: Date
  /** When the session ends; `null` for a Local one. */
  expiresAt: Date | null
  /** When it was last used; touched at most once a minute. */
  lastSeenAt: Date
}

/** What the function of {@link Session.update} gives to delete the field. */
export const DELETE: unique symbol = Symbol('sessile.DELETE')

/**
 * Named JSON fields: a Local, Scoped or Global session, all with the same verbs. Every verb gives a promise and has a
 * `Sync` twin.
 *
 * Values are what `JSON.stringify` writes and `JSON.parse` reads. Every verb may fail with `CLOSED`; on a Global session
 * also with `GLOBAL_NOT_ALLOWED`, `TOKEN_*`, `SESSION_EXPIRED`, `SESSION_REVOKED` and the backend's errors.
 */
export class Session {
  readonly #handle: Handle
  /** @internal An execution ends when nobody holds it: its sessions hold it. */
  readonly owner: object

  private constructor(key: symbol, handle: Handle, owner: object) {
    fromInside(key, 'a Session')
    this.#handle = handle
    this.owner = owner
    own(this, handle)
  }

  /** @internal */
  static of(key: symbol, handle: Handle, owner: object): Session {
    return new Session(key, handle, owner)
  }

  /**
   * One field's value, or `undefined` when it is absent.
   *
   * `LIMIT_EXCEEDED` when a number in it would lose something as a JavaScript number: use {@link getRaw}.
   */
  get<T = unknown>(name: string): Promise<T | undefined> {
    return later(this.get, (ticket) => native.get(this.#handle, ticket, nameOf(name)), parsed)
  }

  /** {@link get}, here and now. */
  getSync<T = unknown>(name: string): T | undefined {
    return now(this.getSync, (ticket) => native.get(this.#handle, ticket, nameOf(name)), parsed)
  }

  /**
   * One field's value as the JSON text that was put, or `undefined`.
   */
  getRaw(name: string): Promise<string | undefined> {
    return later(this.getRaw, (ticket) => native.getRaw(this.#handle, ticket, nameOf(name)), textOrNothing)
  }

  /** {@link getRaw}, here and now. */
  getRawSync(name: string): string | undefined {
    return now(this.getRawSync, (ticket) => native.getRaw(this.#handle, ticket, nameOf(name)), textOrNothing)
  }

  /**
   * Those of the fields that are there, read at one instant.
   */
  getMany<T extends object = Fields>(names: readonly string[]): Promise<Partial<T>> {
    return later(this.getMany, (ticket) => native.getMany(this.#handle, ticket, namesOf(names)), parsed)
  }

  /** {@link getMany}, here and now. */
  getManySync<T extends object = Fields>(names: readonly string[]): Partial<T> {
    return now(this.getManySync, (ticket) => native.getMany(this.#handle, ticket, namesOf(names)), parsed)
  }

  /**
   * One field's value with its version, for {@link putIf}; `undefined` when it is absent.
   */
  getVersioned<T = unknown>(name: string): Promise<Versioned<T> | undefined> {
    return later(this.getVersioned, (ticket) => native.getVersioned(this.#handle, ticket, nameOf(name)), versioned<T>)
  }

  /** {@link getVersioned}, here and now. */
  getVersionedSync<T = unknown>(name: string): Versioned<T> | undefined {
    return now(this.getVersionedSync, (ticket) => native.getVersioned(this.#handle, ticket, nameOf(name)), versioned<T>)
  }

  /**
   * All fields. Reads every field of the session.
   */
  all<T extends object = Fields>(): Promise<T> {
    return later(this.all, (ticket) => native.all(this.#handle, ticket), parsed)
  }

  /** {@link all}, here and now. */
  allSync<T extends object = Fields>(): T {
    return now(this.allSync, (ticket) => native.all(this.#handle, ticket), parsed)
  }

  /**
   * All fields, each as its JSON text. Reads every field of the session.
   */
  allRaw(): Promise<Record<string, string>> {
    return later(this.allRaw, (ticket) => native.allRaw(this.#handle, ticket), textsByName)
  }

  /** {@link allRaw}, here and now. */
  allRawSync(): Record<string, string> {
    return now(this.allRawSync, (ticket) => native.allRaw(this.#handle, ticket), textsByName)
  }

  /**
   * The names of all fields, sorted. Names are sealed with their values: this reads every field of the session.
   */
  keys(): Promise<string[]> {
    return later(this.keys, (ticket) => native.keys(this.#handle, ticket), texts)
  }

  /** {@link keys}, here and now. */
  keysSync(): string[] {
    return now(this.keysSync, (ticket) => native.keys(this.#handle, ticket), texts)
  }

  /**
   * Whether the field is there.
   */
  contains(name: string): Promise<boolean> {
    return later(this.contains, (ticket) => native.contains(this.#handle, ticket, nameOf(name)), flag)
  }

  /** {@link contains}, here and now. */
  containsSync(name: string): boolean {
    return now(this.containsSync, (ticket) => native.contains(this.#handle, ticket, nameOf(name)), flag)
  }

  /**
   * Puts every member of `fields`, all or nothing: an object, or its JSON text. A member that is `undefined` is skipped,
   * `null` is a value, NaN and infinities become `null`.
   *
   * `INVALID_ARGUMENT` for a BigInt (put its text with {@link putRaw}); `LIMIT_EXCEEDED`.
   */
  put(fields: object | string, options?: Ttl): Promise<void> {
    return later(this.put, (ticket) => native.put(this.#handle, ticket, fieldsText(fields), ttlOf(options)), nothing)
  }

  /** {@link put}, here and now. */
  putSync(fields: object | string, options?: Ttl): void {
    return now(this.putSync, (ticket) => native.put(this.#handle, ticket, fieldsText(fields), ttlOf(options)), nothing)
  }

  /**
   * Puts one field. `json` is JSON text, kept byte for byte: numbers of any size, `1.0`, escapes.
   *
   * `INVALID_JSON`; `LIMIT_EXCEEDED`.
   */
  putRaw(name: string, json: string, options?: Ttl): Promise<void> {
    return later(this.putRaw, (ticket) => native.putRaw(this.#handle, ticket, nameOf(name), rawText(json, 'json'), ttlOf(options)), nothing)
  }

  /** {@link putRaw}, here and now. */
  putRawSync(name: string, json: string, options?: Ttl): void {
    return now(this.putRawSync, (ticket) => native.putRaw(this.#handle, ticket, nameOf(name), rawText(json, 'json'), ttlOf(options)), nothing)
  }

  /**
   * Deletes fields; absent ones are no error. Gives how many were there.
   */
  delete(...names: string[]): Promise<number> {
    return later(this.delete, (ticket) => native.delete(this.#handle, ticket, namesOf(names)), number)
  }

  /** {@link delete}, here and now. */
  deleteSync(...names: string[]): number {
    return now(this.deleteSync, (ticket) => native.delete(this.#handle, ticket, namesOf(names)), number)
  }

  /**
   * Deletes all fields. Gives how many were there.
   */
  clear(): Promise<number> {
    return later(this.clear, (ticket) => native.clear(this.#handle, ticket), number)
  }

  /** {@link clear}, here and now. */
  clearSync(): number {
    return now(this.clearSync, (ticket) => native.clear(this.#handle, ticket), number)
  }

  /**
   * Adds `by` to a number field (absent: 0). Gives the sum: a bigint if `by` is one. Integers are exact within 64 bits.
   *
   * `LIMIT_EXCEEDED` when the sum cannot be given as asked for, with `details.applied: true` if it was stored all the
   * same (add a bigint, or read it with {@link getRaw}).
   */
  increment(name: string, by?: number): Promise<number>
  increment(name: string, by: bigint): Promise<bigint>
  increment(name: string, by: number | bigint = 1): Promise<number | bigint> {
    if (typeof by === 'bigint') {
      return later(this.increment, (ticket) => native.incrementRaw(this.#handle, ticket, nameOf(name), String(by)), bigintOf)
    }
    return later(this.increment, (ticket) => native.increment(this.#handle, ticket, nameOf(name), addend(by)), parsed)
  }

  /** {@link increment}, here and now. */
  incrementSync(name: string, by?: number): number
  incrementSync(name: string, by: bigint): bigint
  incrementSync(name: string, by: number | bigint = 1): number | bigint {
    if (typeof by === 'bigint') {
      return now(this.incrementSync, (ticket) => native.incrementRaw(this.#handle, ticket, nameOf(name), String(by)), bigintOf)
    }
    return now(this.incrementSync, (ticket) => native.increment(this.#handle, ticket, nameOf(name), addend(by)), parsed)
  }

  /**
   * Appends `values` to an array field (absent: empty). Gives the new length.
   */
  append(name: string, values: readonly unknown[]): Promise<number> {
    return later(this.append, (ticket) => native.append(this.#handle, ticket, nameOf(name), arrayText(values)), number)
  }

  /** {@link append}, here and now. */
  appendSync(name: string, values: readonly unknown[]): number {
    return now(this.appendSync, (ticket) => native.append(this.#handle, ticket, nameOf(name), arrayText(values)), number)
  }

  /**
   * Puts a field that is not there yet. Gives whether it was put.
   */
  putIfAbsent(name: string, value: unknown, options?: Ttl): Promise<boolean> {
    return later(this.putIfAbsent, (ticket) => native.putIfAbsent(this.#handle, ticket, nameOf(name), textOf(value, 'value'), ttlOf(options)), flag)
  }

  /** {@link putIfAbsent}, here and now. */
  putIfAbsentSync(name: string, value: unknown, options?: Ttl): boolean {
    return now(this.putIfAbsentSync, (ticket) => native.putIfAbsent(this.#handle, ticket, nameOf(name), textOf(value, 'value'), ttlOf(options)), flag)
  }

  /**
   * Gets and deletes a field; `undefined` when it is absent.
   *
   * `LIMIT_EXCEEDED` when a number in it would lose something as a JavaScript number (the field stays then: such
   * fields are for {@link takeRaw}).
   */
  take<T = unknown>(name: string): Promise<T | undefined> {
    return later(this.take, (ticket) => native.take(this.#handle, ticket, nameOf(name)), parsed)
  }

  /** {@link take}, here and now. */
  takeSync<T = unknown>(name: string): T | undefined {
    return now(this.takeSync, (ticket) => native.take(this.#handle, ticket, nameOf(name)), parsed)
  }

  /**
   * Gets and deletes a field, as its JSON text; `undefined` when it is absent.
   */
  takeRaw(name: string): Promise<string | undefined> {
    return later(this.takeRaw, (ticket) => native.takeRaw(this.#handle, ticket, nameOf(name)), textOrNothing)
  }

  /** {@link takeRaw}, here and now. */
  takeRawSync(name: string): string | undefined {
    return now(this.takeRawSync, (ticket) => native.takeRaw(this.#handle, ticket, nameOf(name)), textOrNothing)
  }

  /**
   * Puts a field if its version is `version` (`null`: if it is absent). Gives the new version.
   *
   * `CONFLICT` when it has another.
   */
  putIf(name: string, value: unknown, version: string | null, options?: Ttl): Promise<string> {
    return later(this.putIf, (ticket) => native.putIf(this.#handle, ticket, nameOf(name), textOf(value, 'value'), optionalText(version, 'version'), ttlOf(options)), text)
  }

  /** {@link putIf}, here and now. */
  putIfSync(name: string, value: unknown, version: string | null, options?: Ttl): string {
    return now(this.putIfSync, (ticket) => native.putIf(this.#handle, ticket, nameOf(name), textOf(value, 'value'), optionalText(version, 'version'), ttlOf(options)), text)
  }

  /**
   * Reads a field, changes it and puts it back if nobody changed it meanwhile; otherwise reads and changes again.
   * `change` is given the value (`undefined`: absent) and gives the new one, or {@link DELETE}; it may run several times
   * and may be async. Gives the value that was put, `undefined` if the field was deleted.
   *
   * `CONFLICT` when others were first until the deadline; `INVALID_ARGUMENT` when `change` gives `undefined`.
   */
  async update<T = unknown>(
    name: string,
    change: (value: T | undefined) => T | typeof DELETE | PromiseLike<T | typeof DELETE>,
  ): Promise<T | undefined> {
    const update = this.#beginUpdate(this.update, name, change)
    try {
      for (;;) {
        const current = await later(this.update, (ticket) => native.updateCurrent(update, ticket), parsed)
        const changed = await change(current)
        const text = changedText(changed)
        if (await later(this.update, (ticket) => native.updateTryCommit(update, ticket, text), flag)) return parsed(text)
      }
    } finally {
      native.release(update)
    }
  }

  /** {@link update}, here and now: `change` is not async. */
  updateSync<T = unknown>(name: string, change: (value: T | undefined) => T | typeof DELETE): T | undefined {
    const update = this.#beginUpdate(this.updateSync, name, change)
    try {
      for (;;) {
        const current = now(this.updateSync, (ticket) => native.updateCurrent(update, ticket), parsed)
        const changed = change(current)
        const committed = now(
          this.updateSync,
          (ticket) => native.updateTryCommit(update, ticket, changedText(changed)),
          flag,
        )
        if (committed) return parsed(changedText(changed))
      }
    } finally {
      native.release(update)
    }
  }

  #beginUpdate(method: (...args: never[]) => unknown, name: unknown, change: unknown): Handle {
    const begin = () => {
      if (typeof change !== 'function') throw invalid(`change: a function is expected, not ${kindOf(change)}`)
      return native.update(this.#handle, nameOf(name))
    }
    return now(method, begin, (handle) => handle as Handle)
  }

  /**
   * The value at a JSON Pointer inside a field (`''`: the field itself); `undefined` when it is absent.
   */
  getPath<T = unknown>(name: string, pointer: string): Promise<T | undefined> {
    return later(this.getPath, (ticket) => native.getPath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer')), parsed)
  }

  /** {@link getPath}, here and now. */
  getPathSync<T = unknown>(name: string, pointer: string): T | undefined {
    return now(this.getPathSync, (ticket) => native.getPath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer')), parsed)
  }

  /**
   * Sets the value at a JSON Pointer inside a field; `-` appends to an array.
   *
   * `NOT_FOUND` when the field or the parent is missing.
   */
  putPath(name: string, pointer: string, value: unknown): Promise<void> {
    return later(this.putPath, (ticket) => native.putPath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer'), textOf(value, 'value')), nothing)
  }

  /** {@link putPath}, here and now. */
  putPathSync(name: string, pointer: string, value: unknown): void {
    return now(this.putPathSync, (ticket) => native.putPath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer'), textOf(value, 'value')), nothing)
  }

  /**
   * Removes the value at a JSON Pointer inside a field. Gives whether it was there.
   */
  deletePath(name: string, pointer: string): Promise<boolean> {
    return later(this.deletePath, (ticket) => native.deletePath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer')), flag)
  }

  /** {@link deletePath}, here and now. */
  deletePathSync(name: string, pointer: string): boolean {
    return now(this.deletePathSync, (ticket) => native.deletePath(this.#handle, ticket, nameOf(name), nameOf(pointer, 'pointer')), flag)
  }

  /**
   * Sets a field's ttl in whole seconds, at least 1; `null` lets it stay. Gives whether the field is there.
   */
  setTtl(name: string, ttl: number | null): Promise<boolean> {
    return later(this.setTtl, (ticket) => native.setTtl(this.#handle, ticket, nameOf(name), seconds(ttl)), flag)
  }

  /** {@link setTtl}, here and now. */
  setTtlSync(name: string, ttl: number | null): boolean {
    return now(this.setTtlSync, (ticket) => native.setTtl(this.#handle, ticket, nameOf(name), seconds(ttl)), flag)
  }

  /**
   * When a field goes: `null` when it stays, `undefined` when it is absent.
   */
  expiresAt(name: string): Promise<Date | null | undefined> {
    return later(this.expiresAt, (ticket) => native.expiresAt(this.#handle, ticket, nameOf(name)), expiry)
  }

  /** {@link expiresAt}, here and now. */
  expiresAtSync(name: string): Date | null | undefined {
    return now(this.expiresAtSync, (ticket) => native.expiresAt(this.#handle, ticket, nameOf(name)), expiry)
  }

  /**
   * Version and times; `undefined` for a Global session that nobody began.
   */
  info(): Promise<Info | undefined> {
    return later(this.info, (ticket) => native.info(this.#handle, ticket), infoOf)
  }

  /** {@link info}, here and now. */
  infoSync(): Info | undefined {
    return now(this.infoSync, (ticket) => native.info(this.#handle, ticket), infoOf)
  }

  /**
   * For a sub-process's own version of a Global session: writes its changes in one guarded change.
   *
   * `CONFLICT` with `exclusive` when a field to be changed was changed since the snapshot; `SESSION_REVOKED`;
   * `INVALID_ARGUMENT` for any other session.
   */
  commit(options?: CommitOptions): Promise<Committed> {
    return later(this.commit, (ticket) => native.sessionCommit(this.#handle, ticket, exclusiveOf(options)), committedOf)
  }

  /** {@link commit}, here and now. */
  commitSync(options?: CommitOptions): Committed {
    return now(this.commitSync, (ticket) => native.sessionCommit(this.#handle, ticket, exclusiveOf(options)), committedOf)
  }

  /**
   * Ends the session: a Local one is emptied, a Global one is over for everybody who holds it.
   */
  end(): Promise<void> {
    return later(this.end, (ticket) => native.sessionEnd(this.#handle, ticket), nothing)
  }

  /** {@link end}, here and now. */
  endSync(): void {
    return now(this.endSync, (ticket) => native.sessionEnd(this.#handle, ticket), nothing)
  }
}

const flag = (reply: Reply) => reply as boolean
const texts = (reply: Reply) => reply as string[]
const textOrNothing = (reply: Reply) => reply as string | undefined

const bigintOf = (reply: Reply): bigint => {
  try {
    return BigInt(reply as string)
  } catch {
    throw new SessileError('LIMIT_EXCEEDED', 'the sum is no whole number, so no bigint: add a number', { applied: true })
  }
}

function versioned<T>(reply: Reply): Versioned<T> | undefined {
  if (reply === undefined) return undefined
  const [value, version] = reply as [string, string]
  return { value: JSON.parse(value), version }
}

// Name, text, name, text, …; fromEntries makes even `__proto__` a member like any other.
function textsByName(reply: Reply): Record<string, string> {
  const flat = reply as string[]
  const entries: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) entries.push([flat[at]!, flat[at + 1]!])
  return Object.fromEntries(entries)
}

function expiry(reply: Reply): Date | null | undefined {
  return reply === undefined ? undefined : endOf(reply)
}

function infoOf(reply: Reply): Info | undefined {
  if (reply === undefined) return undefined
  return dated<Info>(parsed(reply), 'createdAt', 'updatedAt', 'expiresAt', 'lastSeenAt')
}

function addend(by: unknown): string {
  if (typeof by !== 'number' || !Number.isFinite(by)) throw invalid('by: a finite number or a bigint is expected')
  return JSON.stringify(by)
}

function changedText(changed: unknown): string | undefined {
  if (changed === DELETE) return undefined
  if (changed === undefined) throw invalid('change: gave undefined; give the new value, or DELETE')
  if (changed instanceof Promise) throw invalid('change: gave a promise; updateSync takes a function that is not async')
  return textOf(changed, 'change')
}

/** @internal */
export const committedOf = (reply: Reply): Committed => JSON.parse(reply as string)

/** @internal */
export function exclusiveOf(options: CommitOptions | undefined): boolean {
  return flagOf(options, 'exclusive')
}

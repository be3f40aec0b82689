import { invalid } from './error.js'
import {
  fieldsText, kindOf, nameOf, nothing, number, optionOf, optionalText, optionsOf, parsed, seconds, tagOf, ttlOf,
  type Fields,
} from './json.js'
import { fromInside, later, native, now, type Handle, type Reply, type Verb } from './native.js'
import { pageOf, pageText, type Page, type PageOptions } from './page.js'
import type { Ttl } from './session.js'
import { startedOf, type Started } from './started.js'
import { dated, endOf } from './time.js'
import {
  entryOf, userOf, userSessionsOf, userText,
  type Dashboard, type Identifier, type SessionEntry, type User, type UserRef, type UserSessions,
} from './user.js'

/** Whether a session token is good, and if so what its session holds. */
export type Verification<T extends object = Fields> =
  | {
      valid: true
      sessionId: string
      identifier: Identifier
      /** When the session ends; `null`: never. */
      expiresAt: Date | null
      data: T
    }
  | {
      valid: false
      /**
       * `untrusted`: no session token of this store, or not as it was signed. `not_yet`. `expired`: the token is, so
       * refresh it. `session_expired`: the session reached its end, or was not used for too long. `revoked`. `ended`:
       * somebody ended it. `evicted`: by a newer session of the user.
       */
      reason: 'untrusted' | 'not_yet' | 'expired' | 'session_expired' | 'revoked' | 'ended' | 'evicted'
    }

/** Which sessions, and which part of the list. */
export interface ListOptions extends PageOptions {
  /** Those of one user; left out: everybody's. */
  user?: UserRef | undefined
}

/** Which of the user's sessions stay. */
export interface RevokeAllOptions {
  /** The id of a session that goes on. */
  except?: string | null | undefined
}

/**
 * The life of users' sessions under the configurations of a store. Every verb gives a promise and has a `Sync` twin.
 *
 * Every verb may fail with `CLOSED` and the backend's errors; all but `verify`, `refresh` and those by session id with
 * `NOT_FOUND` for the tag. Those by session id: `INVALID_ARGUMENT` for what is no session id; `NOT_FOUND`.
 */
export class Sessions {
  readonly #store: Handle
  /** @internal The store closes when nobody holds it: its sessions hold it. */
  readonly owner: object

  private constructor(key: symbol, store: Handle, owner: object) {
    fromInside(key, 'Sessions')
    this.#store = store
    this.owner = owner
  }

  /** @internal */
  static of(key: symbol, store: Handle, owner: object): Sessions {
    return new Sessions(key, store, owner)
  }

  /**
   * Starts a session for the user whom the configuration's selector picks from `data`: an object of fields, or its JSON
   * text, as {@link Session.put} takes it. `ttl` ends the session earlier than its configuration would.
   *
   * `SCHEMA_VIOLATION` with `details.violations`; `INVALID_ARGUMENT` for a configuration without selector; `INVALID_JSON`;
   * `LIMIT_EXCEEDED`; `QUOTA_EXCEEDED`.
   */
  start(tag: string, data: object | string, options?: Ttl): Promise<Started> {
    return later(this.start, ...this.#start(tag, data, options))
  }

  /** {@link start}, here and now. */
  startSync(tag: string, data: object | string, options?: Ttl): Started {
    return now(this.startSync, ...this.#start(tag, data, options))
  }

  #start(tag: string, data: unknown, options: Ttl | undefined): Verb<Started> {
    return [
      (ticket) => native.sessionsStart(this.#store, ticket, tagOf(tag), fieldsText(data, 'data'), ttlOf(options)),
      startedOf,
    ]
  }

  /**
   * Whether a session token, with or without `<tag>:`, is good. One that is not is no error.
   *
   * `LIMIT_EXCEEDED` when a number in the session would lose something as a JavaScript number: open the session with the
   * token, `store.execution({ trigger, token }).global()`, and use {@link Session.getRaw}.
   */
  verify<T extends object = Fields>(token: string): Promise<Verification<T>> {
    return later(this.verify, ...this.#verify<T>(token))
  }

  /** {@link verify}, here and now. */
  verifySync<T extends object = Fields>(token: string): Verification<T> {
    return now(this.verifySync, ...this.#verify<T>(token))
  }

  #verify<T extends object>(token: string): Verb<Verification<T>> {
    return [(ticket) => native.sessionsVerify(this.#store, ticket, strangersText(token, 'token')), verification<T>]
  }

  /**
   * Gives the session a new pair of tokens. A refresh token works once; the one before gives the same pair again within
   * the configuration's `refreshGrace`, so that a lost answer logs nobody out.
   *
   * `TOKEN_MALFORMED`; `TOKEN_SIGNATURE`; `TOKEN_EXPIRED`; `SESSION_EXPIRED`; `SESSION_REVOKED`; `REFRESH_REUSED` for one
   * used before: somebody has a copy, and the session is revoked.
   */
  refresh(refreshToken: string): Promise<Started> {
    return later(this.refresh, ...this.#refresh(refreshToken))
  }

  /** {@link refresh}, here and now. */
  refreshSync(refreshToken: string): Started {
    return now(this.refreshSync, ...this.#refresh(refreshToken))
  }

  #refresh(refreshToken: string): Verb<Started> {
    return [
      (ticket) => native.sessionsRefresh(this.#store, ticket, strangersText(refreshToken, 'refreshToken')),
      startedOf,
    ]
  }

  /** Revokes a session: from then on none of its tokens opens it, in any process. Twice is fine. */
  revoke(sessionId: string): Promise<void> {
    return later(this.revoke, ...this.#revoke(sessionId))
  }

  /** {@link revoke}, here and now. */
  revokeSync(sessionId: string): void {
    now(this.revokeSync, ...this.#revoke(sessionId))
  }

  #revoke(sessionId: string): Verb<void> {
    return [(ticket) => native.sessionsRevoke(this.#store, ticket, idOf(sessionId)), nothing]
  }

  /**
   * Revokes all sessions of a user, the standing one too. Gives how many were alive. `INVALID_ARGUMENT` for an `except`
   * that is no session of the configuration.
   */
  revokeAll(tag: string, user: UserRef, options?: RevokeAllOptions): Promise<number> {
    return later(this.revokeAll, ...this.#revokeAll(tag, user, options))
  }

  /** {@link revokeAll}, here and now. */
  revokeAllSync(tag: string, user: UserRef, options?: RevokeAllOptions): number {
    return now(this.revokeAllSync, ...this.#revokeAll(tag, user, options))
  }

  #revokeAll(tag: string, user: UserRef, options: RevokeAllOptions | undefined): Verb<number> {
    const except = () => optionalText(optionOf(options, 'except', '{ except: sessionId }'), 'except')
    return [(ticket) => native.sessionsRevokeAll(this.#store, ticket, tagOf(tag), userText(user), except()), number]
  }

  /** The sessions that are alive, and those that reached their end less than a day ago. */
  list(tag: string, options?: ListOptions): Promise<Page<SessionEntry>> {
    return later(this.list, ...this.#list(tag, options))
  }

  /** {@link list}, here and now. */
  listSync(tag: string, options?: ListOptions): Page<SessionEntry> {
    return now(this.listSync, ...this.#list(tag, options))
  }

  #list(tag: string, options: ListOptions | undefined): Verb<Page<SessionEntry>> {
    return [
      (ticket) => {
        const { user, ...page } = optionsOf(options, "{ user: 'u1', limit: 100 }")
        const whose = user === undefined ? undefined : userText(user)
        return native.sessionsList(this.#store, ticket, tagOf(tag), whose, pageText(page))
      },
      entries,
    ]
  }

  /**
   * Puts fields into a session, as {@link Session.put}: all or nothing, the others stay.
   *
   * `SCHEMA_VIOLATION`; `SESSION_EXPIRED`; `SESSION_REVOKED`; `LIMIT_EXCEEDED`.
   */
  update(sessionId: string, data: object | string): Promise<void> {
    return later(this.update, ...this.#update(sessionId, data))
  }

  /** {@link update}, here and now. */
  updateSync(sessionId: string, data: object | string): void {
    now(this.updateSync, ...this.#update(sessionId, data))
  }

  #update(sessionId: string, data: unknown): Verb<void> {
    return [(ticket) => native.sessionsUpdate(this.#store, ticket, idOf(sessionId), fieldsText(data, 'data')), nothing]
  }

  /**
   * Moves a session's end to `ttl` seconds from now; never earlier than it was, nor past the configuration's
   * `maxLifetime`. Gives the end in force; `null`: never.
   *
   * `SESSION_EXPIRED`; `SESSION_REVOKED`.
   */
  extend(sessionId: string, ttl: number): Promise<Date | null> {
    return later(this.extend, ...this.#extend(sessionId, ttl))
  }

  /** {@link extend}, here and now. */
  extendSync(sessionId: string, ttl: number): Date | null {
    return now(this.extendSync, ...this.#extend(sessionId, ttl))
  }

  #extend(sessionId: string, ttl: number): Verb<Date | null> {
    return [(ticket) => native.sessionsExtend(this.#store, ticket, idOf(sessionId), seconds(ttl) ?? 0), endOf]
  }

  /** The users who have or had sessions. */
  users(tag: string, page?: PageOptions): Promise<Page<User>> {
    return later(this.users, ...this.#users(tag, page))
  }

  /** {@link users}, here and now. */
  usersSync(tag: string, page?: PageOptions): Page<User> {
    return now(this.usersSync, ...this.#users(tag, page))
  }

  #users(tag: string, page: PageOptions | undefined): Verb<Page<User>> {
    return [(ticket) => native.sessionsUsers(this.#store, ticket, tagOf(tag), pageText(page)), people]
  }

  /** One user, with their sessions. `NOT_FOUND`. */
  user(tag: string, user: UserRef): Promise<UserSessions> {
    return later(this.user, ...this.#user(tag, user))
  }

  /** {@link user}, here and now. */
  userSync(tag: string, user: UserRef): UserSessions {
    return now(this.userSync, ...this.#user(tag, user))
  }

  #user(tag: string, user: UserRef): Verb<UserSessions> {
    return [(ticket) => native.sessionsUser(this.#store, ticket, tagOf(tag), userText(user)), userSessionsOf]
  }

  /** The figures of a configuration: a walk through its users, no snapshot. */
  dashboard(tag: string): Promise<Dashboard> {
    return later(this.dashboard, ...this.#dashboard(tag))
  }

  /** {@link dashboard}, here and now. */
  dashboardSync(tag: string): Dashboard {
    return now(this.dashboardSync, ...this.#dashboard(tag))
  }

  #dashboard(tag: string): Verb<Dashboard> {
    return [(ticket) => native.sessionsDashboard(this.#store, ticket, tagOf(tag)), parsed]
  }

  /** Removes a user and all their sessions. Gives how many sessions were alive. */
  forget(tag: string, user: UserRef): Promise<number> {
    return later(this.forget, ...this.#forget(tag, user))
  }

  /** {@link forget}, here and now. */
  forgetSync(tag: string, user: UserRef): number {
    return now(this.forgetSync, ...this.#forget(tag, user))
  }

  #forget(tag: string, user: UserRef): Verb<number> {
    return [(ticket) => native.sessionsForget(this.#store, ticket, tagOf(tag), userText(user)), number]
  }
}

const entries = pageOf('sessions', entryOf)
const people = pageOf('users', userOf)
const idOf = (sessionId: unknown): string => nameOf(sessionId, 'sessionId')

function verification<T extends object>(reply: Reply): Verification<T> {
  return dated<Verification<T>>(parsed(reply), 'expiresAt')
}

// Text from a stranger, which may hold half a surrogate pair: a token that is not good, not a host's mistake. What
// stands in its place is in no token.
function strangersText(token: unknown, what: string): string {
  if (typeof token !== 'string') throw invalid(`${what}: a string is expected, not ${kindOf(token)}`)
  return (token as string & { toWellFormed(): string }).toWellFormed()
}

import type { ErrorCode } from './error.js'
import { parsed, textOf } from './json.js'
import type { Reply } from './native.js'
import { dated } from './time.js'

/** What a configuration's selector picks: names the user. `1` and `'1'` are two users. */
export type Identifier = string | number | boolean

/** Whom a call is about: an identifier names a user of the store's own realm; a bigint is an integer of any size. */
export type UserRef = Identifier | bigint | { realm: string; subject: Identifier }

/** A session as it is listed, or one that cannot be opened. */
export type SessionEntry =
  | {
      sessionId: string
      identifier: Identifier
      /** Where the user lives: `sessile:<workspace>/<product>/<env>`, or what an issuer's entry names. */
      realm: string
      /** Whether it is the user's standing session, which login and foreign tokens open. */
      standing: boolean
      startedAt: Date
      /** Touched at most once a minute. */
      lastSeenAt: Date
      /** `null`: never. */
      expiresAt: Date | null
      /** Whether it is alive; `false` for one that reached its end less than a day ago. */
      active: boolean
      unreadable?: never
    }
  | { sessionId: string; unreadable: ErrorCode }

/** A user under a configuration, or one whose record cannot be opened. */
export type User =
  | {
      identifier: Identifier
      realm: string
      /** A session lives; none does and the last was ended or revoked; none does and the last reached its end. */
      state: 'active' | 'inactive' | 'expired'
      firstSeenAt: Date
      lastSeenAt: Date
      /** Every session that ever began. */
      totalSessions: number
      activeSessions: number
      unreadable?: never
    }
  | { unreadable: ErrorCode }

/** A user with their sessions. */
export type UserSessions = User & { sessions: SessionEntry[] }

/** The users and sessions of a configuration in figures. Days are those of UTC, weeks those of ISO 8601. */
export interface Dashboard {
  totalUsers: number
  activeUsers: number
  inactiveUsers: number
  expiredUsers: number
  newUsersToday: number
  newUsersThisWeek: number
  totalSessions: number
  activeSessions: number
  /** `totalSessions / totalUsers`; 0 without users. */
  averageSessionsPerUser: number
  /** Records that cannot be opened, and are in no other figure. */
  unreadable: number
}

type Given = Record<string, unknown>

/** @internal */
export function userText(user: unknown): string {
  return typeof user === 'bigint' ? String(user) : textOf(user, 'user')
}

/** @internal */
export function entryOf(given: Given): SessionEntry {
  return dated<SessionEntry>(given, 'startedAt', 'lastSeenAt', 'expiresAt')
}

/** @internal */
export function userOf(given: Given): User {
  return dated<User>(given, 'firstSeenAt', 'lastSeenAt')
}

/** @internal */
export function userSessionsOf(reply: Reply): UserSessions {
  const { sessions, ...user } = parsed(reply)
  return { ...userOf(user), sessions: sessions.map(entryOf) }
}

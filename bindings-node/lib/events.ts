import type { ErrorCode } from './error.js'

/** Something that happened to a store's tokens, sessions, users, configurations or keys. All are in `docs/events.md`. */
export interface AuditEvent {
  /** When: RFC 3339, UTC, milliseconds, by the store's clock. */
  at: string
  /** What: `token.refused`, `session.started`, … */
  event: string
  /** The configuration. */
  tag?: string
  /** The user's blind id: the same for one user of one configuration, and no way back to who it is. */
  user?: string
  sessionId?: string
  /** A data key's number, or a signing key's `kid`. */
  keyId?: string
  reason?: string
  /** The error, as the caller got it. */
  code?: ErrorCode
  /** The {@link ExecutionOptions.requestId}. */
  requestId?: string
  /** For `audit.dropped`: how many. */
  count?: number
}

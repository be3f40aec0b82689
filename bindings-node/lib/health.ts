import type { ErrorCode } from './error.js'

/** Why a store did not answer. */
export interface HealthFailure {
  /** `UNAVAILABLE`, `TIMEOUT`, … */
  code: ErrorCode
  /** What is behind it, for programs: `connection`, `authentication`, …; docs/redis.md and docs/postgresql.md. */
  reason: string | null
  /** The same for people. */
  message: string
}

/** What {@link Store.health} gives: whether the store answered, and how long that took, in microseconds. */
export type Health = { ok: true, micros: number } | { ok: false, micros: number, error: HealthFailure }

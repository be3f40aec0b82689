import type { ErrorCode } from './error.js'

/** Something that is wrong with what is stored. */
export interface Problem {
  /** What it is about. */
  kind: 'file' | 'keys' | 'config' | 'session' | 'field' | 'touch' | 'user' | 'index'
  /** An error's code; `NOT_FOUND` for what should be there and is not. */
  code: ErrorCode
  /** Blind ids in hex, never a name; for `file` SQLite's sentence. */
  where: string
}

/** What {@link Store.check} found. */
export interface CheckReport {
  /** Whether nothing is wrong. */
  ok: boolean
  /** How many sessions were looked at. */
  sessions: number
  fields: number
  /** Users' records. */
  users: number
  /** `global`, which is built in, is none. */
  configs: number
  /** How many problems there are. */
  problemCount: number
  /** The first 100 of them. */
  problems: Problem[]
}

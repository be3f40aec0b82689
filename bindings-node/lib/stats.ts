/** How the cache of verified tokens fared. */
export interface TokenCache {
  /** How many tokens it knew. */
  hits: number
  /** How many it did not. */
  misses: number
  /** How many it knows now. */
  tokens: number
}

/** A key of an issuer's set that is not used. */
export interface RefusedKey {
  /** Where it stands in the set, from 0. */
  index: number
  /** Its name, if it has one. */
  kid: string | null
  /** Why it is refused, for people. */
  reason: string
}

/** An issuer's keys. */
export interface IssuerStats {
  issuer: string
  /** The names of the keys in force; `null` for one without. */
  keys: (string | null)[]
  /** The others. */
  refusedKeys: RefusedKey[]
  /** Why they could not be loaded lately; the last good ones are in force meanwhile. */
  trouble: string | null
}

/** The connections to a PostgreSQL. */
export interface Connections {
  /** How many there are. */
  open: number
  /** How many of them nobody uses. */
  idle: number
  /** How many calls wait for one. */
  waiting: number
}

/** What this process asked of the store's server; where there is none, no more than its kind. */
export type BackendStats = { kind: 'memory' | 'sqlite' } | {
  kind: 'redis' | 'postgresql'
  /** How often it was asked. */
  calls: number
  /** How often in vain. */
  failed: number
  /** How long an answer took in the mean, in microseconds; `null` before the first. */
  meanMicros: number | null
  /** How many connections were ever made, which says how often they broke. */
  connects: number
  /** Those that there are (`postgresql`, once it was reached). */
  connections?: Connections
}

/** What {@link Store.stats} gives: no token, no key and no password is in it. */
export interface Stats {
  tokenCache: TokenCache
  /** The store's issuers, sorted by name. */
  issuers: IssuerStats[]
  /** What its calls came to. */
  backend: BackendStats
}

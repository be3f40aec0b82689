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

/** What {@link Store.stats} gives: no token and no key is in it. */
export interface Stats {
  tokenCache: TokenCache
  /** The store's issuers, sorted by name. */
  issuers: IssuerStats[]
}

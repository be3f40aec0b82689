import { inspect } from 'node:util'

import { invalid } from './error.js'
import { kindOf, seconds, text, textOf } from './json.js'
import { fromInside, inside, later, native, now, own, type Handle, type Reply, type Ticket } from './native.js'

/**
 * Proof of who a user is: only {@link Store.verify} makes one. What it says are getters, which a spread and
 * `structuredClone` leave out, and `deepEqual` does not compare: {@link toJSON} has it all as plain values.
 */
export class VerifiedToken {
  readonly #handle: Handle
  #read: Claims | undefined

  private constructor(key: symbol, handle: Handle) {
    fromInside(key, 'a VerifiedToken')
    this.#handle = handle
    own(this, handle)
    Object.freeze(this)
  }

  // Most proofs are only handed on: nobody asks what they say.
  get #claims(): Claims {
    return (this.#read ??= JSON.parse(native.tokenClaims(this.#handle)) as Claims)
  }

  /** Where the subject lives: the issuer, unless its definition names another realm. */
  get realm(): string {
    return this.#claims.realm
  }

  get subject(): string {
    return this.#claims.subject
  }

  /** Who issued the token, its `iss`. */
  get issuer(): string {
    return this.#claims.issuer
  }

  /** The token's own id, its `jti`, for {@link Store.revokeTokenId}; `null` if it has none. */
  get id(): string | null {
    return this.#claims.id
  }

  get issuedAt(): Date {
    return new Date(this.#claims.issuedAt)
  }

  get expiresAt(): Date {
    return new Date(this.#claims.expiresAt)
  }

  /** How the user was authenticated; `null` if the issuer does not say. */
  get acr(): string | null {
    return this.#claims.acr
  }

  /** When the user was authenticated, `auth_time`; `null` if the issuer does not say. */
  get authenticatedAt(): Date | null {
    const millis = this.#claims.authenticatedAt
    return millis === null ? null : new Date(millis)
  }

  /** What it says, for logs and the like. */
  toJSON(): Omit<VerifiedToken, 'toJSON'> {
    const { realm, subject, issuer, id, issuedAt, expiresAt, acr, authenticatedAt } = this
    return { realm, subject, issuer, id, issuedAt, expiresAt, acr, authenticatedAt }
  }

  /** @internal */
  static of(reply: Reply): VerifiedToken {
    return new VerifiedToken(inside, reply as Handle)
  }

  /** @internal */
  static handleOf(token: VerifiedToken): Handle {
    if (!(token instanceof VerifiedToken)) throw invalid(`token: a VerifiedToken is expected, not ${kindOf(token)}`)
    return token.#handle
  }
}

// `console.log` shows no getters.
Object.defineProperty(VerifiedToken.prototype, inspect.custom, { value: VerifiedToken.prototype.toJSON })

// What the addon says of a proof; times in milliseconds since 1970.
interface Claims {
  realm: string
  subject: string
  issuer: string
  id: string | null
  issuedAt: number
  expiresAt: number
  acr: string | null
  authenticatedAt: number | null
}

/** Login tokens of the store's own issuer, for a login pipeline. */
export class Tokens {
  readonly #store: Handle
  /** @internal The store closes when nobody holds it: its tokens hold it. */
  readonly owner: object

  private constructor(key: symbol, store: Handle, owner: object) {
    fromInside(key, 'Tokens')
    this.#store = store
    this.owner = owner
  }

  /** @internal */
  static of(key: symbol, store: Handle, owner: object): Tokens {
    return new Tokens(key, store, owner)
  }

  /**
   * Signs a login token for the user `claims.sub`. `ttl` in seconds, 1 to 86,400.
   *
   * `INVALID_ARGUMENT` for `claims` without `sub`, or with one that is the store's to set.
   */
  issue(claims: { sub: string; [claim: string]: unknown }, ttl: number): Promise<string> {
    return later(this.issue, (ticket) => this.#issue(ticket, claims, ttl), text)
  }

  /** {@link issue}, here and now. */
  issueSync(claims: { sub: string; [claim: string]: unknown }, ttl: number): string {
    return now(this.issueSync, (ticket) => this.#issue(ticket, claims, ttl), text)
  }

  /** The public keys, as a JWK set for others to verify these tokens with. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }> {
    return later(this.jwks, (ticket) => native.tokensJwks(this.#store, ticket), keySet)
  }

  /** {@link jwks}, here and now. */
  jwksSync(): { keys: Record<string, unknown>[] } {
    return now(this.jwksSync, (ticket) => native.tokensJwks(this.#store, ticket), keySet)
  }

  #issue(ticket: Ticket, claims: unknown, ttl: number): Reply {
    return native.tokensIssue(this.#store, ticket, textOf(claims, 'claims'), seconds(ttl) ?? 0)
  }
}

const keySet = (reply: Reply): { keys: Record<string, unknown>[] } => JSON.parse(reply as string)

/** An issuer of tokens that a store trusts. It fixes who a user is: no token and no configuration can change that. */
export interface Issuer {
  /** The `iss` of its tokens, exactly. */
  issuer: string
  /** The `aud` values that are meant for this store; a token needs one of them. */
  audiences: readonly string[]
  /** Its public keys, as a JWK set. */
  jwks?: { keys: readonly object[] } | undefined
  /** A file with that set. It is read again within a second of a change; one that is no good changes nothing. */
  jwksFile?: string | undefined
  /** An `https` URL of that set, fetched when first needed and every ten minutes. */
  jwksUrl?: string | undefined
  /** A PEM file of the certificates to trust for `jwksUrl`, instead of the public ones. */
  jwksCa?: string | undefined
  /** HMAC instead of public keys: the secret comes through {@link StoreOptions.issuerSecrets}. */
  symmetric?: boolean | undefined
  /** For a symmetric issuer; `HS256` by default. */
  algorithm?: 'HS256' | 'HS384' | 'HS512' | undefined
  /** `rfc9068`: only access tokens of that standard (`typ: at+jwt`, with `client_id` and `jti`); `jwt` by default. */
  profile?: 'jwt' | 'rfc9068' | undefined
  /** Where its subjects live; the issuer itself by default. Two issuers with one realm have the same users. */
  realm?: string | undefined
  /** The claim that names the user; `sub` by default. */
  subjectClaim?: string | undefined
  /** Seconds that clocks may differ, at most 120; 30 by default. */
  leeway?: number | undefined
  /** The longest life of its tokens, in seconds; a day by default. */
  maxTokenLife?: number | undefined
}

import { inspect } from 'node:util'

import { parsed } from './json.js'
import type { Reply } from './native.js'
import { dated } from './time.js'

/**
 * A session that was started or refreshed, and the tokens that open it.
 *
 * The tokens are for whoever the session belongs to: `JSON.stringify` writes them, `console.log` and `util.inspect` of
 * this object do not show them.
 */
export interface Started {
  /** `<tag>:<jwt>`: opens the session, in this store and in every other on the same data. */
  token: string
  tokenExpiresAt: Date
  /** Gives a new pair, once, when the token has expired. */
  refreshToken: string
  /** Names the session for {@link Sessions.revoke} and the like; opens nothing. */
  sessionId: string
  /** When the session ends; `null`: never. */
  expiresAt: Date | null
}

/** @internal */
export function startedOf(reply: Reply): Started {
  const started = dated<Started>(parsed(reply), 'tokenExpiresAt', 'expiresAt')
  return Object.defineProperty(started, inspect.custom, { value: withoutTokens })
}

const HIDDEN = '[hidden]'

function withoutTokens(this: Started): Started {
  return { ...this, token: HIDDEN, refreshToken: HIDDEN }
}

/** What a code means to a program: its stable number, who can do something about it, and whether a repeat may help. */
export interface ErrorKind {
  readonly number: number
  readonly category: 'caller' | 'state' | 'identity' | 'data' | 'backend' | 'internal'
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean
}

const caller = (number: number) => ({ number, category: 'caller', retryable: false }) as const
const state = (number: number) => ({ number, category: 'state', retryable: false }) as const
const identity = (number: number) => ({ number, category: 'identity', retryable: false }) as const
const data = (number: number) => ({ number, category: 'data', retryable: false }) as const
const backend = (number: number) => ({ number, category: 'backend', retryable: true }) as const
const internal = (number: number) => ({ number, category: 'internal', retryable: false }) as const

/** Every code by name; `docs/errors.md` says what each means and what to do. */
export const errorCodes = {
  INVALID_ARGUMENT: caller(1),
  INVALID_JSON: caller(2),
  INVALID_STEP: caller(3),
  MESSAGE_NOT_OBJECT: caller(4),
  LIMIT_EXCEEDED: caller(5),
  CONFIG_INVALID: caller(6),
  CLOSED: caller(7),
  FORKED: caller(8),
  UNSUPPORTED: caller(9),

  NOT_FOUND: state(20),
  ALREADY_EXISTS: state(21),
  CONFLICT: state(22),
  STALE: state(23),
  SESSION_EXPIRED: state(24),
  SESSION_REVOKED: state(25),
  SCHEMA_VIOLATION: state(26),
  SELECTOR_MISMATCH: state(27),
  QUOTA_EXCEEDED: state(28),
  READ_ONLY: state(29),

  GLOBAL_NOT_ALLOWED: identity(40),
  TOKEN_MALFORMED: identity(41),
  TOKEN_SIGNATURE: identity(42),
  TOKEN_EXPIRED: identity(43),
  TOKEN_NOT_YET: identity(44),
  TOKEN_CLAIMS: identity(45),
  TOKEN_UNTRUSTED: identity(46),
  TOKEN_REVOKED: identity(47),
  REFRESH_REUSED: identity(48),

  KEY_REQUIRED: data(60),
  KEYRING_INVALID: data(61),
  KEY_UNAVAILABLE: data(62),
  KEY_MISMATCH: data(63),
  KEY_REVOKED: data(64),
  CORRUPT: data(65),
  FORMAT_TOO_NEW: data(66),

  UNAVAILABLE: backend(80),
  TIMEOUT: backend(81),
  BUSY: backend(82),
  IO: backend(83),

  PANIC: internal(120),
  INTERNAL: internal(121),
} as const satisfies Readonly<Record<string, ErrorKind>>

/** The stable name of an error. */
export type ErrorCode = keyof typeof errorCodes

/**
 * Whatever goes wrong in sessile: thrown by the `Sync` twins, the reason of a rejected promise.
 *
 * The message says what was given, what was wanted and what to do next; it never holds a token, a key or a value.
 * The stack points to the call.
 */
export class SessileError extends Error {
  /** The stable name: branch on this. */
  readonly code: ErrorCode
  /** For programs, with stable member names: which fields were in conflict, which member of a step is unknown. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.details = details
  }

  /** The stable number, the same in every language. */
  get number(): number {
    return errorCodes[this.code].number
  }

  /** Whether the same call may succeed later, unchanged. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }
}

Object.defineProperty(SessileError.prototype, 'name', { value: 'SessileError', configurable: true, writable: true })

/** @internal */
export type Method = (...args: never[]) => unknown

/** @internal The core's error, from the text in which it crosses the border. */
export function errorOfText(text: string): SessileError {
  const { sessile, message, details } = JSON.parse(text) as { sessile: ErrorCode; message: string; details: Record<string, unknown> }
  return new SessileError(sessile, message, details)
}

/**
 * @internal What to throw for `thrown`: an error of the core becomes a SessileError whose stack begins at the caller of
 * `method`; what a `toJSON` or a getter of the host threw stays itself.
 */
export function errorAt(thrown: unknown, method: Method): unknown {
  const error = thrown instanceof Error && thrown.message.startsWith('{"sessile":') ? errorOfText(thrown.message) : thrown
  if (error instanceof SessileError) Error.captureStackTrace(error, method)
  return error
}

/** @internal */
export function invalid(message: string, options?: ErrorOptions): SessileError {
  return new SessileError('INVALID_ARGUMENT', message, {}, options)
}

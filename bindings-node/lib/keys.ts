import type { ErrorCode } from './error.js'
import { invalid } from './error.js'
import { isObject, kindOf } from './json.js'
import type { KeyState } from './keyring.js'

/** Gives a keyring's JSON text, from wherever it is kept: a key service, say. */
export type KeyringCallback = () => string | Uint8Array | Promise<string | Uint8Array>

/** How far a rewrap came. */
export interface Rewrapped {
  /** Whether it came to the end. */
  done: boolean
  /** Where the next call goes on; `null`: it is done. */
  cursor: string | null
  /** How many cells were sealed anew. */
  rewrapped: number
  /** How many can't be opened. */
  skipped: number
}

/** How far a copy to another store came. */
export interface Copied {
  /** Whether it came to the end. */
  done: boolean
  /** Where the next call goes on; `null`: it is done. */
  cursor: string | null
  /** How many records were written there. */
  copied: number
  /** How many stood there already. */
  unchanged: number
  /** How many stay as they are there: changed there later, or nobody can tell. */
  skipped: number
}

/** How much is sealed with a data key. */
export interface DataKeyUsage {
  id: number
  /** `missing`: something is sealed with it, and the keyring does not have it. */
  state: KeyState | 'missing'
  /** Sessions' heads. */
  heads: number
  fields: number
  /** Users' records. */
  users: number
  configs: number
  /** Revocations of tokens and issuers. */
  revocations: number
}

/** What {@link Store.keyUsage} found. */
export interface KeyUsage {
  /** Every data key of the keyring, and every other that something is sealed with. */
  keys: DataKeyUsage[]
  /** How many cells name no key, and how many configurations can't be opened. */
  unreadable: number
  /** The data key that seals now. */
  sealsWith: number
  /** The signing key that signs now. */
  signsWith: string
  /** The signing keys of the keyring. */
  signing: { kid: string; state: KeyState }[]
  /** Why the keyring that was offered last is not in force; `null`: it is. */
  problem: { code: ErrorCode; message: string } | null
}

/** @internal The callback among the options, which is then the one source of the keyring. */
export function callbackOf(options: unknown): KeyringCallback | undefined {
  const { keyringCallback: callback, keyring, keyringBytes, keyringEnv } = isObject(options) ? options : {}
  if (callback === undefined || callback === null) return undefined
  if (typeof callback !== 'function') throw invalid(`keyringCallback: a function is expected, not ${kindOf(callback)}`)
  if ((keyring ?? keyringBytes ?? keyringEnv) !== undefined) {
    throw invalid('keyringCallback: it gives the keyring; leave keyring, keyringBytes and keyringEnv out')
  }
  return callback as KeyringCallback
}

/** @internal What the callback gives, which may come later. What it throws is the caller's. */
export async function asked(callback: KeyringCallback): Promise<string | Uint8Array> {
  return textOrBytes(await callback(), 'keyringCallback')
}

/** @internal What the callback gives, here and now. */
export function askedNow(callback: KeyringCallback): string | Uint8Array {
  return textOrBytes(callback(), 'keyringCallback')
}

/** @internal */
export function textOrBytes(given: unknown, what: string): string | Uint8Array {
  if (typeof given === 'string' || given instanceof Uint8Array) return given
  throw invalid(`${what}: a Uint8Array or a string is expected, not ${kindOf(given)}`)
}

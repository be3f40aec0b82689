import { nameOf, nothing, parsed, text } from './json.js'
import { later, native, now, type Reply } from './native.js'

/** Where a key is in its life. */
export type KeyState = 'pending' | 'primary' | 'retired' | 'revoked'

/** A key that seals records, without its bytes. */
export interface DataKey {
  /** Its name; the calls of {@link Keyring} take it as text: `'2'`. */
  id: number
  state: KeyState
  created: Date
}

/** A key that signs the store's own tokens, without its bytes. */
export interface SigningKey {
  /** Its name. */
  kid: string
  state: KeyState
  created: Date
}

/** What is in a keyring file. */
export interface KeyringDescription {
  /** One of them is primary. */
  data: DataKey[]
  /** One of them is primary. */
  signing: SigningKey[]
}

/**
 * Makes keyrings, the keys that everything a store holds is sealed with, and changes their files. Lose the keys and the
 * data is lost.
 *
 * A change is made as a whole or not at all; stores that are open follow it within seconds. All changes give
 * `KEYRING_INVALID` for a file that is no keyring, `NOT_FOUND` for a key that is not in it, `CONFLICT` for a step that the
 * key's state forbids, `IO`.
 */
export class Keyring {
  private constructor() {}

  /**
   * Makes a new keyring file with fresh keys, readable by this user alone.
   *
   * `ALREADY_EXISTS` if something is there; `IO`.
   */
  static generate(path: string): Promise<void> {
    return later(Keyring.generate, () => native.keyringGenerate(nameOf(path, 'path')), nothing)
  }

  /** {@link generate}, here and now. */
  static generateSync(path: string): void {
    now(Keyring.generateSync, () => native.keyringGenerate(nameOf(path, 'path')), nothing)
  }

  /** A new keyring as JSON text, for those who keep keys elsewhere than in a file. */
  static generateJson(): Promise<string> {
    return later(Keyring.generateJson, () => native.keyringGenerateJson(), text)
  }

  /** {@link generateJson}, here and now. */
  static generateJsonSync(): string {
    return now(Keyring.generateJsonSync, () => native.keyringGenerateJson(), text)
  }

  /**
   * Adds a pending key: it opens (or verifies), and does not seal yet. Gives its name, for the calls below: a data key's id
   * (`'2'`), a signing key's kid.
   */
  static add(path: string, kind: 'data' | 'signing'): Promise<string> {
    return later(Keyring.add, () => native.keyringAdd(nameOf(path, 'path'), nameOf(kind, 'kind')), text)
  }

  /** {@link add}, here and now. */
  static addSync(path: string, kind: 'data' | 'signing'): string {
    return now(Keyring.addSync, () => native.keyringAdd(nameOf(path, 'path'), nameOf(kind, 'kind')), text)
  }

  /**
   * The key is primary from now on, and the one that was is retired. A pending one must be 60 seconds old, so that every
   * process has it before anything is sealed with it: `CONFLICT`, `details.waitSeconds`.
   */
  static promote(path: string, key: string): Promise<void> {
    return later(Keyring.promote, () => native.keyringPromote(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** {@link promote}, here and now. */
  static promoteSync(path: string, key: string): void {
    now(Keyring.promoteSync, () => native.keyringPromote(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /**
   * The key opens what it sealed, and nothing more: one that was pending and is not wanted, or was revoked too soon. The
   * primary is retired by promoting another.
   */
  static retire(path: string, key: string): Promise<void> {
    return later(Keyring.retire, () => native.keyringRetire(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** {@link retire}, here and now. */
  static retireSync(path: string, key: string): void {
    now(Keyring.retireSync, () => native.keyringRetire(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** The key opens nothing any more: what is still sealed with it is `KEY_REVOKED`. To be undone by {@link retire}. */
  static revoke(path: string, key: string): Promise<void> {
    return later(Keyring.revoke, () => native.keyringRevoke(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** {@link revoke}, here and now. */
  static revokeSync(path: string, key: string): void {
    now(Keyring.revokeSync, () => native.keyringRevoke(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /**
   * Takes a revoked key out of the file: nobody can ever open what it sealed. Of the data keys the newest stays.
   * {@link Store.dropKey} makes sure that nothing is lost.
   */
  static drop(path: string, key: string): Promise<void> {
    return later(Keyring.drop, () => native.keyringDrop(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** {@link drop}, here and now. */
  static dropSync(path: string, key: string): void {
    now(Keyring.dropSync, () => native.keyringDrop(nameOf(path, 'path'), nameOf(key, 'key')), nothing)
  }

  /** What is in the file, without a key. */
  static describe(path: string): Promise<KeyringDescription> {
    return later(Keyring.describe, () => native.keyringDescribe(nameOf(path, 'path')), described)
  }

  /** {@link describe}, here and now. */
  static describeSync(path: string): KeyringDescription {
    return now(Keyring.describeSync, () => native.keyringDescribe(nameOf(path, 'path')), described)
  }
}

function described(reply: Reply): KeyringDescription {
  const { data, signing } = parsed(reply)
  const made = <K extends { created: string }>(key: K) => ({ ...key, created: new Date(key.created) })
  return { data: data.map(made), signing: signing.map(made) }
}

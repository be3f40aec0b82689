import { nameOf, nothing } from './json.js'
import { later, native, now } from './native.js'

/** Makes keyrings: the keys that everything a store holds is sealed with. Lose them and the data is lost. */
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
    return later(Keyring.generateJson, () => native.keyringGenerateJson(), (text) => text as string)
  }

  /** {@link generateJson}, here and now. */
  static generateJsonSync(): string {
    return now(Keyring.generateJsonSync, () => native.keyringGenerateJson(), (text) => text as string)
  }
}

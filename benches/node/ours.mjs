// Stores of ours with sessions in them, as their users make them.
import { existsSync } from 'node:fs'
import { Keyring, Store } from 'sessile'

export const TRIGGER = { type: 'rest', security: 'jwt' }
/** For so many sessions' users a token's text is kept: as many as the store itself remembers, with room. */
export const KNOWN = 5_000

/** Opens a store; one that is not in memory gets a keyring. */
export async function open(plan, url, name, options = {}) {
  if (url === 'memory:') return Store.open(url, options)
  const keyring = `${plan.folder}/${name}.keyring.json`
  if (!existsSync(keyring)) await Keyring.generate(keyring)
  return Store.open(url, { keyring, ...options })
}

/** Gives each of `count` users a session with these fields. */
export function fill(store, fields, count) {
  const filled = { store, tokens: [], texts: [] }
  const text = JSON.stringify(fields)
  for (let user = 0; user < count; user++) {
    const token = store.tokens.issueSync({ sub: `user${user}` }, 86_400)
    const verified = store.verifySync(token)
    store.global(verified).putSync(text)
    filled.tokens.push(verified)
    if (filled.texts.length < KNOWN) filled.texts.push(token)
  }
  return filled
}

// The Node writer: writer.mjs <db> <keyring> <token> <name> <durability>; what it prints, see common.py.

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

// The package as it was built in this repository: a package may name itself.
const { Store } = createRequire(new URL('../../bindings-node/package.json', import.meta.url))('sessile')

// One write a line, past all buffers: what was said survives the kill.
const say = (...words) => writeSync(1, `${words.join(' ')}\n`)

const [db, keyring, token, name, durability] = process.argv.slice(2)
const store = await Store.open(`sqlite:${db}`, { keyring, durability, limits: { deadline: 20_000 } })
const session = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token }).global()
const started = []
for (let count = ((await session.get(name)) ?? 0) + 1; ; count += 1) {
  await session.put({ [name]: count })
  say('n', count)
  if (count % 3 === 0) {
    const { sessionId } = await store.sessions.start('torture', { userId: `${name}-${count % 5}` })
    started.push(sessionId)
    say('s', sessionId)
  }
  if (count % 6 === 0) {
    say('w', started[0])
    await store.sessions.revoke(started[0])
    say('r', started.shift())
  }
}

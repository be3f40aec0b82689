// The Node part of the relay: relay.mjs relay <db> <keyring> <token> <language> <seconds>; see run.py.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

// The package as it was built in this repository: a package may name itself.
const { Store } = createRequire(new URL('../../bindings-node/package.json', import.meta.url))('sessile')

const LANGUAGES = ['python', 'node', 'c', 'cpp', 'rust']

async function relay(db, keyring, token, language, seconds) {
  const others = LANGUAGES.filter((other) => other !== language)
  const seen = Object.fromEntries(others.map((other) => [other, 0]))
  const store = await Store.open(`sqlite:${db}`, { keyring })
  const run = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token })
  const session = run.global()
  let writes = 0
  const startedAt = Date.now()
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    writes += 1
    await session.put({ [language]: writes })
    await session.increment('total', 1)
    for (const [other, now] of Object.entries(await session.getMany(others))) {
      assert.ok(now >= seen[other], `${other} went back from ${seen[other]} to ${now}`)
      seen[other] = now
    }
  }
  const endedAt = Date.now()
  await run.close()
  await store.close()
  console.log(JSON.stringify({ lang: language, startedAt, endedAt, writes, seen }))
}

const [command, db, keyring, token, language, seconds] = process.argv.slice(2)
assert.equal(command, 'relay')
await relay(db, keyring, token, language, Number(seconds))

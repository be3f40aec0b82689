// The Node part of the relay, see run.py and life.py:
//
//     relay.mjs relay <url> <keyring> <token> <language> <seconds>
//     relay.mjs sessions <url> <keyring> <verb> <language>

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline/promises'

// The package as it was built in this repository: a package may name itself.
const { Store } = createRequire(new URL('../../bindings-node/package.json', import.meta.url))('sessile')

// Five processes want one session, on a machine that may have other things to do.
const limits = { deadline: 20_000 }
const LANGUAGES = ['python', 'node', 'c', 'cpp', 'rust']

async function relay(url, keyring, token, language, seconds) {
  const others = LANGUAGES.filter((other) => other !== language)
  const seen = Object.fromEntries(others.map((other) => [other, 0]))
  const store = await Store.open(url, { keyring, limits })
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

async function sessions(url, keyring, verb, language) {
  const print = (answer) => console.log(JSON.stringify(answer))
  const store = await Store.open(url, { keyring, limits })
  const { sessions } = store
  if (verb === 'start') {
    for (let n = 0; n < 3; n++) {
      print(await sessions.start('relay', { userId: `${language}${n}`, startedBy: language }))
    }
  }
  if (verb === 'list') print({ sessions: (await sessions.list('relay')).items })
  for await (const line of createInterface({ input: process.stdin })) {
    const [sessionId, token, refreshToken] = line.split(' ')
    if (verb === 'pass') {
      assert.ok((await sessions.verify(token)).valid)
      await sessions.update(sessionId, { passedBy: language })
      print(await sessions.refresh(refreshToken))
    } else if (verb === 'extend') {
      print(await sessions.extend(sessionId, 400 * 86400))
    } else if (verb === 'revoke') {
      await sessions.revoke(sessionId)
    } else {
      print(await sessions.verify(token))
    }
  }
  await store.close()
}

const [command, ...given] = process.argv.slice(2)
if (command === 'sessions') {
  await sessions(...given)
} else {
  assert.equal(command, 'relay')
  const [url, keyring, token, language, seconds] = given
  await relay(url, keyring, token, language, Number(seconds))
}

// Whether a store can be reached, what its calls came to, and the options that are about a server.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { Keyring, Store } from 'sessile'
import { fails, folder, memory, signedIn, sqlite } from './tools.mjs'

// Nobody listens on port 1.
const nowhere = ['redis://127.0.0.1:1', 'postgresql://sessile@127.0.0.1:1/x']

function keyringOf(t) {
  const keyring = join(folder(t), 'keyring.json')
  Keyring.generateSync(keyring)
  return keyring
}

test('memory and a file answer', async (t) => {
  for (const [store, kind] of [[memory(t), 'memory'], [sqlite(t).store, 'sqlite']]) {
    for (const { ok, micros, error } of [await store.health(), store.healthSync()]) {
      assert.ok(ok && micros >= 0)
      assert.equal(error, undefined)
    }
    assert.deepEqual(store.stats().backend, { kind })
    await store.close()
    await fails('CLOSED', () => store.health())
    await fails('CLOSED', () => store.healthSync())
  }
})

for (const url of nowhere) {
  test(`a server that does not answer: ${url}`, async (t) => {
    const limits = { connect: 500, connections: 1 }
    const store = await Store.open(url, { keyring: keyringOf(t), lazy: true, backendPassword: 'swordfish', limits })
    t.after(() => store.closeSync())
    for (const { ok, error } of [await store.health(), store.healthSync()]) {
      assert.equal(ok, false)
      assert.deepEqual([error.code, error.reason], ['UNAVAILABLE', 'connection'])
      assert.ok(error.message && !JSON.stringify(error).includes('swordfish'))
    }
    const { kind, calls, failed, connects } = store.stats().backend
    assert.deepEqual([kind, connects], [url.split(':')[0], 0])
    assert.ok(calls >= 2 && calls === failed)
    await fails('UNAVAILABLE', () => signedIn(store).global().put({ a: 1 }))
  })
}

test('options about a server', async (t) => {
  const url = nowhere[1]
  const options = { keyring: keyringOf(t), lazy: true, allowEviction: true, schema: 'mine' }
  await (await Store.open(url, options)).close()
  for (const [wrong, member] of [[{ schema: 'not a name' }, 'schema'], [{ passwordEnv: 'SESSILE_TEST_NO_SUCH' }, 'passwordEnv']]) {
    const error = await fails('INVALID_ARGUMENT', () => Store.open(url, { ...options, ...wrong }))
    assert.equal(error.details.argument, member)
    await fails('INVALID_ARGUMENT', () => Store.openSync(url, { ...options, ...wrong }))
  }
  process.env.SESSILE_TEST_PASSWORD = 'swordfish'
  await (await Store.open(url, { ...options, passwordEnv: 'SESSILE_TEST_PASSWORD' })).close()
  await fails('INVALID_ARGUMENT', () => Store.open('rediss://127.0.0.1:1', { ...options, tls: { ca: 'missing.pem' } }))
  for (const wrong of [{ backendPassword: 7 }, { tls: 'ca.pem' }, { lazy: 'yes' }]) {
    await fails('INVALID_ARGUMENT', () => Store.open(url, { ...options, ...wrong }))
  }
})

// Keys, as JavaScript has them: a rotation through the API while somebody writes, callbacks, plain descriptions.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { Keyring, SessileError, Store } from 'sessile'
import { fails, folder, memory, signedIn, sqlite } from './tools.mjs'

/** Every key of the file was made long ago: what the file says is all that anybody knows of it. */
function ageKeys(path) {
  const keyring = JSON.parse(readFileSync(path, 'utf8'))
  for (const key of [...keyring.data, ...keyring.signing]) key.created = '2020-01-01T00:00:00Z'
  writeFileSync(path, JSON.stringify(keyring))
}

/** How many cells are sealed with a key. */
function sealedWith(usage, id) {
  const found = usage.keys.find((key) => key.id === id)
  return found && found.heads + found.fields + found.users + found.configs + found.revocations
}

test('a rotation while somebody writes', async (t) => {
  const { store: before, url, options } = sqlite(t)
  for (let n = 0; n < 10; n += 1) await signedIn(before, `u${n}`).global().put({ cart: ['tea'] })
  before.closeSync()

  const { keyring } = options
  const key = await Keyring.add(keyring, 'data')
  assert.equal(key, '2')
  const early = await fails('CONFLICT', () => Keyring.promote(keyring, key))
  assert.ok(early.details.waitSeconds >= 1 && early.details.waitSeconds <= 60)
  ageKeys(keyring)
  await Keyring.promote(keyring, key)

  const store = await Store.open(url, options)
  t.after(() => store.closeSync())
  assert.equal((await fails('CONFLICT', () => store.dropKey('1'))).details.heads, 10)
  const session = signedIn(store, 'writer').global()
  const writer = (async () => {
    for (let n = 0; n < 200; n += 1) await session.put({ [`f${n % 20}`]: n })
  })()
  let page = await store.rewrap({ limit: 2 })
  let rewrapped = page.rewrapped
  while (!page.done) {
    page = await store.rewrap({ limit: 2, cursor: page.cursor })
    rewrapped += page.rewrapped
  }
  await writer
  assert.deepEqual([page.cursor, page.skipped, rewrapped], [null, 0, 30])
  const usage = await store.keyUsage()
  assert.deepEqual([sealedWith(usage, 1), sealedWith(usage, 2), usage.sealsWith, usage.problem], [0, 52, 2, null])
  Keyring.retireSync(keyring, '1')
  await store.dropKey('1')
  assert.deepEqual(store.keyUsageSync().keys.map(({ id, state }) => [id, state]), [[2, 'primary']])
  await fails('NOT_FOUND', () => store.dropKeySync('1'))

  const after = Store.openSync(url, options)
  t.after(() => after.closeSync())
  assert.equal(signedIn(after, 'writer').global().getSync('f19'), 199)
  assert.deepEqual(signedIn(after, 'u7').global().getSync('cart'), ['tea'])
})

test('a description is a plain object with dates', async (t) => {
  const { options: { keyring } } = sqlite(t)
  const kid = Keyring.addSync(keyring, 'signing')
  const description = await Keyring.describe(keyring)
  assert.deepEqual(description.data.map(({ id, state }) => [id, state]), [[1, 'primary']])
  assert.deepEqual(description.signing.map(({ state }) => state), ['primary', 'pending'])
  assert.equal(description.signing[1].kid, kid)
  assert.ok(Math.abs(Date.now() - description.data[0].created.getTime()) < 600_000)
  assert.deepEqual(Keyring.describeSync(keyring), description)
  const { data, index } = JSON.parse(readFileSync(keyring, 'utf8'))
  for (const secret of [data[0].key, index.key]) assert.ok(!JSON.stringify(description).includes(secret))
})

test('a step takes a path and a name', async (t) => {
  const { store, options: { keyring } } = sqlite(t)
  for (const step of ['promote', 'retire', 'revoke', 'drop']) {
    await fails('NOT_FOUND', () => Keyring[step](keyring, '9'))
    await fails('NOT_FOUND', () => Keyring[`${step}Sync`](keyring, '9'))
    await fails('INVALID_ARGUMENT', () => Keyring[step](keyring, 1))
    await fails('INVALID_ARGUMENT', () => Keyring[step](undefined, '1'))
    await fails('KEYRING_INVALID', () => Keyring[step](`${keyring}-none`, '1'))
  }
  await fails('INVALID_ARGUMENT', () => Keyring.add(keyring, 'index'))
  await fails('INVALID_ARGUMENT', () => Keyring.add(keyring))
  for (const given of [1, null, undefined, {}]) {
    await fails('INVALID_ARGUMENT', () => store.dropKey(given))
    await fails('INVALID_ARGUMENT', () => store.dropKeySync(given))
  }
  for (const given of [1, null, {}, 'next']) await fails('INVALID_ARGUMENT', () => store.reloadKeys(given))
  for (const given of [1, 'next', { limit: '1' }, { limits: 1 }]) await fails('INVALID_ARGUMENT', () => store.rewrapSync(given))
})

/** The same keyring with one more key. */
function rotated(t, keyring) {
  const path = join(folder(t), 'keyring.json')
  writeFileSync(path, keyring)
  chmodSync(path, 0o600)
  Keyring.addSync(path, 'data')
  return readFileSync(path, 'utf8')
}

for (const [name, wrap] of [['at once', (give) => give], ['as a promise', (give) => async () => Buffer.from(await give())]]) {
  test(`a callback gives the keys ${name}`, async (t) => {
    let [keyring, asked, away] = [Keyring.generateJsonSync(), 0, undefined]
    const give = wrap(() => {
      asked += 1
      if (away) throw away
      return keyring
    })
    const store = await Store.open('memory:', { keyringCallback: give })
    t.after(() => store.closeSync())
    await signedIn(store).global().put({ n: 1 })
    assert.equal(asked, 1)
    keyring = rotated(t, keyring)
    await store.reloadKeys()
    assert.deepEqual((await store.keyUsage()).keys.map(({ state }) => state), ['primary', 'pending'])

    away = new Error('the vault is sealed')
    await assert.rejects(store.reloadKeys(), (error) => error === away)
    await assert.rejects(Store.open('memory:', { keyringCallback: give }), (error) => error === away)
    away = undefined
    for (const wrong of [Keyring.generateJsonSync(), '{}', 'hush hush']) {
      keyring = wrong
      const error = await fails('KEYRING_INVALID', () => store.reloadKeys())
      assert.ok(!`${error.stack}${JSON.stringify(error.details)}`.includes('hush'))
    }
    assert.equal(asked, 7)
    assert.equal(await signedIn(store).global().get('n'), 1)
  })
}

test('the Sync twins want the keys at once', async (t) => {
  const keyring = Keyring.generateJsonSync()
  const store = Store.openSync('memory:', { keyringCallback: () => keyring })
  t.after(() => store.closeSync())
  store.reloadKeysSync()
  const error = await fails('INVALID_ARGUMENT', () => Store.openSync('memory:', { keyringCallback: async () => keyring }))
  assert.match(error.message, /Promise/)
  assert.throws(() => Store.openSync('memory:', { keyringCallback: () => { throw new RangeError('away') } }), RangeError)
})

test('a callback is a function, and the only source', async (t) => {
  const keyringCallback = () => { throw new Error('asked') }
  for (const wrong of ['keyring', 1, {}]) {
    await fails('INVALID_ARGUMENT', () => Store.open('memory:', { keyringCallback: wrong }))
    await fails('INVALID_ARGUMENT', () => Store.openSync('memory:', { keyringCallback: wrong }))
  }
  for (const other of [{ keyring: 'k' }, { keyringBytes: '{}' }, { keyringEnv: 'K' }]) {
    await fails('INVALID_ARGUMENT', () => Store.open('memory:', { keyringCallback, ...other }))
  }
  for (const given of [7, undefined, null, {}]) {
    await fails('INVALID_ARGUMENT', () => Store.open('memory:', { keyringCallback: () => given }))
    await fails('INVALID_ARGUMENT', () => Store.openSync('memory:', { keyringCallback: () => given }))
  }
  memory(t, { keyringCallback: undefined })
})

test('bytes are replaced by bytes', async (t) => {
  const keyring = Keyring.generateJsonSync()
  const store = memory(t, { keyringBytes: keyring })
  await fails('INVALID_ARGUMENT', () => store.reloadKeys())
  await store.reloadKeys(Buffer.from(rotated(t, keyring)))
  assert.equal(store.keyUsageSync().keys.length, 2)
  await fails('KEYRING_INVALID', () => store.reloadKeysSync(Keyring.generateJsonSync()))
  const { keys, problem } = await store.keyUsage()
  assert.deepEqual([keys.length, problem.code], [2, 'KEYRING_INVALID'])
})

test('keys of a closed store', async (t) => {
  const store = memory(t)
  await store.close()
  for (const [call, ...args] of [['rewrap'], ['keyUsage'], ['reloadKeys'], ['dropKey', '1']]) {
    await fails('CLOSED', () => store[call](...args))
    await fails('CLOSED', () => store[`${call}Sync`](...args))
  }
})

test('an error of a call that asked a callback points to its caller', async (t) => {
  const error = await Store.open('memory:', { keyringCallback: async () => '{}' }).catch((thrown) => thrown)
  assert.ok(error instanceof SessileError)
  assert.match(error.stack, /keys\.test\.mjs/)
})

// What goes wrong, and what a caller sees of it.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import * as sessile from 'sessile'
import { Clock, errorCodes, Execution, Keyring, SessileError, Session, Step, Store, Tokens, VerifiedToken } from 'sessile'
import { fails, folder, jwt, memory, sqlite } from './tools.mjs'

const require = createRequire(import.meta.url)

test('the union of codes is the core\'s', () => {
  const addon = join(dirname(require.resolve('sessile/package.json')), 'prebuilds', `${process.platform}-${process.arch}`, 'sessile.node')
  const core = JSON.parse(require(addon).codes())
  assert.deepEqual({ ...errorCodes }, core)
  assert.deepEqual(Object.keys(errorCodes), Object.keys(core), 'and in its order')
})

test('an error is an Error with code, number, retryable and details', async (t) => {
  const run = memory(t).execution()
  const error = await fails('INVALID_STEP', () => run.step({ operaton: 'GET' }, {}))
  assert.ok(error instanceof Error)
  assert.equal(error.name, 'SessileError')
  assert.equal(error.number, 3)
  assert.equal(error.retryable, false)
  assert.equal(error.details.member, 'operaton')
  assert.match(String(error), /^SessileError: .*operaton/)
  assert.equal(new SessileError('BUSY', 'x').retryable, true)
  assert.ok(!Object.keys(error).includes('name'))
})

test('stacks begin at the caller', async (t) => {
  const run = memory(t).execution()
  const here = /^SessileError: .*\n\s+at .*errors\.test\.mjs/
  assert.match((await fails('INVALID_JSON', () => run.local.putRawSync('a', '{'))).stack, here)
  assert.match((await fails('INVALID_JSON', () => run.local.putRaw('a', '{'))).stack, here)
  assert.match((await fails('INVALID_ARGUMENT', () => run.local.getSync(5))).stack, here)
  assert.match((await fails('MESSAGE_NOT_OBJECT', () => run.stepSync({}, []))).stack, here)
  assert.match((await fails('INVALID_STEP', () => Step.parse({ x: 1 }))).stack, here)
  assert.match((await fails('INVALID_ARGUMENT', () => Store.openSync('memory:', { produkt: 'x' }))).stack, here)
})

test('the stack of what failed later names who awaited it', async (t) => {
  const { url, options } = sqlite(t)
  async function opens() {
    await Store.open(url, { ...options, keyringBytes: Keyring.generateJsonSync(), keyring: undefined })
  }
  const error = await fails('KEY_UNAVAILABLE', opens)
  assert.match(error.stack, /at async opens .*errors\.test\.mjs/)
})

test('wrong types are INVALID_ARGUMENT, by promise and at once, and name the argument', async (t) => {
  const store = memory(t)
  const run = store.execution()
  const { local } = run
  const calls = {
    get: [[], [5], [null], [{}], ['\ud800']],
    getMany: [[], ['a'], [[5]], [[null]], [[['a']]]],
    contains: [[5]],
    put: [[], [null], [5], [[1]], [new Map()], [{ a: 1 }, { ttl: '5' }], [{ a: 1 }, { ttl: 1.5 }], [{ a: 1 }, { ttl: -1 }], [{ a: 1 }, { ttl: NaN }], [{ a: 1 }, { ttl: 0 }], [{ a: 1 }, 5]],
    putRaw: [['a'], ['a', 5], ['a', { x: 1 }], [5, '1']],
    delete: [[5], [['a']]],
    increment: [['a', '1'], ['a', NaN], ['a', Infinity], ['a', {}], [1]],
    append: [['a'], ['a', 5], ['a', { length: 1 }]],
    putIfAbsent: [['a'], ['a', undefined], ['a', () => 1], ['a', Symbol('s')]],
    putIf: [['a', undefined, null], ['a', 1, 5], ['a', 1, 'no version']],
    getPath: [['a'], ['a', 5], ['a', 'b']],
    putPath: [['a', '/b'], ['a', '/b', undefined]],
    setTtl: [['a', 'x'], ['a', 0.5], ['a', 0]],
    expiresAt: [[5]],
    update: [['a'], ['a', 5], [5, () => 1], ['a', () => undefined]],
    commit: [[{ exclusive: 'yes' }], []],
  }
  for (const [verb, all] of Object.entries(calls)) {
    for (const args of all) {
      await fails('INVALID_ARGUMENT', () => local[verb](...args))
      assert.throws(() => local[`${verb}Sync`](...args), { code: 'INVALID_ARGUMENT' }, `${verb}Sync`)
    }
  }
  assert.match((await fails('INVALID_ARGUMENT', () => local.get({ secret: 'x' }))).message, /^name: .*an object/)
  for (const call of [
    () => store.execution(5),
    () => store.execution({ token: 5 }),
    () => store.verify(5),
    () => store.resume('text'),
    () => store.tokens.issue(5, 600),
    () => store.tokens.issue({ sub: 'u' }, '600'),
    () => store.tokens.issue({ sub: 'u' }),
    () => store.global({ realm: 'x', subject: 'ada' }),
    () => run.subprocess(5),
    () => run.global(5),
    () => run.renew(undefined),
    () => run.commit({ exclusive: 1 }),
    () => Clock.manual('now'),
    () => Clock.manual(new Date(NaN)),
    () => Keyring.generate(5),
    () => Store.open(5),
    () => Store.open('memory:', 5),
    () => Store.open('memory:', { clock: Date }),
    () => Store.open('memory:', { keyringBytes: 5 }),
    () => Store.open('memory:', { issuerSecrets: { 'https://id': 5 } }),
  ]) await fails('INVALID_ARGUMENT', call)
})

test('a promise call never throws where it stands', (t) => {
  const { local } = memory(t).execution()
  const promise = local.get(5)
  assert.ok(promise instanceof Promise)
  return assert.rejects(promise, { code: 'INVALID_ARGUMENT' })
})

test('only sessile makes its objects', () => {
  for (const type of [Store, Execution, Session, Step, Clock, Tokens, VerifiedToken]) {
    assert.throws(() => new type(0, 0), { code: 'INVALID_ARGUMENT' }, type.name)
  }
  assert.ok(!('native' in sessile))
})

test('an object of another kind is no session', (t) => {
  const { local } = memory(t).execution()
  assert.throws(() => local.getSync.call({}, 'a'), TypeError)
})

test('what a host\'s own toJSON throws is passed on', async (t) => {
  const { local } = memory(t).execution()
  const mine = new Error('mine')
  const value = { toJSON() { throw mine } }
  assert.throws(() => local.putSync({ value }), mine)
  await assert.rejects(local.put({ value }), (error) => error === mine)
})

test('use after close is CLOSED', async (t) => {
  const { store } = sqlite(t)
  const token = store.tokens.issueSync({ sub: 'ada' }, 600)
  const run = store.execution({ trigger: jwt, token })
  const [sub, local, global] = [run.subprocess('a'), run.local, run.global()]
  await global.put({ a: 1 })
  sub.end()
  for (const call of [() => sub.scoped.get('a'), () => sub.commit(), () => sub.subprocess('b'), () => sub.step({}, {})]) {
    await fails('CLOSED', call)
  }
  await run.close()
  await run.close()
  run.end()
  for (const call of [
    () => local.get('a'), () => local.getSync('a'), () => global.get('a'), () => run.step({}, {}), () => run.checkpoint(),
    () => run.subprocess('a'), () => run.local.put({}), () => run.local.update('a', () => 1),
  ]) await fails('CLOSED', call)
  assert.equal(run.id.length, 32)

  const open = store.execution({ trigger: jwt, token })
  await store.close()
  await store.close()
  store.closeSync()
  for (const call of [
    () => store.execution(), () => store.verify(token), () => store.tokens.issue({ sub: 'u' }, 60),
    () => open.global().get('a'), () => open.global().getSync('a'),
  ]) await fails('CLOSED', call)
})

test('dispose closes', async (t) => {
  const store = await Store.open('memory:')
  const run = store.execution()
  const sub = run.subprocess('a')
  sub[Symbol.dispose]()
  await fails('CLOSED', () => sub.scoped.get('a'))
  await run[Symbol.asyncDispose]()
  await fails('CLOSED', () => run.local.get('a'))
  await store[Symbol.asyncDispose]()
  await fails('CLOSED', () => store.execution())
})

test('opening fails with a reason, in both modes', async (t) => {
  const path = folder(t)
  for (const open of [Store.open, Store.openSync]) {
    await fails('KEY_REQUIRED', () => open(`sqlite:${path}/a.db`))
    await fails('KEYRING_INVALID', () => open(`sqlite:${path}/a.db`, { keyringEnv: 'SESSILE_NO_SUCH_VARIABLE' }))
    await fails('KEYRING_INVALID', () => open('memory:', { keyringBytes: Buffer.from('{}') }))
    const error = await fails('INVALID_ARGUMENT', () => open('memory:', { produkt: 'shop' }))
    assert.match(error.message, /produkt.*product/)
  }
})

test('a keyring from bytes, from text, from the environment, from a file', async (t) => {
  const path = folder(t)
  const text = await Keyring.generateJson()
  process.env.SESSILE_TEST_KEYRING = text
  t.after(() => delete process.env.SESSILE_TEST_KEYRING)
  const url = `sqlite:${path}/a.db`
  for (const options of [{ keyringBytes: text }, { keyringBytes: Buffer.from(text) }, { keyringEnv: 'SESSILE_TEST_KEYRING' }]) {
    const store = await Store.open(url, options)
    await store.close()
  }
  await Keyring.generate(`${path}/keyring.json`)
  await fails('ALREADY_EXISTS', () => Keyring.generate(`${path}/keyring.json`))
  await fails('ALREADY_EXISTS', () => Keyring.generateSync(`${path}/keyring.json`))
  await fails('KEY_UNAVAILABLE', () => Store.open(url, { keyring: `${path}/keyring.json` }))
})

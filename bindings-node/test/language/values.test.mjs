// JavaScript values at the border: what JSON.stringify writes and JSON.parse reads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import { Clock, DELETE, Store } from 'sessile'
import { fails, jwt, memory, signedIn } from './tools.mjs'

test('values come back as JSON.parse(JSON.stringify(value))', async (t) => {
  const { local } = memory(t).execution()
  const values = {
    string: 'é😀\u0000\\"', empty: '', zero: 0, minus: -0, fraction: 1.5, exponent: 1e300, safe: 9007199254740991,
    yes: true, nothing: null, list: [1, [2, { three: 3 }]], object: { a: { b: {} } }, nan: NaN, infinite: -Infinity,
    date: new Date(0), hole: [undefined, () => 1], gone: undefined, surrogate: '\ud800', 'a.b/c~d': 1, '': undefined,
  }
  await local.put(values)
  assert.deepEqual(await local.all(), JSON.parse(JSON.stringify(values)))
  for (const [name, value] of Object.entries(JSON.parse(JSON.stringify(values)))) {
    assert.deepEqual(local.getSync(name), value, name)
  }
})

test('a number or a boolean is read whatever its text looks like', (t) => {
  const { local } = memory(t).execution()
  for (const text of ['1.0', '-0.0', '1E2', '0.1234567890123456789', '5e-324', '1e-400', '9007199254740991', 'true', 'false', 'null']) {
    local.putRawSync('a', text)
    assert.deepEqual(local.getSync('a'), JSON.parse(text), text)
  }
})

test('put takes JSON text too, kept byte for byte', async (t) => {
  const { local } = memory(t).execution()
  await local.put('{"a": 1.0, "b": [1,  2]}')
  assert.deepEqual(await local.allRaw(), { a: '1.0', b: '[1,  2]' })
  await fails('INVALID_JSON', () => local.put('{'))
  await fails('INVALID_JSON', () => local.put('{"a":"\ud800"}'))
})

test('a BigInt is refused with the way out, unless the host taught JSON to write it', async (t) => {
  const { local } = memory(t).execution()
  for (const call of [() => local.put({ a: 1n }), () => local.putSync({ a: [{ b: 1n }] }), () => local.putIfAbsent('a', 1n)]) {
    assert.match((await fails('INVALID_ARGUMENT', call)).message, /putRaw/)
  }
  BigInt.prototype.toJSON = function () { return String(this) }
  try {
    local.putSync({ a: 5n })
    assert.equal(local.getSync('a'), '5')
  } finally {
    delete BigInt.prototype.toJSON
  }
})

test('circles and bottomless pits are refused', async (t) => {
  const { local } = memory(t).execution()
  const circle = {}
  circle.self = circle
  await fails('INVALID_ARGUMENT', () => local.put(circle))
  let deep = []
  for (let i = 0; i < 200; i += 1) deep = [deep]
  await fails('LIMIT_EXCEEDED', () => local.put({ deep }))
  for (let i = 0; i < 100_000; i += 1) deep = [deep]
  await fails('LIMIT_EXCEEDED', () => local.put({ deep }))
  assert.deepEqual(local.keysSync(), [])
})

test('numbers a double cannot hold are read by the raw twin alone', async (t) => {
  const { local } = memory(t).execution()
  await local.putRaw('n', '[9007199254740993]')
  for (const call of [() => local.get('n'), () => local.all(), () => local.getMany(['n']), () => local.getVersioned('n'), () => local.getPath('n', '/0')]) {
    assert.match((await fails('LIMIT_EXCEEDED', call)).message, /raw/i)
  }
  assert.equal(await local.getRaw('n'), '[9007199254740993]')
  assert.deepEqual(local.allRawSync(), { n: '[9007199254740993]' })
  assert.equal(await local.takeRaw('n'), '[9007199254740993]')
  assert.equal(local.getRawSync('n'), undefined)
  assert.equal(local.takeRawSync('n'), undefined)
})

test('increment: numbers give numbers, bigints give bigints', async (t) => {
  const { local } = memory(t).execution()
  assert.equal(await local.increment('n'), 1)
  assert.equal(local.incrementSync('n', -3), -2)
  assert.equal(local.incrementSync('n', 0.5), -1.5)
  assert.equal(await local.increment('big', 9007199254740993n), 9007199254740993n)
  assert.equal(local.incrementSync('big', 1n), 9007199254740994n)
  const error = await fails('LIMIT_EXCEEDED', () => local.increment('big', 1))
  assert.equal(error.details.applied, true)
  assert.equal(local.getRawSync('big'), '9007199254740995')
  assert.equal((await fails('LIMIT_EXCEEDED', () => local.increment('n', 1n))).details.applied, true)
  local.putSync({ text: 'x' })
  assert.equal((await fails('INVALID_ARGUMENT', () => local.increment('text'))).details.applied, undefined)
})

test('every verb, by promise and by its Sync twin', async (t) => {
  const clock = Clock.manual(new Date('2026-01-01T00:00:00Z'))
  const store = memory(t, { clock })
  for (const session of [store.execution().local, signedIn(store).global(), signedIn(store, 'bob').global(undefined, { scoped: true })]) {
    assert.equal(await session.put({ a: 1, b: [1] }, { ttl: 60 }), undefined)
    assert.equal(await session.contains('a'), true)
    assert.deepEqual(await session.getMany(['b', 'none', 'a']), { b: [1], a: 1 })
    assert.deepEqual(session.expiresAtSync('a'), new Date('2026-01-01T00:01:00Z'))
    assert.equal(await session.setTtl('a', null), true)
    assert.equal(await session.expiresAt('a'), null)
    assert.equal(session.expiresAtSync('none'), undefined)
    assert.equal(await session.append('b', [2, { x: 1 }]), 3)
    assert.equal(await session.getPath('b', '/2/x'), 1)
    await session.putPath('b', '/-', 'last')
    assert.equal(session.deletePathSync('b', '/0'), true)
    assert.deepEqual(session.getSync('b'), [2, { x: 1 }, 'last'])
    assert.equal(await session.putIfAbsent('a', 2), false)
    const { value, version } = await session.getVersioned('a')
    assert.equal(value, 1)
    const next = await session.putIf('a', 2, version)
    assert.notEqual(next, version)
    assert.deepEqual((await fails('CONFLICT', () => session.putIf('a', 3, version))).details.fields, ['a'])
    assert.equal(typeof session.putIfSync('new', 1, null), 'string')
    assert.equal(await session.take('new'), 1)
    assert.equal(session.takeSync('new'), undefined)
    assert.equal(session.getVersionedSync('new'), undefined)
    assert.deepEqual(await session.keys(), ['a', 'b'])
    const info = await session.info()
    assert.ok(info.createdAt instanceof Date && info.updatedAt instanceof Date && info.lastSeenAt instanceof Date)
    assert.equal(info.createdAt.toISOString(), '2026-01-01T00:00:00.000Z')
    assert.equal(await session.delete('a', 'none'), 1)
    assert.equal(session.clearSync(), 1)
    await session.end()
  }
})

test('ttl: fields go when their time has come', async (t) => {
  const clock = Clock.manual(0)
  const { local } = memory(t, { clock }).execution()
  local.putSync({ a: 1 }, { ttl: 10 })
  clock.advance(9_999)
  assert.equal(local.getSync('a'), 1)
  clock.advance(1)
  assert.equal(local.getSync('a'), undefined)
  clock.set(new Date(500))
  assert.equal(clock.now().getTime(), 500)
})

test('update: sync and async functions, races, DELETE', async (t) => {
  const store = memory(t)
  for (const session of [store.execution().local, signedIn(store).global()]) {
    assert.equal(await session.update('n', (n = 0) => n + 1), 1)
    assert.equal(await session.update('n', async (n) => n + 1), 2)
    assert.equal(session.updateSync('n', (n) => n + 1), 3)
    const seen = []
    const put = await session.update('n', (n) => {
      seen.push(n)
      if (seen.length === 1) session.putSync({ n: 10 })
      return n + 1
    })
    assert.deepEqual([seen, put], [[3, 10], 11])
    await Promise.all(Array.from({ length: 20 }, () => session.update('n', async (n) => n + 1)))
    assert.equal(session.getSync('n'), 31)
    assert.equal(await session.update('n', () => DELETE), undefined)
    assert.equal(session.getSync('n'), undefined)
    await assert.rejects(session.update('n', () => { throw new RangeError('mine') }), RangeError)
    assert.throws(() => session.updateSync('n', () => { throw new RangeError('mine') }), RangeError)
    assert.match((await fails('INVALID_ARGUMENT', () => session.updateSync('n', async () => 1))).message, /async/)
    await fails('INVALID_ARGUMENT', () => session.update('n', () => {}))
    assert.equal(session.containsSync('n'), false)
  }
})

test('sub-processes: scoped, commit, ids', async (t) => {
  const run = memory(t).execution({ trigger: { type: 'event' } })
  run.local.putSync({ total: 1, drop: true })
  const sub = run.subprocess('for-each')
  assert.deepEqual([sub.name, sub.subprocessId, run.name, run.subprocessId, sub.id], ['for-each', '1', '', '', run.id])
  assert.equal(sub.local === sub.local, true)
  await sub.scoped.increment('total')
  await sub.scoped.delete('drop')
  assert.equal(run.local.getSync('total'), 1)
  assert.deepEqual(await sub.commit(), { put: ['total'], deleted: ['drop'] })
  assert.equal(run.local.getSync('total'), 2)
  run.local.putSync({ total: 9 })
  sub.scoped.putSync({ total: 5 })
  assert.deepEqual((await fails('CONFLICT', () => sub.commitSync({ exclusive: true }))).details.fields, ['total'])
  sub.end()
})

test('checkpoint and resume', async (t) => {
  const store = memory(t)
  const token = store.tokens.issueSync({ sub: 'ada' }, 600)
  const run = store.execution({ trigger: jwt, token })
  const sub = run.subprocess('loop')
  sub.scoped.putSync({ at: 3 })
  const bytes = await run.checkpoint()
  assert.ok(Buffer.isBuffer(bytes))
  await run.close()
  const again = await store.resume(new Uint8Array(bytes), { trigger: jwt, token })
  assert.equal(again.subprocessById(sub.subprocessId).scoped.getSync('at'), 3)
  await fails('NOT_FOUND', () => again.subprocessById('7'))
  await fails('CORRUPT', () => store.resumeSync(bytes.with(-1, bytes.at(-1) ^ 1)))
})

test('tokens: issue, verify, jwks, another store that trusts them', async (t) => {
  const store = memory(t, { product: 'login' })
  const token = await store.tokens.issue({ sub: 'ada', role: 'admin' }, 600)
  const verified = await store.verify(`Bearer ${token}`)
  assert.equal(verified.subject, 'ada')
  assert.equal(verified.realm, 'sessile:default/login/dev')
  assert.ok(verified.expiresAt > new Date())
  assert.throws(() => { verified.subject = 'bob' }, TypeError)
  const { issuedAt, expiresAt, ...said } = JSON.parse(JSON.stringify(verified))
  assert.deepEqual([new Date(issuedAt), new Date(expiresAt)], [verified.issuedAt, verified.expiresAt])
  const { realm, subject, issuer: by, id, acr, authenticatedAt } = verified
  assert.deepEqual(said, { realm, subject, issuer: by, id, acr, authenticatedAt })
  assert.equal(inspect(verified), inspect(verified.toJSON()))
  assert.throws(() => Object.defineProperty(verified, 'subject', { value: 'somebody else' }), TypeError)
  await store.global(verified).put({ a: 1 })
  assert.equal(store.global(store.verifySync(token), 'global').getSync('a'), 1)
  assert.equal(signedIn(store).global().getSync('a'), 1)

  const jwks = await store.tokens.jwks()
  assert.deepEqual(jwks, store.tokens.jwksSync())
  const issuer = { issuer: verified.realm, audiences: [verified.realm], jwks }
  const other = await Store.open('memory:', { product: 'shop', issuers: [issuer] })
  assert.equal((await other.verify(token)).subject, 'ada')
  await fails('TOKEN_UNTRUSTED', () => memory(t, { product: 'shop' }).verify(token))
  await other.close()
})

test('a pipeline to lint is an array or JSON text', async () => {
  const pipeline = [{ type: 'session-management', stepName: 'Load', fields: ['cart'] }]
  const found = [{
    rule: 'read_before_put', field: 'cart', at: '/0', stepName: 'Load', scoped: false, certain: true,
    message: 'on no path a Put of "cart" reaches this Get',
  }]
  assert.deepEqual(lint(pipeline), found)
  assert.deepEqual(lint(JSON.stringify(pipeline)), found)
  for (const given of [undefined, null, {}, '{}', 1]) await fails('INVALID_ARGUMENT', () => lint(given))
  const error = await fails('INVALID_STEP', () => lint([...pipeline, { type: 'retry', stpes: [] }]))
  assert.deepEqual(error.details, { at: '/1', member: 'stpes', nearest: 'steps' })
})

// Object mode: only what the step names crosses, and the result is the host's own object.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { lint, Step } from 'sessile'
import { fails, memory, signedIn } from './tools.mjs'

const put = (...fields) => ({ operation: 'PUT', fields })
const get = (...fields) => ({ operation: 'GET', fields })
const remove = (...fields) => ({ operation: 'DELETE', fields })

test('text in, text out: a string', async (t) => {
  const run = memory(t).execution()
  const text = '{"a": 1.0, "big": 9223372036854775808, "e": "\\u00e9"}'
  assert.equal(await run.step(put('a', 'big'), text), text)
  assert.equal(run.stepSync(get('big', 'a'), '{"x": 1e400}'), '{"x": 1e400,"big":9223372036854775808,"a":1.0}')
  assert.equal(run.stepSync(remove('a'), 'no JSON at all'), 'no JSON at all')
})

test('text in, text out: a Buffer, and a Uint8Array gives a Buffer', async (t) => {
  const run = memory(t).execution()
  const message = Buffer.from('{"a": 1.0, "é": "ü"}')
  assert.equal(await run.step(put('a', 'é'), message), message)
  const out = await run.step(get('a', 'é'), new TextEncoder().encode('{"x":1}'))
  assert.ok(Buffer.isBuffer(out))
  assert.equal(out.toString(), '{"x":1,"a":1.0,"é":"ü"}')
  const bytes = new Uint8Array(8).subarray(2, 5)
  bytes.set([0xff, 0xfe, 0x7b])
  const passed = run.stepSync(remove('a'), bytes)
  assert.ok(Buffer.isBuffer(passed))
  assert.deepEqual([...passed], [0xff, 0xfe, 0x7b])
  await fails('INVALID_JSON', () => run.step(put('a'), bytes))
  await fails('INVALID_JSON', () => run.stepSync(get('a'), bytes))
})

test('PUT and DELETE give the same object, GET a shallow copy', async (t) => {
  const run = memory(t).execution()
  const message = { cart: ['tea'], other: { deep: 1 } }
  assert.equal(await run.step(put('cart'), message), message)
  const copy = await run.step(get('cart'), message)
  assert.notEqual(copy, message)
  assert.equal(copy.other, message.other)
  assert.deepEqual(copy, message)
  assert.notEqual(run.stepSync(get('none'), message), message, 'a copy even when nothing is found')
  assert.equal(run.stepSync(remove('cart'), message), message)
  assert.deepEqual(run.stepSync(get('cart'), {}), {})
})

test('what the step does not name is never read', async (t) => {
  const run = memory(t).execution()
  const circular = { a: 1 }
  circular.self = circular
  circular.big = 1n
  Object.defineProperty(circular, 'trap', { enumerable: true, get: () => assert.fail('read') })
  assert.equal(await run.step(put('a'), circular), circular)
  assert.deepEqual(run.local.allSync(), { a: 1 })
})

test('a named undefined counts as absent, null is a value', async (t) => {
  const run = memory(t).execution()
  run.stepSync(put('a', 'b', 'c'), { a: undefined, b: null, c: () => 1 })
  assert.deepEqual(run.local.allSync(), { b: null })
})

test('only own members are fields', (t) => {
  const run = memory(t).execution()
  run.stepSync(put('toString', 'constructor', 'inherited'), Object.create({ inherited: 1 }))
  assert.deepEqual(run.local.keysSync(), [])
  class Order {
    id = 7
    get total() { return 1 }
  }
  run.stepSync(put('id', 'total'), new Order())
  assert.deepEqual(run.local.allSync(), { id: 7 })
  run.stepSync(put('bare'), Object.assign(Object.create(null), { bare: true }))
  assert.equal(run.local.getSync('bare'), true)
})

test('__proto__ is a name like any other', async (t) => {
  const run = memory(t).execution()
  const message = JSON.parse('{"__proto__": {"evil": true}}')
  assert.equal(await run.step(put('__proto__'), message), message)
  assert.deepEqual(run.local.keysSync(), ['__proto__'])
  assert.equal(run.local.getRawSync('__proto__'), '{"evil":true}')
  for (const out of [run.stepSync(get('__proto__'), {}), run.stepSync(get('__proto__')), run.local.allSync(), run.local.getManySync(['__proto__'])]) {
    assert.equal(Object.getPrototypeOf(out), Object.prototype)
    assert.equal(out.evil, undefined)
    assert.deepEqual(Object.keys(out), ['__proto__'])
  }
  assert.deepEqual(Object.entries(run.local.allRawSync()), [['__proto__', '{"evil":true}']])
  run.local.putSync({ total: 3 })
  const kept = run.stepSync(get('total'), message)
  assert.deepEqual([Object.keys(kept), Object.getPrototypeOf(kept)], [['__proto__', 'total'], Object.prototype])
  // An object literal's __proto__ is its prototype, not a member.
  const plain = { __proto__: { inherited: 1 } }
  run.local.clearSync()
  run.stepSync(put('__proto__', 'inherited'), plain)
  assert.deepEqual(run.local.keysSync(), [])
})

test('null and undefined count as {}', async (t) => {
  const run = memory(t).execution()
  assert.equal(await run.step(put('a'), null), null)
  assert.equal(await run.step(put('a')), undefined)
  assert.deepEqual(await run.step(get('a'), null), {})
  run.local.putSync({ a: 1 })
  assert.deepEqual(await run.step(get('a')), { a: 1 })
  assert.equal(run.stepSync(remove('a'), null), null)
  assert.deepEqual(run.local.keysSync(), [])
})

test('an array, a number, a map are no message; DELETE passes them on', async (t) => {
  const run = memory(t).execution()
  for (const message of [[], [1], 0, 1, true, false, 5n, new Map([['a', 1]]), new Set(), new Date(), Symbol('s'), () => 1]) {
    for (const step of [get('a'), put('a')]) {
      await fails('MESSAGE_NOT_OBJECT', () => run.step(step, message))
      await fails('MESSAGE_NOT_OBJECT', () => run.stepSync(step, message))
    }
    assert.equal(await run.step(remove('a'), message), message)
    assert.equal(run.stepSync(remove('a'), message), message)
  }
})

test('a number that a double cannot hold is refused as an object, and passes as text', async (t) => {
  const run = memory(t).execution()
  run.local.putRawSync('n', '9007199254740993')
  const error = await fails('LIMIT_EXCEEDED', () => run.step(get('n'), {}))
  assert.match(error.message, /getRaw|get_raw/)
  await fails('LIMIT_EXCEEDED', () => run.stepSync(get('n')))
  assert.equal(run.stepSync(get('n'), '{}'), '{"n":9007199254740993}')
})

test('a step is an object, JSON text, or read once', async (t) => {
  const store = memory(t)
  const run = store.execution()
  const step = Step.parse({ operation: 'Put Data', fields: 'a, b' })
  assert.equal(step.operation, 'PUT')
  assert.deepEqual(step.fields, ['a', 'b'])
  assert.throws(() => step.fields.push('c'), TypeError)
  assert.deepEqual(JSON.parse(JSON.stringify(step)).fields, ['a', 'b'])
  assert.equal(store.parseStep('{"operation": "put"}').operation, 'PUT')
  await run.step(step, { a: 1 })
  await run.step('{"operation": "PUT", "fields": ["b"]}', { b: 2 })
  assert.deepEqual(run.local.allSync(), { a: 1, b: 2 })
  const error = await fails('INVALID_STEP', () => run.step({ operation: 'GET', feilds: ['a'] }, {}))
  assert.match(error.message, /feilds.*fields/s)
  // More kinds of steps than are remembered, and remembered ones again.
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 600; i += 1) run.stepSync({ operation: 'PUT', fields: [`f${i}`] }, { [`f${i}`]: i })
  }
  assert.equal(run.local.getSync('f599'), 599)
})

test('object mode on a Global session', async (t) => {
  const store = memory(t)
  const message = { cart: ['tea'] }
  assert.equal(await signedIn(store).step({ ...put('cart'), sessionType: 'GLOBAL' }, message), message)
  assert.deepEqual(await signedIn(store).step({ ...get('cart'), sessionType: 'GLOBAL' }, { x: 1 }), { x: 1, cart: ['tea'] })
})

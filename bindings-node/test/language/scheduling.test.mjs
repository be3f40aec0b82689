// Promises: settled at once when the work is ready at once, woken once a burst when not, and no process kept alive.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Store } from 'sessile'
import { fails, memory, script, signedIn, sqlite } from './tools.mjs'

test('what is ready at once settles before any timer or I/O', async (t) => {
  const { local } = memory(t).execution()
  const order = []
  setImmediate(() => order.push('loop'))
  for (let i = 0; i < 100; i += 1) await local.put({ i })
  order.push('done')
  await new Promise(setImmediate)
  assert.deepEqual(order, ['done', 'loop'])
})

test('many durable writes at once, each answered', async (t) => {
  const { store } = sqlite(t, { durability: 'commit' })
  const session = signedIn(store).global()
  await session.put({ n: 0 })
  const writes = Array.from({ length: 300 }, (_, i) => session.put({ [`f${i % 50}`]: i }).then(() => i))
  assert.deepEqual(await Promise.all(writes), Array.from({ length: 300 }, (_, i) => i))
  await Promise.all(Array.from({ length: 40 }, () => session.increment('n')))
  assert.equal(await session.get('n'), 40)
})

test('answers and refusals in one burst find their own promise', async (t) => {
  const { store } = sqlite(t, { durability: 'commit' })
  const session = signedIn(store).global()
  await session.put({ a: 1, text: 'x' })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) => (i % 3 ? session.increment('a') : session.increment('text'))),
  )
  for (const [i, outcome] of outcomes.entries()) {
    assert.equal(outcome.status, i % 3 ? 'fulfilled' : 'rejected')
    if (outcome.reason) assert.equal(outcome.reason.code, 'INVALID_ARGUMENT')
  }
  assert.equal(await session.get('a'), 41)
})

test('the event loop turns while durable writes are under way', async (t) => {
  const { store } = sqlite(t, { durability: 'commit' })
  const session = signedIn(store).global()
  let turns = 0
  let done = false
  const count = () => { turns += 1; if (!done) setImmediate(count) }
  setImmediate(count)
  for (let i = 0; i < 20; i += 1) await session.put({ i })
  done = true
  assert.ok(turns > 0)
})

test('an open store keeps no process alive', async () => {
  assert.equal(await script(`
    import { Store } from 'sessile'
    const store = await Store.open('memory:')
    const run = store.execution()
    await run.local.put({ a: 1 })
    console.log(run.local.getSync('a'))
  `), '1')
})

test('a pending operation does', async (t) => {
  const { url, options } = sqlite(t)
  assert.equal(await script(`
    import { Store } from 'sessile'
    const [url, options] = process.argv.slice(1)
    Store.open(url, { ...JSON.parse(options), durability: 'commit' }).then((store) => {
      const token = store.tokens.issueSync({ sub: 'ada' }, 60)
      const session = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token }).global()
      Promise.all(Array.from({ length: 50 }, (_, i) => session.put({ [i]: i }))).then(() => console.log('all'))
    })
  `, { args: [url, JSON.stringify(options)] }), 'all')
})

test('an unhandled rejection of a call nobody awaits is Node\'s, with the code', async () => {
  const error = await script(`
    import { Store } from 'sessile'
    const store = await Store.open('memory:')
    process.on('unhandledRejection', (error) => console.log(error.code))
    store.verify('x')
  `)
  assert.equal(error, 'TOKEN_MALFORMED')
})

test('process.exit with operations under way', async (t) => {
  const { url, options } = sqlite(t)
  assert.equal(await script(`
    import { Store } from 'sessile'
    const [url, options] = process.argv.slice(1)
    const store = await Store.open(url, { ...JSON.parse(options), durability: 'commit' })
    const token = store.tokens.issueSync({ sub: 'ada' }, 60)
    const session = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token }).global()
    for (let i = 0; i < 100; i += 1) session.put({ [i]: i })
    console.log('exit')
    process.exit(0)
  `, { args: [url, JSON.stringify(options)] }), 'exit')
})

test('what nobody names any more is released', async () => {
  const out = await script(`
    import { Store } from 'sessile'
    const store = await Store.open('memory:')
    const rss = () => process.memoryUsage().rss
    const value = 'x'.repeat(100_000)
    const round = async () => {
      for (let i = 0; i < 200; i += 1) {
        const run = store.execution()
        run.local.putSync({ value })
        run.subprocess('a').scoped.putSync({ value })
      }
      for (let i = 0; i < 4; i += 1) { gc(); await new Promise((done) => setTimeout(done, 5)) }
    }
    for (let i = 0; i < 5; i += 1) await round()
    const before = rss()
    for (let i = 0; i < 20; i += 1) await round()
    console.log(Math.round((rss() - before) / 1e6))
  `, { flags: ['--expose-gc'], timeout: 60_000 })
  assert.ok(Number(out) < 60, `${out} MB more after 8,000 dropped versions of 100 kB`)
})

test('a session keeps its execution, and that its store', async () => {
  assert.equal(await script(`
    import { Store } from 'sessile'
    const session = (await Store.open('memory:')).execution().local
    const tokens = (await Store.open('memory:')).tokens
    session.putSync({ a: 1 })
    for (let i = 0; i < 5; i += 1) { gc(); await new Promise((done) => setTimeout(done, 5)) }
    console.log(session.getSync('a'), tokens.issueSync({ sub: 'u' }, 60).length > 0)
  `, { flags: ['--expose-gc'] }), '1 true')
})

test('closing with operations under way answers all of them', async (t) => {
  const { url, options } = sqlite(t)
  const store = await Store.open(url, { ...options, durability: 'commit' })
  const session = signedIn(store).global()
  await session.put({ a: 0 })
  const writes = Array.from({ length: 50 }, (_, i) => session.put({ a: i }))
  const closing = store.close()
  const outcomes = await Promise.allSettled(writes)
  await closing
  for (const { reason } of outcomes) if (reason) assert.equal(reason.code, 'CLOSED')
  await fails('CLOSED', () => session.get('a'))
})

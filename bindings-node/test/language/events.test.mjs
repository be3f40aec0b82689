// Audit events, as JavaScript has them; what they say is the core's.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Store } from 'sessile'
import { fails, jwt, memory, script, sqlite } from './tools.mjs'

const named = (events) => events.map(({ event }) => event)

test('events are plain objects, fetched once, the oldest first', (t) => {
  const store = memory(t, { audit: true })
  assert.equal(store.hasEvents, false)
  assert.deepEqual(store.drainEvents(), [])
  store.configs.createSync({ name: 'Cart', schema: { userId: 'string' }, selector: 'userId' })
  const { sessionId } = store.sessions.startSync('cart', { userId: 'ada' })
  assert.equal(store.hasEvents, true)
  assert.deepEqual(store.drainEvents(0), [])
  const [{ at, ...first }, ...others] = store.drainEvents(1)
  assert.deepEqual([first, others], [{ event: 'config.created', tag: 'cart' }, []])
  assert.equal(new Date(at).toISOString(), at)
  const [started] = store.drainEvents()
  assert.deepEqual([started.event, started.sessionId], ['session.started', sessionId])
  assert.equal(store.hasEvents, false)
})

test('an execution bears the id of its request', async (t) => {
  const store = memory(t, { audit: true })
  const token = await store.tokens.issue({ sub: 'ada' }, 600)
  const run = store.execution({ trigger: jwt, token, requestId: 'r-17' })
  await run.global().put({ seats: 2 })
  const told = store.drainEvents()
  assert.ok(told.length > 0)
  assert.ok(told.every(({ requestId }) => requestId === 'r-17'))
  const checkpoint = await run.checkpoint()
  for (const resumed of [
    await store.resume(checkpoint, { trigger: jwt, token, requestId: 'r-18' }),
    store.resumeSync(checkpoint, { trigger: jwt, token, requestId: 'r-18' }),
  ]) {
    await resumed.global().end()
    assert.ok(store.drainEvents().every(({ requestId }) => requestId === 'r-18'))
    // That life is over for the execution that began it.
    await store.execution({ trigger: jwt, token }).global().put({ seats: 2 })
    store.drainEvents()
  }
  for (const requestId of ['', 'é'.repeat(129), 1, {}]) {
    await fails('INVALID_ARGUMENT', () => store.execution({ trigger: jwt, token, requestId }))
    await fails('INVALID_ARGUMENT', () => store.resume(checkpoint, { trigger: jwt, token, requestId }))
  }
})

test('what does not fit is counted, and a closed store still tells', async (t) => {
  const store = memory(t, { audit: true, limits: { auditEvents: 1 } })
  for (const name of ['A', 'B', 'C']) store.configs.createSync({ name })
  await store.close()
  const events = store.drainEvents()
  assert.deepEqual(named(events), ['config.created', 'audit.dropped'])
  assert.equal(events[1].count, 2)
})

test('without audit nothing is kept', async (t) => {
  const store = memory(t)
  store.configs.createSync({ name: 'A' })
  assert.deepEqual([store.hasEvents, store.drainEvents()], [false, []])
  await fails('INVALID_ARGUMENT', () => Store.open('memory:', { audit: 'yes' }))
  for (const max of [-1, 1.5, NaN, '1', null, 2 ** 32]) await fails('INVALID_ARGUMENT', () => store.drainEvents(max))
})

test('a function is told of each event, after the call that gave rise to it', async (t) => {
  const told = []
  const store = memory(t, {
    onEvent({ event }) {
      told.push(event)
      // A call of ours from within: what it gives rise to comes after this.
      if (told.length === 1) assert.throws(() => store.verifySync('x'), { code: 'TOKEN_MALFORMED' })
    },
  })
  store.configs.createSync({ name: 'Cart', schema: { userId: 'string' }, selector: 'userId' })
  assert.deepEqual(told, [])
  await null
  assert.deepEqual(told, ['config.created', 'token.refused'])
  await store.sessions.start('cart', { userId: 'ada' })
  await fails('TOKEN_MALFORMED', () => store.verify('x.y'))
  await null
  assert.deepEqual(told.slice(2), ['session.started', 'token.refused'])
  assert.deepEqual([store.hasEvents, store.drainEvents()], [false, []])
})

test('what other threads of the store do is told on the loop', async (t) => {
  const told = []
  const { store } = sqlite(t, { durability: 'commit', onEvent: (event) => told.push(event) })
  await store.configs.create({ name: 'Cart', schema: { userId: 'string' }, selector: 'userId' })
  const started = await Promise.all(Array.from({ length: 8 }, (_, n) => store.sessions.start('cart', { userId: `user-${n}` })))
  await new Promise(setImmediate)
  assert.deepEqual(named(told), ['config.created', ...started.map(() => 'session.started')])
  assert.deepEqual(told.slice(1).map(({ sessionId }) => sessionId).sort(), started.map(({ sessionId }) => sessionId).sort())
})

test('what a function throws is an uncaught exception, and the next event comes all the same', async () => {
  const program = `
    import { Store } from 'sessile'
    const thrown = []
    process.on('uncaughtException', (error) => thrown.push(error.message))
    const store = Store.openSync('memory:', { onEvent: ({ tag }) => { throw new Error(tag) } })
    console.log(store.configs.createSync({ name: 'One' }).tag, store.configs.createSync({ name: 'Two' }).tag)
    setImmediate(() => console.log(thrown.join()))
  `
  assert.equal(await script(program), 'one two\none,two')
})

test('what is told is a function', async () => {
  for (const onEvent of [null, 'log', {}]) await fails('INVALID_ARGUMENT', () => Store.open('memory:', { onEvent }))
})

test('configurations that shred want a store of secrets', async (t) => {
  const definition = { name: 'Cart', schema: { userId: 'string' }, selector: 'userId', shred: true }
  await fails('CONFIG_INVALID', () => memory(t).configs.create(definition))
  assert.equal((await memory(t, { secrets: 'memory:' }).configs.create(definition)).shred, true)
})

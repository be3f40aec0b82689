// Audit events, as JavaScript has them; what they say is the core's.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Store } from 'sessile'
import { fails, jwt, memory } from './tools.mjs'

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
    await run.global().put({ seats: 2 })
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

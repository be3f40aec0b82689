// Run on an addon built with the cargo feature test-panic, in which a step of this name panics.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { SessileError, Store } from 'sessile'

const step = { stepName: 'sessile:test-panic', operation: 'PUT', fields: ['a'] }

test('a panic is PANIC by promise and by Sync, and the process lives on', async () => {
  const store = await Store.open('memory:')
  const run = store.execution()
  for (let i = 0; i < 3; i += 1) {
    const promise = run.step(step, '{"a": "secret"}')
    assert.ok(promise instanceof Promise)
    const wanted = (error) => error instanceof SessileError && error.code === 'PANIC' && error.number === 120 && !error.message.includes('secret')
    await assert.rejects(promise, wanted)
    await assert.rejects(run.step(step, { a: 'secret' }), wanted)
    await assert.rejects(run.step(step, Buffer.from('{}')), wanted)
    assert.throws(() => run.stepSync(step, '{}'), wanted)
    assert.throws(() => run.stepSync(step, {}), wanted)
  }
  await run.local.put({ a: 1 })
  assert.equal(run.local.getSync('a'), 1)
  await store.close()
})

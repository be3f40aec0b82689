// worker_threads: every environment has its own table and queue; stores of several threads share what is stored.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { script, shared, signedIn } from './tools.mjs'

const start = (workerData) => new Worker(new URL('./worker.mjs', import.meta.url), { workerData })

async function ended(worker) {
  worker.on('error', (error) => assert.fail(error))
  const [code] = await once(worker, 'exit')
  return code
}

test('several threads on one store lose nothing', async (t) => {
  const { store, url, options } = shared(t, { limits: { deadline: 20_000 } })
  const session = signedIn(store).global()
  await session.put({ shared: 0 })
  // Listened to from the first: one of them may be done before this thread is.
  const codes = [0, 1, 2, 3].map((worker) => ended(start({ url, options, worker, rounds: 50 })))
  for (let i = 0; i < 50; i += 1) await session.increment('shared')
  assert.deepEqual(await Promise.all(codes), [0, 0, 0, 0])
  assert.equal(session.getSync('shared'), 250)
  for (let worker = 0; worker < 4; worker += 1) assert.equal(session.getSync(`worker${worker}`), 49)
})

test('a worker ends by itself with its store left open', async (t) => {
  const { url, options } = shared(t)
  const text = `
    const { Store } = require('sessile')
    const { workerData: { url, options } } = require('node:worker_threads')
    Store.open(url, options).then((store) => { globalThis.store = store })
  `
  const worker = new Worker(text, { eval: true, workerData: { url, options } })
  assert.equal(await ended(worker), 0)
})

test('workers terminated in mid-air, again and again', async (t) => {
  const { store, url, options } = shared(t)
  for (let round = 0; round < 8; round += 1) {
    const workers = [0, 1].map((worker) => start({ url, options: { ...options, durability: 'commit' }, worker, rounds: 1, forever: true }))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    await new Promise((done) => setTimeout(done, 5 * round))
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  const session = signedIn(store).global()
  assert.equal(session.getSync('worker0'), 0)
  await session.put({ alive: true })
  assert.equal(await session.get('alive'), true)
})

test('the first environment of a process may be a worker', async () => {
  assert.equal(await script(`
    import { Worker } from 'node:worker_threads'
    import { once } from 'node:events'
    const text = "const { Store } = require('sessile'); Store.open('memory:').then((store) => store.close())"
    for (let i = 0; i < 3; i += 1) await once(new Worker(text, { eval: true, execArgv: [] }), 'exit')
    const { Store } = await import('sessile')
    const store = await Store.open('memory:')
    const { local } = store.execution()
    await local.put({ a: 'main' })
    console.log(await local.get('a'))
  `), 'main')
})

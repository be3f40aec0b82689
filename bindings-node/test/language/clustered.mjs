// One process of cluster.test.mjs, with a thread of its own.
import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import { Store } from 'sessile'
import { signedIn } from './tools.mjs'

const workerData = JSON.parse(process.env.SESSILE_TEST)
const { url, options, worker, rounds } = workerData
const thread = new Worker(new URL('./worker.mjs', import.meta.url), { workerData })
const ended = once(thread, 'exit')
const store = await Store.open(url, options)
const session = signedIn(store).global()
for (let i = 0; i < rounds; i += 1) {
  await session.increment('shared')
  await session.increment(`process${worker}`)
}
await store.close()
assert.deepEqual(await ended, [0])
cluster.worker.disconnect()

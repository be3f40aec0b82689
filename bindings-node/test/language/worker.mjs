// One worker of threads.test.mjs: a store of its own, of which all share what is stored.
import { parentPort, workerData } from 'node:worker_threads'

import { Store } from 'sessile'
import { signedIn } from './tools.mjs'

const { url, options, worker, rounds, forever } = workerData
const store = await Store.open(url, options)
const session = signedIn(store).global()
for (let i = 0; i < rounds; i += 1) {
  if (i % 2) session.incrementSync('shared')
  else await session.increment('shared')
  await session.put({ [`worker${worker}`]: i })
}
parentPort.postMessage('done')
while (forever) for (let i = 0; i < 20; i += 1) await Promise.all([session.put({ i }), session.put({ i: -i })])
await store.close()

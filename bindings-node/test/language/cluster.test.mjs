// node:cluster: several processes, and a worker thread in each, on one store.
import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { shared, signedIn } from './tools.mjs'

const ROUNDS = 40

test('the processes of a cluster, and a thread in each, lose nothing', async (t) => {
  const { store, url, options } = shared(t, { limits: { deadline: 20_000 } })
  const session = signedIn(store).global()
  await session.put({ shared: 0 })
  cluster.setupPrimary({ exec: fileURLToPath(new URL('./clustered.mjs', import.meta.url)), args: [] })
  const workers = [0, 1, 2].map((worker) => cluster.fork({ SESSILE_TEST: JSON.stringify({ url, options, worker, rounds: ROUNDS }) }))
  t.after(() => workers.forEach((worker) => worker.process.kill('SIGKILL')))
  for (let i = 0; i < ROUNDS; i += 1) await session.increment('shared')
  const ended = workers.map(async (worker) => (worker.isDead() ? worker.process.exitCode : (await once(worker, 'exit'))[0]))
  assert.deepEqual(await Promise.all(ended), [0, 0, 0])
  assert.equal(session.getSync('shared'), ROUNDS * 7)
  for (let worker = 0; worker < 3; worker += 1) {
    assert.equal(session.getSync(`process${worker}`), ROUNDS)
    assert.equal(session.getSync(`worker${worker}`), ROUNDS - 1)
  }
})

// Memory that does not grow, step after step.
import { Step, Store } from 'sessile'
import { print } from './rounds.mjs'

export async function run(bench) {
  if (!bench.wants('node.growth')) return
  const store = await Store.open('memory:')
  const run = store.execution()
  run.local.putSync(bench.payloads.put)
  const step = Step.parse(bench.payloads.step)
  const message = bench.payloads.messages[512]
  const steps = (count) => {
    for (let n = 0; n < count; n++) run.stepSync(step, message)
    globalThis.gc?.()
    return process.memoryUsage.rss()
  }
  const before = steps(bench.plan.steps / 5)
  const after = steps(bench.plan.steps)
  print('node.growth', 'sessile', '% of RSS', [(after / before - 1) * 100])
  await store.close()
}

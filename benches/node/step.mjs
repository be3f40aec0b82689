// A GET step of three fields into a message, as text and as an object.
import assert from 'node:assert/strict'
import { Step, Store } from 'sessile'

export async function run(bench) {
  for (const [size, message] of Object.entries(bench.payloads.messages)) {
    if (!bench.wants(`node.step.${size}`)) continue
    const group = bench.group(`node.step.${size}`)
    const store = await Store.open('memory:')
    const run = store.execution()
    const { put } = bench.payloads
    run.local.putSync(put)
    const step = Step.parse(bench.payloads.step)
    const buffer = Buffer.from(message)
    const object = JSON.parse(message)
    const texts = Object.fromEntries(Object.entries(put).map(([name, value]) => [name, JSON.stringify(value)]))
    const assigned = () => JSON.stringify(Object.assign(JSON.parse(message), put))
    assert.deepEqual(JSON.parse(run.stepSync(step, message)), JSON.parse(assigned()))

    group.addSync('sessile stepSync, string', () => run.stepSync(step, message))
    group.addSync('sessile stepSync, Buffer', () => run.stepSync(step, buffer))
    group.add('sessile step, string', () => run.step(step, message))
    group.addSync('JSON.parse + assign + JSON.stringify', assigned)
    group.addSync('sessile stepSync, object', () => run.stepSync(step, object))
    group.addSync('JSON.parse of the found fields', () => {
      for (const name in texts) JSON.parse(texts[name])
    })
    group.after(() => store.close())
    await group.run()
  }
}

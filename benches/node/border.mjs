// What it costs to cross into Rust and back, beside an addon that does nothing else.
import { createRequire } from 'node:module'
import { Store } from 'sessile'

export async function run(bench) {
  if (!bench.wants('node.border')) return
  const group = bench.group('node.border')
  const store = await Store.open('memory:')
  const { local } = store.execution()
  const value = JSON.stringify('x'.repeat(1022))
  const bare = createRequire(import.meta.url)(`${bench.plan.folder}/../bare.node`)
  group.addSync('sessile containsSync (an empty session)', () => local.containsSync('x'))
  group.addSync('sessile putRawSync + getRawSync of 1 KB', () => {
    local.putRawSync('x', value)
    return local.getRawSync('x')
  })
  group.addSync('a bare napi call', () => bare.empty())
  group.addSync('a bare napi call, 1 KB in and out', () => bare.echo(value))
  group.after(() => store.close())
  await group.run()
}

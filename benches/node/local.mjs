// A Local session's put and get.
import { Store } from 'sessile'

export async function run(bench) {
  const values = { small: 12345, '1kb': { text: 'x'.repeat(490), list: Array.from({ length: 100 }, (_, n) => n * 100) } }
  for (const [size, value] of Object.entries(values)) {
    if (!bench.wants(`node.local.${size}`)) continue
    const group = bench.group(`node.local.${size}`)
    const store = await Store.open('memory:')
    const run = store.execution()
    const { local } = run
    group.addSync('sessile putSync + getSync', () => {
      local.putSync({ total: value })
      return local.getSync('total')
    })
    group.add('sessile put + get', async () => {
      await local.put({ total: value })
      return local.get('total')
    })
    // A copy in and a copy out: what is kept is not what the caller goes on changing.
    const map = new Map()
    group.addSync('Map + JSON clone', () => {
      map.set('total', JSON.parse(JSON.stringify(value)))
      return JSON.parse(JSON.stringify(map.get('total')))
    })
    group.after(() => store.close())
    await group.run()
  }
}

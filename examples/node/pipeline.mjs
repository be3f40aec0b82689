// A login pipeline, then a checkout pipeline that loops over the cart, then what the next pipeline sees.
import { Store } from 'sessile'

const store = await Store.open('memory:')
const token = await store.tokens.issue({ sub: 'ada@example.com' }, 600)

const run = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token })
const message = { order: 7, cart: [{ name: 'tea', price: 4 }, { name: 'honey', price: 7 }] }
await run.step({ operation: 'PUT', sessionType: 'GLOBAL', fields: ['cart'] }, message)
for (const item of message.cart) {
  const sub = run.subprocess('for-each') // sees its own version of the Local session ...
  await sub.scoped.increment('total', item.price)
  await sub.commit() // ... dropped at the end unless committed
  sub.end()
}
await run.global().put({ total: run.local.getSync('total') })
await run.close()

const next = store.execution({ trigger: { type: 'rest', security: 'jwt' }, token })
console.log(await next.step({ operation: 'GET', sessionType: 'GLOBAL', fields: ['cart', 'total'] }, '{"receipt": 1.0}'))
await store.close()

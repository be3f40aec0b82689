// The third pipeline, in another language and another process: the user's fields come into its own message.
import { Store } from 'sessile'

const [folder, token] = process.argv.slice(2)
const store = await Store.open(`sqlite:${folder}/sessions.db`, { keyring: `${folder}/keyring.json`, product: 'shop' })
const run = store.execution({ trigger: { type: 'http', security: 'jwt' }, token })
const get = { stepName: 'Load the order', operation: 'GET', sessionType: 'GLOBAL', fields: ['cart', 'address', 'total'] }
console.log(await run.step(get, '{"receipt": 1.0}'))
await run.close()
await store.close()

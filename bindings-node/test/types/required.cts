// The types of the package as CommonJS.
import sessile = require('sessile')

export async function open(): Promise<number | undefined> {
  const store: sessile.Store = await sessile.Store.open('memory:')
  const step: sessile.StepObject = { operation: 'PUT', fields: ['a'] }
  store.execution().stepSync(step, { a: 1 })
  return store.execution().local.getSync<number>('a')
}

// The types of the package as CommonJS.
import sessile = require('sessile')

export async function open(): Promise<number | undefined> {
  const store: sessile.Store = await sessile.Store.open('memory:')
  const step: sessile.StepObject = { operation: 'PUT', fields: ['a'] }
  store.execution().stepSync(step, { a: 1 })
  return store.execution().local.getSync<number>('a')
}

export async function signIn(store: sessile.Store): Promise<string | undefined> {
  const started: sessile.Started = await store.sessions.start('visit', { userId: 'ada' })
  const verification: sessile.Verification<{ userId: string }> = store.sessions.verifySync(started.token)
  return verification.valid ? verification.data.userId : undefined
}

// A store is copied to another one: what JavaScript makes of it, by promise and by Sync.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { Store } from 'sessile'
import { fails, folder, memory, signedIn, sqlite } from './tools.mjs'

test('everything is there afterwards', async (t) => {
  const { store, options } = sqlite(t)
  const other = await Store.open(`sqlite:${join(folder(t), 'other.db')}`, options)
  t.after(() => other.closeSync())
  for (let n = 0; n < 5; n += 1) await signedIn(store, `u${n}`).global().put({ cart: ['tea'] })

  let page = await store.copyTo(other, { limit: 3 })
  assert.deepEqual(page, { done: false, cursor: page.cursor, copied: 3, unchanged: 0, skipped: 0 })
  let { copied } = page
  while (!page.done) {
    page = await store.copyTo(other, { limit: 3, cursor: page.cursor })
    copied += page.copied
  }
  assert.equal(copied, 10)
  assert.deepEqual(await signedIn(other, 'u0').global().get('cart'), ['tea'])
  assert.deepEqual(store.copyToSync(other), { done: true, cursor: null, copied: 0, unchanged: 10, skipped: 0 })
  assert.equal((await other.check()).ok, true)
})

test('what is no copy is refused', async (t) => {
  const { store } = sqlite(t)
  await fails('KEY_UNAVAILABLE', () => store.copyTo(memory(t)))
  await fails('INVALID_ARGUMENT', () => store.copyTo(store))
  await fails('INVALID_ARGUMENT', () => store.copyTo('redis://elsewhere'))
  await fails('INVALID_ARGUMENT', () => store.copyTo(memory(t), { limit: 0 }))
})

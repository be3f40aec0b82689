// Looking after a store, as JavaScript has it: promises and their Sync twins, plain reports, options.
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { Store } from 'sessile'
import { fails, folder, memory, signedIn, sqlite } from './tools.mjs'

const golden = join(process.env.SESSILE_ROOT, 'tests', 'golden')

test('a backup is a store', async (t) => {
  const { store, url, options } = sqlite(t)
  const path = (name) => join(dirname(url.slice('sqlite:'.length)), name)
  await signedIn(store).global().put({ cart: ['tea'] })
  await store.flush()
  await store.backup(path('backup é.db'))
  store.flushSync()
  store.backupSync(path('another.db'))
  await signedIn(store).global().put({ cart: [] })
  for (const name of ['backup é.db', 'another.db']) {
    const backup = Store.openSync(`sqlite:${path(name)}`, options)
    t.after(() => backup.closeSync())
    assert.deepEqual(await signedIn(backup).global().all(), { cart: ['tea'] })
    await fails('ALREADY_EXISTS', () => store.backup(path(name)))
    await fails('ALREADY_EXISTS', () => store.backupSync(path(name)))
  }
  for (const given of [undefined, null, 1, {}, Buffer.from('backup')]) await fails('INVALID_ARGUMENT', () => store.backup(given))
  await fails('UNSUPPORTED', () => memory(t).backup(path('memory')))
})

test('a report is a plain object', async (t) => {
  const { store } = sqlite(t)
  signedIn(store).global().putSync({ cart: ['tea'], seats: 2 })
  store.configs.createSync({ name: 'Cart' })
  const report = await store.check()
  assert.deepEqual(report, { ok: true, sessions: 1, fields: 2, users: 1, configs: 1, problemCount: 0, problems: [] })
  assert.deepEqual(store.checkSync(), report)
})

test('a report has what is wrong', async (t) => {
  const place = folder(t)
  for (const name of ['sessions.db', 'keyring.json']) {
    copyFileSync(join(golden, 'flipped-head', name), join(place, name))
    chmodSync(join(place, name), 0o600)
  }
  const store = Store.openSync(`sqlite:${join(place, 'sessions.db')}`, { keyring: join(place, 'keyring.json') })
  t.after(() => store.closeSync())
  const report = await store.check()
  assert.equal(report.ok, false)
  assert.equal(report.problemCount, report.problems.length)
  assert.ok(report.problems.some(({ kind, code, where }) => kind === 'session' && code === 'CORRUPT' && where !== ''))
  assert.deepEqual(store.checkSync(), report)
})

test('a store that is read only changes nothing', async (t) => {
  const { store, url, options } = sqlite(t)
  await signedIn(store).global().put({ seats: 2 })
  const reader = await Store.open(url, { ...options, readOnly: true })
  t.after(() => reader.closeSync())
  assert.equal(await signedIn(reader).global().get('seats'), 2)
  await fails('READ_ONLY', () => signedIn(reader).global().put({ seats: 3 }))
  await fails('READ_ONLY', () => reader.configs.createSync({ name: 'C' }))
  assert.equal(reader.checkSync().ok, true)
  await fails('NOT_FOUND', () => Store.open(`${url}-none`, { ...options, readOnly: true }))
})

test('options that are yes or no', async (t) => {
  for (const name of ['readOnly', 'allowNetworkFilesystem']) {
    const error = await fails('INVALID_ARGUMENT', () => Store.open('memory:', { [name]: 'yes' }))
    assert.deepEqual(error.details, { member: name })
    memory(t, { [name]: undefined })
    memory(t, { [name]: false })
  }
  await fails('INVALID_ARGUMENT', () => Store.openSync('memory:', { readonly: true }))
  assert.equal(sqlite(t, { allowNetworkFilesystem: true }).store.checkSync().ok, true)
})

test('a closed store is looked after by nobody', async (t) => {
  const store = memory(t)
  await store.flush()
  assert.equal((await store.check()).ok, true)
  await store.close()
  for (const call of ['flush', 'check']) {
    await fails('CLOSED', () => store[call]())
    await fails('CLOSED', () => store[`${call}Sync`]())
  }
})

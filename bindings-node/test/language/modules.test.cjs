// The installed package by require and by import: one copy of everything.
const assert = require('node:assert/strict')
const { test } = require('node:test')

const required = require('sessile')

test('require and import give the same things', async () => {
  const imported = await import('sessile')
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort())
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name)
})

test('the package works by require', async () => {
  const store = await required.Store.open('memory:')
  const run = store.execution()
  await run.local.put({ a: 1 })
  assert.equal(run.local.getSync('a'), 1)
  await assert.rejects(run.local.putRaw('a', '{'), required.SessileError)
  await store.close()
})

test('what is inside stays inside', () => {
  assert.throws(() => require('sessile/dist/native.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  assert.equal(require('sessile/package.json').scripts?.install, undefined)
  assert.equal(require('sessile/package.json').dependencies, undefined)
})

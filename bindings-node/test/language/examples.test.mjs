// The examples do what they say.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('pipeline.mjs', () => {
  const out = execFileSync(process.execPath, [join(import.meta.dirname, '../../pipeline.mjs')], { encoding: 'utf8' })
  assert.equal(out.trim(), '{"receipt": 1.0,"cart":[{"name":"tea","price":4},{"name":"honey","price":7}],"total":11}')
})

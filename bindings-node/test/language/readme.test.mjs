// What the README shows runs as it stands.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { folder } from './tools.mjs'

test('the README\'s program', (t) => {
  const readme = readFileSync(join(dirname(createRequire(import.meta.url).resolve('sessile/package.json')), 'README.md'), 'utf8')
  const path = folder(t)
  const program = /```js\n(.*?)```/s.exec(readme)[1].replace(/'keyring\.json'/g, `'${path}/keyring.json'`).replace('./sessions.db', `${path}/sessions.db`)
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim(), "4 [ 'tea' ]")
})

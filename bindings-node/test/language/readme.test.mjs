// What the README shows runs as it stands.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { folder } from './tools.mjs'

const printed = ["4 [ 'tea' ]", "ada@example.com\n1 true\n{ valid: false, reason: 'revoked' }"]

test('the README\'s programs', (t) => {
  const readme = readFileSync(join(dirname(createRequire(import.meta.url).resolve('sessile/package.json')), 'README.md'), 'utf8')
  const path = folder(t)
  const programs = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, program]) => (
    program.replace(/'keyring\.json'/g, `'${path}/keyring.json'`).replace('./sessions.db', `${path}/sessions.db`)
  ))
  const run = (program) => execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim()
  assert.deepEqual(programs.map(run), printed)
})

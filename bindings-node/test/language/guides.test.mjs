// What the guides and the run-book of keys show in JavaScript runs as it stands, and prints what the comments of its `console.log` lines say.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { Keyring, Store } from 'sessile'
import { folder, script, signedIn } from './tools.mjs'

const packages = join(dirname(createRequire(import.meta.url).resolve('sessile/package.json')), '..')
const docs = join(process.env.SESSILE_ROOT, 'docs')
const guides = readdirSync(join(docs, 'guides')).filter((page) => page.endsWith('.md')).map((page) => join('guides', page))
const pages = [...guides, 'key-rotation.md', 'from-sqlite-to-a-cluster.md']

// What a page copies to, for who has no server of that name.
const server = 'redis://sessions.internal'

// Nobody waits a minute here: keys of the file are made older instead.
const minute = "import { setTimeout as sleep } from 'node:timers/promises'\n"
const inNoTime = `import { readFileSync, writeFileSync } from 'node:fs'
async function sleep() {
  const ring = JSON.parse(readFileSync('keyring.json', 'utf8'))
  for (const key of ring.data) key.created = '2020-01-01T00:00:00Z'
  writeFileSync('keyring.json', JSON.stringify(ring))
}
`

/** What the pages about stores in use begin with: one, and its keyring. */
function inUse(cwd) {
  const keyring = join(cwd, 'keyring.json')
  Keyring.generateSync(keyring)
  const store = Store.openSync(`sqlite:${join(cwd, 'sessions.db')}`, { keyring })
  signedIn(store).global().putSync({ cart: ['tea'] })
  store.closeSync()
}

for (const page of pages) {
  const programs = readFileSync(join(docs, page), 'utf8').matchAll(/^```js\n(.*?)^```/gms)
  let number = 0
  for (const [, program] of programs) {
    number += 1
    test(`${page}, program ${number}`, async (t) => {
      const cwd = folder(t)
      symlinkSync(packages, join(cwd, 'node_modules'))
      const wanted = [...program.matchAll(/^ *console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
      assert.equal(wanted.length, program.split('console.log(').length - 1, 'every console.log says what it prints')
      if (program.includes(minute) || program.includes(server)) inUse(cwd)
      const tried = program.replace(minute, inNoTime).replace(server, 'sqlite:server.db')
      assert.deepEqual((await script(tried, { cwd })).split('\n'), wanted)
    })
  }
  test(`${page} has a program`, () => assert.ok(number > 0))
}

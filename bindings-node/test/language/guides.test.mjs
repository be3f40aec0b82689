// What the guides show in JavaScript runs as it stands, and prints what the comments of its `console.log` lines say.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

import { folder, script } from './tools.mjs'

const packages = join(dirname(createRequire(import.meta.url).resolve('sessile/package.json')), '..')
const guides = join(process.env.SESSILE_ROOT, 'docs', 'guides')
const pages = readdirSync(guides).filter((page) => page.endsWith('.md'))

for (const page of pages) {
  const programs = readFileSync(join(guides, page), 'utf8').matchAll(/^```js\n(.*?)^```/gms)
  let number = 0
  for (const [, program] of programs) {
    number += 1
    test(`${page}, program ${number}`, async (t) => {
      const cwd = folder(t)
      symlinkSync(packages, join(cwd, 'node_modules'))
      const wanted = [...program.matchAll(/^ *console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
      assert.equal(wanted.length, program.split('console.log(').length - 1, 'every console.log says what it prints')
      assert.deepEqual((await script(program, { cwd })).split('\n'), wanted)
    })
  }
  test(`${page} has a program`, () => assert.ok(number > 0))
}

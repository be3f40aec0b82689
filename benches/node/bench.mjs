// The Node side of the benchmark. `benches/run.py` starts it with a plan, a JSON object; it prints one line of JSON for
// each figure: {"group", "contestant", "unit", "values"}, a value for each round.
import { readFileSync } from 'node:fs'
import { Bench } from './rounds.mjs'
import * as border from './border.mjs'
import * as growth from './growth.mjs'
import * as local from './local.mjs'
import * as servers from './servers.mjs'
import * as step from './step.mjs'
import * as store from './store.mjs'
import * as token from './token.mjs'

const plan = JSON.parse(process.argv[2])
const payloads = JSON.parse(readFileSync(`${plan.payloads}/payloads.json`))
const bench = new Bench(plan, payloads)
for (const part of [store, local, step, token, border, servers, growth]) await part.run(bench)
// Some peers leave timers behind.
process.exit(0)

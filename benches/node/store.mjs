// Get a session, change one field of it, save it. Every peer is called as its framework calls it.
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as hapi from '@hapi/iron'
import Database from 'better-sqlite3'
import session from 'express-session'
import { sealData, unsealData } from 'iron-session'
import { fill, KNOWN, open, TRIGGER } from './ours.mjs'
import { promised } from './rounds.mjs'

const require = createRequire(import.meta.url)
const SqliteStore = require('better-sqlite3-session-store')(session)
const FileStore = require('session-file-store')(session)
const PASSWORD = 'a password of at least 32 characters, or more'
const COOKIE = { originalMaxAge: 86_400_000, httpOnly: true, path: '/' }

export async function run(bench) {
  for (const size of ['small', 'large']) {
    if (bench.wants(`node.store.${size}`)) await stores(bench, size)
  }
}

async function stores(bench, size) {
  const { plan } = bench
  const { changed, [size]: fields } = bench.payloads
  const group = bench.group(`node.store.${size}`)

  const file = fill(await open(plan, `sqlite:${plan.folder}/store-${size}.db`, `store-${size}`), fields, plan.sessions)
  const ours = async (filled, n) => {
    const session = filled.store.global(filled.tokens[bench.key(n)])
    const data = await session.all()
    data[changed] = n
    await session.put({ [changed]: n })
  }
  group.add('sessile SQLite', (n) => ours(file, n))
  group.addSync('sessile SQLite, Sync', (n) => {
    const session = file.store.global(file.tokens[bench.key(n)])
    const data = session.allSync()
    data[changed] = n
    session.putSync({ [changed]: n })
  })
  group.add("sessile SQLite, from the token's text", async (n) => {
    const token = file.texts[bench.key(n) % Math.min(KNOWN, file.texts.length)]
    const run = file.store.execution({ trigger: TRIGGER, token })
    const session = run.global()
    const data = await session.all()
    data[changed] = n
    await session.put({ [changed]: n })
    await run.close()
  })
  group.after(() => file.store.close())
  const memory = fill(await open(plan, 'memory:'), fields, plan.sessions)
  group.add('sessile memory', (n) => ours(memory, n))
  group.after(() => memory.store.close())

  await express(bench, group, 'express-session MemoryStore', new session.MemoryStore(), fields)

  const database = new Database(`${plan.folder}/peer-${size}.db`)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  const sqlite = new SqliteStore({ client: database, expired: { clear: false } })
  await express(bench, group, 'better-sqlite3-session-store (WAL, NORMAL)', sqlite, fields)
  group.after(() => database.close())

  const path = `${plan.folder}/files-${size}`
  mkdirSync(path, { recursive: true })
  const files = new FileStore({ path, reapInterval: -1, logFn: () => undefined })
  await express(bench, group, 'session-file-store', files, fields)

  // The session is the cookie: each of a few, for they do not depend on each other.
  const sealed = await Promise.all(Array.from({ length: 64 }, () => sealData(fields, { password: PASSWORD })))
  group.add('iron-session', async (n) => {
    const data = await unsealData(sealed[n % 64], { password: PASSWORD })
    data[changed] = n
    sealed[n % 64] = await sealData(data, { password: PASSWORD })
  })
  const irons = await Promise.all(Array.from({ length: 64 }, () => hapi.seal(fields, PASSWORD, hapi.defaults)))
  group.add('@hapi/iron', async (n) => {
    const data = await hapi.unseal(irons[n % 64], PASSWORD, hapi.defaults)
    data[changed] = n
    irons[n % 64] = await hapi.seal(data, PASSWORD, hapi.defaults)
  })

  const map = new Map()
  for (let key = 0; key < plan.sessions; key++) map.set(key, JSON.stringify(fields))
  group.addSync('Map + JSON clone', (n) => {
    const key = bench.key(n)
    const data = JSON.parse(map.get(key))
    data[changed] = n
    map.set(key, JSON.stringify(data))
  })
  await group.run()
}

/** A store of express-session, filled and driven through its `get` and `set`. */
export async function express(bench, group, name, store, fields, flying = 1) {
  const { changed } = bench.payloads
  const ids = Array.from({ length: bench.plan.sessions }, (_, key) => `session-${key}`)
  for (const id of ids) await promised((done) => store.set(id, { cookie: COOKIE, ...fields }, done))
  const change = async (n) => {
    const id = ids[bench.key(n)]
    const data = await promised((done) => store.get(id, done))
    data[changed] = n
    await promised((done) => store.set(id, data, done))
  }
  group.add(name, change, flying)
}

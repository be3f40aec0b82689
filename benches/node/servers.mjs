// The same on a Redis and a PostgreSQL, one at a time and 64 under way.
import { RedisStore } from 'connect-redis'
import connectPg from 'connect-pg-simple'
import session from 'express-session'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createClient } from 'redis'
import { fill, open } from './ours.mjs'
import { express } from './store.mjs'

// What of a server is measured needs no more of them.
const SESSIONS = 2_000

export async function run(given) {
  const bench = Object.assign(Object.create(Object.getPrototypeOf(given)), given)
  bench.plan = { ...given.plan, sessions: Math.min(given.plan.sessions, SESSIONS) }
  for (const flying of [1, 64]) {
    if (bench.plan.redis && bench.wants(`node.redis.${flying}`)) await redis(bench, flying)
  }
  if (bench.plan.postgres && bench.wants('node.postgres')) await postgres(bench)
}

async function redis(bench, flying) {
  const { plan } = bench
  const { small, changed, read } = bench.payloads
  const group = bench.group(`node.redis.${flying}`)
  const ours = fill(await open(plan, plan.redis, 'redis', { workspace: `node${flying}` }), small, plan.sessions)
  group.after(() => ours.store.close())
  const getAndPut = async (n) => {
    const session = ours.store.global(ours.tokens[bench.key(n)])
    await session.getMany(read)
    await session.put({ [changed]: n })
  }
  group.add('sessile getMany of 3 + put', getAndPut, flying)

  // The bare commands: as many, on as many fields, and nothing sealed, checked or owned.
  const io = new Redis(plan.redis)
  const key = (n) => `bare:${bench.key(n)}`
  for (let n = 0; n < plan.sessions; n++) await io.hset(`bare:${n}`, texts(small))
  group.add('ioredis HMGET + HSET', async (n) => {
    await io.hmget(key(n), ...read)
    await io.hset(key(n), changed, String(n))
  }, flying)
  group.after(() => io.quit())
  const client = await createClient({ url: plan.redis }).connect()
  group.add('node-redis HMGET + HSET', async (n) => {
    await client.hmGet(key(n), read)
    await client.hSet(key(n), changed, String(n))
  }, flying)
  const change = async (n) => {
    const session = ours.store.global(ours.tokens[bench.key(n)])
    const data = await session.all()
    data[changed] = n
    await session.put({ [changed]: n })
  }
  group.add('sessile get all, change, put', change, flying)
  const store = new RedisStore({ client, prefix: `express${flying}:` })
  await express(bench, group, 'connect-redis get, change, set', store, small, flying)
  group.after(() => client.close())
  await group.run()
}

async function postgres(bench) {
  const { plan } = bench
  const { small, changed } = bench.payloads
  const group = bench.group('node.postgres')
  const ours = fill(await open(plan, plan.postgres, 'postgres', { workspace: 'node' }), small, plan.sessions)
  group.add('sessile get all, change, put', async (n) => {
    const session = ours.store.global(ours.tokens[bench.key(n)])
    const data = await session.all()
    data[changed] = n
    await session.put({ [changed]: n })
  })
  group.after(() => ours.store.close())
  const pool = new pg.Pool({ connectionString: plan.postgres })
  const store = new (connectPg(session))({ pool, schemaName: 'public', createTableIfMissing: true, pruneSessionInterval: false })
  await express(bench, group, 'connect-pg-simple get, change, set', store, small)
  group.after(() => pool.end())
  await group.run()
}

function texts(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]))
}

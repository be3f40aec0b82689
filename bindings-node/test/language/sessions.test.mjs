// Configurations and the life of sessions: what is special to JavaScript about them.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { format, inspect } from 'node:util'

import { Clock, Configs, selectorOptions, Sessions, Store } from 'sessile'
import { fails, jwt, memory } from './tools.mjs'

const start = new Date('2026-01-01T00:00:00.000Z')
const later = (seconds) => new Date(start.getTime() + seconds * 1000)
const day = 86_400

/** A store whose clock stands, with the configuration `visit`. */
function visits(t) {
  const clock = Clock.manual(start)
  const store = memory(t, { clock })
  const schema = { userId: 'string', count: 'integer', note: 'any' }
  store.configs.createSync({ name: 'Visit', expiry: 7, period: 'days', schema, selector: 'userId' })
  return { store, clock }
}

test('a configuration is a plain object, its times are Dates', async (t) => {
  const { store, clock } = visits(t)
  const made = await store.configs.create({ name: 'Cart', idle: { value: 30, period: 'Minute' }, description: undefined })
  assert.equal(Object.getPrototypeOf(made), Object.prototype)
  assert.deepEqual([made.tag, made.version, made.expiry, made.schema, made.description], ['cart', 1, null, null, null])
  assert.deepEqual(made.idle, { value: 30, period: 'mins' })
  assert.deepEqual([made.createdAt, made.updatedAt], [start, start])
  assert.deepEqual(store.configs.getSync('cart'), made)
  assert.deepEqual(await store.configs.get('cart'), made)
  clock.advance(5_000)
  const changed = await store.configs.update('cart', { description: 'what is bought', idle: null, name: undefined })
  assert.deepEqual([changed.createdAt, changed.updatedAt, changed.version], [start, later(5), 2])
  assert.deepEqual([changed.name, changed.description, changed.idle], ['Cart', 'what is bought', null])
  assert.equal(store.configs.updateSync('cart', '{"description": null}').description, null)
  assert.equal(await store.configs.delete('cart'), undefined)
  await fails('NOT_FOUND', () => store.configs.get('cart'))
})

test('definitions are objects or JSON text', async (t) => {
  const { store } = visits(t)
  assert.equal((await store.configs.create('{"name": "By text", "expiry": 1, "period": "day"}')).tag, 'by_text')
  await fails('INVALID_JSON', () => store.configs.create('{'))
  const error = await fails('CONFIG_INVALID', () => store.configs.createSync({ name: 'x', expirey: 1 }))
  assert.deepEqual([error.details.member, error.details.nearest], ['expirey', 'expiry'])
  for (const wrong of [undefined, () => 1, { name: 'x', expiry: 1n }]) await fails('INVALID_ARGUMENT', () => store.configs.create(wrong))
})

test('pages are { items, nextCursor }, and a null cursor is the first', async (t) => {
  const { store } = visits(t)
  const all = await store.configs.list()
  assert.deepEqual(all.items.map(({ tag }) => tag), ['global', 'visit'])
  assert.deepEqual([all.nextCursor, all.items[0].createdAt, all.items[1].createdAt], [null, null, start])
  const tags = []
  let cursor = null
  do {
    const page = store.configs.listSync({ limit: 1, cursor })
    tags.push(...page.items.map(({ tag }) => tag))
    cursor = page.nextCursor
  } while (cursor !== null)
  assert.deepEqual(tags, ['global', 'visit'])
  for (const page of [5, 'x', [], { limit: 0 }, { limit: '5' }, { cursor: 5 }, { cursor: 'none of ours' }, { limt: 5 }]) {
    await fails('INVALID_ARGUMENT', () => store.configs.list(page))
    await fails('INVALID_ARGUMENT', () => store.sessions.usersSync('visit', page))
    await fails('INVALID_ARGUMENT', () => store.sessions.list('visit', page))
  }
})

test('an export is an object to import, or to keep as JSON', async (t) => {
  const { store } = visits(t)
  const exported = await store.configs.export()
  assert.deepEqual(exported.configs.map(({ tag }) => tag), ['visit'])
  assert.deepEqual(store.configs.exportSync(['visit']), exported)
  const other = memory(t)
  assert.deepEqual(await other.configs.import(exported), { created: ['visit'], updated: [], unchanged: [] })
  assert.deepEqual(other.configs.importSync(JSON.stringify(exported), { replace: true }), { created: [], updated: [], unchanged: ['visit'] })
})

test('a started session hides its tokens from the console, and from nothing else', async (t) => {
  const { store } = visits(t)
  const started = await store.sessions.start('visit', { userId: 'ada' }, { ttl: 3600 })
  assert.match(started.token, /^visit:ey/)
  assert.deepEqual([started.tokenExpiresAt, started.expiresAt], [later(3600), later(3600)])
  for (const one of [started, await store.sessions.refresh(started.refreshToken), store.sessions.startSync('visit', { userId: 'bob' })]) {
    assert.deepEqual(Object.keys(one).sort(), ['expiresAt', 'refreshToken', 'sessionId', 'token', 'tokenExpiresAt'])
    const shown = [
      inspect(one), inspect({ deep: [one] }, { depth: 9, showHidden: true }), inspect([[[[one]]]]), inspect(new Map([[one, one]])),
      format(one), format('%o %O', one, one), inspect(one, { compact: false, colors: true }),
    ]
    for (const text of shown) {
      assert.ok(!text.includes(one.token) && !text.includes(one.refreshToken), text.replaceAll(/ey\S+/g, '…'))
    }
    assert.ok(inspect(one).includes(one.sessionId) && inspect(one).includes('[hidden]'))
    const sent = JSON.parse(JSON.stringify(one))
    assert.deepEqual([sent.token, sent.refreshToken], [one.token, one.refreshToken])
    assert.equal(sent.tokenExpiresAt, one.tokenExpiresAt.toISOString())
    assert.deepEqual({ ...one }, one)
  }
})

test('verify tells good tokens from others, and fails for neither', async (t) => {
  const { store, clock } = visits(t)
  const { token, sessionId } = store.sessions.startSync('visit', { userId: 'ada', note: ['é'] })
  const good = await store.sessions.verify(token)
  assert.deepEqual(good, { valid: true, sessionId, identifier: 'ada', expiresAt: later(7 * day), data: { userId: 'ada', note: ['é'] } })
  assert.deepEqual(store.sessions.verifySync(token.slice('visit:'.length)), good)
  const login = store.tokens.issueSync({ sub: 'ada' }, 600)
  for (const other of ['', 'x', 'visit:', `${token}x`, '\ud800', `${token}\udc00`, '\0', login]) {
    assert.deepEqual(await store.sessions.verify(other), { valid: false, reason: 'untrusted' })
  }
  for (const wrong of [undefined, null, 5, {}, Buffer.from(token)]) await fails('INVALID_ARGUMENT', () => store.sessions.verify(wrong))
  for (const wrong of ['', 'x', '\ud800']) await fails('TOKEN_MALFORMED', () => store.sessions.refreshSync(wrong))
  clock.advance(25 * 3_600_000)
  assert.deepEqual(store.sessions.verifySync(token), { valid: false, reason: 'expired' })
})

test('a number that a double cannot hold is refused, and read with the token by the raw twin', async (t) => {
  const { store } = visits(t)
  const { token } = store.sessions.startSync('visit', '{"userId": "ada", "count": 9007199254740993}')
  for (const call of [() => store.sessions.verify(token), () => store.sessions.verifySync(token)]) {
    const error = await fails('LIMIT_EXCEEDED', call)
    assert.match(error.message, /^field "count": .*getRaw/)
    assert.equal(error.details.field, 'count')
  }
  assert.equal(await store.execution({ trigger: jwt, token }).global().getRaw('count'), '9007199254740993')
})

test('data is taken as put takes fields', async (t) => {
  const { store } = visits(t)
  const { token, sessionId } = await store.sessions.start('visit', { userId: 'ada', count: undefined, note: [NaN, new Date(0)] })
  assert.deepEqual((await store.sessions.verify(token)).data, { userId: 'ada', note: [null, '1970-01-01T00:00:00.000Z'] })
  await store.sessions.update(sessionId, { count: 1, note: undefined })
  store.sessions.updateSync(sessionId, '{"note": null}')
  assert.deepEqual((await store.sessions.verify(token)).data, { userId: 'ada', count: 1, note: null })
  const circle = {}
  circle.note = circle
  for (const data of [undefined, null, 5, [], new Map(), Buffer.from('{}'), circle]) {
    await fails('INVALID_ARGUMENT', () => store.sessions.start('visit', data))
    await fails('INVALID_ARGUMENT', () => store.sessions.updateSync(sessionId, data))
  }
  assert.match((await fails('INVALID_ARGUMENT', () => store.sessions.start('visit', { userId: 'ada', count: 1n }))).message, /^data: .*JSON text/)
  await fails('INVALID_JSON', () => store.sessions.start('visit', '{"userId": "\ud800"}'))
  const error = await fails('SCHEMA_VIOLATION', () => store.sessions.start('visit', { userId: 'ada', count: 'secret' }))
  assert.deepEqual(error.details.violations, [{ pointer: '/count', keyword: 'type' }])
  assert.ok(!inspect(error).includes('secret'))
})

test('a user is a string, a number, a boolean, a bigint, or { realm, subject }', async (t) => {
  const { store } = visits(t)
  const kinds = { string: ['1', 'é😀'], integer: [1, -7], number: [1.5, 1], boolean: [true, false] }
  for (const [kind, users] of Object.entries(kinds)) {
    store.configs.createSync({ name: kind, schema: { id: kind }, selector: 'id' })
    for (const id of users) {
      const { sessionId } = await store.sessions.start(kind, { id })
      const user = await store.sessions.user(kind, id)
      assert.deepEqual([user.identifier, user.sessions.map((entry) => entry.sessionId)], [id, [sessionId]])
      assert.deepEqual(store.sessions.userSync(kind, { realm: user.realm, subject: id }), user)
      assert.deepEqual((await store.sessions.list(kind, { user: id })).items, user.sessions)
      await fails('NOT_FOUND', () => store.sessions.user(kind, { realm: 'https://id.example.com', subject: id }))
    }
  }
  await fails('NOT_FOUND', () => store.sessions.user('integer', '1'))
  assert.equal(await store.sessions.revokeAll('integer', 1n), 1)
  // Beyond what a double holds no integer names anybody.
  await fails('SCHEMA_VIOLATION', () => store.sessions.start('integer', '{"id": 9007199254740993}'))
  await fails('NOT_FOUND', () => store.sessions.user('integer', 9007199254740993n))
  for (const user of [undefined, null, NaN, [], {}, Symbol('s'), () => 1, new Map(), { realm: 'r' }, { realm: 'r', subject: {} }]) {
    for (const call of [
      () => store.sessions.user('visit', user), () => store.sessions.revokeAll('visit', user),
      () => store.sessions.forgetSync('visit', user),
    ]) await fails('INVALID_ARGUMENT', call)
  }
})

test('users, sessions and figures, by promise and by Sync', async (t) => {
  const { store, clock } = visits(t)
  const first = store.sessions.startSync('visit', { userId: 'ada' })
  clock.advance(60_000)
  const second = await store.sessions.start('visit', { userId: 'ada' })
  const { items } = await store.sessions.users('visit')
  assert.equal(items.length, 1)
  const { realm, firstSeenAt, lastSeenAt, ...user } = items[0]
  assert.deepEqual(user, { identifier: 'ada', state: 'active', totalSessions: 2, activeSessions: 2 })
  assert.deepEqual([realm, firstSeenAt, lastSeenAt], ['sessile:default/default/dev', start, later(60)])
  const entry = (await store.sessions.list('visit')).items.find(({ sessionId }) => sessionId === second.sessionId)
  assert.deepEqual(entry, {
    sessionId: second.sessionId, identifier: 'ada', realm, standing: false, startedAt: later(60), lastSeenAt: later(60),
    expiresAt: later(60 + 7 * day), active: true,
  })
  const { sessions, ...alone } = await store.sessions.user('visit', 'ada')
  assert.deepEqual([alone, sessions.length], [items[0], 2])
  const { averageSessionsPerUser, activeUsers } = await store.sessions.dashboard('visit')
  assert.deepEqual([averageSessionsPerUser, activeUsers], [2, 1])

  assert.equal(await store.sessions.revokeAll('visit', 'ada', { except: second.sessionId }), 1)
  assert.deepEqual(store.sessions.verifySync(first.token), { valid: false, reason: 'revoked' })
  assert.equal(store.sessions.verifySync(second.token).valid, true)
  assert.equal(await store.sessions.revoke(second.sessionId), undefined)
  store.sessions.revokeSync(second.sessionId)
  assert.equal(store.sessions.revokeAllSync('visit', 'ada'), 0)
  assert.equal(store.sessions.usersSync('visit').items[0].state, 'inactive')
  assert.equal(store.sessions.forgetSync('visit', 'ada'), 0)
  assert.equal(store.sessions.dashboardSync('visit').totalUsers, 0)
  assert.deepEqual(store.sessions.listSync('visit', { user: 'ada' }), { items: [], nextCursor: null })
})

test('extend gives the end in force: a Date, or null for never', async (t) => {
  const { store } = visits(t)
  const { sessionId } = store.sessions.startSync('visit', { userId: 'ada' })
  assert.deepEqual(await store.sessions.extend(sessionId, 8 * day), later(8 * day))
  assert.deepEqual(store.sessions.extendSync(sessionId, 60), later(8 * day))
  store.configs.createSync({ name: 'Endless', schema: { id: 'string' }, selector: 'id' })
  const endless = await store.sessions.start('endless', { id: 'ada' })
  assert.equal(endless.expiresAt, null)
  assert.equal(await store.sessions.extend(endless.sessionId, 60), null)
  for (const ttl of [undefined, null, 0, 1.5, -1, NaN, '60', 60n]) await fails('INVALID_ARGUMENT', () => store.sessions.extend(sessionId, ttl))
})

test('sweep gives space back, so much at a time', async (t) => {
  const { store, clock } = visits(t)
  for (const userId of ['ada', 'bob', 'eve']) store.sessions.startSync('visit', { userId })
  assert.equal(await store.sweep(), 0)
  clock.advance(9 * day * 1000)
  assert.equal(await store.sweep(2), 2)
  assert.equal(store.sweepSync(), 1)
  for (const budget of [null, '5', 1.5, -1, NaN, Infinity, 2 ** 32, 5n]) {
    assert.match((await fails('INVALID_ARGUMENT', () => store.sweep(budget))).message, /^budget: /)
    await fails('INVALID_ARGUMENT', () => store.sweepSync(budget))
  }
})

test('selectorOptions is at once, of an object or of text', async () => {
  const schema = { userId: 'string', details: { level: 'integer' }, tags: 'array' }
  const options = [
    { selector: '$Session{userId}', path: 'userId', type: 'string' },
    { selector: '$Session{details}{level}', path: 'details.level', type: 'integer' },
  ]
  assert.deepEqual(selectorOptions(schema), options)
  assert.deepEqual(selectorOptions(JSON.stringify(schema)), options)
  await fails('CONFIG_INVALID', () => selectorOptions([]))
  await fails('INVALID_ARGUMENT', () => selectorOptions())
  await fails('INVALID_JSON', () => selectorOptions('{'))
})

test('wrong types are INVALID_ARGUMENT, by promise and at once, and point to the caller', async (t) => {
  const { store } = visits(t)
  const { sessionId } = store.sessions.startSync('visit', { userId: 'ada' })
  const wrong = {
    configs: {
      get: [[], [5], ['\ud800']], update: [[5, {}], ['visit']], delete: [[5], ['visit', 5], ['visit', { force: 'yes' }], ['visit', { forse: true }]],
      export: [['visit'], [[5]]], import: [[], [{ sessileConfigs: 1, configs: [] }, { replace: 1 }]],
    },
    sessions: {
      start: [[5, {}], ['visit', { userId: 'a' }, { ttl: '5' }], ['visit', { userId: 'a' }, { ttl: 0 }], ['visit', { userId: 'a' }, { tll: 5 }], ['visit', { userId: 'a' }, 5]],
      refresh: [[], [5]], revoke: [[], [5], ['no session id']], update: [[5, {}], ['no session id', {}]], extend: [[5, 5], ['no session id', 5]],
      revokeAll: [
        ['visit', 'ada', sessionId], ['visit', 'ada', { except: 5 }], ['visit', 'ada', { exept: sessionId }], [5, 'ada'],
      ],
      list: [[], ['visit', 'ada']], users: [[5]], user: [[5, 'ada']], dashboard: [[]], forget: [['visit'], [5, 'ada']],
    },
  }
  for (const [whose, verbs] of Object.entries(wrong)) {
    for (const [verb, all] of Object.entries(verbs)) {
      for (const args of all) {
        const promise = store[whose][verb](...args)
        assert.ok(promise instanceof Promise)
        assert.match((await fails('INVALID_ARGUMENT', () => promise)).stack, /^SessileError: .*\n\s+at .*sessions\.test\.mjs/)
        assert.throws(() => store[whose][`${verb}Sync`](...args), { code: 'INVALID_ARGUMENT' }, `${verb}Sync`)
      }
    }
  }
  assert.equal(store.sessions.dashboardSync('visit').activeSessions, 1)
})

test('configs and sessions belong to their store, in both module systems', async () => {
  const required = createRequire(import.meta.url)('sessile')
  assert.equal(required.Sessions, Sessions)
  assert.equal(required.selectorOptions, selectorOptions)
  for (const type of [Configs, Sessions]) assert.throws(() => new type(0, 0), { code: 'INVALID_ARGUMENT' }, type.name)
  const store = await required.Store.open('memory:')
  assert.ok(store instanceof Store && store.configs instanceof Configs && store.sessions instanceof Sessions)
  assert.equal(store.configs, store.configs)
  assert.equal(store.sessions, store.sessions)
  const { configs, sessions } = store
  await store.close()
  for (const call of [
    () => configs.create({ name: 'x' }), () => configs.listSync(), () => sessions.start('x', {}), () => sessions.verifySync('x'),
    () => sessions.users('x'), () => store.sweep(),
  ]) await fails('CLOSED', call)
})

// Proofs and their revocation, as JavaScript has them: dates, promises and their Sync twins, wrong arguments.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { Clock, Store } from 'sessile'
import { fails, folder, jwt, memory } from './tools.mjs'

const own = 'sessile:default/default/dev'
const start = new Date('2026-01-01T00:00:00Z')

test('a proof has dates', async (t) => {
  const store = memory(t)
  const proof = await store.verify(store.tokens.issueSync({ sub: 'ada', acr: 'gold', auth_time: start.getTime() / 1000 }, 600))
  assert.deepEqual([proof.issuer, proof.subject, proof.acr, proof.authenticatedAt], [own, 'ada', 'gold', start])
  assert.equal(proof.expiresAt - proof.issuedAt, 600_000)
  assert.equal(typeof proof.id, 'string')
  const plain = store.verifySync(store.tokens.issueSync({ sub: 'ada' }, 600))
  assert.deepEqual([plain.acr, plain.authenticatedAt], [null, null])
})

for (const instant of [start, start.getTime(), undefined]) {
  test(`an issuer is revoked until ${instant}`, async (t) => {
    const clock = Clock.manual(start)
    const store = memory(t, { clock })
    const run = store.execution({ trigger: jwt, token: store.tokens.issueSync({ sub: 'ada' }, 600) })
    await run.global().put({ n: 1 })
    await store.revokeIssuer(own, instant)
    store.revokeIssuerSync(own, instant)
    const error = await fails('TOKEN_REVOKED', () => run.global().get('n'))
    assert.equal(error.details.reason, 'issuer')
    clock.advance(1000)
    assert.equal(store.verifySync(store.tokens.issueSync({ sub: 'ada' }, 600)).subject, 'ada')
  })
}

test('each revocation refuses the next operation', async (t) => {
  const store = memory(t)
  const running = async () => {
    const token = store.tokens.issueSync({ sub: 'ada' }, 600)
    const session = store.execution({ trigger: jwt, token }).global()
    await session.put({ n: 1 })
    const { issuer, id } = await store.verify(token)
    return { token, session, issuer, id }
  }
  const revocations = [
    ({ token }) => store.revokeToken(`Bearer ${token}`),
    ({ token }) => store.revokeTokenSync(token),
    ({ issuer, id }) => store.revokeTokenId(issuer, id),
    ({ issuer, id }) => store.revokeTokenIdSync(issuer, id),
  ]
  const other = await running()
  for (const revoke of revocations) {
    const one = await running()
    await revoke(one)
    await fails('TOKEN_REVOKED', () => one.session.get('n'))
    await fails('TOKEN_REVOKED', () => one.session.putSync({ n: 2 }))
    await fails('TOKEN_REVOKED', () => store.verify(one.token))
  }
  assert.equal(await other.session.get('n'), 1)
})

test('wrong arguments are refused', async (t) => {
  const store = memory(t)
  for (const wrong of [1, null, undefined, {}]) {
    for (const call of ['revokeToken', 'revokeIssuer', 'acceptLogoutToken']) {
      await fails('INVALID_ARGUMENT', () => store[call](wrong))
      await fails('INVALID_ARGUMENT', () => store[`${call}Sync`](wrong))
    }
    await fails('INVALID_ARGUMENT', () => store.revokeTokenId(own, wrong))
    await fails('INVALID_ARGUMENT', () => store.revokeTokenIdSync(wrong, 'j'))
  }
  for (const instant of ['2026-01-01', null, Number.NaN, new Date(Number.NaN), {}]) {
    await fails('INVALID_ARGUMENT', () => store.revokeIssuer(own, instant))
  }
  await fails('INVALID_ARGUMENT', () => store.revokeIssuer(own, Date.now() + 86_400_000))
  await fails('TOKEN_CLAIMS', () => store.acceptLogoutToken(store.tokens.issueSync({ sub: 'ada' }, 600)))
})

test('issuers have keys in a file, and stats show what the cache knew', async (t) => {
  const provider = memory(t, { product: 'identity' })
  const issuer = 'sessile:default/identity/dev'
  const jwks = provider.tokens.jwksSync()
  const jwksFile = join(folder(t), 'jwks.json')
  writeFileSync(jwksFile, JSON.stringify(jwks))
  const token = provider.tokens.issueSync({ sub: 'ada' }, 600)
  const store = await Store.open('memory:', { issuers: [{ issuer, audiences: [issuer], jwksFile, profile: 'jwt' }] })
  t.after(() => store.closeSync())
  for (let n = 0; n < 3; n += 1) assert.equal((await store.verify(token)).subject, 'ada')
  assert.deepEqual(store.stats(), {
    tokenCache: { hits: 2, misses: 1, tokens: 1 },
    issuers: [{ issuer, keys: [jwks.keys[0].kid], refusedKeys: [], trouble: null }],
    backend: { kind: 'memory' },
  })
})

test('a closed store revokes nothing', async (t) => {
  const store = memory(t)
  const token = store.tokens.issueSync({ sub: 'ada' }, 600)
  await store.close()
  for (const [call, ...args] of [['revokeToken', token], ['revokeTokenId', own, 'j'], ['revokeIssuer', own], ['acceptLogoutToken', token]]) {
    await fails('CLOSED', () => store[call](...args))
    await fails('CLOSED', () => store[`${call}Sync`](...args))
  }
})

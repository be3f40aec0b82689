// What it costs to check a token: one never seen, and one that was seen a moment ago among 10,000.
import { readFileSync } from 'node:fs'
import { createVerifier } from 'fast-jwt'
import { createSecretKey } from 'node:crypto'
import { importJWK, jwtVerify } from 'jose'
import { Store } from 'sessile'

const LIVE = 10_000

export async function run(bench) {
  const tokens = JSON.parse(readFileSync(`${bench.plan.payloads}/tokens.json`))
  for (const [algorithm, signed] of Object.entries(tokens)) {
    if (bench.wants(`node.token.${algorithm}.cold`)) await cold(bench, algorithm, signed)
  }
  if (!bench.wants('node.token.known')) return
  const group = bench.group('node.token.known')
  const store = await Store.open('memory:')
  const issued = Array.from({ length: LIVE }, (_, user) => store.tokens.issueSync({ sub: `user${user}` }, 3600))
  for (const token of issued) store.verifySync(token)
  group.addSync('sessile verifySync, known among 10,000', (n) => store.verifySync(issued[bench.key(n, LIVE)]))
  const { pem, tokens: peers, issuer, audience } = tokens.EdDSA
  const cached = createVerifier({ key: pem, allowedIss: issuer, allowedAud: audience, cache: LIVE })
  for (const token of peers) cached(token)
  group.addSync('fast-jwt with its cache', (n) => cached(peers[n % peers.length]))
  group.after(() => store.close())
  await group.run()
}

async function cold(bench, algorithm, signed) {
  const { issuer, audience, jwk, pem, tokens } = signed
  const secret = signed.secret && Buffer.from(signed.secret, 'base64')
  const group = bench.group(`node.token.${algorithm}.cold`)
  const entry = { issuer, audiences: [audience], ...(secret ? { symmetric: true } : { jwks: { keys: [jwk] } }) }
  const options = { issuers: [entry], ...(secret && { issuerSecrets: { [issuer]: secret } }) }
  const fresh = () => {
    const store = Store.openSync('memory:', options)
    store.verifySync(tokens.at(-1))
    return store
  }
  // Each token is new to the store that is asked: a fresh store for each batch, its opening left out of the time.
  group.addRound('sessile verifySync', (count) => {
    let took = 0n
    for (let left = count; left > 0; ) {
      const store = fresh()
      const batch = Math.min(left, tokens.length - 1)
      const started = process.hrtime.bigint()
      for (let i = 0; i < batch; i++) store.verifySync(tokens[i])
      took += process.hrtime.bigint() - started
      store.closeSync()
      left -= batch
    }
    return Number(took)
  })
  const key = secret ? createSecretKey(secret) : await importJWK(jwk, algorithm)
  group.add('jose', (n) => jwtVerify(tokens[n % tokens.length], key, { issuer, audience, algorithms: [algorithm] }))
  const verify = createVerifier({ key: secret ?? pem, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience })
  group.addSync('fast-jwt', (n) => verify(tokens[n % tokens.length]))
  await group.run()
}

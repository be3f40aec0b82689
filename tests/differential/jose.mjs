// What `jose` says of each token: the first line is {"keys", "issuer", "audience", "algorithms", "now"}, each other one a token.
import { createInterface } from 'node:readline'
import { createLocalJWKSet, jwtVerify } from 'jose'

let options
let keys
for await (const line of createInterface({ input: process.stdin })) {
  if (options === undefined) {
    options = JSON.parse(line)
    keys = createLocalJWKSet({ keys: options.keys })
    continue
  }
  try {
    const { payload } = await jwtVerify(line, keys, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: options.algorithms,
      clockTolerance: 30,
      currentDate: new Date(options.now * 1000),
      requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp'],
    })
    console.log(`ok ${payload.sub}`)
  } catch (error) {
    console.log(error.code ?? 'refused')
  }
}

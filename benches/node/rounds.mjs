// Contestants side by side: all are set up, then they take turns, A B C A B C, for as many rounds as the plan says.

export class Bench {
  constructor(plan, payloads) {
    this.plan = plan
    this.payloads = payloads
  }

  wants(group) {
    const { only = [] } = this.plan
    return only.length === 0 || only.some((start) => group.startsWith(start))
  }

  /** The key of operation `n`, below `sessions`. */
  key(n, sessions = this.plan.sessions) {
    return this.payloads.keys[n % this.payloads.keys.length] % sessions
  }

  group(name) {
    return new Group(this, name)
  }
}

class Group {
  #bench
  #name
  #contestants = []
  #ends = []

  constructor(bench, name) {
    this.#bench = bench
    this.#name = name
  }

  /** A contestant whose `operation(n)` is done when it returns. */
  addSync(name, operation) {
    let n = 0
    this.addRound(name, (count) => {
      const started = process.hrtime.bigint()
      for (let i = 0; i < count; i++) operation(n++)
      return Number(process.hrtime.bigint() - started)
    })
  }

  /** A contestant whose `operation(n)` gives a promise; so many of them are under way at a time. */
  add(name, operation, flying = 1) {
    let n = 0
    this.addRound(name, async (count) => {
      const started = process.hrtime.bigint()
      const end = n + count
      const lane = async () => {
        while (n < end) await operation(n++)
      }
      if (flying === 1) await lane()
      else await Promise.all(Array.from({ length: flying }, lane))
      return Number(process.hrtime.bigint() - started)
    })
  }

  /** What is to be closed when all have run. */
  after(end) {
    this.#ends.push(end)
  }

  /** A contestant who says itself how many nanoseconds so many operations took. */
  addRound(name, round) {
    this.#contestants.push({ name, round, values: [] })
  }

  async run() {
    const { rounds, millis } = this.#bench.plan
    for (const contestant of this.#contestants) contestant.count = await countFor(millis * 1e6, contestant.round)
    for (let i = 0; i < rounds; i++) {
      for (const { round, count, values } of this.#contestants) values.push((await round(count)) / count)
    }
    for (const { name, values } of this.#contestants) print(this.#name, name, 'ns', values)
    for (const end of this.#ends) await end()
  }
}

// A pinned process shares its core with V8's compiler: until that has had its turn, rounds take twice as long or not by chance.
const WARM_UP = 150e6

/** How many operations fill a round. It warms up by the way. */
async function countFor(wanted, round) {
  let [count, took] = [1, await round(1)]
  for (let all = took; all < WARM_UP + wanted; all += took) {
    count = Math.max(1, Math.min(2 * count, Math.floor((wanted / took) * count)))
    took = await round(count)
  }
  return Math.max(1, Math.floor((wanted / took) * count))
}

export function print(group, contestant, unit, values) {
  console.log(JSON.stringify({ group, contestant, unit, values }))
}

/** The promise of a function that takes a callback last. */
export function promised(call) {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))
}

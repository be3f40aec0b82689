// The conformance vectors, once through promises and once through the Sync twins. Format: tests/vectors/README.md.
import { isDeepStrictEqual } from 'node:util'
import { chmodSync, readdirSync, readFileSync, mkdtempSync, cpSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Clock, lint, SessileError, Store } from 'sessile'

const root = process.env.SESSILE_ROOT ?? join(import.meta.dirname, '../..')
const vectors = join(root, 'tests/vectors')
const read = (name) => JSON.parse(readFileSync(join(vectors, name), 'utf8'))
const skipped = new Set(read('skips.json').flatMap(({ languages, cases }) => (languages.includes('node') ? cases : [])))

// A mode is how a verb is called: awaited, or its Sync twin (awaiting a plain value changes nothing).
const modes = {
  node: (on, verb, ...args) => on[verb](...args),
  'node-sync': (on, verb, ...args) => on[`${verb}Sync`](...args),
}

const camel = (verb) => verb.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
const ttlOf = ({ ttl }) => (ttl === undefined ? [] : [{ ttl }])
const namesOnly = ({ name }) => [name]

/** Verbs of a session whose arguments are not simply `name`. */
const sessionArguments = {
  get_many: ({ names }) => [names],
  all: () => [],
  keys: () => [],
  put: (call) => [call.fieldsText ?? call.fields, ...ttlOf(call)],
  put_raw: (call) => [call.name, call.value, ...ttlOf(call)],
  delete: ({ names }) => names,
  clear: () => [],
  increment: ({ name, by }) => [name, by],
  append: ({ name, values }) => [name, values],
  put_if_absent: (call) => [call.name, call.value, ...ttlOf(call)],
  put_if: (call) => [call.name, call.value, call.version, ...ttlOf(call)],
  get_path: ({ name, pointer }) => [name, pointer],
  put_path: ({ name, pointer, value }) => [name, pointer, value],
  delete_path: ({ name, pointer }) => [name, pointer],
  set_ttl: ({ name, ttl }) => [name, ttl],
  info: () => [],
  end: () => [],
  commit: ({ exclusive }) => (exclusive === undefined ? [] : [{ exclusive }]),
}

class Case {
  kept = new Map()
  store

  constructor(mode, spec) {
    this.invoke = modes[mode]
    this.spec = spec
    this.clock = Clock.manual(Date.parse(spec.clock ?? '2026-01-01T00:00:00Z'))
  }

  async run() {
    try {
      if (this.spec.do[0].call !== 'open') this.store = await this.open()
      for (const [at, call] of this.spec.do.entries()) {
        await this.expect(call, `call ${at + 1} (${call.call})`)
      }
    } finally {
      await this.store?.close()
      if (this.folder) rmSync(this.folder, { recursive: true })
    }
  }

  open() {
    let { url = 'memory:', ...options } = this.spec.options ?? {}
    if (this.spec.golden) {
      this.folder = mkdtempSync(join(tmpdir(), 'sessile-'))
      cpSync(join(root, 'tests/golden', this.spec.golden), this.folder, { recursive: true })
      url = `sqlite:${this.folder}/sessions.db`
      options.keyring = `${this.folder}/keyring.json`
      // Git keeps no modes but the executable bit.
      chmodSync(options.keyring, 0o600)
    }
    const secrets = Object.entries(this.spec.secrets ?? {}).map(([issuer, text]) => [issuer, Buffer.from(text, 'base64')])
    options.issuerSecrets = Object.fromEntries(secrets)
    return this.invoke(Store, 'open', url, { ...options, clock: this.clock })
  }

  async expect(call, place) {
    let result
    try {
      result = await this.perform(this.resolved(call))
    } catch (error) {
      if (!(error instanceof SessileError) || !call.error) throw new Error(`${place}: ${error}`, { cause: error })
      if (error.code !== call.error.code) throw new Error(`${place}: ${error.code} instead of ${call.error.code}: ${error.message}`)
      for (const [name, value] of Object.entries(call.error.details ?? {})) {
        same(error.details[name], value, `${place}: details.${name}`)
      }
      return
    }
    if (call.error) throw new Error(`${place}: succeeded instead of ${call.error.code}`)
    if (call.as) this.kept.set(call.as, result.kept ?? result.value)
    if ('text' in call && result.value !== call.text) throw new Error(`${place}: gave ${result.value} instead of ${call.text}`)
    if (call.absent && result.value !== undefined) throw new Error(`${place}: found ${JSON.stringify(result.value)}`)
    if ('gives' in call) {
      const given = plain(result.value)
      same(call.call === 'info' ? pick(given, call.gives) : given, call.gives, place)
    }
  }

  // `"$name"` is the kept result of that name, if there is one.
  resolved(call) {
    const resolved = { ...call }
    for (const name of ['token', 'checkpoint', 'version']) {
      if (typeof call[name] === 'string' && call[name].startsWith('$')) resolved[name] = this.kept.get(call[name].slice(1))
    }
    return resolved
  }

  async perform(call) {
    const value = call.on === undefined ? this.onStore(call) : this.on(call)
    const given = await value
    // Without a message it is object mode: the text of what it gives is compared.
    if (call.call === 'step' && typeof given === 'object') return { value: JSON.stringify(given) }
    return call.call === 'get_versioned' ? { value: given?.value, kept: given?.version } : { value: given }
  }

  onStore(call) {
    const origin = () => ({ trigger: call.triggerText ?? call.trigger, token: call.token })
    switch (call.call) {
      case 'open': return Promise.resolve(this.open()).then((store) => void (this.store = store))
      case 'execution': return this.store.execution(origin())
      case 'resume': return this.invoke(this.store, 'resume', bytes(call.checkpoint), origin())
      case 'issue': return this.invoke(this.store.tokens, 'issue', call.claims, call.ttl)
      case 'verify': return this.invoke(this.store, 'verify', call.token)
      case 'set_clock': return this.clock.set(Date.parse(call.time))
      case 'advance': return this.clock.advance(call.millis)
      case 'close': return this.invoke(this.store, 'close')
      case 'lint': return { findings: lint(call.pipelineText ?? call.pipeline) }
      case 'parse_step': return this.store.parseStep(call.stepText ?? call.step).toJSON()
      default: throw new Error(`the store has no call ${call.call}`)
    }
  }

  on(call) {
    const [name, ...path] = call.on.split('.')
    const run = this.kept.get(name)
    if (path.length === 0) return this.onExecution(run, call)
    const [kind, tag] = path.join('.').split(':')
    const sessions = {
      local: () => run.local,
      scoped: () => run.scoped,
      global: () => run.global(tag),
      scoped_global: () => run.global(tag, { scoped: true }),
    }
    return this.onSession(sessions[kind](), call)
  }

  onExecution(run, call) {
    switch (call.call) {
      case 'step':
      case 'step_object': return this.invoke(run, 'step', call.stepText ?? call.step, call.message)
      case 'subprocess': return run.subprocess(call.name)
      case 'subprocess_by_id': return run.subprocessById(call.id)
      case 'commit': return this.invoke(run, 'commit', ...sessionArguments.commit(call))
      case 'end': return run.end()
      case 'checkpoint': return this.invoke(run, 'checkpoint')
      case 'renew': return this.invoke(run, 'renew', call.token)
      default: throw new Error(`an execution has no call ${call.call}`)
    }
  }

  onSession(session, call) {
    if (call.call === 'update') return this.update(session, call)
    return this.invoke(session, camel(call.call), ...(sessionArguments[call.call] ?? namesOnly)(call))
  }

  async update(session, { name, value, during, saw }) {
    const seen = []
    let meanwhile
    // The Sync twins do what they are told before they return, so both modes may make the call of `during` unawaited.
    const change = (current) => {
      seen.push(current === undefined ? null : current)
      if (during && seen.length === 1) meanwhile = this.expect(during, 'during')
      return this.invoke === modes.node && meanwhile ? meanwhile.then(() => value) : value
    }
    await this.invoke(session, 'update', name, change)
    await meanwhile
    if (saw) same(seen, saw, 'saw')
  }
}

function bytes(checkpoint) {
  return typeof checkpoint === 'string' ? Buffer.from(checkpoint) : checkpoint
}

/** Results as the vectors write them: times as RFC 3339, objects without their class. */
function plain(value) {
  if (value instanceof Date) return value.toISOString()
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

function pick(value, names) {
  return Object.fromEntries(Object.keys(names).map((name) => [name, value?.[name]]))
}

function same(given, wanted, place) {
  // Negative zero is zero: JSON text has both, a JSON value one.
  const norm = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
  if (!isDeepStrictEqual(norm(given), norm(wanted))) {
    throw new Error(`${place}: gave ${JSON.stringify(given)} instead of ${JSON.stringify(wanted)}`)
  }
}

let failures = 0
for (const mode of Object.keys(modes)) {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const file of readdirSync(vectors).filter((name) => name.endsWith('.json') && name !== 'skips.json').sort()) {
    const { suite, cases } = read(file)
    for (const spec of cases) {
      const name = `${suite}/${spec.name}`
      if (skipped.has(name) || (spec.only && !spec.only.includes('node'))) {
        if (!skipped.has(name)) throw new Error(`${name} is not for node, and skips.json does not say why`)
        count.skipped += 1
        continue
      }
      try {
        await new Case(mode, spec).run()
        count.passed += 1
      } catch (error) {
        count.failed += 1
        console.error(`${mode} ${name}: ${error.message}\n    ${spec.rule}`)
      }
    }
  }
  failures += count.failed
  console.log(`${mode}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
}
process.exitCode = failures ? 1 : 0

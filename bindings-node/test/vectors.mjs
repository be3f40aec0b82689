// The conformance vectors, once through promises and once through the Sync twins. Format: tests/vectors/README.md.
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, mkdtempSync, cpSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Clock, SessileError, Store } from 'sessile'
import { onExecution, onSession, onStore } from './vectors/calls.mjs'
import { expectGiven, same } from './vectors/results.mjs'

const root = process.env.SESSILE_ROOT ?? join(import.meta.dirname, '../..')
const vectors = join(root, 'tests/vectors')
const read = (name) => JSON.parse(readFileSync(join(vectors, name), 'utf8'))
const skipped = new Set(read('skips.json').flatMap(({ languages, cases }) => (languages.includes('node') ? cases : [])))

// A mode is how a verb is called: awaited, or its Sync twin (awaiting a plain value changes nothing).
const modes = {
  node: (on, verb, ...args) => on[verb](...args),
  'node-sync': (on, verb, ...args) => on[`${verb}Sync`](...args),
}

/** Arguments that may be the kept result of an earlier call. */
const mayBeKept = ['token', 'checkpoint', 'version', 'session', 'except']

/** The server on which cases without a URL of their own run, if there is one; see tests/vectors/README.md. */
const { SESSILE_VECTORS_URL: server, SESSILE_VECTORS_KEYRING: serverKeyring, SESSILE_VECTORS_EMPTY: empty } = process.env

/** Has everything on the server removed. */
async function emptyServer() {
  const asking = connect(empty)
  await once(asking, 'data')
  asking.destroy()
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
      if (this.onServer) await emptyServer()
      if (this.spec.do[0].call !== 'open') this.store = await this.open()
      for (const [at, call] of this.spec.do.entries()) {
        await this.expect(call, `call ${at + 1} (${call.call})`)
      }
    } finally {
      await this.store?.close()
      if (this.folder) rmSync(this.folder, { recursive: true })
    }
  }

  /** Whether the case names no place of its own, and there is a server to run it on. */
  get onServer() {
    return server !== undefined && !this.spec.golden && this.spec.options?.url === undefined
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
    if (this.onServer) {
      url = server
      options.keyring = serverKeyring
      if (options.secrets !== undefined) {
        // A server's users have no secrets in memory.
        this.folder = mkdtempSync(join(tmpdir(), 'sessile-'))
        options.secrets = `sqlite:${this.folder}/secrets.db`
      }
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
    if ('gives' in call) expectGiven({ ...call, gives: this.filled(call.gives) }, result.value, place)
  }

  resolved(call) {
    const kept = mayBeKept.filter((name) => name in call).map((name) => [name, this.look(call[name])])
    const page = call.page && { page: this.filled(call.page) }
    return { ...call, ...Object.fromEntries(kept), ...page }
  }

  /** `"$name"` and `"$name.member"` are what was kept under that name, if anything was; other text is itself. */
  look(text) {
    const [name, ...path] = typeof text === 'string' && text.startsWith('$') ? text.slice(1).split('.') : []
    return this.kept.has(name) ? path.reduce((value, member) => value?.[member], this.kept.get(name)) : text
  }

  filled(value) {
    if (value === null || typeof value !== 'object') return this.look(value)
    if (Array.isArray(value)) return value.map((item) => this.filled(item))
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.filled(member)]))
  }

  async perform(call) {
    const value = call.on === undefined ? this.onStore(call) : this.on(call)
    const given = await value
    // Without a message it is object mode: the text of what it gives is compared.
    if (call.call === 'step' && typeof given === 'object') return { value: JSON.stringify(given) }
    return call.call === 'get_versioned' ? { value: given?.value, kept: given?.version } : { value: given }
  }

  onStore(call) {
    if (call.call === 'open') return Promise.resolve(this.open()).then((store) => void (this.store = store))
    return onStore(this.invoke, this, call)
  }

  on(call) {
    const [name, ...path] = call.on.split('.')
    const run = this.kept.get(name)
    if (path.length === 0) return onExecution(this.invoke, run, call)
    const [kind, tag] = path.join('.').split(':')
    const sessions = {
      local: () => run.local,
      scoped: () => run.scoped,
      global: () => run.global(tag),
      scoped_global: () => run.global(tag, { scoped: true }),
    }
    const session = sessions[kind]()
    return call.call === 'update' ? this.update(session, call) : onSession(this.invoke, session, call)
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

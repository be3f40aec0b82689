import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { Keyring, SessileError, Store } from 'sessile'

export const jwt = { type: 'rest', security: 'jwt' }

/** A folder that goes after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'sessile-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export function memory(t, options) {
  const store = Store.openSync('memory:', options)
  t.after(() => store.closeSync())
  return store
}

/** Where a SQLite store is, and how to open it again. */
export function sqlite(t, options) {
  const path = folder(t)
  const keyring = join(path, 'keyring.json')
  Keyring.generateSync(keyring)
  const at = { url: `sqlite:${join(path, 'sessions.db')}`, options: { keyring, ...options } }
  const store = Store.openSync(at.url, at.options)
  t.after(() => store.closeSync())
  return { store, ...at }
}

/**
 * The same for a store that processes or threads share: on a file, or in a workspace of its own on the server that
 * SESSILE_TEST_URL names (tests/servers/run.py).
 */
export function shared(t, options) {
  const url = process.env.SESSILE_TEST_URL
  if (url === undefined) return sqlite(t, options)
  const keyring = join(folder(t), 'keyring.json')
  Keyring.generateSync(keyring)
  const at = { url, options: { keyring, workspace: randomUUID(), ...options } }
  const store = Store.openSync(at.url, at.options)
  t.after(() => store.closeSync())
  return { store, ...at }
}

/** A user's execution. */
export function signedIn(store, sub = 'ada') {
  return store.execution({ trigger: jwt, token: store.tokens.issueSync({ sub }, 600) })
}

/** The call, synchronous or not, must fail with that code; gives the error. */
export async function fails(code, call) {
  let error
  try {
    await call()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error instanceof SessileError, `${code} expected, got ${error ?? 'no error'}`)
  assert.equal(error.code, code, error.stack)
  return error
}

/** Runs ESM text in a process of its own, with the installed package; gives what it printed. */
export async function script(text, { args = [], flags = [], timeout = 20_000, cwd = '.' } = {}) {
  const options = { timeout, killSignal: 'SIGKILL', cwd }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', text, ...args], options)
  return stdout.trim()
}

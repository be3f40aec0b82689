// What a call gave, as the vectors write it, and whether it is what they want.
import { isDeepStrictEqual } from 'node:util'

/** What the items of a page are called in the vectors. */
const items = { config_list: 'configs', session_list: 'sessions', users: 'users' }

/** Calls that must give at least what the vector says. */
const atLeast = new Set([
  'info', 'config_create', 'config_get', 'config_list', 'config_update', 'start', 'session_verify', 'refresh',
  'session_list', 'users', 'user', 'dashboard', 'verify', 'stats', 'rewrap', 'key_usage', 'keyring_describe',
])

export function expectGiven({ call, gives }, given, place) {
  const value = plain(call in items ? { [items[call]]: given.items, nextCursor: given.nextCursor } : given)
  const holds = atLeast.has(call) ? contains(value, gives) : equal(value, gives)
  if (!holds) throw differs(value, gives, place)
}

export function same(given, wanted, place) {
  if (!equal(given, wanted)) throw differs(given, wanted, place)
}

/** Results as the vectors write them: times as RFC 3339, objects without their class. */
function plain(value) {
  if (value === null || typeof value !== 'object') return value
  if (typeof value.toJSON === 'function') return plain(value.toJSON())
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

/** `given` has every member of `wanted`, at every depth; arrays match item by item. */
function contains(given, wanted) {
  if (Array.isArray(wanted)) {
    return Array.isArray(given) && given.length === wanted.length && wanted.every((item, at) => contains(given[at], item))
  }
  if (wanted === null || typeof wanted !== 'object') return equal(given, wanted)
  if (given === null || typeof given !== 'object' || Array.isArray(given)) return false
  return Object.entries(wanted).every(([name, member]) => Object.hasOwn(given, name) && contains(given[name], member))
}

function equal(given, wanted) {
  // Negative zero is zero: JSON text has both, a JSON value one.
  const norm = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
  return isDeepStrictEqual(norm(given), norm(wanted))
}

function differs(given, wanted, place) {
  return new Error(`${place}: gave ${JSON.stringify(given)} instead of ${JSON.stringify(wanted)}`)
}

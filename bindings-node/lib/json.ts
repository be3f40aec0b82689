import { invalid, SessileError } from './error.js'
import type { Reply } from './native.js'

/** Named fields, each a JSON value. */
export type Fields = Record<string, any>

/** @internal The JSON text of a value, as `JSON.stringify` writes it: NaN and infinities become `null`. */
export function textOf(value: unknown, what: string): string {
  const text = stringified(value, what)
  if (text === undefined) throw invalid(`${what}: ${typeof value} is not a JSON value`)
  return text
}

/** @internal */
export function stringified(value: unknown, what: string): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined
  } catch (cause) {
    if (cause instanceof TypeError && cause.message.includes('BigInt')) {
      throw invalid(`${what}: JSON.stringify writes no BigInt; give JSON text, for one field with putRaw(name, text)`, { cause })
    }
    if (cause instanceof TypeError) throw invalid(`${what}: ${cause.message.split('\n')[0]}`, { cause })
    if (cause instanceof RangeError) throw new SessileError('LIMIT_EXCEEDED', `${what}: nested too deep or too large`, {}, { cause })
    throw cause
  }
}

/** @internal The JSON text of a value; text stays text. */
export function jsonText(given: unknown, what: string): string {
  return typeof given === 'string' ? rawText(given, what) : textOf(given, what)
}

/** @internal The JSON text of an object of fields; text stays text. */
export function fieldsText(fields: unknown, what = 'fields'): string {
  if (typeof fields !== 'string' && !isObject(fields)) {
    throw invalid(`${what}: an object of fields is expected, or its JSON text, not ${kindOf(fields)}`)
  }
  return jsonText(fields, what)
}

/** @internal */
export function arrayText(values: unknown): string {
  if (!Array.isArray(values)) throw invalid(`values: an array is expected, not ${kindOf(values)}`)
  return textOf(values, 'values')
}

/** @internal Text that is JSON already: the core checks it. */
export function rawText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw invalid(`${what}: JSON text is expected, not ${kindOf(value)}`)
  if (!isWellFormed(value)) throw new SessileError('INVALID_JSON', `${what}: holds half a surrogate pair; write it as an escape`)
  return value
}

/** @internal */
export function nameOf(name: unknown, what = 'name'): string {
  if (typeof name !== 'string') throw invalid(`${what}: a string is expected, not ${kindOf(name)}`)
  return wellFormed(name, what)
}

/** @internal */
export const tagOf = (tag: unknown): string => nameOf(tag, 'tag')

/** @internal */
export function namesOf(names: unknown, what = 'name'): readonly string[] {
  if (!Array.isArray(names)) throw invalid(`${what}s: an array of strings is expected, not ${kindOf(names)}`)
  for (const name of names) nameOf(name, what)
  return names
}

/** @internal */
export function optionalText(text: unknown, what: string): string | undefined {
  return text === undefined || text === null ? undefined : nameOf(text, what)
}

/** @internal The options of a call, which may be left out; `like` shows some. */
export function optionsOf<T extends object>(options: T | null | undefined, like: string): Partial<T> {
  if (options === undefined || options === null) return {}
  if (!isObject(options)) throw invalid(`options: an object like ${like} is expected, not ${kindOf(options)}`)
  return options
}

/** @internal The option of a call that has one; `like` shows it. Another name would be a wish that nobody hears. */
export function optionOf<N extends string>(options: { readonly [name in N]?: unknown } | null | undefined, name: N, like: string): unknown {
  if (options === undefined || options === null) return undefined
  const given = optionsOf(options, like)
  const other = Object.keys(given).find((known) => known !== name)
  if (other !== undefined) throw invalid(`options: there is no ${other}; ${like} is expected`)
  return given[name]
}

/** @internal An option that is `true` or `false`, the default. */
export function flagOf<N extends string>(options: { readonly [name in N]?: boolean | undefined } | undefined, name: N): boolean {
  const given: unknown = optionOf<N>(options, name, `{ ${name}: true }`) ?? false
  if (typeof given !== 'boolean') throw invalid(`${name}: true or false is expected, not ${kindOf(given)}`)
  return given
}

/** @internal Seconds; that they are whole and at least 1 is checked further in. */
export function ttlOf(options: { ttl?: number | undefined } | undefined): number | undefined {
  return seconds(optionOf(options, 'ttl', '{ ttl: 60 }'))
}

/** @internal */
export function seconds(ttl: unknown): number | undefined {
  if (ttl === undefined || ttl === null) return undefined
  if (typeof ttl !== 'number') throw invalid(`ttl: a number of seconds is expected, not ${kindOf(ttl)}`)
  return ttl
}

// Native strings are UTF-8: half a surrogate pair would silently become another character.
function wellFormed(text: string, what: string): string {
  if (!isWellFormed(text)) throw invalid(`${what}: holds half a surrogate pair, which no UTF-8 text can`)
  return text
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

/** @internal Whether `value` is an object with members of its own, rather than an array, a map, a date or the like. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.prototype.toString.call(value) === '[object Object]'
}

/** @internal What was given, without its value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return `an object of ${Object.prototype.toString.call(value).slice(8, -1)}`
  return value === undefined ? 'undefined' : `a ${typeof value}`
}

/** @internal */
export const nothing = (): void => undefined

/** @internal */
export const text = (reply: Reply) => reply as string

/** @internal */
export const number = (reply: Reply) => reply as number

/** @internal A value: numbers and booleans cross as themselves, everything else as JSON text. */
export const parsed = (reply: Reply): any => (typeof reply === 'string' ? JSON.parse(reply) : reply)

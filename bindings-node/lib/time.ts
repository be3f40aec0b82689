import type { Reply } from './native.js'

/** @internal Times ride in JSON as RFC 3339 text: makes Dates of these members; one that is `null` or absent stays so. */
export function dated<T>(given: Record<string, unknown>, ...times: string[]): T {
  for (const name of times) {
    const time = given[name]
    if (typeof time === 'string') given[name] = new Date(time)
  }
  return given as T
}

/** @internal An end, in milliseconds since 1970; `null` for what stays. */
export const endOf = (reply: Reply): Date | null => (reply === false ? null : new Date(reply as number))

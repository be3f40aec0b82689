import { optionsOf, parsed, textOf } from './json.js'
import type { Reply } from './native.js'

/** Which part of a list. */
export interface PageOptions {
  /** At most so many items, 1 to 1,000; 100 by default. */
  limit?: number | undefined
  /** The `nextCursor` of the page before; left out, or `null`: the first page. */
  cursor?: string | null | undefined
}

/** A part of a list. */
export interface Page<T> {
  items: T[]
  /** Where the next page begins, for {@link PageOptions.cursor}; `null` on the last. */
  nextCursor: string | null
}

/** @internal The core knows the members, and says which it does not. */
export function pageText(options: PageOptions | undefined): string {
  const { cursor, ...members } = optionsOf(options, '{ limit: 100 }')
  return textOf({ ...members, cursor: cursor ?? undefined }, 'page')
}

/** @internal The core names its items: `{"configs": […], "nextCursor": …}`. */
export function pageOf<T>(name: string, item: (given: any) => T): (reply: Reply) => Page<T> {
  return (reply) => {
    const { [name]: items, nextCursor } = parsed(reply)
    return { items: items.map(item), nextCursor }
  }
}

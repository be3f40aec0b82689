import type { ErrorCode } from './error.js'

/** Something that happened to a store's tokens, sessions, users, configurations or keys. All are in `docs/events.md`. */
export interface AuditEvent {
  /** When: RFC 3339, UTC, milliseconds, by the store's clock. */
  at: string
  /** What: `token.refused`, `session.started`, … */
  event: string
  /** The configuration. */
  tag?: string
  /** The user's blind id: the same for one user of one configuration, and no way back to who it is. */
  user?: string
  sessionId?: string
  /** A data key's number, or a signing key's `kid`. */
  keyId?: string
  reason?: string
  /** The error, as the caller got it. */
  code?: ErrorCode
  /** The {@link ExecutionOptions.requestId}. */
  requestId?: string
  /** For `audit.dropped`: how many. */
  count?: number
}

/** Is told of each audit event. */
export type OnEvent = (event: AuditEvent) => void

/** A store of this thread, and who is told of its events. It does not keep the store. */
interface Watch {
  readonly store: WeakRef<{ readonly hasEvents: boolean; drainEvents(max?: number): AuditEvent[] }>
  readonly onEvent: OnEvent
}

const watches = new Set<Watch>()
let isDue = false

/** From now on `onEvent` is told of that store's events, for as long as there is the store. */
export function watch(store: { readonly hasEvents: boolean; drainEvents(max?: number): AuditEvent[] }, onEvent: OnEvent): void {
  watches.add({ store: new WeakRef(store), onEvent })
}

/** A call was made or has finished: who watches is told in a moment, when the caller's code has run. */
export function tellSoon(): void {
  if (watches.size === 0 || isDue) return
  isDue = true
  queueMicrotask(tell)
}

function tell(): void {
  isDue = false
  for (const watch of watches) {
    const store = watch.store.deref()
    if (store === undefined) {
      watches.delete(watch)
      continue
    }
    while (store.hasEvents) {
      for (const event of store.drainEvents(64)) {
        try {
          watch.onEvent(event)
        } catch (thrown) {
          // Nobody's call is to blame: it is an uncaught exception, and the next event comes all the same.
          queueMicrotask(() => { throw thrown })
        }
      }
    }
  }
}

import { invalid } from './error.js'
import { kindOf } from './json.js'
import { fromInside, inside, native, now, own, type Handle } from './native.js'

/** A clock that stands still until it is moved: for tests. A store takes it as its option `clock`. */
export class Clock {
  readonly #handle: Handle

  private constructor(key: symbol, handle: Handle) {
    fromInside(key, 'a Clock')
    this.#handle = handle
    own(this, handle)
  }

  /** A clock that stands at `time`: a Date, or milliseconds since 1970. */
  static manual(time: Date | number): Clock {
    return now(Clock.manual, () => native.clockManual(millisOf(time)), (handle) => new Clock(inside, handle as Handle))
  }

  /** Where the clock stands. */
  now(): Date {
    return new Date(native.clockNow(this.#handle))
  }

  /** Puts the clock at `time`: a Date, or milliseconds since 1970. */
  set(time: Date | number): void {
    now(this.set, () => native.clockSet(this.#handle, millisOf(time)), () => undefined)
  }

  /** Moves the clock by so many milliseconds (negative: back). */
  advance(millis: number): void {
    now(this.advance, () => native.clockAdvance(this.#handle, millisOf(millis)), () => undefined)
  }

  /** @internal */
  static handleOf(clock: Clock): Handle {
    if (!(clock instanceof Clock)) throw invalid(`clock: a Clock is expected, not ${kindOf(clock)}`)
    return clock.#handle
  }
}

/** @internal Milliseconds since 1970. */
export function millisOf(time: unknown, what = 'time'): number {
  const millis = time instanceof Date ? time.getTime() : time
  if (typeof millis !== 'number' || !Number.isFinite(millis)) throw invalid(`${what}: a valid Date or a number of milliseconds is expected`)
  return Math.trunc(millis)
}

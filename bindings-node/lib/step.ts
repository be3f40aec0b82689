import { jsonText } from './json.js'
import { fromInside, inside, native, now, own, type Handle } from './native.js'

/** A step in its wire form. Labels (`'Put Data'`) and any case are understood; an unknown member is an error. */
export interface StepObject {
  /** `GET` (the default), `PUT` or `DELETE`. */
  operation?: string | undefined
  /** `LOCAL` (the default) or `GLOBAL`. */
  sessionType?: string | undefined
  /** Names, or one string with commas; `['body', 'data', 'id']` by default. */
  fields?: readonly string[] | string | undefined
  /** Whether the sub-process's own version is meant; `false` by default. */
  scoped?: boolean | undefined
  /** The tag of the configuration of a Global session; `global` by default. */
  session?: string | undefined
  stepName?: string | undefined
  id?: unknown
  key?: unknown
  type?: unknown
}

/** A step, read once and run many times. `JSON.stringify(step)` gives its full wire form. */
export class Step {
  readonly #handle: Handle
  /** `'GET'`, `'PUT'` or `'DELETE'`. */
  readonly operation: 'GET' | 'PUT' | 'DELETE'
  /** The names of the members of a message that the step reads or sets. */
  readonly fields: readonly string[]

  private constructor(key: symbol, handle: Handle) {
    fromInside(key, 'a Step')
    this.#handle = handle
    own(this, handle)
    const [operation, ...fields] = native.stepShape(handle)
    this.operation = operation as Step['operation']
    this.fields = Object.freeze(fields)
  }

  /**
   * Checks and reads a step: an object, or JSON text.
   *
   * `INVALID_STEP` names the member and, for an unknown one, the nearest known.
   */
  static parse(step: StepObject | string): Step {
    return now(Step.parse, () => native.stepParse(stepText(step)), (handle) => new Step(inside, handle as Handle))
  }

  /** The step in its full wire form. */
  toJSON(): Required<StepObject> {
    return JSON.parse(native.stepJson(this.#handle))
  }

  /** @internal */
  static handleOf(step: Step): Handle {
    return step.#handle
  }

  /** @internal Reads a step within the limits of a store. */
  static within(step: StepObject | string, store: Handle): Handle {
    return native.stepParse(stepText(step), store)
  }

  /** @internal */
  static of(key: symbol, handle: Handle): Step {
    return new Step(key, handle)
  }
}

/** @internal The steps of one store by their text, so that a literal in a loop is read once. */
export class Steps {
  static readonly #most = 256
  readonly #store: Handle
  // The store closes when nobody holds it: its executions hold this.
  readonly owner: object
  readonly #byText = new Map<string, Step>()

  constructor(store: Handle, owner: object) {
    this.#store = store
    this.owner = owner
  }

  of(step: Step | StepObject | string): Step {
    if (step instanceof Step) return step
    const text = stepText(step)
    let found = this.#byText.get(text)
    if (found === undefined) {
      found = Step.of(inside, Step.within(text, this.#store))
      if (this.#byText.size >= Steps.#most) this.#byText.clear()
      this.#byText.set(text, found)
    }
    return found
  }
}

function stepText(step: unknown): string {
  return jsonText(step, 'step')
}

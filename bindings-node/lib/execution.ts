import { nameOf, nothing, optionalText, type Fields } from './json.js'
import { incoming, outgoing } from './message.js'
import { fromInside, inside, later, native, now, own, type Handle, type Reply } from './native.js'
import { exclusiveOf, committedOf, Session, type CommitOptions, type Committed } from './session.js'
import type { Step, StepObject, Steps } from './step.js'

/**
 * One run of one pipeline, or a sub-process of it.
 *
 * It ends when it is closed, or when nothing holds it any more; its Local data goes with it. Every call after that is
 * `CLOSED`.
 */
export class Execution {
  readonly #handle: Handle
  readonly #steps: Steps
  #local: Session | undefined
  #scoped: Session | undefined

  private constructor(key: symbol, handle: Handle, steps: Steps) {
    fromInside(key, 'an Execution')
    this.#handle = handle
    this.#steps = steps
    own(this, handle)
  }

  /** @internal */
  static of(key: symbol, handle: Handle, steps: Steps): Execution {
    return new Execution(key, handle, steps)
  }

  /** The execution's id (32 hex digits), the same for all its sub-processes. */
  get id(): string {
    return native.executionId(this.#handle)
  }

  /** The id of this sub-process: its path from the root, `''` for the execution itself, then `'1'`, `'1.3'`. */
  get subprocessId(): string {
    return native.executionSubprocessId(this.#handle)
  }

  /** The name given to this sub-process; `''` for the execution itself. */
  get name(): string {
    return native.executionName(this.#handle)
  }

  /**
   * Runs a step on a message.
   *
   * Text (a string, or a Buffer of UTF-8) is JSON text and gives the same type: PUT and DELETE the message itself, GET
   * with every byte it does not set untouched. For an object only the members that the step names are read: PUT and
   * DELETE give the same object, GET a shallow copy; a named `undefined` counts as absent. `null` and `undefined` count
   * as `{}`.
   *
   * `INVALID_STEP`; `INVALID_JSON`; `MESSAGE_NOT_OBJECT` for an array, a number or a boolean (DELETE passes them on);
   * for a Global step `GLOBAL_NOT_ALLOWED`, `TOKEN_*`, `SESSION_*` and the backend's errors.
   */
  step(step: Step | StepObject | string, message: string): Promise<string>
  step(step: Step | StepObject | string, message: Uint8Array): Promise<Buffer>
  step<M extends object>(step: Step | StepObject | string, message: M): Promise<M & Fields>
  step(step: Step | StepObject | string, message?: null): Promise<Fields | null | undefined>
  step(step: Step | StepObject | string, message?: unknown): Promise<unknown> {
    let parsed: Step
    return later(
      this.step,
      (ticket) => outgoing(this.#handle, ticket, (parsed = this.#steps.of(step)), message),
      (reply) => incoming(parsed, message, reply),
    )
  }

  /** {@link step}, here and now. */
  stepSync(step: Step | StepObject | string, message: string): string
  stepSync(step: Step | StepObject | string, message: Uint8Array): Buffer
  stepSync<M extends object>(step: Step | StepObject | string, message: M): M & Fields
  stepSync(step: Step | StepObject | string, message?: null): Fields | null | undefined
  stepSync(step: Step | StepObject | string, message?: unknown): unknown {
    let parsed: Step
    return now(
      this.stepSync,
      (ticket) => outgoing(this.#handle, ticket, (parsed = this.#steps.of(step)), message),
      (reply) => incoming(parsed, message, reply),
    )
  }

  /** The shared Local session: one map for the whole execution, whatever sub-process looks at it. */
  get local(): Session {
    return (this.#local ??= this.#session(native.executionLocal(this.#handle)))
  }

  /** This sub-process's own version of the Local session; at the root the shared one. */
  get scoped(): Session {
    return (this.#scoped ??= this.#session(native.executionScoped(this.#handle)))
  }

  /**
   * The user's Global session of configuration `tag` (absent: the token's own, else `global`). It opens at its first
   * verb, which gives `GLOBAL_NOT_ALLOWED` or `TOKEN_*` if it may not.
   *
   * `scoped: true` is this sub-process's own version of it; its {@link Session.commit} writes the changes.
   */
  global(tag?: string | null, options?: { scoped?: boolean | undefined }): Session {
    const open = options?.scoped ? native.executionScopedGlobal : native.executionGlobal
    return now(this.global, () => open(this.#handle, optionalText(tag, 'tag')), (handle) => this.#session(handle as Handle))
  }

  /** Starts a sub-process below this one: its {@link scoped} is its own version of this one's, until it ends. */
  subprocess(name: string): Execution {
    return now(this.subprocess, () => native.executionSubprocess(this.#handle, nameOf(name)), this.#below)
  }

  /** The open sub-process with that {@link subprocessId}, after {@link Store.resume}. `NOT_FOUND`. */
  subprocessById(id: string): Execution {
    return now(this.subprocessById, () => native.executionSubprocessById(this.#handle, nameOf(id, 'id')), this.#below)
  }

  /**
   * Applies this sub-process's Local changes to its parent's version, all at once. Gives what changed.
   *
   * `CONFLICT` with `exclusive` when a field to be changed was changed in the parent since the snapshot.
   */
  commit(options?: CommitOptions): Promise<Committed> {
    return later(
      this.commit,
      (ticket) => native.executionCommit(this.#handle, ticket, exclusiveOf(options)),
      committedOf,
    )
  }

  /** {@link commit}, here and now. */
  commitSync(options?: CommitOptions): Committed {
    return now(
      this.commitSync,
      (ticket) => native.executionCommit(this.#handle, ticket, exclusiveOf(options)),
      committedOf,
    )
  }

  /**
   * Puts a fresh token of the same user in place.
   *
   * `TOKEN_*`; `GLOBAL_NOT_ALLOWED` when it is another user's.
   */
  renew(token: string): Promise<void> {
    return later(this.renew, (ticket) => native.executionRenew(this.#handle, ticket, nameOf(token, 'token')), nothing)
  }

  /** {@link renew}, here and now. */
  renewSync(token: string): void {
    now(this.renewSync, (ticket) => native.executionRenew(this.#handle, ticket, nameOf(token, 'token')), nothing)
  }

  /**
   * The Local state and that of the open sub-processes, sealed, to be taken up by {@link Store.resume} within 24 hours,
   * here or elsewhere. It holds no trigger, no token and nothing of a Global session.
   */
  checkpoint(): Promise<Buffer> {
    return later(this.checkpoint, (ticket) => native.executionCheckpoint(this.#handle, ticket), buffer)
  }

  /** {@link checkpoint}, here and now. */
  checkpointSync(): Buffer {
    return now(this.checkpointSync, (ticket) => native.executionCheckpoint(this.#handle, ticket), buffer)
  }

  /** Ends a sub-process and all below it, dropping what was not committed; for the execution itself: closes it. */
  end(): void {
    now(this.end, () => native.executionEnd(this.#handle), nothing)
  }

  /** {@link end}, for those who await everything. */
  async close(): Promise<void> {
    this.end()
  }

  /** {@link end}. */
  closeSync(): void {
    this.end()
  }

  [Symbol.dispose](): void {
    this.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  #session(handle: Handle): Session {
    return Session.of(inside, handle, this)
  }

  readonly #below = (handle: Reply): Execution => new Execution(inside, handle as Handle, this.#steps)
}

const buffer = (reply: Reply) => reply as Buffer

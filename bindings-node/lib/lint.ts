import { jsonText } from './json.js'
import { native, now } from './native.js'
import type { StepObject } from './step.js'

/** One node of a pipeline: a session step in its wire form, a block, or a step of another type, which is passed over. */
export type PipelineNode = StepObject | PipelineBlock | { type: string; [member: string]: unknown }

/** A part of a pipeline that runs lists of nodes in its own way. All but a choice are sub-processes. */
export type PipelineBlock = { name?: string; stepName?: string; id?: unknown; key?: unknown } & (
  | { type: 'block' | 'for-each' | 'retry'; steps: readonly PipelineNode[]; onError?: readonly PipelineNode[]; commit?: boolean }
  | { type: 'parallel'; lines: readonly (readonly PipelineNode[])[]; commit?: boolean }
  | { type: 'choice'; branches: readonly (readonly PipelineNode[])[]; otherwise?: readonly PipelineNode[] }
)

/** Something that looks wrong about one field of one step. */
export interface Finding {
  /**
   * `read_before_put`: a Get of a field that is not there on some path. `never_read`: a Put that no Get or Delete on any
   * later path can see.
   */
  rule: 'read_before_put' | 'never_read'
  field: string
  /** The step, as a JSON Pointer into the pipeline: `/2/steps/0`. */
  at: string
  /** Where the step has one. */
  stepName?: string
  scoped: boolean
  /** Whether it is so on every path, not only on some. */
  certain: boolean
  /** The same for people. */
  message: string
}

/**
 * Looks through the Local steps of a pipeline, an array of steps and blocks or its JSON text, without running it.
 *
 * `INVALID_STEP` for a node with an unknown type or member; `details.at` is where.
 */
export function lint(pipeline: readonly PipelineNode[] | string): Finding[] {
  return now(lint, () => native.lint(jsonText(pipeline, 'pipeline')), (reply) => JSON.parse(reply as string).findings)
}

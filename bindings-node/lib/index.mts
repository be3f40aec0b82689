// One copy of everything, whether it is imported or required: `instanceof SessileError` holds in both.
export {
  Clock, DELETE, errorCodes, Execution, Keyring, lint, SessileError, Session, Step, Store, Tokens, VerifiedToken,
} from './index.js'
export type {
  CommitOptions, Committed, ErrorCode, ErrorKind, ExecutionOptions, Fields, Finding, Info, Issuer, Limits,
  PipelineBlock, PipelineNode, StepObject, StoreOptions, Trigger, Ttl, Versioned,
} from './index.js'

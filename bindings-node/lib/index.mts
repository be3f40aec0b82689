// One copy of everything, whether it is imported or required: `instanceof SessileError` holds in both.
export {
  Clock, Configs, DELETE, errorCodes, Execution, Keyring, lint, selectorOptions, SessileError, Session, Sessions, Step,
  Store, Tokens, VerifiedToken,
} from './index.js'
export type {
  AuditEvent, CheckReport, CommitOptions, Committed, Config, ConfigChanges, ConfigDefinition, ConfigExport, Dashboard, Duration,
  ErrorCode, ErrorKind, ExecutionOptions, Fields, Finding, Identifier, Imported, Info, Issuer, Limits, ListOptions, OnEvent, Page,
  PageOptions, Period, PipelineBlock, PipelineNode, Problem, RevokeAllOptions, SelectorOption, SessionEntry, Started,
  StepObject, StoreOptions, Trigger, Ttl, User, UserRef, UserSessions, Verification, Versioned,
} from './index.js'
